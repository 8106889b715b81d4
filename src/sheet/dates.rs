//! Dates as people and programs write them. Which part of `03/04/2026` is the day shows only in
//! other rows of the column, so reading is two steps: `parse` for the cell, `Order` for the column.

use crate::time::{Date, Instant, Zone};

/// Between 1601-01-01 and 1970-01-01, in seconds: directories count from the former.
const DIRECTORY_EPOCH: i64 = 11_644_473_600;

/// What one cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Day(Date),
    Never,
    /// `first/second/year`, which is the day still open.
    Slashed(i16, i8, i8),
    Nothing,
}

/// What the slashed dates of a column show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Order {
    day_first: bool,
    month_first: bool,
}

impl Order {
    pub fn see(&mut self, written: Written) {
        if let Written::Slashed(_, first, second) = written {
            self.day_first |= first > 12;
            self.month_first |= second > 12;
        }
    }

    /// The day, or what is wrong with it.
    pub fn day(self, written: Written) -> Result<Option<Date>, &'static str> {
        const NO_DATE: &str = "is not a date: use 2026-01-31";
        let (year, first, second) = match written {
            Written::Day(day) => return Ok(Some(day)),
            Written::Never => return Ok(None),
            Written::Nothing => return Err(NO_DATE),
            Written::Slashed(year, first, second) => (year, first, second),
        };
        let (month, day) = match (first > 12, second > 12, self.day_first, self.month_first) {
            (true, ..) => (second, first),
            (_, true, ..) => (first, second),
            _ if first == second => (first, second),
            (_, _, true, false) => (second, first),
            (_, _, false, true) => (first, second),
            _ => return Err("is ambiguous: use 2026-01-31"),
        };
        Date::new(year, month, day).map(Some).map_err(|_| NO_DATE)
    }
}

pub fn parse(text: &str) -> Written {
    if matches!(text.to_lowercase().as_str(), "never" | "nie") {
        return Written::Never;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return ticks(text);
    }
    // The time of day is not asked for.
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    for (mark, slashed) in [('-', false), ('.', false), ('/', true)] {
        let parts: Vec<&str> = day.split(mark).collect();
        let [a, b, c] = parts.as_slice() else { continue };
        let numbers = [number(a), number(b), number(c)];
        let [Some(x), Some(y), Some(z)] = numbers else { return Written::Nothing };
        let (Ok(first), Ok(second)) = (i8::try_from(x), i8::try_from(y)) else {
            // The year stands first.
            return match (a.len(), i8::try_from(y), i8::try_from(z)) {
                (4, Ok(month), Ok(day)) => made(x, month, day),
                _ => Written::Nothing,
            };
        };
        return match (a.len(), c.len(), mark) {
            (4, ..) => match i8::try_from(z) {
                Ok(day) => made(x, second, day),
                Err(_) => Written::Nothing,
            },
            (_, 4, '.') => made(z, second, first),
            (_, 4, _) if slashed => Written::Slashed(z, first, second),
            _ => Written::Nothing,
        };
    }
    Written::Nothing
}

fn number(text: &str) -> Option<i16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    (digits && matches!(text.len(), 1..=4)).then(|| text.parse().ok()).flatten()
}

fn made(year: i16, month: i8, day: i8) -> Written {
    Date::new(year, month, day).map_or(Written::Nothing, Written::Day)
}

/// A directory's count of ten-millionths of a second; nought and the largest number are never.
fn ticks(text: &str) -> Written {
    match text.parse::<i64>() {
        Ok(0 | i64::MAX) => Written::Never,
        Ok(ticks) if text.len() >= 17 => {
            let seconds = ticks / 10_000_000 - DIRECTORY_EPOCH;
            Written::Day(Instant::from_unix(seconds).day(&Zone::utc()))
        }
        _ => Written::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(text: &str) -> String {
        let written = parse(text);
        let mut order = Order::default();
        order.see(written);
        match order.day(written) {
            Ok(Some(day)) => day.to_string(),
            Ok(None) => "never".into(),
            Err(why) => why.split(':').next().unwrap().into(),
        }
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        for (text, want) in [
            ("2026-01-31", "2026-01-31"),
            ("2026-01-31T23:59:00Z", "2026-01-31"),
            ("31.01.2026", "2026-01-31"),
            ("1.2.2026 00:00:00", "2026-02-01"),
            ("1/31/2026 12:00:00 AM", "2026-01-31"),
            ("31/1/2026", "2026-01-31"),
            ("05/05/2026", "2026-05-05"),
            ("2026/01/31", "2026-01-31"),
            ("03/04/2026", "is ambiguous"),
            ("30.02.2026", "is not a date"),
            ("0000-00-00", "is not a date"),
            ("31.01.26", "is not a date"),
            ("next week", "is not a date"),
            ("46053", "is not a date"),
            ("0", "never"),
            ("9223372036854775807", "never"),
            ("134142912000000000", "2026-01-31"),
        ] {
            assert_eq!(alone(text), want, "{text}");
        }
    }

    #[test]
    fn one_clear_row_tells_for_the_column() {
        let dates = ["03/04/2026", "25/12/2026"].map(parse);
        let mut order = Order::default();
        dates.iter().for_each(|d| order.see(*d));
        assert_eq!(order.day(dates[0]).unwrap().unwrap().to_string(), "2026-04-03");
        order.see(parse("12/25/2026"));
        assert_eq!(order.day(dates[0]), Err("is ambiguous: use 2026-01-31"));
        assert_eq!(order.day(dates[1]).unwrap().unwrap().to_string(), "2026-12-25");
    }
}
