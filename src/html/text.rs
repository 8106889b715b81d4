//! Money, dates and counts as people read them.

use crate::money::{self, Money};
use crate::time::{Date, Instant, Zone};
use maud::{Markup, html};

pub fn money(amount: Money) -> Markup {
    html! { (amount) }
}

/// In a column of prices, where free is a dash.
pub fn price(amount: Money) -> Markup {
    html! { @if amount.minor == 0 { "–" } @else { (amount) } }
}

/// A difference, always with its sign.
pub fn change(amount: Money) -> Markup {
    html! {
        @if amount.minor > 0 { span.up { "+" (amount) } }
        @else if amount.minor < 0 { span.down { (amount) } }
        @else { span.muted { "no change" } }
    }
}

/// The same without a colour, for plans and bills, where more is neither good nor bad.
pub fn signed(amount: Money) -> Markup {
    html! { @if amount.minor > 0 { "+" } (amount) }
}

/// How far away it is decides how much is said: "Today 09:41", "Yesterday", "Monday", "17 Nov",
/// "17 Nov 2025". The whole instant is in the title.
pub fn when(instant: Instant, zone: &Zone, now: Instant) -> Markup {
    marked_up(instant, zone, &near(instant, zone, now))
}

/// The same inside a sentence: "today 09:41", "yesterday".
pub fn when_in_words(instant: Instant, zone: &Zone, now: Instant) -> Markup {
    let text = near(instant, zone, now);
    let text = match text.split_at_checked(1) {
        Some(("T", rest)) if !rest.starts_with("hu") && !rest.starts_with("ue") => {
            format!("t{rest}")
        }
        Some(("Y", rest)) => format!("y{rest}"),
        _ => text,
    };
    marked_up(instant, zone, &text)
}

/// To the minute, for logs and histories: "17 Nov 2026 09:41".
pub fn moment(instant: Instant, zone: &Zone) -> Markup {
    marked_up(instant, zone, &moment_in_words(instant, zone))
}

/// The same where nothing can be marked up.
pub fn moment_in_words(instant: Instant, zone: &Zone) -> String {
    format!("{} {}", instant.day(zone).long(), hour(instant, zone))
}

/// The time of day alone, under a heading that says which day.
pub fn clock(instant: Instant, zone: &Zone) -> Markup {
    marked_up(instant, zone, &hour(instant, zone))
}

pub fn date(day: Date) -> Markup {
    html! { time datetime=(day) { (day.long()) } }
}

/// "7 users", "1 user", "1,204 users".
pub fn count(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Lists are counted up to here.
pub const COUNTED: i64 = 1_000;

/// What a list's first page shows of how many: "50 of 312 users", "50 of 1,000+ users"; the number of
/// all may not be known.
pub fn first_of(shown: i64, all: Option<i64>, one: &str, many: &str) -> String {
    match all {
        Some(all) if all > COUNTED => format!("{} of {}+ {many}", grouped(shown), grouped(COUNTED)),
        Some(all) => format!("{} of {}", grouped(shown), count(all, one, many)),
        None => format!("The first {}", count(shown, one, many)),
    }
}

/// A rated quantity, which has up to six decimals, to the three that a counted one can have:
/// 13.774194 as "13.774". What would become nothing is told in full.
pub fn quantity(exact: &str) -> String {
    let millionths = money::scaled(exact, 6);
    let thousandths = millionths.and_then(|number| money::divide(number.into(), 1_000).ok());
    let short = thousandths
        .filter(|number| *number != 0)
        .and_then(|number| money::quantity(number.into(), 1_000).ok());
    short.unwrap_or_else(|| exact.to_owned()).replace('-', "−")
}

/// "41 s", "2 min 8 s", "3 h 20 min".
pub fn duration(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, seconds) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// The text with each place where `query` occurs marked, whatever the case.
pub fn marked(text: &str, query: &str) -> Markup {
    let fold = |c: char| c.to_lowercase().next().unwrap_or(c);
    let wanted: Vec<char> = query.trim().chars().map(fold).collect();
    let mut pieces = Vec::new();
    let (mut rest, mut plain) = (text, String::new());
    while let Some(first) = rest.chars().next() {
        let length: usize = rest.chars().take(wanted.len()).map(char::len_utf8).sum();
        let (head, tail) = rest.split_at(length);
        if !wanted.is_empty() && head.chars().map(fold).eq(wanted.iter().copied()) {
            pieces.push((std::mem::take(&mut plain), head));
            rest = tail;
        } else {
            plain.push(first);
            rest = rest.split_at(first.len_utf8()).1;
        }
    }
    html! { @for (before, hit) in &pieces { (before) mark { (hit) } } (plain) }
}

/// `user_service.given` as "User service given".
pub fn act(action: &str) -> String {
    let words = action.replace(['.', '_'], " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The same of something that has a name of its own: "Give Backup to Ann: done".
pub fn act_on(action: &str, title: Option<&str>) -> String {
    match (title, action.split_once('.')) {
        (Some(title), Some((_, word))) => format!("{title}: {}", word.replace('_', " ")),
        _ => act(action),
    }
}

/// In a sentence numbers up to ten are words: "four".
pub fn in_words(number: usize) -> String {
    const WORDS: [&str; 11] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    WORDS.get(number).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// 1204 as "1,204".
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "−" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn near(instant: Instant, zone: &Zone, now: Instant) -> String {
    let (day, today) = (instant.day(zone), now.day(zone));
    match day.days_since(today) {
        0 => format!("Today {}", hour(instant, zone)),
        1 => format!("Tomorrow {}", hour(instant, zone)),
        -1 => "Yesterday".to_owned(),
        -6..=-2 => day.weekday(),
        2..=6 => format!("{} {}", day.weekday(), hour(instant, zone)),
        _ if day.year() == today.year() => format!("{} {}", day.day(), day.month_short()),
        _ => day.long(),
    }
}

fn hour(instant: Instant, zone: &Zone) -> String {
    instant.local(zone).strftime("%H:%M").to_string()
}

fn marked_up(instant: Instant, zone: &Zone, text: &str) -> Markup {
    let whole = instant.local(zone).strftime("%-d %b %Y %H:%M:%S");
    html! {
        time datetime=(instant.with_offset(zone)) title={ (whole) " " (zone.name()) } { (text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn said(instant: &str) -> String {
        let now: Instant = "2026-11-17T11:00:00Z".parse().unwrap();
        let zone = Zone::named("Europe/Amsterdam").unwrap();
        let text = when(instant.parse().unwrap(), &zone, now).into_string();
        text.split_once('>').unwrap().1.trim_end_matches("</time>").to_owned()
    }

    #[test]
    fn a_quantity_is_short_unless_nothing_would_be_left() {
        assert_eq!(quantity("13.774194"), "13.774");
        assert_eq!(quantity("-0.9999"), "−1");
        assert_eq!(quantity("27"), "27");
        assert_eq!(quantity("0.000333"), "0.000333");
        assert_eq!(quantity("0"), "0");
    }

    #[test]
    fn nearness_decides_how_much_is_said() {
        assert_eq!(said("2026-11-17T08:41:00Z"), "Today 09:41");
        // Half past eleven in the evening by UTC is already the next day in Amsterdam.
        assert_eq!(said("2026-11-16T23:30:00Z"), "Today 00:30");
        assert_eq!(said("2026-11-16T12:00:00Z"), "Yesterday");
        assert_eq!(said("2026-11-11T12:00:00Z"), "Wednesday");
        assert_eq!(said("2026-11-10T12:00:00Z"), "10 Nov");
        assert_eq!(said("2025-11-17T12:00:00Z"), "17 Nov 2025");
        assert_eq!(said("2026-11-18T01:30:00Z"), "Tomorrow 02:30");
        assert_eq!(said("2026-11-20T01:30:00Z"), "Friday 02:30");
        assert_eq!(said("2026-12-31T12:00:00Z"), "31 Dec");
    }

    #[test]
    fn the_element_carries_the_whole_instant() {
        let at: Instant = "2026-11-17T08:41:07Z".parse().unwrap();
        let zone = Zone::named("Europe/Amsterdam").unwrap();
        assert_eq!(
            when_in_words(at, &zone, at).into_string(),
            concat!(
                r#"<time datetime="2026-11-17T09:41:07+01:00" "#,
                r#"title="17 Nov 2026 09:41:07 Europe/Amsterdam">today 09:41</time>"#
            )
        );
        let thursday = "2026-11-12T08:00:00Z".parse().unwrap();
        assert!(when_in_words(thursday, &zone, at).into_string().contains(">Thursday<"));
    }

    #[test]
    fn money_says_its_sign() {
        let euro = |minor| Money::new(minor, Currency::EUR);
        assert_eq!(money(euro(-3780)).into_string(), "−€37.80");
        assert_eq!(change(euro(3429)).into_string(), r#"<span class="up">+€34.29</span>"#);
        assert_eq!(change(euro(-3780)).into_string(), r#"<span class="down">−€37.80</span>"#);
        assert_eq!(signed(euro(3429)).into_string(), "+€34.29");
        assert_eq!(signed(euro(-1)).into_string(), "−€0.01");
        assert_eq!(price(euro(0)).into_string(), "–");
        assert_eq!(money(euro(123_456_789)).into_string(), "€1,234,567.89");
    }

    #[test]
    fn counts_and_durations() {
        assert_eq!(count(1, "user", "users"), "1 user");
        assert_eq!(count(0, "user", "users"), "0 users");
        assert_eq!(count(1_234_567, "user", "users"), "1,234,567 users");
        assert_eq!(
            [41, 128, 120, 12_000].map(duration).join(", "),
            "41 s, 2 min 8 s, 2 min, 3 h 20 min"
        );
    }

    #[test]
    fn a_hit_is_marked_and_still_escaped() {
        assert_eq!(marked("Aldermoor", "alder").into_string(), "<mark>Alder</mark>moor");
        assert_eq!(marked("a<b & ÅB", "åb").into_string(), "a&lt;b &amp; <mark>ÅB</mark>");
        assert_eq!(marked("aaa", "aa").into_string(), "<mark>aa</mark>a");
        assert_eq!(marked("abc", "  ").into_string(), "abc");
        assert_eq!(marked("ab", "abc").into_string(), "ab");
    }
}
