//! Who is told that a limit is nearly reached, or is: whoever set it, else those who may offer there.
//! Once each, until there is room again.

use super::Meter;
use super::store::{self, Counter};
use crate::auth::permissions::{OffersWrite, Permission};
use crate::catalogue;
use crate::db::Write;
use crate::error::Result;
use crate::ids::{PlanId, ServiceId};
use crate::mail::Class;
use crate::mail::people::{self, Notice};

/// How far a limit is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Near,
    Full,
}

impl Stage {
    /// As it is kept.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Near => "near",
            Stage::Full => "full",
        }
    }
}

/// From nine tenths on it is near.
fn stage(used: i64, max: i64) -> Option<Stage> {
    match max.saturating_sub(used) {
        left if left <= 0 => Some(Stage::Full),
        left if left <= max / 10 => Some(Stage::Near),
        _ => None,
    }
}

/// After `n` more were taken of a counter.
pub fn taken(
    tx: &Write,
    service: ServiceId,
    counter: &Counter,
    meter: Meter,
    n: i64,
) -> Result<()> {
    let Some(max) = counter.max else { return Ok(()) };
    let used = counter.used.saturating_add(n);
    let told = [Stage::Near, Stage::Full].into_iter().find(|stage| stage.word() == counter.told);
    let Some(now) = stage(used, max).filter(|now| Some(*now) > told) else { return Ok(()) };
    store::told(tx, counter, service, meter, now)?;
    if !store::wants_mails(tx, counter.holder)? {
        return Ok(());
    }
    let what = match counter.plan {
        0 => catalogue::service(tx, service)?.name,
        plan => format!(
            "{} ({})",
            catalogue::service(tx, service)?.name,
            catalogue::plan(tx, PlanId(plan))?.name
        ),
    };
    let name = &counter.holder_name;
    let (subject, event) = match now {
        Stage::Near => (format!("{what} at {name} is nearly used up"), "limit.near"),
        Stage::Full => (format!("{what} at {name} is used up"), "limit.full"),
    };
    let left = match now {
        Stage::Near => format!("Left: {}.", meter.some(max.saturating_sub(used))),
        Stage::Full => "No more can be given there until the limit is raised.".to_owned(),
    };
    let text =
        format!("Of {what}, {name} has {} of {}. {left}", meter.number(used), meter.some(max));
    let setter = match counter.set_by {
        Some(user) => people::one(tx, user)?,
        None => None,
    };
    let people = match setter {
        Some(person) => vec![person],
        None => people::nearest_who_may(tx, OffersWrite::NAME, counter.holder)?,
    };
    let notice = Notice {
        customer: counter.holder,
        event,
        class: Class::Notice,
        subject: &subject,
        text: &text,
        path: &format!("/customers/{}", counter.holder),
    };
    people::tell(tx, &people, &notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_near_from_nine_tenths_and_full_at_the_end() {
        for (used, max, expected) in [
            (22, 25, None),
            (23, 25, Some(Stage::Near)),
            (25, 25, Some(Stage::Full)),
            (27, 25, Some(Stage::Full)),
            (4, 5, None),
            (1, 1, Some(Stage::Full)),
            (0, 0, Some(Stage::Full)),
            (9, 10, Some(Stage::Near)),
            (i64::MAX - 1, i64::MAX, Some(Stage::Near)),
        ] {
            assert_eq!(stage(used, max), expected, "{used} of {max}");
        }
    }
}
