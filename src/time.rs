//! Instants, dates and zones, and the one clock. An instant is UTC to the second, kept and sent as
//! `2026-01-31T09:00:00Z`; a date is `2026-01-31`. Which day an instant falls on depends on a zone,
//! and is decided here alone.

use crate::error::{Error, Result};
use jiff::civil;
use jiff::tz::TimeZone;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The clock of one store. Tests and the demo set it; everybody else lets it run.
#[derive(Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

/// A second of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// A day of the calendar, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

/// An IANA time zone by its name.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn now(&self) -> Instant {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seconds = since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX));
        Instant(seconds.saturating_add(self.0.load(Ordering::Relaxed)))
    }

    /// Makes it `instant` now, and lets it run from there.
    pub fn set(&self, instant: Instant) {
        let ahead = instant.0.saturating_sub(self.now().0);
        self.0.fetch_add(ahead, Ordering::Relaxed);
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Instant {
    pub fn from_unix(seconds: i64) -> Instant {
        Instant(seconds)
    }

    pub fn unix(self) -> i64 {
        self.0
    }

    pub fn plus_seconds(self, seconds: i64) -> Instant {
        Instant(self.0.saturating_add(seconds))
    }

    pub fn plus_days(self, days: i64) -> Instant {
        self.plus_seconds(days.saturating_mul(86_400))
    }

    /// Seconds from `earlier` to this.
    pub fn since(self, earlier: Instant) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day it falls on in `zone`.
    pub fn day(self, zone: &Zone) -> Date {
        Date(self.zoned(zone).date())
    }

    /// Local date and time in `zone`, for people.
    pub fn local(self, zone: &Zone) -> civil::DateTime {
        self.zoned(zone).datetime()
    }

    /// The local time with its offset, `2026-01-31T10:00:00+01:00`.
    pub fn with_offset(self, zone: &Zone) -> String {
        self.zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    fn zoned(self, zone: &Zone) -> jiff::Zoned {
        self.timestamp().to_zoned(zone.0.clone())
    }

    fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl Date {
    pub fn new(year: i16, month: i8, day: i8) -> Result<Date> {
        civil::Date::new(year, month, day).map(Date).map_err(Error::internal)
    }

    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// 1 to 12.
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// 1 to 31.
    pub fn day(self) -> i8 {
        self.0.day()
    }

    pub fn plus_days(self, days: i64) -> Date {
        Date(self.0.saturating_add(jiff::Span::new().days(days)))
    }

    /// The same day of another month, or that month's last day where it is shorter.
    pub fn plus_months(self, months: i32) -> Date {
        Date(self.0.saturating_add(jiff::Span::new().months(months)))
    }

    pub fn first_of_month(self) -> Date {
        Date(self.0.first_of_month())
    }

    pub fn last_of_month(self) -> Date {
        Date(self.0.last_of_month())
    }

    /// Days from `earlier` to this: 0 for the same day.
    pub fn days_since(self, earlier: Date) -> i64 {
        let span = self.0.since((jiff::Unit::Day, earlier.0));
        span.map_or(0, |span| i64::from(span.get_days()))
    }

    /// The instant this day begins in `zone` (its first existing second).
    pub fn start(self, zone: &Zone) -> Instant {
        let zoned = zone.0.to_zoned(self.0.at(0, 0, 0, 0));
        zoned.map_or(Instant(0), |z| Instant(z.timestamp().as_second()))
    }

    /// The instant so many seconds of local clock after midnight in `zone`.
    pub fn at(self, zone: &Zone, seconds: i64) -> Instant {
        let local = self.0.at(0, 0, 0, 0).saturating_add(jiff::Span::new().seconds(seconds));
        zone.0.to_zoned(local).map_or(Instant(0), |z| Instant(z.timestamp().as_second()))
    }

    /// `17 Nov 2026`.
    pub fn long(self) -> String {
        self.0.strftime("%-d %b %Y").to_string()
    }

    /// `November 2026`.
    pub fn month_name(self) -> String {
        self.0.strftime("%B %Y").to_string()
    }

    /// `Nov`.
    pub fn month_short(self) -> String {
        self.0.strftime("%b").to_string()
    }

    /// `Monday`.
    pub fn weekday(self) -> String {
        self.0.strftime("%A").to_string()
    }
}

impl Zone {
    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    pub fn named(name: &str) -> Option<Zone> {
        (!name.is_empty()).then(|| TimeZone::get(name).ok().map(Zone)).flatten()
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl FromStr for Instant {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Instant, jiff::Error> {
        Ok(Instant(text.parse::<jiff::Timestamp>()?.as_second()))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Date {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Date, jiff::Error> {
        Ok(Date(civil::Date::strptime("%Y-%m-%d", text)?))
    }
}

/// Both are text in the store and in JSON.
macro_rules! as_text {
    ($name:ident) => {
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.to_string()))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str()?.parse().map_err(|err| FromSqlError::Other(Box::new(err)))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(Instant);
as_text!(Date);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_depends_on_the_zone() {
        let late: Instant = "2026-01-31T23:30:00Z".parse().unwrap();
        let amsterdam = Zone::named("Europe/Amsterdam").unwrap();
        assert_eq!(late.day(&Zone::utc()).to_string(), "2026-01-31");
        assert_eq!(late.day(&amsterdam).to_string(), "2026-02-01");
        assert_eq!(late.day(&amsterdam).start(&amsterdam).to_string(), "2026-01-31T23:00:00Z");
        assert_eq!(late.with_offset(&amsterdam), "2026-02-01T00:30:00+01:00");
    }

    #[test]
    fn months_keep_their_ends() {
        let end: Date = "2026-01-31".parse().unwrap();
        assert_eq!(end.plus_months(1).to_string(), "2026-02-28");
        assert_eq!(end.plus_days(1).days_since(end), 1);
        assert!("2026-1-31x".parse::<Date>().is_err());
    }
}
