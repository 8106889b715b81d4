//! The language of naming patterns: text with `{tokens}`, and the names it makes. Pure: whether a
//! name is taken is asked of the caller.

use crate::letters::fold;

/// The longest shown name, part before the @ and user name.
pub const DISPLAY: usize = 120;
pub const LOCAL: usize = 64;
pub const USERNAME: usize = 20;
/// As much of the customer's code as a user name keeps.
const CODE: usize = 8;
/// The longest a pattern may be.
const LONGEST: usize = 120;

/// Which name a pattern makes, and so what may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// The name that is shown: as it was typed.
    Display,
    /// The part before the @ of a sign-in name.
    Upn,
    Username,
    /// The part before the @ of an address.
    Mail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    First,
    Last,
    Initials,
    Code,
    Customer,
    Title,
    Department,
    EmployeeId,
    Local,
    Number,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A token, and how many characters of it.
    Of(Token, Option<usize>),
}

/// A pattern that can be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    makes: Makes,
    parts: Vec<Part>,
}

/// Whom a name is made for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Person<'p> {
    pub first: &'p str,
    pub last: &'p str,
    /// The shown name, where somebody typed one.
    pub shown: &'p str,
    pub code: &'p str,
    pub customer: &'p str,
    pub title: &'p str,
    pub department: &'p str,
    pub employee_id: &'p str,
    /// The part before the @ of the sign-in name, once there is one.
    pub local: &'p str,
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub fn read(text: &str, makes: Makes) -> Result<Pattern, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("must have at most {LONGEST} characters"));
        }
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (before, after) = rest.split_once('{').unwrap_or((rest, ""));
            if before.contains('}') {
                return Err("has a } without its {".into());
            }
            if !before.is_empty() {
                parts.push(Part::Text(literal(before, makes)?));
            }
            if before.len() == rest.len() {
                break;
            }
            let Some((inside, tail)) = after.split_once('}') else {
                return Err("has a { without its }".into());
            };
            parts.push(token(inside, makes)?);
            rest = tail;
        }
        if !parts.iter().any(|part| matches!(part, Part::Of(token, _) if *token != Token::Number)) {
            return Err("needs a token like {first}".into());
        }
        Ok(Pattern { makes, parts })
    }

    /// What it makes of `person` on the try of that number, the first being 1.
    pub fn name(&self, person: &Person, number: u8) -> String {
        match self.makes {
            Makes::Display => self.display(person, number),
            Makes::Upn | Makes::Mail => {
                let name = self.cut(person, number, LOCAL);
                if name.is_empty() { numbered("user", number) } else { name }
            }
            Makes::Username => self.username(person, number),
        }
    }

    /// The first of the names of the tries 1 to 99 that is free.
    pub fn free<E>(
        &self,
        person: &Person,
        mut taken: impl FnMut(&str) -> Result<bool, E>,
    ) -> Result<Option<String>, E> {
        for number in 1..=99 {
            let name = self.name(person, number);
            if !taken(&name)? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Why the name it makes of `person` could not be used.
    pub fn complaint(&self, person: &Person) -> Option<String> {
        for number in [1, 99] {
            let name = self.name(person, number);
            let length = name.chars().count();
            let most = match self.makes {
                Makes::Display => DISPLAY,
                Makes::Upn | Makes::Mail => LOCAL,
                Makes::Username => USERNAME,
            };
            if name.is_empty() {
                return Some("leaves nothing".into());
            }
            if length > most {
                return Some(format!("makes {length} characters of {most}"));
            }
            if number > 1 && self.makes != Makes::Display && name == self.name(person, 1) {
                return Some("leaves no room for a number".into());
            }
        }
        None
    }

    fn display(&self, person: &Person, number: u8) -> String {
        let whole: String = self.parts.iter().map(|part| shown(part, person, number)).collect();
        let words: Vec<&str> = whole.split_whitespace().collect();
        words.join(" ").trim_matches([',', ' ']).to_owned()
    }

    /// Folded, and cut where it is too long: at the end, but before the number.
    fn cut(&self, person: &Person, number: u8, most: usize) -> String {
        let at = self.parts.iter().position(|part| matches!(part, Part::Of(Token::Number, _)));
        let of = |parts: &[Part]| -> String {
            parts.iter().map(|part| folded(part, person, None)).collect()
        };
        let split = at.unwrap_or(self.parts.len());
        let head = of(self.parts.get(..split).unwrap_or_default());
        let tail = of(self.parts.get(split..).unwrap_or_default());
        let digits = if number > 1 { number.to_string() } else { String::new() };
        if tidy(&format!("{head}{tail}"), most).is_empty() {
            return String::new();
        }
        let room = most.saturating_sub(digits.len());
        let head: String = tidy_start(&head).chars().take(room).collect();
        let tail: String = tail.chars().take(room.saturating_sub(head.len())).collect();
        // A number at the end stands behind the name, not behind a dot.
        let bare = at.is_none() && !digits.is_empty();
        let head = if bare { head.trim_end_matches('.').to_owned() } else { head };
        tidy(&format!("{head}{digits}{tail}"), most)
    }

    /// At most 20: what names the person is cut first, the customer's code keeps eight.
    fn username(&self, person: &Person, number: u8) -> String {
        let code: String = person.code.chars().take(CODE).collect();
        let fixed = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Of(Token::Code, most) => code.len().min(most.unwrap_or(CODE)),
            Part::Of(..) => 0,
        };
        let digits = if number > 1 { number.to_string() } else { String::new() };
        let fixed = self.parts.iter().map(fixed).sum::<usize>();
        let mut room = USERNAME.saturating_sub(fixed + digits.len());
        let free = |part: &Part| !matches!(part, Part::Text(_) | Part::Of(Token::Code, _));
        let mut named = String::new();
        let has_number = self.parts.iter().any(|part| matches!(part, Part::Of(Token::Number, _)));
        let last_free = self.parts.iter().rposition(free);
        let anything =
            self.parts.iter().filter(|part| free(part)).any(|part| !plain(part, person).is_empty());
        let mut whole = String::new();
        for (place, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Of(Token::Code, most) => {
                    whole.extend(code.chars().take(most.unwrap_or(CODE)));
                }
                Part::Of(Token::Number, _) => whole.push_str(&digits),
                Part::Of(..) => {
                    let text =
                        if anything { plain(part, person) } else { first_free("user", &named) };
                    let text = tidy(&text, room);
                    room = room.saturating_sub(text.len());
                    whole.push_str(&text);
                    named.push_str(&text);
                    if !has_number && Some(place) == last_free {
                        whole.push_str(&digits);
                    }
                }
            }
        }
        whole
    }
}

/// `text` where nothing was said yet.
fn first_free(text: &str, named: &str) -> String {
    if named.is_empty() { text.to_owned() } else { String::new() }
}

fn literal(text: &str, makes: Makes) -> Result<String, String> {
    let good = |c: char| match makes {
        Makes::Display => !c.is_control() && !"<>".contains(c),
        Makes::Upn | Makes::Mail => {
            c.is_ascii_lowercase() || c.is_ascii_digit() || "._-'".contains(c)
        }
        Makes::Username => c.is_ascii_alphanumeric() || "._-".contains(c),
    };
    match text.chars().find(|c| !good(*c)) {
        None => Ok(text.to_owned()),
        Some(wrong) => Err(format!("may not have {wrong} between its tokens")),
    }
}

fn token(inside: &str, makes: Makes) -> Result<Part, String> {
    let (word, most) = match inside.split_once(':') {
        Some((word, number)) => match number.parse::<usize>() {
            Ok(number @ 1..=64) => (word, Some(number)),
            _ => return Err(format!("has {{{inside}}}, which takes 1 to 64 characters")),
        },
        None => (inside, None),
    };
    let (token, most) = match word {
        "first" => (Token::First, most),
        "last" => (Token::Last, most),
        "f" if most.is_none() => (Token::First, Some(1)),
        "l" if most.is_none() => (Token::Last, Some(1)),
        "initials" => (Token::Initials, most),
        "code" => (Token::Code, most),
        "customer" => (Token::Customer, most),
        "title" => (Token::Title, most),
        "department" => (Token::Department, most),
        "employee_id" => (Token::EmployeeId, most),
        "local" if matches!(makes, Makes::Username | Makes::Mail) => (Token::Local, most),
        "n" if most.is_none() => (Token::Number, None),
        _ => return Err(format!("has {{{inside}}}, which is no token here")),
    };
    Ok(Part::Of(token, most))
}

/// A token as it stands in a shown name.
fn shown(part: &Part, person: &Person, number: u8) -> String {
    let (token, most) = match part {
        Part::Text(text) => return text.clone(),
        Part::Of(token, most) => (*token, *most),
    };
    let text = match token {
        Token::First => person.first.to_owned(),
        Token::Last => person.last.to_owned(),
        Token::Initials => initials(person.first, person.last),
        Token::Code => person.code.to_owned(),
        Token::Customer => person.customer.to_owned(),
        Token::Title => person.title.to_owned(),
        Token::Department => person.department.to_owned(),
        Token::EmployeeId => person.employee_id.to_owned(),
        Token::Local => person.local.to_owned(),
        Token::Number if number > 1 => number.to_string(),
        Token::Number => String::new(),
    };
    text.chars().take(most.unwrap_or(usize::MAX)).collect()
}

/// The same with a–z, 0–9 and `. _ -` only.
fn folded(part: &Part, person: &Person, code: Option<&str>) -> String {
    let (token, most) = match part {
        Part::Text(text) => return text.clone(),
        Part::Of(token, most) => (*token, *most),
    };
    // Where nobody typed first and last name, the shown one is taken apart.
    let mut words = person.shown.split_whitespace().map(fold_part).filter(|w| !w.is_empty());
    let apart = person.first.is_empty() && person.last.is_empty();
    let text = match token {
        Token::First if apart => words.next().unwrap_or_default(),
        Token::Last if apart => words.skip(1).collect::<Vec<_>>().join("."),
        Token::First => fold_part(person.first),
        Token::Last => fold_part(person.last),
        Token::Initials if apart => fold_part(&initials(person.shown, "")),
        Token::Initials => fold_part(&initials(person.first, person.last)),
        Token::Code => fold_part(code.unwrap_or(person.code)),
        Token::Customer => fold_part(person.customer),
        Token::Title => fold_part(person.title),
        Token::Department => fold_part(person.department),
        Token::EmployeeId => fold_part(person.employee_id),
        Token::Local => fold_local(person.local),
        Token::Number => String::new(),
    };
    text.chars().take(most.unwrap_or(usize::MAX)).collect()
}

/// As a user name has it: no apostrophe and no plus.
fn plain(part: &Part, person: &Person) -> String {
    folded(part, person, None).chars().filter(|c| !"'+".contains(*c)).collect()
}

fn fold_part(text: &str) -> String {
    let good = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(*c);
    fold(text).chars().filter(good).collect()
}

/// A sign-in name is folded already; its apostrophes and plus signs stay.
fn fold_local(text: &str) -> String {
    let good = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-'+".contains(*c);
    text.to_lowercase().chars().filter(good).collect()
}

fn initials(first: &str, last: &str) -> String {
    let words = first.split([' ', '-']).chain(last.split([' ', '-']));
    words.filter_map(|word| word.chars().find(|c| c.is_alphanumeric())).collect()
}

fn numbered(base: &str, number: u8) -> String {
    if number > 1 { format!("{base}{number}") } else { base.to_owned() }
}

fn tidy_start(text: &str) -> String {
    tidy(&format!("{text}|"), usize::MAX).trim_end_matches('|').to_owned()
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
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn pattern(text: &str, makes: Makes) -> Pattern {
        Pattern::read(text, makes).unwrap()
    }

    fn jane() -> Person<'static> {
        Person {
            first: "Mary Jane",
            last: "van Doe",
            code: "ALDERMOOR1",
            customer: "Aldermoor",
            title: "Head of Sales",
            department: "Sales",
            employee_id: "E-17",
            local: "jane.doe",
            shown: "",
        }
    }

    #[test]
    fn each_token_says_what_it_stands_for() {
        for (text, want) in [
            ("{first}.{last}", "maryjane.vandoe"),
            ("{f}{last}", "mvandoe"),
            ("{first:3}{last:5}", "marvando"),
            ("{l}.{initials}", "v.mjvd"),
            ("{department}-{employee_id}", "sales-e-17"),
            ("x{title}", "xheadofsales"),
            ("{first}.{n}", "maryjane"),
            ("{customer}_{code}{f}", "aldermoor_aldermoor1m"),
        ] {
            assert_eq!(pattern(text, Makes::Upn).name(&jane(), 1), want, "{text}");
        }
        assert_eq!(
            pattern("{last}, {first}", Makes::Display).name(&jane(), 1),
            "van Doe, Mary Jane"
        );
        let only = Person { first: "Cher", ..Person::default() };
        assert_eq!(pattern("{last}, {first}", Makes::Display).name(&only, 1), "Cher");
        assert_eq!(
            pattern("{local}_{code}", Makes::Username).name(&jane(), 1),
            "jane.doe_ALDERMOO"
        );
        assert_eq!(
            pattern("{local}_{code}", Makes::Username).name(&jane(), 7),
            "jane.doe7_ALDERMOO"
        );
    }

    #[test]
    fn names_of_every_script_can_be_typed() {
        let upn = pattern("{first}.{last}", Makes::Upn);
        for (first, last, shown, want) in [
            ("Jane", "Doe", "", "jane.doe"),
            ("Łukasz", "Żółć", "", "lukasz.zolc"),
            ("", "O'Brien-Smith", "", "obrien-smith"),
            ("小龍", "李", "", "user"),
            ("", "", "李小龍", "user"),
            ("", "", "Léa Dubois, jr.", "lea.dubois.jr"),
            ("J.", ".D", "", "j.d"),
        ] {
            let person = Person { first, last, shown, ..Person::default() };
            assert_eq!(upn.name(&person, 1), want);
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_until_there_are_too_many() {
        let with = |text: &str, taken: &dyn Fn(&str) -> bool| {
            let person = Person { first: "Jane", last: "Doe", ..Person::default() };
            let free = pattern(text, Makes::Upn).free(&person, |n| Ok::<_, Infallible>(taken(n)));
            free.unwrap()
        };
        assert_eq!(with("{first}.{last}", &|n| n == "jane.doe").as_deref(), Some("jane.doe2"));
        assert_eq!(with("{first}{n}.{last}", &|n| n == "jane.doe").as_deref(), Some("jane2.doe"));
        assert_eq!(with("{first}.{last}", &|n| n != "jane.doe99").as_deref(), Some("jane.doe99"));
        assert_eq!(with("{first}.{last}", &|_| true), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, makes, want) in [
            ("{first", Makes::Upn, "has a { without its }"),
            ("first}", Makes::Upn, "has a } without its {"),
            ("{nick}", Makes::Upn, "has {nick}, which is no token here"),
            ("{first:0}", Makes::Upn, "has {first:0}, which takes 1 to 64 characters"),
            ("{first}@x", Makes::Upn, "may not have @ between its tokens"),
            ("{local}", Makes::Upn, "has {local}, which is no token here"),
            ("staff{n}", Makes::Upn, "needs a token like {first}"),
            ("", Makes::Upn, "needs a token like {first}"),
        ] {
            assert_eq!(Pattern::read(text, makes), Err(want.to_owned()), "{text}");
        }
        let long = Person { first: &"a".repeat(64), last: &"b".repeat(64), ..Person::default() };
        let display = pattern("{first} {last}", Makes::Display);
        assert_eq!(display.complaint(&long).as_deref(), Some("makes 129 characters of 120"));
        let narrow = pattern("abcdefghijklmnopqrst{f}", Makes::Username);
        assert!(narrow.complaint(&jane()).is_some());
    }

    proptest! {
        #[test]
        fn whatever_the_pattern_names_are_valid(
            text in "(\\{(first|last|f|l|initials|code|customer|title|department|employee_id|n|first:3|last:9)\\}|[a-z.'_-]){1,8}",
            first in ".{0,70}", last in "\\PC{0,70}", number in 1u8..=99,
        ) {
            let person = Person { first: &first, last: &last, code: "ABCDEFGHIJKLMNOPQRST", ..jane() };
            if let Ok(pattern) = Pattern::read(&text, Makes::Upn) {
                let name = pattern.name(&person, number);
                prop_assert!((1..=LOCAL).contains(&name.len()), "{name}");
                prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-'".contains(c)));
                prop_assert!(!name.starts_with('.') && !name.ends_with('.') && !name.contains(".."), "{name}");
            }
            if let Ok(pattern) = Pattern::read(&text.replace('\'', ""), Makes::Username)
                && pattern.complaint(&person).is_none()
            {
                let name = pattern.name(&person, number);
                prop_assert!((1..=USERNAME).contains(&name.len()), "{name}");
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            for makes in [Makes::Display, Makes::Upn, Makes::Username, Makes::Mail] {
                if let Ok(pattern) = Pattern::read(&text, makes) {
                    pattern.name(&jane(), 2);
                    pattern.complaint(&jane());
                }
            }
        }
    }
}
