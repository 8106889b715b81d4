//! What Portico costs on large stores, said as ratios between two things measured in the same run on
//! the same machine: `cargo bench --bench bench -- [words of groups] [--users N] [--rounds N]`.
//!
//! Nothing here fails because something is slow. The figures of a run are kept in FIGURES.md.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement that finds something else than it expects is to stop there"
)]
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ratios and percentiles are fractions of small numbers"
)]
#![allow(clippy::disallowed_macros, reason = "it speaks to whoever runs it")]

mod area;
mod billing;
mod door;
mod engine;
mod goals;
mod import;
mod lists;
mod load;
mod machine;
mod memory;
mod net;
mod program;
mod slow;
mod store;
mod today;
mod words;
mod writes;

use goals::Goals;
use store::{Shape, Store};

/// Users of the store that is called large, unless `--users` says otherwise.
const USERS: i64 = 1_000_000;

/// The same of the store on which every list, search and form of customers and users is looked at, in
/// a tenth as many customers for the lists of those.
const AREA: i64 = 200_000;

/// How often each page is asked for, unless `--rounds` says otherwise.
const ROUNDS: usize = 100;

fn main() {
    let line = Line::read();
    let mut goals = Goals::new(line.groups, line.rounds);
    println!("{:<10} {:<66} {:>9} {:>9}", "group", "goal", "value", "");
    if goals.wants("area") {
        area::pages(&mut goals, &Store::of(Shape::few()), &Store::of(Shape::area(line.users)));
    }
    if goals.wants("customers") {
        area::customers(&mut goals, &Store::of(Shape::few()), &Store::of(Shape::wide(line.users)));
    }
    if goals.wants_no_more() {
        return goals.close();
    }
    let users = line.users.unwrap_or(USERS);
    let (small, large) = (Store::of(Shape::small()), Store::of(Shape::of(users)));
    if goals.wants("lists") {
        lists::pages(&mut goals, &small, &large);
    }
    if goals.wants("today") {
        today::pages(&mut goals, &small, &large);
    }
    if goals.wants("search") {
        lists::search(&mut goals, &large);
    }
    if goals.wants("writes") {
        writes::commits(&mut goals, &small);
    }
    if goals.wants("engine") {
        engine::run(&mut goals);
    }
    if goals.wants("import") {
        import::users(&mut goals);
    }
    if goals.wants("alike") {
        door::alike(&mut goals, &small);
    }
    if goals.wants("billing") {
        billing::period(&mut goals, &large);
    }
    let folder = large.folder.clone();
    let actor = large.actors.reseller.clone();
    if goals.wants("edge") {
        load::pages(&mut goals, &large);
    }
    drop(large);
    if goals.wants("slow") {
        slow::connections(&mut goals, &folder, &actor);
    }
    if goals.wants("door") {
        door::storm(&mut goals, &folder, &actor);
    }
    if goals.wants("memory") {
        memory::under_load(&mut goals, &folder, &actor);
    }
    if goals.wants("program") {
        memory::start(&mut goals, &folder, &actor);
    }
    goals.close();
}

struct Line {
    groups: Vec<String>,
    users: Option<i64>,
    rounds: usize,
}

impl Line {
    /// Cargo adds `--bench`, which says nothing here.
    fn read() -> Line {
        let mut line = Line { groups: Vec::new(), users: None, rounds: ROUNDS };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            match word.as_str() {
                "--users" => {
                    let users = words.next().and_then(|text| text.parse().ok());
                    line.users = Some(users.expect("--users takes a number"));
                }
                "--rounds" => {
                    let rounds = words.next().and_then(|text| text.parse().ok());
                    line.rounds = rounds.expect("--rounds takes a number");
                }
                _ => line.groups.push(word),
            }
        }
        line
    }
}
