//! Texts with names in them: `{user.upn|lower}`. A name is filled in escaped for what the text is
//! for, and never read again: a brace in somebody's name stays a brace.

use super::condition::{Known, Value, Wrong};
use crate::drivers::ldap::name::Rdn;
use crate::input::is_email;
use crate::letters;
use serde_json::{Value as Json, json};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(String, Vec<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Lower,
    Upper,
    Ascii,
    Trim,
    First(usize),
}

words! {
    /// What a text is for.
    Into {
        Line = "line", Lines = "lines", Url = "url", Json = "json", Email = "email",
        // A name in a directory, or where the text itself has “=” a whole path there.
        Target = "target",
    }
}

/// Where the parts stand that are filled in just before their step.
const LATE: &str = "$late";
/// The longest text that is made.
const MOST: usize = 20_000;

/// The names that are known only when the step begins.
pub fn is_late(name: &str) -> bool {
    name.starts_with("out.") || name == "request.id" || name == "env.customer_ou"
}

impl Template {
    /// Reads it; every name has to be known.
    pub fn read(text: &str, known: &Known) -> Result<Template, Wrong> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        let at = |rest: &str| text.chars().count().saturating_sub(rest.chars().count());
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let here = at(rest).saturating_add(1);
                let Some((inside, after)) = after.split_once('}') else {
                    let text = "this name has no end: “}” is missing; a brace is written “{{”";
                    return Err(Wrong { column: here, text: text.to_owned() });
                };
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(named(inside, known, here.saturating_add(1))?);
                rest = after;
            } else {
                plain.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Template(pieces))
    }

    /// The names it uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Name(name, _) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Fills it in; what is known later stays open. Says what does not fit.
    pub fn fill(&self, into: Into, value: &dyn Fn(&str) -> Option<Value>) -> Result<Json, String> {
        let path =
            self.0.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('=')));
        if !self.names().any(is_late) {
            let mut text = String::new();
            for piece in &self.0 {
                text.push_str(&match piece {
                    Piece::Text(plain) => plain.clone(),
                    Piece::Name(name, filters) => put(name, filters, (into, path), value)?,
                });
            }
            return whole(into, text).map(Json::from);
        }
        let mut parts = Vec::new();
        for piece in &self.0 {
            parts.push(match piece {
                Piece::Text(plain) => json!(plain),
                Piece::Name(name, filters) if is_late(name) => {
                    let filters: Vec<String> = filters.iter().map(|each| each.written()).collect();
                    json!({ "name": name, "filters": filters })
                }
                Piece::Name(name, filters) => json!(put(name, filters, (into, path), value)?),
            });
        }
        Ok(json!({ LATE: parts, "into": into, "path": path }))
    }
}

/// Whether something in it is still open.
pub fn is_open(filled: &Json) -> bool {
    match filled {
        Json::Object(all) => all.contains_key(LATE) || all.values().any(is_open),
        Json::Array(all) => all.iter().any(is_open),
        _ => false,
    }
}

/// Fills in what was left open.
pub fn close(filled: &Json, value: &dyn Fn(&str) -> Option<Value>) -> Result<Json, String> {
    match filled {
        Json::Object(all) => match all.get(LATE) {
            Some(Json::Array(parts)) => {
                let into =
                    all.get("into").and_then(Json::as_str).and_then(|word| word.parse().ok());
                let path = all.get("path").and_then(Json::as_bool).unwrap_or(false);
                closed(parts, (into.unwrap_or(Into::Line), path), value)
            }
            _ => {
                let each = all.iter().map(|(name, inner)| Ok((name.clone(), close(inner, value)?)));
                Ok(Json::Object(each.collect::<Result<_, String>>()?))
            }
        },
        Json::Array(all) => {
            let each = all.iter().map(|inner| close(inner, value));
            Ok(Json::Array(each.collect::<Result<_, String>>()?))
        }
        other => Ok(other.clone()),
    }
}

fn closed(
    parts: &[Json],
    into: (Into, bool),
    value: &dyn Fn(&str) -> Option<Value>,
) -> Result<Json, String> {
    let mut text = String::new();
    for part in parts {
        if let Some(plain) = part.as_str() {
            text.push_str(plain);
            continue;
        }
        let name = part.get("name").and_then(Json::as_str).unwrap_or_default();
        let written = part.get("filters").and_then(Json::as_array).into_iter().flatten();
        let filters: Vec<Filter> =
            written.filter_map(|each| Filter::read(each.as_str().unwrap_or_default())).collect();
        text.push_str(&put(name, &filters, into, value)?);
    }
    whole(into.0, text).map(Json::from)
}

fn named(inside: &str, known: &Known, column: usize) -> Result<Piece, Wrong> {
    let mut parts = inside.split('|');
    let name = parts.next().unwrap_or_default().trim();
    if name != "request.id" && known.type_of(name).is_none() {
        return Err(Wrong { column, text: known.refusal(name) });
    }
    let mut filters = Vec::new();
    for part in parts {
        let Some(filter) = Filter::read(part.trim()) else {
            let text =
                format!("{} is no filter; lower, upper, ascii, trim or first:3?", part.trim());
            return Err(Wrong { column, text });
        };
        filters.push(filter);
    }
    Ok(Piece::Name(name.to_owned(), filters))
}

impl Filter {
    fn read(text: &str) -> Option<Filter> {
        match text {
            "lower" => Some(Filter::Lower),
            "upper" => Some(Filter::Upper),
            "ascii" => Some(Filter::Ascii),
            "trim" => Some(Filter::Trim),
            _ => {
                let number = text.strip_prefix("first:")?.parse().ok()?;
                (1..=1_000).contains(&number).then_some(Filter::First(number))
            }
        }
    }

    fn written(self) -> String {
        match self {
            Filter::Lower => "lower".to_owned(),
            Filter::Upper => "upper".to_owned(),
            Filter::Ascii => "ascii".to_owned(),
            Filter::Trim => "trim".to_owned(),
            Filter::First(n) => format!("first:{n}"),
        }
    }

    fn apply(self, text: &str) -> String {
        match self {
            Filter::Lower => text.to_lowercase(),
            Filter::Upper => text.to_uppercase(),
            Filter::Ascii => letters::ascii(text),
            Filter::Trim => text.trim().to_owned(),
            Filter::First(n) => text.chars().take(n).collect(),
        }
    }
}

/// A value as it may stand in the text; `path` says that the text is a path in a directory.
fn put(
    name: &str,
    filters: &[Filter],
    (into, path): (Into, bool),
    value: &dyn Fn(&str) -> Option<Value>,
) -> Result<String, String> {
    let mut text = match value(name) {
        None => String::new(),
        Some(Value::Text(text)) => text,
        Some(Value::Integer(number)) => number.to_string(),
        Some(Value::Boolean(on)) => on.to_string(),
        Some(Value::Date(date)) => date.to_string(),
        Some(Value::List(all)) => all.join(", "),
    };
    for filter in filters {
        text = filter.apply(&text);
    }
    let breaks = |c: char| c.is_control() && !(into == Into::Lines && (c == '\n' || c == '\t'));
    match into {
        Into::Json => Ok(text),
        Into::Url => Ok(in_address(&text)),
        Into::Line | Into::Lines | Into::Email | Into::Target if text.contains(breaks) => {
            Err(format!("{name} has a line break or another character that cannot be seen"))
        }
        Into::Line | Into::Lines | Into::Email => Ok(text),
        // What the directory answered, or where a customer lives there, may be a path of its own.
        Into::Target if name.starts_with("out.") || name.starts_with("env.") => Ok(text),
        Into::Target if path => step(name, &text),
        Into::Target if text.contains('=') => {
            Err(format!("{name} has “=” in it, which no name in a directory may have here"))
        }
        Into::Target => Ok(text),
    }
}

/// As one part of a path: it can neither end there nor begin another.
fn step(name: &str, text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let step = Rdn::new("CN", text).map_err(|why| format!("{name} {why}"))?.to_string();
    Ok(step.trim_start_matches("CN=").to_owned())
}

/// All but letters, digits and four signs by their bytes: it can neither end its part of the path
/// nor begin a query.
fn in_address(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                all.push(char::from(byte));
            }
            other => all.push_str(&format!("%{other:02X}")),
        }
    }
    all
}

/// The whole text, if it may be used for that.
fn whole(into: Into, text: String) -> Result<String, String> {
    if text.len() > MOST {
        return Err("is too long".to_owned());
    }
    match into {
        Into::Url if text.split('/').any(|part| part == "." || part == "..") => {
            Err(format!("“{text}” leads out of its place"))
        }
        Into::Email if !is_email(&text) => Err(format!("“{text}” is not an e-mail address")),
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::condition::Type;
    use super::*;
    use proptest::prelude::*;

    fn known() -> Known {
        let names = ["user.upn", "user.name", "customer.code"];
        Known(names.iter().map(|name| ((*name).to_owned(), Type::Text)).collect())
    }

    fn filled(template: &str, into: Into, name: &str) -> Result<Json, String> {
        let read = Template::read(template, &known()).map_err(|wrong| wrong.to_string())?;
        read.fill(into, &|asked| (asked == "user.name").then(|| Value::Text(name.to_owned())))
    }

    #[test]
    fn a_name_in_a_directory_stays_one_and_a_path_keeps_its_parts() {
        let name = |text: &str| filled("VPN_{user.name}", Into::Target, text);
        assert_eq!(name("Sales + Co").unwrap(), "VPN_Sales + Co");
        for bad in [",OU=x", "CN=Admins,OU=Ours", "a\nb", "a\0"] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        let path = |text: &str| filled("CN={user.name},OU=Staff", Into::Target, text).unwrap();
        assert_eq!(path("Sales"), "CN=Sales,OU=Staff");
        assert_eq!(path("x,OU=Other"), "CN=x\\,OU\\=Other,OU=Staff");
        let answered = Template::read("{out.group.dn}", &known()).unwrap();
        let open = answered.fill(Into::Target, &|_| None).unwrap();
        let dn = |_: &str| Some(Value::Text("CN=a,OU=b".into()));
        assert_eq!(close(&open, &dn).unwrap(), "CN=a,OU=b");
    }

    #[test]
    fn names_are_filled_in_through_their_filters() {
        let line = |template: &str| filled(template, Into::Line, " Jörg Ångström ").unwrap();
        assert_eq!(line("<{user.name}>"), "< Jörg Ångström >");
        assert_eq!(line("<{user.name|trim|upper}>"), "<JÖRG ÅNGSTRÖM>");
        assert_eq!(line("<{user.name|trim|ascii|lower|first:5}>"), "<joerg>");
        assert_eq!(line("{{user.name}} {user.upn}."), "{user.name}} .");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_column() {
        let wrong = |template: &str| Template::read(template, &known()).unwrap_err().to_string();
        assert_eq!(wrong("for {user.nme}"), "column 6: user.nme is not known; user.name?");
        assert_eq!(wrong("{zzzzzzzzzzz}"), "column 2: zzzzzzzzzzz is not known");
        assert!(wrong("{user.name").starts_with("column 1: this name has no end"));
        assert!(wrong("{user.name|big}").starts_with("column 2: big is no filter"));
        assert!(wrong("{user.name|first:0}").contains("first:0 is no filter"));
    }

    #[test]
    fn what_a_step_answers_is_filled_in_later_and_escaped_then() {
        let template = Template::read("x/{user.name}/{out.make.id|upper}", &known()).unwrap();
        let open = template.fill(Into::Url, &|_| Some(Value::Text("a/b{out.make.id}".into())));
        let open = json!({ "path": open.unwrap() });
        assert!(is_open(&open));
        let done = close(&open, &|name| {
            assert_eq!(name, "out.make.id");
            Some(Value::Text("ä?".into()))
        });
        assert_eq!(done.unwrap()["path"], "x/a%2Fb%7Bout.make.id%7D/%C3%84%3F");
    }

    #[test]
    fn a_value_neither_breaks_out_nor_leads_out() {
        for nasty in ["a\nb", "\0", "a\rb", "\u{7f}"] {
            assert!(filled("{user.name}", Into::Line, nasty).is_err(), "{nasty:?}");
            assert!(filled("{user.name}", Into::Email, nasty).is_err(), "{nasty:?}");
        }
        assert_eq!(filled("{user.name}", Into::Lines, "a\nb").unwrap(), "a\nb");
        assert!(filled("{user.name}", Into::Lines, "\0").is_err());
        assert!(filled("u/{user.name}", Into::Url, "..").is_err());
        assert!(filled("u/.{user.name}", Into::Url, ".").is_err());
        assert_eq!(filled("u/{user.name}", Into::Url, "../x").unwrap(), "u/..%2Fx");
        assert!(filled("{user.name}", Into::Email, "x>, <y@z.example").is_err());
        assert_eq!(filled("{user.name}", Into::Email, "a@b.example").unwrap(), "a@b.example");
    }

    proptest! {
        #[test]
        fn an_address_gives_back_what_was_put_in(name in "(.|\n|\u{0}){0,300}") {
            let Ok(Json::String(path)) = filled("u/{user.name}/x", Into::Url, &name) else {
                prop_assert!(name == "." || name == "..");
                return Ok(());
            };
            prop_assert!(path.is_ascii() && path.bytes().filter(|b| *b == b'/').count() == 2);
            let query = format!("n={}", path.split('/').nth(1).unwrap());
            let back = form_urlencoded::parse(query.as_bytes()).next().unwrap().1.into_owned();
            prop_assert_eq!(back, name);
        }

        #[test]
        fn a_value_is_never_read_again(name in "(\\{|\\}|user|\\.|upn|\\||[a-z ])*") {
            prop_assert_eq!(filled("{user.name}", Into::Json, &name).unwrap(), name);
        }
    }
}
