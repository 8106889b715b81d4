//! Bounds that are said: days, some of them seen from today, and sizes with their unit.

use crate::time::Date;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How early or late a date may be, some of them seen from the day on which it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Bound {
    Day(Date),
    /// So many days after today.
    Today(i32),
}

impl Bound {
    pub fn on(self, today: Date) -> Date {
        match self {
            Bound::Day(day) => day,
            Bound::Today(days) => today.plus_days(i64::from(days)),
        }
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Bound, String> {
        let wrong = || "is not a date like 2026-01-31 or today+7".to_owned();
        let Some(days) = text.strip_prefix("today") else {
            return text.parse().map(Bound::Day).map_err(|_| wrong());
        };
        match days.parse::<i32>() {
            _ if days.is_empty() => Ok(Bound::Today(0)),
            Ok(days) if days.abs() <= 36_500 && !text.ends_with(char::is_whitespace) => {
                Ok(Bound::Today(days))
            }
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Bound {
    type Error = String;

    fn try_from(text: String) -> Result<Bound, String> {
        text.parse()
    }
}

impl From<Bound> for String {
    fn from(bound: Bound) -> String {
        match bound {
            Bound::Day(day) => day.to_string(),
            Bound::Today(0) => "today".to_owned(),
            Bound::Today(days) => format!("today{days:+}"),
        }
    }
}

const UNITS: [(&str, i64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A size in bytes, said as `50 GiB` or as the bare number.
pub fn size(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim();
    let times = match UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        Some((_, times)) => *times,
        None if unit.is_empty() => 1,
        None => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(times)
}

/// The same for people, in the largest unit that says it exactly.
pub fn size_text(bytes: i64) -> String {
    let exact = |(_, times): &&(&str, i64)| bytes != 0 && bytes % times == 0;
    let (unit, times) = UNITS.iter().find(exact).unwrap_or(&("B", 1));
    format!("{} {unit}", bytes / times)
}
