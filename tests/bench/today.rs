//! What runs on every page and on the page everybody begins with.

use crate::goals::{Goals, short};
use crate::lists::pair;
use crate::store::Store;

pub fn pages(goals: &mut Goals, small: &Store, large: &Store) {
    for (few, many) in small.actors.each().into_iter().zip(large.actors.each()) {
        let (a, b) = pair(40, || small.get(few, "/today"), || large.get(many, "/today"));
        let what = format!(
            "Today, {}: {} / {} users ({} / {} ms)",
            few.kind,
            large.shape.users,
            small.shape.users,
            short(b.middle()),
            short(a.middle()),
        );
        goals.at_most(&what, 1.5, "", b.middle() / a.middle());
    }
    // A page with nothing on it but its frame.
    for actor in large.actors.each() {
        let (page, _) = pair(40, || large.get(actor, "/again"), || {});
        goals.fact(
            &format!("a page that shows nothing of the store, {}", actor.kind),
            &format!("{} ms", short(page.middle())),
        );
    }
}
