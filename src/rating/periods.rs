//! Billing periods: contiguous from the first day of billing on. The setting in force on a period's
//! first day makes its end, so a change leaves the running period alone and is followed by one
//! irregular period up to the first end of the new kind.

use crate::error::{Error, Result};
use crate::time::Date;
use serde::{Deserialize, Serialize};

/// On which days periods end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", content = "n", rename_all = "snake_case")]
pub enum Mode {
    /// The last day of each month.
    Month,
    /// Day 1 to 31, or the month's last day where it is shorter.
    Day(i8),
    /// So many days (1 to 27) before the month's last.
    BeforeEnd(i8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub valid_from: Date,
    #[serde(flatten)]
    pub mode: Mode,
}

/// When billing began, and on which days periods end since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    billing_start: Date,
    settings: Vec<Setting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    pub starts_on: Date,
    pub ends_on: Date,
    pub days: i64,
    /// Days of the regular period that ends on the same day.
    pub nominal_days: i64,
}

impl Calendar {
    /// Calendar months.
    pub fn months(billing_start: Date) -> Calendar {
        Calendar { billing_start, settings: Vec::new() }
    }

    /// Months, until a setting says otherwise.
    pub fn new(billing_start: Date, mut settings: Vec<Setting>) -> Result<Calendar> {
        settings.sort_by_key(|setting| setting.valid_from);
        for (place, setting) in settings.iter().enumerate() {
            let field = format!("periods.{place}.n");
            match setting.mode {
                Mode::Day(n) if !(1..=31).contains(&n) => {
                    return Err(Error::invalid(field, "must be 1 to 31"));
                }
                Mode::BeforeEnd(n) if !(1..=27).contains(&n) => {
                    return Err(Error::invalid(field, "must be 1 to 27"));
                }
                _ => {}
            }
        }
        Ok(Calendar { billing_start, settings })
    }

    pub fn first(&self) -> Period {
        self.beginning(self.billing_start)
    }

    pub fn next(&self, period: &Period) -> Period {
        self.beginning(period.ends_on.plus_days(1))
    }

    /// The period that holds a date; none before billing began.
    pub fn containing(&self, date: Date) -> Option<Period> {
        if date < self.billing_start {
            return None;
        }
        let mut period = self.first();
        while period.ends_on < date {
            period = self.next(&period);
        }
        Some(period)
    }

    fn beginning(&self, starts_on: Date) -> Period {
        let holding = self.settings.iter().rfind(|setting| setting.valid_from <= starts_on);
        let mode = holding.map_or(Mode::Month, |setting| setting.mode);
        let mut ends_on = mode.end_in(starts_on);
        if ends_on < starts_on {
            ends_on = mode.end_in(starts_on.first_of_month().plus_months(1));
        }
        let before = mode.end_in(ends_on.first_of_month().plus_days(-1));
        Period {
            starts_on,
            ends_on,
            days: ends_on.days_since(starts_on) + 1,
            nominal_days: ends_on.days_since(before),
        }
    }
}

impl Mode {
    /// The end that falls in the month of `date`.
    fn end_in(self, date: Date) -> Date {
        let last = date.last_of_month();
        match self {
            Mode::Month => last,
            Mode::Day(n) => last.plus_days(-i64::from((last.day() - n).max(0))),
            Mode::BeforeEnd(n) => last.plus_days(-i64::from(n)),
        }
    }
}

impl Period {
    /// A whole calendar month.
    pub fn month_of(date: Date) -> Period {
        Calendar::months(date.first_of_month()).first()
    }

    /// How much of a regular period it is: numerator and denominator, equal for a regular one.
    pub fn part(&self) -> (i64, i64) {
        (self.days, self.nominal_days)
    }

    pub fn is_regular(&self) -> bool {
        self.days == self.nominal_days
    }

    pub fn holds(&self, date: Date) -> bool {
        self.starts_on <= date && date <= self.ends_on
    }

    /// The same days as though they were a regular period.
    pub fn as_regular(&self) -> Period {
        Period { nominal_days: self.days, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn ends(start: &str, mode: Mode, count: usize) -> Vec<String> {
        let settings = vec![Setting { valid_from: day("2000-01-01"), mode }];
        let calendar = Calendar::new(day(start), settings).unwrap();
        let periods = std::iter::successors(Some(calendar.first()), |p| Some(calendar.next(p)));
        periods.take(count).map(|p| format!("{} {}", p.ends_on, p.days)).collect()
    }

    #[test]
    fn w_04_ends_are_always_computed_from_n() {
        assert_eq!(
            ends("2025-12-26", Mode::Day(25), 3),
            ["2026-01-25 31", "2026-02-25 31", "2026-03-25 28"]
        );
        assert_eq!(
            ends("2026-01-01", Mode::Day(31), 4),
            ["2026-01-31 31", "2026-02-28 28", "2026-03-31 31", "2026-04-30 30"]
        );
        assert_eq!(
            ends("2025-12-31", Mode::Day(30), 4),
            ["2026-01-30 31", "2026-02-28 29", "2026-03-30 30", "2026-04-30 31"]
        );
        assert_eq!(
            ends("2028-01-29", Mode::BeforeEnd(3), 3),
            ["2028-02-26 29", "2028-03-28 31", "2028-04-27 30"]
        );
    }

    #[test]
    fn w_04_a_short_first_period_is_a_part() {
        let settings = vec![Setting { valid_from: day("2026-01-01"), mode: Mode::Day(25) }];
        let first = Calendar::new(day("2026-01-01"), settings).unwrap().first();
        assert_eq!((first.ends_on, first.part()), (day("2026-01-25"), (25, 31)));
        assert!(!first.is_regular());
    }

    #[test]
    fn w_05_a_change_keeps_the_running_period() {
        let settings = vec![Setting { valid_from: day("2026-03-10"), mode: Mode::Day(25) }];
        let calendar = Calendar::new(day("2026-01-01"), settings).unwrap();
        let march = calendar.containing(day("2026-03-10")).unwrap();
        assert_eq!((march.ends_on, march.is_regular()), (day("2026-03-31"), true));
        let april = calendar.next(&march);
        assert_eq!((april.starts_on, april.ends_on), (day("2026-04-01"), day("2026-04-25")));
        assert_eq!(april.part(), (25, 31));
        assert!(calendar.next(&april).is_regular());
    }

    #[test]
    fn a_second_change_before_the_next_period_replaces_the_first() {
        let at = |text, mode| Setting { valid_from: day(text), mode };
        let settings = vec![at("2026-03-20", Mode::Day(10)), at("2026-03-10", Mode::Day(25))];
        let calendar = Calendar::new(day("2026-01-01"), settings).unwrap();
        let april = calendar.containing(day("2026-04-01")).unwrap();
        assert_eq!(april.ends_on, day("2026-04-10"));
    }

    #[test]
    fn nothing_before_billing_began_and_no_mad_settings() {
        let calendar = Calendar::months(day("2026-01-15"));
        assert_eq!(calendar.containing(day("2026-01-14")), None);
        assert_eq!(calendar.first().part(), (17, 31));
        for mode in [Mode::Day(0), Mode::Day(32), Mode::BeforeEnd(0), Mode::BeforeEnd(28)] {
            let settings = vec![Setting { valid_from: day("2026-01-01"), mode }];
            assert!(Calendar::new(day("2026-01-01"), settings).is_err());
        }
    }

    fn modes() -> impl Strategy<Value = Mode> {
        prop_oneof![
            Just(Mode::Month),
            (1i8..=31).prop_map(Mode::Day),
            (1i8..=27).prop_map(Mode::BeforeEnd)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn b_07_periods_are_contiguous(
            changes in proptest::collection::vec((0i64..3_000, modes()), 0..6),
        ) {
            let start = day("2024-01-01");
            let settings = changes.iter().map(|(after, mode)| Setting {
                valid_from: start.plus_days(*after),
                mode: *mode,
            });
            let calendar = Calendar::new(start, settings.collect()).unwrap();
            let mut period = calendar.first();
            while period.ends_on < day("2032-12-31") {
                prop_assert!(period.starts_on <= period.ends_on);
                prop_assert!(period.days <= 62 && period.nominal_days >= 28);
                if period.starts_on.month() == 3 {
                    prop_assert_eq!(calendar.containing(period.starts_on), Some(period));
                    prop_assert_eq!(calendar.containing(period.ends_on), Some(period));
                }
                let next = calendar.next(&period);
                prop_assert_eq!(next.starts_on, period.ends_on.plus_days(1));
                period = next;
            }
        }
    }
}
