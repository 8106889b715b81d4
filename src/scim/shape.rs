//! What a user is to be there, and the difference to what is: pure functions.

use super::store::Person;
use crate::connectors::scim::{ENTERPRISE, Features, USER};
use serde_json::{Map, Value, json};

/// Attributes by their paths; null where there is to be none.
pub type Wanted = Vec<(Path, Value)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    Plain(String),
    Part(&'static str, &'static str),
    Enterprise(String),
}

impl Path {
    fn text(&self) -> String {
        match self {
            Path::Plain(name) => name.clone(),
            Path::Part(name, part) => format!("{name}.{part}"),
            Path::Enterprise(name) => format!("{ENTERPRISE}:{name}"),
        }
    }

    fn seen<'r>(&self, body: &'r Map<String, Value>) -> Option<&'r Value> {
        match self {
            Path::Plain(name) => body.get(name),
            Path::Part(name, part) => body.get(*name)?.get(*part),
            Path::Enterprise(name) => body.get(ENTERPRISE)?.get(name),
        }
    }

    fn put(&self, body: &mut Map<String, Value>, value: &Value) {
        let (place, name) = match self {
            Path::Plain(name) => return set(body, name, value),
            Path::Part(name, part) => (*name, *part),
            Path::Enterprise(name) => (ENTERPRISE, name.as_str()),
        };
        let mut inner = match body.remove(place) {
            Some(Value::Object(inner)) => inner,
            _ => Map::new(),
        };
        set(&mut inner, name, value);
        body.insert(place.to_owned(), Value::Object(inner));
    }
}

fn set(body: &mut Map<String, Value>, name: &str, value: &Value) {
    match value {
        Value::Null => body.remove(name),
        value => body.insert(name.to_owned(), value.clone()),
    };
}

/// What a user is to be. `attributes` are a rule's and go over what is known of the user; what the
/// service does not know is told in `warnings`.
pub fn of_user(
    person: &Person,
    features: &Features,
    attributes: &Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Wanted {
    let text = |value: &str| match value.trim() {
        "" => Value::Null,
        value => Value::from(value),
    };
    let mut wanted: Wanted = vec![
        (Path::Plain("userName".into()), text(&person.upn)),
        (Path::Plain("displayName".into()), text(&person.display_name)),
        (Path::Part("name", "givenName"), text(&person.first_name)),
        (Path::Part("name", "familyName"), text(&person.last_name)),
        (Path::Plain("title".into()), text(&person.job_title)),
    ];
    for (name, value) in [
        ("employeeNumber", &person.employee_id),
        ("department", &person.department),
        ("organization", &person.company),
    ] {
        if features.enterprise.contains_key(name) {
            wanted.push((Path::Enterprise(name.to_owned()), text(value)));
        }
    }
    wanted.retain(|(path, _)| knows(features, path));
    for (name, value) in attributes {
        let said = value.as_str().unwrap_or_default();
        let (path, kind) = match (features.user.get(name), features.enterprise.get(name)) {
            (Some(kind), _) => (Path::Plain(name.clone()), kind.as_str()),
            (None, Some(kind)) => (Path::Enterprise(name.clone()), kind.as_str()),
            (None, None) if features.user.is_empty() => (Path::Plain(name.clone()), "string"),
            (None, None) => {
                warnings.push(format!("{name} was left out: no such attribute is known there."));
                continue;
            }
        };
        let value = match (kind, said) {
            ("boolean", "true" | "false") => Value::from(said == "true"),
            ("integer", said) => said.parse::<i64>().map_or(Value::Null, Value::from),
            ("string" | "reference" | "dateTime", said) => text(said),
            _ => {
                warnings.push(format!("{name} was left out: it is not a single text there."));
                continue;
            }
        };
        wanted.retain(|(known, _)| *known != path);
        wanted.push((path, value));
    }
    wanted
}

fn knows(features: &Features, path: &Path) -> bool {
    let known = |name: &str| features.user.is_empty() || features.user.contains_key(name);
    match path {
        Path::Plain(name) => known(name),
        Path::Part(name, _) => known(name),
        Path::Enterprise(_) => true,
    }
}

/// Addresses and numbers as they shall be: ours in the place of that kind, others as they are.
pub fn several(seen: Option<&Value>, kind: &str, value: &str, primary: bool) -> Option<Value> {
    let seen: Vec<Value> = seen.and_then(Value::as_array).cloned().unwrap_or_default();
    let ours = |each: &Value| each.get("type").and_then(Value::as_str) == Some(kind);
    let is = |each: &Value| each.get("value").and_then(Value::as_str) == Some(value);
    let first = |each: &Value| each.get("primary") == Some(&Value::Bool(true));
    let now = seen.iter().filter(|each| ours(each)).collect::<Vec<_>>();
    let right = match now.as_slice() {
        [] => value.is_empty(),
        [one] => is(one) && first(one) == primary,
        _ => false,
    };
    if right {
        return None;
    }
    let mut all: Vec<Value> = seen.iter().filter(|each| !ours(each)).cloned().collect();
    if primary {
        for each in all.iter_mut().filter_map(Value::as_object_mut) {
            each.remove("primary");
        }
    }
    if !value.is_empty() {
        let mut one = json!({ "value": value, "type": kind });
        if primary && let Some(one) = one.as_object_mut() {
            one.insert("primary".into(), Value::Bool(true));
        }
        all.push(one);
    }
    Some(if all.is_empty() { Value::Null } else { Value::Array(all) })
}

/// Adds to `wanted` what of the lists is to change.
pub fn lists(person: &Person, features: &Features, seen: &Map<String, Value>, wanted: &mut Wanted) {
    let known = |name: &str| features.user.is_empty() || features.user.contains_key(name);
    let mails = several(seen.get("emails"), "work", &person.mail, true);
    if let Some(mails) = mails.filter(|_| known("emails")) {
        wanted.push((Path::Plain("emails".into()), mails));
    }
    let numbers = seen.get("phoneNumbers");
    let work = several(numbers, "work", &person.phone, false);
    let both = several(work.as_ref().or(numbers), "mobile", &person.mobile, false).or(work);
    if let Some(both) = both.filter(|_| known("phoneNumbers")) {
        wanted.push((Path::Plain("phoneNumbers".into()), both));
    }
}

/// The operations that make of `seen` what is wanted, and the whole as it is then.
pub fn difference(wanted: &Wanted, seen: &Map<String, Value>) -> (Vec<Value>, Map<String, Value>) {
    let mut operations = Vec::new();
    let mut whole = seen.clone();
    for (path, value) in wanted {
        let now = path.seen(seen).filter(|now| !is_nothing(now));
        let operation = match (now, value) {
            (None, Value::Null) => continue,
            (Some(now), value) if now == value => continue,
            (Some(_), Value::Null) => json!({ "op": "remove", "path": path.text() }),
            (Some(_), value) => json!({ "op": "replace", "path": path.text(), "value": value }),
            (None, value) => json!({ "op": "add", "path": path.text(), "value": value }),
        };
        operations.push(operation);
        path.put(&mut whole, value);
    }
    if whole.contains_key(ENTERPRISE) {
        whole.insert("schemas".into(), json!([USER, ENTERPRISE]));
    }
    (operations, whole)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

/// What the difference is about, for people.
pub fn names(operations: &[Value]) -> String {
    let each = operations.iter().filter_map(|one| one.get("path").and_then(Value::as_str));
    let short = each
        .map(|path| path.strip_prefix(ENTERPRISE).map_or(path, |end| end.trim_start_matches(':')));
    short.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Person {
        Person {
            id: crate::ids::UserId(7),
            upn: "theo@acme.example".into(),
            mail: "theo@acme.example".into(),
            display_name: "Theo Vane".into(),
            first_name: "Theo".into(),
            last_name: "Vane".into(),
            job_title: String::new(),
            department: String::new(),
            company: String::new(),
            employee_id: String::new(),
            phone: String::new(),
            mobile: String::new(),
        }
    }

    fn seen(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_the_difference_is_written() {
        let features = Features::default();
        let mut wanted = of_user(&person(), &features, &Map::new(), &mut Vec::new());
        let there = seen(json!({
            "id": "1", "userName": "theo@acme.example", "displayName": "T. Vane", "title": "Clerk",
            "name": { "givenName": "Theo", "formatted": "Theo V" }, "nickName": "T",
            "emails": [{ "value": "theo@acme.example", "type": "work", "primary": true }],
        }));
        lists(&person(), &features, &there, &mut wanted);
        let (operations, whole) = difference(&wanted, &there);
        assert_eq!(
            Value::from(operations.clone()),
            json!([
                { "op": "replace", "path": "displayName", "value": "Theo Vane" },
                { "op": "add", "path": "name.familyName", "value": "Vane" },
                { "op": "remove", "path": "title" },
            ])
        );
        assert_eq!(names(&operations), "displayName, name.familyName, title");
        assert_eq!(whole["nickName"], "T");
        assert_eq!(
            whole["name"],
            json!({ "givenName": "Theo", "familyName": "Vane", "formatted": "Theo V" })
        );
        assert!(!whole.contains_key("title"));
        assert!(difference(&wanted, &whole).0.is_empty(), "once is enough");
    }

    #[test]
    fn what_a_service_does_not_know_is_left_out_and_told() {
        let known = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
        let features = Features {
            user: [
                known("userName", "string"),
                known("vip", "boolean"),
                known("photos", "complex"),
            ]
            .into(),
            enterprise: [known("department", "string"), known("costCenter", "string")].into(),
            ..Features::default()
        };
        let attributes =
            seen(json!({ "vip": "true", "photos": "x", "shoe": "44", "costCenter": "7" }));
        let mut warnings = Vec::new();
        let mut person = person();
        person.department = "Sales".into();
        let wanted = of_user(&person, &features, &attributes, &mut warnings);
        let (operations, whole) = difference(&wanted, &Map::new());
        assert_eq!(
            names(&operations).split(", ").collect::<std::collections::BTreeSet<_>>(),
            ["userName", "vip", "department", "costCenter"].into()
        );
        assert_eq!(whole["vip"], json!(true));
        assert_eq!(whole[ENTERPRISE], json!({ "department": "Sales", "costCenter": "7" }));
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }

    #[test]
    fn addresses_of_other_kinds_stay() {
        let list = json!([
            { "value": "home@x.example", "type": "home", "primary": true },
            { "value": "old@x.example", "type": "work" },
        ]);
        assert_eq!(
            several(Some(&list), "work", "new@x.example", true),
            Some(json!([
                { "value": "home@x.example", "type": "home" },
                { "value": "new@x.example", "type": "work", "primary": true },
            ]))
        );
        assert_eq!(several(Some(&list), "mobile", "", false), None);
        assert_eq!(
            several(Some(&json!([{ "value": "1", "type": "work" }])), "work", "", false),
            Some(Value::Null)
        );
    }
}
