//! The names of users: what a sign-in name may look like, and what it is made of where nobody
//! chose one. Pure: whether a name is taken is asked of the caller.

use crate::customers::code::fold;

const LOCAL: usize = 64;
const USERNAME: usize = 20;
/// As much of the customer's code as a username keeps.
const CODE: usize = 8;

/// Why a part before the @ cannot be.
pub const RULE: &str =
    "may have a–z, 0–9 and . _ - ' + before the @, at most 64, no dot at the ends and none doubled";

/// `{first} {last}`, whichever of them there are.
pub fn display(first: &str, last: &str) -> String {
    [first, last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `{first}.{last}`, folded; the shown name where there is neither.
pub fn local(first: &str, last: &str, shown: &str) -> String {
    let parts = [part(first), part(last)];
    let mut local = parts.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join(".");
    if local.is_empty() {
        let words: Vec<String> = shown.split_whitespace().map(part).collect();
        local = words.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(".");
    }
    let local = tidy(&local, LOCAL);
    if local.is_empty() { "user".to_owned() } else { local }
}

/// The first of `base`, `base2` … `base99` that is free.
pub fn free<E>(
    base: &str,
    most: usize,
    mut taken: impl FnMut(&str) -> Result<bool, E>,
) -> Result<Option<String>, E> {
    for number in 1..=99 {
        let name = match number {
            1 => tidy(base, most),
            number => {
                let number: String = number.to_string();
                format!("{}{number}", tidy(base, most.saturating_sub(number.len())))
            }
        };
        if !taken(&name)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The first free part before the @.
pub fn free_local<E>(
    base: &str,
    taken: impl FnMut(&str) -> Result<bool, E>,
) -> Result<Option<String>, E> {
    free(base, LOCAL, taken)
}

/// `{local}_{code}`: the local part is cut first, the code keeps eight.
pub fn free_username<E>(
    local: &str,
    code: &str,
    mut taken: impl FnMut(&str) -> Result<bool, E>,
) -> Result<Option<String>, E> {
    let code: String = code.chars().take(CODE).collect();
    let local: String = local.chars().filter(|c| !"'+".contains(*c)).collect();
    let room = USERNAME.saturating_sub(code.len() + 1);
    let found = free(&local, room, |name| taken(&format!("{name}_{code}")))?;
    Ok(found.map(|name| format!("{name}_{code}")))
}

/// Whether it can stand before the @ of a sign-in name.
pub fn is_local(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-'+".contains(c);
    (1..=LOCAL).contains(&text.len())
        && text.chars().all(good)
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..")
}

pub fn is_username(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=USERNAME).contains(&text.len()) && text.chars().all(good)
}

fn part(text: &str) -> String {
    let good = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(*c);
    fold(text).chars().filter(good).collect()
}

/// Cut to `most`, without dots at the ends or doubled ones.
fn tidy(text: &str, most: usize) -> String {
    let mut tidy = String::new();
    for c in text.chars().skip_while(|c| *c == '.') {
        if tidy.len() < most && !(c == '.' && tidy.ends_with('.')) {
            tidy.push(c);
        }
    }
    tidy.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn every_name_gets_one_that_can_be_typed() {
        for (first, last, shown, want) in [
            ("Jane", "Doe", "", "jane.doe"),
            ("Łukasz", "Żółć", "", "lukasz.zolc"),
            ("Oisín", "O'Brien-Smith", "", "oisin.obrien-smith"),
            ("Zoë", "van den Berg", "", "zoe.vandenberg"),
            ("", "", "李小龍", "user"),
            ("李", "小龍", "", "user"),
            ("Madonna", "", "", "madonna"),
            ("", "", "Léa Dubois, jr.", "lea.dubois.jr"),
            ("J.", ".D", "", "j.d"),
            ("🦷", "", "", "user"),
        ] {
            let made = local(first, last, shown);
            assert_eq!(made, want);
            assert!(is_local(&made));
        }
        let long = local(&"a".repeat(64), &"b".repeat(64), "");
        assert_eq!((long.len(), is_local(&long)), (64, true));
    }

    #[test]
    fn a_taken_name_gets_a_number_until_there_are_too_many() {
        let with = |taken: &dyn Fn(&str) -> bool| {
            free_local("jane.doe", |name| Ok::<_, Infallible>(taken(name))).unwrap()
        };
        assert_eq!(with(&|_| false).as_deref(), Some("jane.doe"));
        assert_eq!(with(&|name| name == "jane.doe").as_deref(), Some("jane.doe2"));
        assert_eq!(with(&|name| name != "jane.doe99").as_deref(), Some("jane.doe99"));
        assert_eq!(with(&|_| true), None);
    }

    #[test]
    fn usernames_fit_a_directory() {
        let name = |local: &str, code: &str| {
            free_username(local, code, |_| Ok::<_, Infallible>(false)).unwrap().unwrap()
        };
        assert_eq!(name("jane.doe", "ALD"), "jane.doe_ALD");
        let cut = name(&"a".repeat(64), "ABCDEFGHIJKLMNOPQRST");
        assert_eq!(cut, format!("{}_ABCDEFGH", "a".repeat(11)));
        let second =
            free_username(&"a".repeat(64), "ABCDEFGH", |n| Ok::<_, Infallible>(!n.contains('2')));
        assert_eq!(second.unwrap().unwrap(), format!("{}2_ABCDEFGH", "a".repeat(10)));
        assert!(is_username(&cut) && !is_username("a b") && !is_username(&"a".repeat(21)));
    }

    #[test]
    fn what_can_stand_before_the_at() {
        for good in ["a", "o'brien+x", "a.b_c-d", "0"] {
            assert!(is_local(good), "{good}");
        }
        for bad in ["", ".a", "a.", "a..b", "A", "zoë", "a b", &"a".repeat(65)] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
