//! Lists and searches in process: what a page costs with a million users, against a thousand.

use crate::goals::{Goals, short};
use crate::machine::Times;
use crate::store::{Actor, Store};
use std::collections::BTreeMap;

/// Of a page, where nobody asks for fewer.
const ROWS: usize = 50;

/// The lists that grow with the house, by address and the word for what they list.
const LISTS: &[(&str, &str)] =
    &[("/customers", "customers"), ("/users", "users"), ("/requests", "requests")];

pub fn pages(goals: &mut Goals, small: &Store, large: &Store) {
    for (path, word) in LISTS.iter().copied() {
        let mut middles = BTreeMap::new();
        for (few, many) in small.actors.each().into_iter().zip(large.actors.each()) {
            // As many rows on both pages: where the small store has less than a page, less is asked for.
            let rows = rows(&small.get(few, &format!("{path}?limit={ROWS}")).text());
            let url = format!("{path}?limit={}", rows.max(1));
            let (a, b) = pair(goals.rounds, || small.get(few, &url), || large.get(many, &url));
            let what = format!(
                "{word}, {}, {rows} rows: {} / {} users ({} / {} ms)",
                few.kind,
                large.shape.users,
                small.shape.users,
                short(b.middle()),
                short(a.middle()),
            );
            goals.at_most(&what, 1.5, "", b.middle() / a.middle());
        }
        for actor in large.actors.each() {
            let (page, _) = pair(goals.rounds, || large.get(actor, path), || {});
            middles.insert(actor.kind, page.middle());
            goals.fact(
                &format!("{word}, {}: first page", actor.kind),
                &format!("{} ms", short(page.middle())),
            );
        }
        let slowest = middles.values().copied().fold(0.0, f64::max);
        let fastest = middles.values().copied().fold(f64::MAX, f64::min);
        goals.at_most(
            &format!("{word}: slowest kind of actor / quickest"),
            10.0,
            "",
            slowest / fastest,
        );
        deep(goals, large, path, word);
    }
}

/// How many rows a list shows below its head.
pub fn rows(body: &str) -> usize {
    body.matches("<tr").count().saturating_sub(1)
}

/// A page some way down, reached by turning pages, against the first; both of as many rows.
fn deep(goals: &mut Goals, store: &Store, path: &str, word: &str) {
    for actor in [&store.actors.root, &store.actors.reseller] {
        let (mut url, mut before, mut turned) = (format!("{path}?limit=200"), None, 0);
        while turned < 200
            && let Some(next) = next_page(&store.get(actor, &url).text(), path)
        {
            before = Some(std::mem::replace(&mut url, next));
            turned += 1;
        }
        let Some(before) = before.filter(|_| turned > 1) else { continue };
        let first = format!("{path}?limit=50");
        let down = format!("{path}?limit=50&after={}", after(&before));
        let (a, b) = pair(goals.rounds, || store.get(actor, &first), || store.get(actor, &down));
        let what = format!("{word}, {}: page at row {} / first", actor.kind, (turned - 1) * 200);
        goals.at_most(&what, 4.0, "", b.middle() / a.middle());
    }
}

fn after(url: &str) -> &str {
    url.split("after=").nth(1).map_or("", |rest| rest.split('&').next().unwrap_or(rest))
}

/// Where the page says that the next one is.
fn next_page(body: &str, path: &str) -> Option<String> {
    let begin = format!("\"{path}?");
    body.match_indices(&begin).find_map(|(at, _)| {
        let href = body[at + 1..].split('"').next()?.replace("&amp;", "&");
        href.contains("after=").then_some(href)
    })
}

/// Terms that are in many names, in few, in none; whole names, parts, addresses.
pub const TERMS: &[&str] = &[
    "ada",
    "holm",
    "sson",
    "tarnbeek",
    "ada tarn",
    "c17.example",
    "example",
    "willem",
    "qzxj",
    "zzzzzz",
];

pub fn search(goals: &mut Goals, store: &Store) {
    let places = [("/search?q=", "search"), ("/users?q=", "users"), ("/customers?q=", "customers")];
    for (path, word) in places {
        for actor in store.actors.each() {
            slowest_term(goals, store, actor, path, word);
        }
    }
}

fn slowest_term(goals: &mut Goals, store: &Store, actor: &Actor, path: &str, word: &str) {
    let mut slowest = (0.0, "");
    for term in TERMS {
        let url = format!("{path}{}", term.replace(' ', "+"));
        let mut times = Times::default();
        store.get(actor, &url);
        for _ in 0..goals.rounds {
            times.work(|| store.get(actor, &url));
        }
        let slow = times.within(0.99);
        if slow > slowest.0 {
            slowest = (slow, term);
        }
    }
    let what =
        format!("{word}, {}: slowest of {} terms ({}), p99", actor.kind, TERMS.len(), slowest.1);
    goals.at_most(&what, 5.0, " ms", slowest.0);
}

/// Two things in turns, so that a noisy neighbour disturbs both.
pub fn pair<T, U>(
    rounds: usize,
    mut a: impl FnMut() -> T,
    mut b: impl FnMut() -> U,
) -> (Times, Times) {
    let (mut of_a, mut of_b) = (Times::default(), Times::default());
    for _ in 0..3 {
        a();
        b();
    }
    for _ in 0..rounds {
        of_a.work(&mut a);
        of_b.work(&mut b);
    }
    (of_a, of_b)
}
