//! What a form, a query or a JSON body says, read the same way whichever it was.
//!
//! What may be said is declared once, as a list of [`Field`]s: reading a field that is not declared
//! is a bug that debug builds catch, saying one is refused, and the API's description shows the list.

use crate::error::{Complaint, Error, Result};
use crate::money::{Currency, UnitPrice};
use crate::time::Date;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use unicode_normalization::UnicodeNormalization;

/// Values by name. A form may repeat a name; an object inside JSON is flattened (`properties.quota`).
#[derive(Clone, Debug, Default)]
pub struct Input(BTreeMap<String, Vec<String>>);

/// How a field's value is written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Boolean,
    /// A list of texts or numbers.
    List,
    /// An object whose names are not known beforehand.
    Object,
}

/// One field of an input or an answer.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// Its rule in a few words, for the API's description.
    pub about: &'static str,
}

impl Field {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Field {
        Field { name, kind, required: false, about }
    }

    pub const fn text(name: &'static str, about: &'static str) -> Field {
        Field::new(name, Kind::Text, about)
    }

    pub const fn integer(name: &'static str, about: &'static str) -> Field {
        Field::new(name, Kind::Integer, about)
    }

    pub const fn boolean(name: &'static str, about: &'static str) -> Field {
        Field::new(name, Kind::Boolean, about)
    }

    pub const fn list(name: &'static str, about: &'static str) -> Field {
        Field::new(name, Kind::List, about)
    }

    pub const fn object(name: &'static str, about: &'static str) -> Field {
        Field::new(name, Kind::Object, about)
    }

    pub const fn required(self) -> Field {
        Field { required: true, ..self }
    }
}

/// Reads an `Input` field by field and collects every complaint, so that a person hears all of
/// them at once.
pub struct Fields<'i> {
    input: &'i Input,
    declared: &'static [Field],
    complaints: Vec<Complaint>,
}

/// The deepest a JSON body may nest.
const DEPTH: usize = 16;

impl Input {
    /// Reads `a=1&b=2`. The form's token is not a field.
    pub fn from_form(body: &[u8]) -> Input {
        let mut input = Input::default();
        for (name, value) in form_urlencoded::parse(body) {
            if name != "csrf" {
                input.push(&name, value.into_owned());
            }
        }
        input
    }

    /// Reads a JSON object; an empty body is an empty object. Names may not come twice.
    pub fn from_json(body: &[u8]) -> Result<Input> {
        let mut input = Input::default();
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(input);
        }
        let malformed = |err: serde_json::Error| {
            Error::Malformed(format!("The body is not JSON as expected: {err}."))
        };
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = Strict(DEPTH).deserialize(&mut reader).map_err(malformed)?;
        reader.end().map_err(malformed)?;
        match value {
            Value::Object(object) => {
                object.into_iter().for_each(|(name, value)| input.flatten(&name, value))
            }
            _ => return Err(Error::Malformed("The body must be a JSON object.".into())),
        }
        Ok(input)
    }

    /// The value, trimmed; the last one where a form repeats it; empty where there is none.
    pub fn get(&self, field: &str) -> &str {
        self.0.get(field).and_then(|values| values.last()).map_or("", |value| value.trim())
    }

    pub fn all(&self, field: &str) -> impl Iterator<Item = &str> {
        let values = self.0.get(field).map_or(&[][..], Vec::as_slice);
        values.iter().map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether the field was sent at all, were it empty.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// The members of an object field, by their own names.
    pub fn members<'i>(&'i self, field: &'i str) -> impl Iterator<Item = (&'i str, &'i str)> {
        let own = move |name: &'i String| name.strip_prefix(field)?.strip_prefix('.');
        let last = |values: &'i Vec<String>| values.last().map_or("", |value| value.trim());
        self.0.iter().filter_map(move |(name, values)| Some((own(name)?, last(values))))
    }

    /// The same, each as one text of all its values; nothing where JSON says `null`.
    pub fn wishes(&self, field: &str) -> Vec<(String, Option<String>)> {
        let own = |name: &String| Some(name.strip_prefix(field)?.strip_prefix('.')?.to_owned());
        let said = |values: &Vec<String>| match values.as_slice() {
            [] => None,
            [one] => Some(one.trim().to_owned()),
            several => {
                let filled = several.iter().map(|each| each.trim()).filter(|each| !each.is_empty());
                Some(filled.collect::<Vec<_>>().join(", "))
            }
        };
        self.0.iter().filter_map(|(name, values)| Some((own(name)?, said(values)))).collect()
    }

    /// The members of an object field, as an input of their own.
    pub fn inner(&self, field: &str) -> Input {
        let own = |name: &String| Some(name.strip_prefix(field)?.strip_prefix('.')?.to_owned());
        Input(self.0.iter().filter_map(|(name, all)| Some((own(name)?, all.clone()))).collect())
    }

    /// Says `null`: the field is there, and has no value.
    pub fn set_null(&mut self, field: &str) {
        self.0.insert(field.to_owned(), Vec::new());
    }

    /// Everything that was sent, a repeated name as often as it was.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, values)| {
            values.iter().map(move |value| (name.as_str(), value.as_str()))
        })
    }

    pub fn set(&mut self, field: &str, value: impl fmt::Display) {
        self.0.insert(field.to_owned(), vec![value.to_string()]);
    }

    pub fn push(&mut self, field: &str, value: impl fmt::Display) {
        self.0.entry(field.to_owned()).or_default().push(value.to_string());
    }

    pub fn remove(&mut self, field: &str) {
        self.0.remove(field);
    }

    /// A complaint for each name that is not among `known`, where this is a query.
    pub fn strangers(&self, known: &[&str]) -> Vec<Complaint> {
        let strange = self.0.keys().filter(|name| !known.contains(&name.as_str()));
        strange.map(|name| stranger(name, "a query parameter", known.iter().copied())).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This input with what it leaves out taken from `base`: an edit that names some fields only.
    pub fn over(&self, base: Input) -> Input {
        let mut whole = base;
        whole.0.extend(self.0.clone());
        whole
    }

    /// As a query: `q=ann&state=active`, empty values left out.
    pub fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, values) in &self.0 {
            values.iter().filter(|v| !v.is_empty()).for_each(|v| {
                query.append_pair(name, v);
            });
        }
        query.finish()
    }

    /// As a JSON object of texts and lists of texts, for keeping an order beside its plan.
    pub fn to_json(&self) -> Value {
        Value::Object(
            self.0
                .iter()
                .map(|(name, values)| (name.clone(), Value::from(values.clone())))
                .collect(),
        )
    }

    /// What [`Input::to_json`] wrote.
    pub fn from_kept(kept: &Value) -> Input {
        let mut input = Input::default();
        for (name, values) in kept.as_object().into_iter().flatten() {
            input.set_null(name);
            for value in values.as_array().into_iter().flatten() {
                input.push(name, value.as_str().unwrap_or_default());
            }
        }
        input
    }

    fn flatten(&mut self, name: &str, value: Value) {
        match value {
            Value::Object(object) => {
                for (inner, value) in object {
                    self.flatten(&format!("{name}.{inner}"), value);
                }
            }
            Value::Array(values) if values.is_empty() => self.set(name, ""),
            Value::Array(values) => {
                let texts = values.into_iter().map(plain).collect();
                self.0.insert(name.to_owned(), texts);
            }
            Value::Null => self.set_null(name),
            other => self.set(name, plain(other)),
        }
    }
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What an act guarded *typed* takes besides: the text shown, typed by hand.
pub const CONFIRM: Field = Field::text("confirm", "the text shown, typed").required();

/// The guard *typed* where nothing else is read.
pub fn typed(input: &Input, text: &str) -> Result<()> {
    if one_line(input.get(CONFIRM.name)) == text {
        return Ok(());
    }
    Err(Error::invalid(CONFIRM.name, format!("does not match {text}")))
}

impl<'i> Fields<'i> {
    /// Starts reading; whatever `input` says beyond `declared` is a complaint.
    pub fn of(input: &'i Input, declared: &'static [Field]) -> Fields<'i> {
        let mut fields = Fields { input, declared, complaints: Vec::new() };
        for name in input.0.keys() {
            let head = name.split('.').next().unwrap_or(name);
            let known = declared
                .iter()
                .find(|f| f.name == name || (f.name == head && f.kind == Kind::Object));
            match known {
                None => fields.complaints.push(unknown(name, declared)),
                Some(f)
                    if f.kind == Kind::Object && f.name == name && !input.get(name).is_empty() =>
                {
                    fields.complaints.push(Complaint::new(f.name, "must be an object"));
                }
                Some(_) => {}
            }
        }
        fields
    }

    /// One line: trimmed, NFC, inner blanks collapsed, no control characters; its length in characters.
    pub fn text(&mut self, field: &'static str, length: RangeInclusive<usize>) -> Option<String> {
        let text = one_line(self.value(field));
        if text.chars().any(char::is_control) {
            return self.complain(field, "must not contain control characters");
        }
        self.sized(field, text, length)
    }

    /// Several lines: line ends become `\n`, other control characters are refused.
    pub fn lines(&mut self, field: &'static str, length: RangeInclusive<usize>) -> Option<String> {
        let text: String =
            self.value(field).replace("\r\n", "\n").replace('\r', "\n").nfc().collect();
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return self.complain(field, "must not contain control characters");
        }
        self.sized(field, text, length)
    }

    /// An e-mail address: one `@`, 254 characters at most, a host of two labels or more.
    pub fn email(&mut self, field: &'static str) -> Option<String> {
        let email = self.text(field, 3..=254)?;
        if is_email(&email) {
            Some(email)
        } else {
            self.complain(field, "is not an e-mail address")
        }
    }

    /// The same, or empty.
    pub fn optional_email(&mut self, field: &'static str) -> Option<String> {
        if self.value(field).is_empty() { Some(String::new()) } else { self.email(field) }
    }

    /// An id, a word of an enum: whatever can be parsed.
    pub fn parse<T: FromStr>(&mut self, field: &'static str) -> Option<T> {
        match self.value(field) {
            "" => self.complain(field, "is required"),
            text => match text.parse() {
                Ok(value) => Some(value),
                Err(_) => self.complain(field, "is not one of the choices"),
            },
        }
    }

    /// The same, or `None` inside when it is empty.
    pub fn optional<T: FromStr>(&mut self, field: &'static str) -> Option<Option<T>> {
        if self.value(field).is_empty() { Some(None) } else { self.parse(field).map(Some) }
    }

    /// A whole number within `range`.
    pub fn integer(&mut self, field: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let (least, most) = (*range.start(), *range.end());
        match self.value(field).parse::<i64>() {
            _ if self.value(field).is_empty() => self.complain(field, "is required"),
            Ok(number) if range.contains(&number) => Some(number),
            _ => self.complain(field, format!("must be a whole number from {least} to {most}")),
        }
    }

    pub fn optional_integer(
        &mut self,
        field: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<Option<i64>> {
        if self.value(field).is_empty() { Some(None) } else { self.integer(field, range).map(Some) }
    }

    /// A tick box: `1`, `true`, `on`, `yes`, or not.
    pub fn flag(&mut self, field: &'static str) -> Option<bool> {
        match self.value(field) {
            "1" | "true" | "on" | "yes" => Some(true),
            "" | "0" | "false" | "off" | "no" => Some(false),
            _ => self.complain(field, "must be true or false"),
        }
    }

    /// `2026-01-31`, or nothing.
    pub fn optional_date(&mut self, field: &'static str) -> Option<Option<Date>> {
        match self.value(field) {
            "" => Some(None),
            text => match text.parse() {
                Ok(date) => Some(Some(date)),
                Err(_) => self.complain(field, "is not a date like 2026-01-31"),
            },
        }
    }

    pub fn date(&mut self, field: &'static str) -> Option<Date> {
        match self.optional_date(field)? {
            Some(date) => Some(date),
            None => self.complain(field, "is required"),
        }
    }

    /// What a unit costs, as a decimal: `18.00`. Never negative.
    pub fn price(&mut self, field: &'static str, currency: Currency) -> Option<UnitPrice> {
        let text = self.value(field).to_owned();
        if text.is_empty() {
            return self.complain(field, "is required");
        }
        match UnitPrice::parse(&text, currency) {
            Some(price) if (0..=1_000_000_000_000_000).contains(&price.0) => Some(price),
            Some(_) => self.complain(field, "must be 0 or more"),
            None => {
                let places = currency.decimals() + 4;
                self.complain(
                    field,
                    format!("must be a number like 18.00, with at most {places} decimals"),
                )
            }
        }
    }

    pub fn optional_price(
        &mut self,
        field: &'static str,
        currency: Currency,
    ) -> Option<Option<UnitPrice>> {
        if self.value(field).is_empty() {
            Some(None)
        } else {
            self.price(field, currency).map(Some)
        }
    }

    /// Each of a list, at most `most` of them.
    pub fn list<T: FromStr>(&mut self, field: &'static str, most: usize) -> Option<Vec<T>> {
        self.declared(field);
        let input = self.input;
        if input.all(field).count() > most {
            return self.complain(field, format!("must be {most} at most"));
        }
        match input.all(field).map(str::parse).collect() {
            Ok(list) => Some(list),
            Err(_) => self.complain(field, "has something that is not one of the choices"),
        }
    }

    /// The members of an object field.
    pub fn members(&mut self, field: &'static str) -> Vec<(&'i str, &'i str)> {
        self.declared(field);
        self.input.members(field).collect()
    }

    /// What was said of one member of an object field, each where it is a list.
    pub fn member(&mut self, field: &'static str, name: &str) -> Vec<&'i str> {
        self.declared(field);
        let input = self.input;
        input.all(&format!("{field}.{name}")).collect()
    }

    /// The guard *typed*: [`CONFIRM`] must be the text that was shown.
    pub fn typed(&mut self, text: &str) -> Option<()> {
        if one_line(self.value(CONFIRM.name)) == text {
            return Some(());
        }
        self.complain(CONFIRM.name, format!("does not match {text}"))
    }

    /// The field as it was sent, trimmed.
    pub fn value(&self, field: &str) -> &'i str {
        self.declared(field);
        self.input.get(field)
    }

    /// Whether the field was sent at all.
    pub fn has(&self, field: &str) -> bool {
        self.declared(field);
        self.input.has(field)
    }

    pub fn complain<T>(&mut self, field: &'static str, message: impl Into<String>) -> Option<T> {
        self.complaints.push(Complaint::new(field, message));
        None
    }

    /// Takes over complaints found elsewhere.
    pub fn complaints(&mut self, more: impl IntoIterator<Item = Complaint>) {
        self.complaints.extend(more);
    }

    pub fn finish<T>(self, whole: impl FnOnce() -> Option<T>) -> Result<T> {
        match whole() {
            Some(value) if self.complaints.is_empty() => Ok(value),
            None if self.complaints.is_empty() => {
                Err(Error::internal("an input without value or complaint"))
            }
            _ => Err(Error::Invalid(self.complaints)),
        }
    }

    fn declared(&self, field: &str) {
        debug_assert!(
            self.declared.iter().any(|f| f.name == field),
            "{field} is read but not declared"
        );
    }

    fn sized(
        &mut self,
        field: &'static str,
        text: String,
        length: RangeInclusive<usize>,
    ) -> Option<String> {
        let (least, most) = (*length.start(), *length.end());
        match text.chars().count() {
            0 if least > 0 => self.complain(field, "is required"),
            n if n < least => {
                self.complain(field, format!("must have at least {least} characters"))
            }
            n if n > most => self.complain(field, format!("must have at most {most} characters")),
            _ => Some(text),
        }
    }
}

/// Trimmed, NFC, runs of blanks as one.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text
        .split(|c: char| c == ' ' || (c.is_whitespace() && !c.is_control()))
        .filter(|w| !w.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.nfc());
    }
    line
}

/// One `@`, 254 characters at most, no blanks, a host of two labels or more.
pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-');
    text.len() <= 254
        && !name.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"".contains(c))
        && !host.contains('@')
        && host.contains('.')
        && host.split('.').all(label)
}

fn unknown(name: &str, declared: &[Field]) -> Complaint {
    stranger(name, "a field", declared.iter().map(|field| field.name))
}

fn stranger<'n>(name: &str, what: &str, known: impl Iterator<Item = &'n str>) -> Complaint {
    let close = known.map(|each| (distance(name, each), each)).min();
    let hint = match close {
        Some((d, near)) if d <= 3 => format!("; did you mean {near}?"),
        _ => String::new(),
    };
    Complaint::new(name.to_owned(), format!("is not {what} here{hint}"))
}

/// Edit distance, for "did you mean".
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, pair) in b.iter().zip(row.windows(2)) {
            if let [diagonal, above] = pair {
                left = (left + 1).min(above + 1).min(diagonal + usize::from(x != *y));
                next.push(left);
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// JSON of bounded depth in which no name comes twice.
struct Strict(usize);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(Strict(inner))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = serde_json::Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Strict(inner))?;
            if object.contains_key(&name) {
                return Err(serde::de::Error::custom(format!("{name} comes twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.0.checked_sub(1).ok_or_else(|| E::custom(format!("it nests deeper than {DEPTH}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field::text("name", "1–20").required(),
        Field::integer("age", "0–150"),
        Field::list("tags", "words"),
        Field::object("properties", "by name"),
    ];

    #[test]
    fn a_form_and_json_say_the_same() {
        let form = Input::from_form(b"name=Ann++Lee&tags=a&tags=b&csrf=x&properties.quota=5");
        let json =
            Input::from_json(br#"{"name":"Ann  Lee","tags":["a","b"],"properties":{"quota":5}}"#)
                .unwrap();
        for input in [form, json] {
            let mut fields = Fields::of(&input, FIELDS);
            assert_eq!(fields.text("name", 1..=20).as_deref(), Some("Ann Lee"));
            assert_eq!(fields.list::<String>("tags", 5).unwrap(), ["a", "b"]);
            assert_eq!(fields.members("properties"), [("quota", "5")]);
            assert!(fields.finish(|| Some(())).is_ok());
        }
    }

    #[test]
    fn all_complaints_come_at_once() {
        let input = Input::from_json(br#"{"nme":"x","age":"old","name":""}"#).unwrap();
        let mut fields = Fields::of(&input, FIELDS);
        let (name, age) = (fields.text("name", 1..=20), fields.integer("age", 0..=150));
        let Err(Error::Invalid(all)) = fields.finish(|| Some((name?, age?))) else {
            panic!("accepted")
        };
        let texts: Vec<_> = all.iter().map(|c| format!("{} {}", c.field, c.message)).collect();
        assert_eq!(
            texts,
            [
                "nme is not a field here; did you mean name?",
                "name is required",
                "age must be a whole number from 0 to 150"
            ]
        );
    }

    #[test]
    fn json_is_bounded_and_without_double_names() {
        assert!(matches!(Input::from_json(br#"{"a":1,"a":2}"#), Err(Error::Malformed(_))));
        assert!(matches!(Input::from_json(b"[1]"), Err(Error::Malformed(_))));
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
        assert!(matches!(Input::from_json(deep.as_bytes()), Err(Error::Malformed(_))));
    }

    #[test]
    fn addresses() {
        for good in ["a@b.example", "o'brien+x@mail.b-c.example", "zoë@bücher.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["a@b", "a b@c.example", "@c.example", "a@@c.example", "a@c..example", "a@c.example\nx"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn control_characters_are_refused_and_blanks_collapse() {
        let mut input = Input::default();
        input.set("name", "a\u{7}b");
        assert!(Fields::of(&input, FIELDS).text("name", 1..=20).is_none());
        assert_eq!(one_line("  a\u{a0} \u{2003}b  "), "a b");
    }
}
