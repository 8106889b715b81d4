//! What an event of provisioning means: how its subject is described to outside systems, and what
//! changes here when the work has ended. The engine reads this table and nothing else of the slices
//! it works for.

use crate::engine::Event;
use crate::error::{Error, Result};

pub static EVENTS: &[Event] = &[];

/// The row for `name`.
pub fn find(name: &str) -> Result<&'static Event> {
    of(EVENTS, name)
}

/// The same in a table of the caller's.
pub fn of(events: &'static [Event], name: &str) -> Result<&'static Event> {
    let found = events.iter().find(|event| event.name == name);
    found.ok_or_else(|| Error::internal(format!("events.rs has no {name}")))
}
