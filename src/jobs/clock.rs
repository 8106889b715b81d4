//! When a schedule falls next: five cron fields, read in a zone.

use crate::error::{Error, Result};
use crate::time::{Instant, Zone};
use chrono::{DateTime, Datelike, Timelike, Utc};
use cron::Schedule;
use std::str::FromStr;

/// The first instant after `now` at which `schedule` falls in `zone`. A local time that is skipped
/// when clocks go forward falls right after; one that comes twice, the first time.
pub fn next(schedule: &str, zone: &Zone, now: Instant) -> Result<Option<Instant>> {
    let unreadable =
        |err: cron::error::Error| Error::invalid("schedule", format!("cannot be read: {err}"));
    let schedule = Schedule::from_str(&format!("0 {schedule}")).map_err(unreadable)?;
    // The local clock is given to cron as if it were UTC, so that zones stay in one place.
    let local = now.local(zone);
    let pretended = format!("{local}Z").parse::<Instant>().map_err(Error::internal)?;
    let start = DateTime::<Utc>::from_timestamp(pretended.unix(), 0)
        .ok_or_else(|| Error::internal("no such instant"))?;
    for candidate in schedule.after(&start).take(3) {
        let month = i8::try_from(candidate.month()).map_err(Error::internal)?;
        let day = i8::try_from(candidate.day()).map_err(Error::internal)?;
        let year = i16::try_from(candidate.year()).map_err(Error::internal)?;
        let seconds = i64::from(candidate.num_seconds_from_midnight());
        let date = crate::time::Date::new(year, month, day)?;
        let instant = date.at(zone, seconds);
        if instant > now {
            return Ok(Some(instant));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(schedule: &str, now: &str) -> String {
        let zone = Zone::named("Europe/Amsterdam").unwrap();
        next(schedule, &zone, now.parse().unwrap()).unwrap().unwrap().to_string()
    }

    #[test]
    fn schedules_are_local() {
        assert_eq!(after("15 2 * * *", "2026-01-10T00:00:00Z"), "2026-01-10T01:15:00Z");
        assert_eq!(after("15 2 * * *", "2026-01-10T01:15:00Z"), "2026-01-11T01:15:00Z");
        assert_eq!(after("0 * * * *", "2026-07-10T10:20:00Z"), "2026-07-10T11:00:00Z");
    }

    #[test]
    fn a_skipped_hour_is_not_a_skipped_run() {
        assert_eq!(after("30 2 * * *", "2026-03-29T00:00:00Z"), "2026-03-29T01:30:00Z");
        assert_eq!(after("30 2 * * *", "2026-10-24T23:50:00Z"), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(next("often", &Zone::utc(), Instant::from_unix(0)).is_err());
    }
}
