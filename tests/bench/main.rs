//! What Portico costs on large stores, said as ratios between two things measured in the same run on
//! the same machine: `cargo bench --bench bench -- [words of groups] [--users N]`.
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

fn main() {
    let line = Line::read();
    let mut goals = Goals::new(line.groups);
    let small = Store::of(Shape::small());
    let large = Store::of(Shape::of(line.users));
    println!("{:<10} {:<66} {:>9} {:>9}", "group", "goal", "value", "");
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
    users: i64,
}

impl Line {
    /// Cargo adds `--bench`, which says nothing here.
    fn read() -> Line {
        let mut line = Line { groups: Vec::new(), users: USERS };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            match word.as_str() {
                "--users" => {
                    let users = words.next().and_then(|text| text.parse().ok());
                    line.users = users.expect("--users takes a number");
                }
                _ => line.groups.push(word),
            }
        }
        line
    }
}
