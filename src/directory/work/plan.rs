//! What is to change: pure functions of what is wanted and what was seen.

use crate::drivers::ldap::session::{Change, Entry};
use std::collections::BTreeMap;

/// Attributes by name, each with all its values; none: it is to be empty.
pub type Wanted = BTreeMap<String, Vec<Vec<u8>>>;

/// The differences alone, in the order of the names.
pub fn differences(wanted: &Wanted, seen: &Entry) -> Vec<Change> {
    let differs = |name: &str, values: &[Vec<u8>]| {
        let mut now = seen.bytes(name).to_vec();
        let mut then = values.to_vec();
        now.sort();
        then.sort();
        now != then
    };
    wanted
        .iter()
        .filter(|(name, values)| differs(name, values))
        .map(|(name, values)| Change::Set(name.clone(), values.clone()))
        .collect()
}

/// The name of a customer's OU: what people call it, and its code, 64 characters in all.
pub fn ou_name(name: &str, code: &str) -> String {
    let rest = code.chars().count().saturating_add(2);
    let short: String = name.chars().take(64_usize.saturating_sub(rest)).collect();
    format!("{}({code})", short.trim())
}

/// The names to try for an account in one OU, the nicest first.
pub fn common_names(display_name: &str, upn: &str) -> Vec<String> {
    let local = upn.split('@').next().unwrap_or(upn);
    let cut = |most: usize| -> String {
        display_name.chars().take(most).collect::<String>().trim().to_owned()
    };
    let with = |more: &str| {
        let more: String = more.chars().take(40).collect();
        let left = 64_usize.saturating_sub(more.chars().count().saturating_add(3));
        format!("{} ({more})", cut(left))
    };
    let mut all = vec![cut(64), with(local)];
    all.extend((2..=99).map(|n| with(&n.to_string())));
    all
}

/// The addresses as the directory shall list them: ours anew, those of other kinds as they are.
pub fn addresses(primary: &str, others: &[String], seen: &[String]) -> Vec<String> {
    let foreign = seen.iter().filter(|each| !each.to_ascii_lowercase().starts_with("smtp:"));
    let mut all: Vec<String> = foreign.cloned().collect();
    if !primary.is_empty() {
        all.push(format!("SMTP:{primary}"));
    }
    let mail = others.iter().filter(|each| !each.eq_ignore_ascii_case(primary));
    all.extend(mail.map(|each| format!("smtp:{each}")));
    all
}

/// The bits of `userAccountControl`, one of them flipped.
pub fn enabled(now: i64, on: bool) -> i64 {
    if on { now & !2 } else { now | 2 }
}

/// When an account ends, as Active Directory counts: tenths of microseconds since 1601; 0 is never.
pub fn expires(unix: Option<i64>) -> String {
    let ticks = unix.map(|unix| unix.saturating_add(11_644_473_600).saturating_mul(10_000_000));
    ticks.unwrap_or(0).to_string()
}

/// The steps below a customer's OU in which a user's account lies.
pub fn structure(kind: &str, department: &str, office: &str) -> Vec<String> {
    let parts: &[&str] = match kind {
        "department" => &[department],
        "location" => &[office],
        "department/location" => &[department, office],
        "location/department" => &[office, department],
        _ => &[],
    };
    let filled = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    filled.map(|part| part.chars().take(64).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_ou_ends_with_its_code_and_fits() {
        assert_eq!(ou_name("Test + Söhne, Ltd", "TEST"), "Test + Söhne, Ltd(TEST)");
        assert_eq!(ou_name("Acme ", "A"), "Acme(A)");
        let long = ou_name(&"x".repeat(100), "TWENTYCHARACTERSLONG");
        assert_eq!(long.chars().count(), 64);
        assert!(long.ends_with("x(TWENTYCHARACTERSLONG)"));
        assert_eq!(ou_name("#x", "X"), "#x(X)");
    }

    #[test]
    fn names_of_accounts_get_the_local_part_and_then_a_number() {
        let names = common_names("Theo Vane", "t.vane@acme.example");
        assert_eq!(names[..3], ["Theo Vane", "Theo Vane (t.vane)", "Theo Vane (2)"]);
        let names = common_names(&"ö".repeat(120), &format!("{}@acme.example", "l".repeat(64)));
        assert!(names.iter().all(|name| name.chars().count() <= 64), "{names:?}");
    }

    #[test]
    fn addresses_of_other_kinds_survive() {
        let seen = ["SMTP:old@a.example", "smtp:x@a.example", "X500:/o=A/cn=t", "SIP:t@a.example"];
        let seen: Vec<String> = seen.map(str::to_owned).into();
        let now =
            addresses("new@a.example", &["old@a.example".into(), "new@a.example".into()], &seen);
        assert_eq!(
            now,
            ["X500:/o=A/cn=t", "SIP:t@a.example", "SMTP:new@a.example", "smtp:old@a.example"]
        );
    }

    #[test]
    fn one_bit_is_flipped_and_no_other() {
        assert_eq!(enabled(514, true), 512);
        assert_eq!(enabled(66_050, true), 66_048);
        assert_eq!(enabled(66_048, false), 66_050);
        assert_eq!(enabled(512, true), 512);
    }

    #[test]
    fn an_end_is_counted_from_1601() {
        assert_eq!(expires(None), "0");
        assert_eq!(expires(Some(0)), "116444736000000000");
    }

    #[test]
    fn a_missing_part_of_the_structure_is_left_out() {
        assert_eq!(structure("department/location", "Sales", " "), ["Sales"]);
        assert_eq!(structure("location/department", "Sales", "Kade 1"), ["Kade 1", "Sales"]);
        assert!(structure("ungrouped", "Sales", "Kade 1").is_empty());
        assert!(structure("department", "", "").is_empty());
    }
}
