//! Numbers of documents: a pattern like `{year}-{number:4}`.

use crate::time::Date;

/// The number that is the `n`th, on a day.
pub fn written(pattern: &str, day: Date, n: i64) -> Option<String> {
    let mut text = String::new();
    let mut rest = pattern;
    let mut counted = false;
    while let Some((head, tail)) = rest.split_once('{') {
        let (name, after) = tail.split_once('}')?;
        text.push_str(head);
        match name.split_once(':').unwrap_or((name, "1")) {
            ("year", "1") => text.push_str(&format!("{:04}", day.year())),
            ("month", "1") => text.push_str(&format!("{:02}", day.month())),
            ("number", width) => {
                let width: usize = width.parse().ok().filter(|width| (1..=9).contains(width))?;
                text.push_str(&format!("{n:0width$}"));
                counted = true;
            }
            _ => return None,
        }
        rest = after;
    }
    text.push_str(rest);
    (counted && text.len() <= 30 && !rest.contains('}')).then_some(text)
}

/// What the numbers of a pattern are counted within: the year, where it is in them.
pub fn counted_within(pattern: &str, day: Date) -> String {
    if pattern.contains("{year}") { day.year().to_string() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_how_a_number_is_written() {
        let day: Date = "2026-04-30".parse().unwrap();
        assert_eq!(written("{year}-{number:4}", day, 42).unwrap(), "2026-0042");
        assert_eq!(written("R{year}{month}/{number}", day, 12_345).unwrap(), "R202604/12345");
        for wrong in ["{year}", "{nummer}", "{number:0}", "{number", "{number}}", "{number:99}", ""]
        {
            assert_eq!(written(wrong, day, 1), None, "{wrong}");
        }
        assert_eq!(counted_within("{year}-{number}", day), "2026");
        assert_eq!(counted_within("{number:6}", day), "");
    }
}
