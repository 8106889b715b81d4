//! What rules can do, and what each of them is told: one table of typed parameters.

use super::condition::{Condition, Known, Value};
use super::directory;
use super::scim;
use super::text::{Into, Template};
use crate::engine::Action;
use crate::error::Complaint;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word as it stands, without names.
    Word,
    /// One of these.
    Choice(&'static [&'static str]),
    /// One text.
    Text(Into),
    /// JSON whose texts may have names in them.
    Json,
    /// A line each, `name = text`.
    Map,
    /// A line each.
    List(Into),
    /// A line each, `{secret.NAME}` or `name = {secret.NAME}`: which of the service's secrets it is
    /// handed, and as what. They are named, never filled in.
    Secrets,
    Number(i64, i64),
    /// true or false.
    Flag,
    /// A time of day.
    Clock,
    Condition,
}

pub struct Param {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub hint: &'static str,
}

/// Parameters as they were typed, by name.
pub type Typed = BTreeMap<String, String>;

pub const fn param(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    hint: &'static str,
) -> Param {
    Param { name, label, kind, required: false, hint }
}

impl Param {
    pub const fn required(self) -> Param {
        Param { required: true, ..self }
    }
}

const LINE: Kind = Kind::Text(Into::Line);
const LINES: Kind = Kind::Text(Into::Lines);

const SCRIPT: &[Param] = &[
    param(
        "verb",
        "Verb",
        Kind::Word,
        "Left empty, the event’s own: create, change, suspend, resume, remove",
    ),
    param(
        "inputs",
        "Inputs",
        Kind::Map,
        "A line each, like home = /home/{user.username}; they go over the service’s settings",
    ),
    param(
        "secrets",
        "Secrets",
        Kind::Secrets,
        "A line each, like {secret.api_key} or password = {secret.api_key}; left empty, all that the service has",
    ),
];
const WEBHOOK: &[Param] = &[
    param(
        "verb",
        "Verb",
        Kind::Word,
        "Left empty, the event’s own: create, change, suspend, resume, remove",
    ),
    param(
        "path",
        "Path",
        Kind::Text(Into::Url),
        "Added to the connector’s address, like /users/{user.upn}",
    ),
    param(
        "body",
        "Body",
        Kind::Json,
        "JSON, like [\"{user.upn}\"]. It is sent as “body” beside the usual document",
    ),
];
const CHECK: &[Param] = &[
    param("holds", "What must hold", Kind::Condition, "Like size(user.department) > 0").required(),
    param("message", "What is said when it does not", LINE, "").required(),
];
const REFUSE: &[Param] = &[param("message", "What is said", LINE, "").required()];
const WAIT: &[Param] = &[
    param("minutes", "Minutes", Kind::Number(1, 10_080), "At most 10,080, which is seven days"),
    param("until", "Or until", Kind::Clock, "A time of day where the customer is, like 02:00"),
];
const MAIL: &[Param] = &[
    param("to", "To", Kind::List(Into::Email), "One address a line, like {user.mail}").required(),
    param("subject", "Subject", LINE, "").required(),
    param("text", "Text", LINES, "Paragraphs with an empty line between them").required(),
];

const TASK: &[Param] = &[
    param("title", "Title", LINE, "").required(),
    param("text", "What to do", LINES, ""),
    param(
        "checklist",
        "Checklist",
        Kind::List(Into::Line),
        "One point a line; all have to be ticked",
    ),
    param(
        "assignee",
        "Assigned to",
        Kind::Text(Into::Email),
        "The sign-in name of somebody of yours or of a reseller; empty is whoever may see to requests",
    ),
    param(
        "role",
        "Or everybody with the role",
        Kind::Text(Into::Line),
        "Its name, like Provider helpdesk: whoever holds it there is told and may do it",
    ),
    param("due_days", "Due after days", Kind::Number(1, 90), "Left empty, 7"),
    param(
        "fields",
        "Asked for at the end",
        Kind::List(Into::Line),
        "One name a line, like number; later rules use it as {out.KEY.number}",
    ),
];

const GIFT: &[Param] = &[
    param("service", "Service", Kind::Word, "Its code").required(),
    param("plan", "Plan", Kind::Word, "Its code; left empty, the only one there is"),
    param("properties", "Settings", Kind::Map, "A line each, like quota = 10"),
];

const VALUE: &[Param] = &[
    param("output", "Setting", Kind::Word, "The name of one that Portico writes").required(),
    param("value", "Value", LINE, "Like {out.KEY.NAME}; empty takes it away"),
];
const FACTOR: &[Param] = &[
    param("on", "Needed", Kind::Flag, "true or false").required(),
    param(
        "grace_days",
        "Days to set it up",
        LINE,
        "0 to 30, like {prop.grace_days}; left empty, at once",
    ),
];

impl Action {
    pub fn params(self) -> &'static [Param] {
        match self {
            Action::ScriptRun => SCRIPT,
            Action::WebhookSend => WEBHOOK,
            Action::Check => CHECK,
            Action::Refuse => REFUSE,
            Action::Wait => WAIT,
            Action::MailSend => MAIL,
            Action::TaskOpen => TASK,
            Action::ScimUser => scim::USER,
            Action::ScimGroup => scim::GROUP,
            Action::ScimMember => scim::MEMBER,
            Action::ValueSet => VALUE,
            Action::ServiceGive => GIFT,
            Action::RequireMfa => FACTOR,
            other => other.in_directory().map_or(&[], directory::params),
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Action::ScriptRun => "Run a script",
            Action::WebhookSend => "Call a webhook",
            Action::Check => "Refuse unless something holds",
            Action::Refuse => "Refuse",
            Action::Wait => "Wait",
            Action::MailSend => "Send a mail",
            Action::TaskOpen => "Ask somebody to do it",
            Action::Reseller => "Set up the reseller",
            Action::RequireMfa => "Ask the user for a second factor",
            Action::ValueSet => "Write a setting",
            Action::ServiceGive => "Give a service",
            Action::Off => "Leave out the rule with this key",
            Action::ScimUser => "SCIM: an account",
            Action::ScimGroup => "SCIM: a group",
            Action::ScimMember => "SCIM: in or out of a group",
            other => other.in_directory().map_or("", directory::label),
        }
    }

    /// Whether it reaches outside through a connector.
    pub fn is_outside(self) -> bool {
        matches!(self, Action::ScriptRun | Action::WebhookSend) || self.in_scim().is_some()
    }

    /// Those that a rule may be given; a reseller is set up by its service alone, no rule has a
    /// password, and things are put back by people who saw that they were moved.
    pub fn offered() -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(|action| {
            !matches!(action, Action::Reseller | Action::DirPassword | Action::DirPutBack)
        })
    }
}

/// The parameter of that name.
pub fn of(action: Action, name: &str) -> Option<&'static Param> {
    action.params().iter().find(|param| param.name == name)
}

/// Everything that is wrong with what was typed.
pub fn check(action: Action, typed: &Typed, known: &Known) -> Vec<Complaint> {
    let mut wrong = Vec::new();
    let mut complain =
        |name: &str, text: String| wrong.push(Complaint::new(format!("params.{name}"), text));
    for name in typed.keys() {
        if !action.params().iter().any(|param| param.name == name) {
            complain(name, format!("is not a parameter of {}", action.word()));
        }
    }
    for param in action.params() {
        match typed.get(param.name).map(String::as_str).filter(|text| !text.trim().is_empty()) {
            None if param.required => complain(param.name, "is required".to_owned()),
            None => {}
            Some(text) => {
                if let Err(why) = reads(param.kind, text, known) {
                    complain(param.name, why);
                }
            }
        }
    }
    if action == Action::Wait && !typed.contains_key("minutes") && !typed.contains_key("until") {
        complain("minutes", "is required, or a time of day".to_owned());
    }
    wrong
}

/// Seconds since the day began.
pub fn clock(text: &str) -> Option<i64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = match two(hours) && two(minutes) {
        true => (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?),
        false => return None,
    };
    (hours < 24 && minutes < 60)
        .then(|| hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60)))
}

fn reads(kind: Kind, text: &str, known: &Known) -> Result<(), String> {
    match kind {
        Kind::Word => {
            let good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            match text.chars().all(good) && text.len() <= 40 {
                true => Ok(()),
                false => Err("may have letters, digits and _ - . only".to_owned()),
            }
        }
        Kind::Choice(words) => match words.contains(&text.trim()) {
            true => Ok(()),
            false => Err(format!("must be {}", words.join(" or "))),
        },
        Kind::Number(least, most) => match text.trim().parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(()),
            _ => Err(format!("must be a number from {least} to {most}")),
        },
        Kind::Clock => match clock(text) {
            Some(_) => Ok(()),
            None => Err("must be a time of day like 02:00".to_owned()),
        },
        Kind::Flag => match text.trim() {
            "true" | "false" => Ok(()),
            _ => Err("must be true or false".to_owned()),
        },
        Kind::Condition => match Condition::read(text, known) {
            Ok(condition) if condition.is_late() => {
                Err("cannot ask for what a step answers".to_owned())
            }
            Ok(_) => Ok(()),
            Err(wrong) => Err(wrong.to_string()),
        },
        Kind::Text(_) => template(text, known),
        Kind::List(_) => entries(text).try_for_each(|line| template(line, known)),
        Kind::Map => pairs(text).try_for_each(|pair| template(pair?.1, known)),
        Kind::Secrets => entries(text).try_for_each(|line| secret(line, known).map(drop)),
        Kind::Json => templates_in(&json(text)?, known),
    }
}

fn template(text: &str, known: &Known) -> Result<(), String> {
    Template::read(text, known).map(|_| ()).map_err(|wrong| wrong.to_string())
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// The name a secret is handed on by, and which one of the service's it is.
fn secret<'t>(line: &'t str, known: &Known) -> Result<(&'t str, &'t str), String> {
    let (name, said) = match line.split_once('=') {
        Some((name, said)) => (Some(name.trim()), said.trim()),
        None => (None, line),
    };
    let of = said.strip_prefix("{secret.").and_then(|rest| rest.strip_suffix('}'));
    let Some(of) = of.filter(|of| known.is_secret(of)) else {
        return Err(format!("“{said}” is no secret of the service, like {{secret.api_key}}"));
    };
    let name = name.unwrap_or(of);
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match !name.is_empty() && name.len() <= 40 && name.chars().all(good) {
        true => Ok((name, of)),
        false => Err(format!("“{name}” may have letters, digits and _ only")),
    }
}

fn pairs(text: &str) -> impl Iterator<Item = Result<(&str, &str), String>> {
    entries(text).map(|line| {
        let (name, value) =
            line.split_once('=').ok_or_else(|| format!("“{line}” is not like name = text"))?;
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match name.trim() {
            name if !name.is_empty() && name.len() <= 40 && name.chars().all(good) => {
                Ok((name, value.trim()))
            }
            name => Err(format!("“{name}” may have letters, digits and _ only")),
        }
    })
}

fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|err| format!("is not JSON: {err}"))
}

fn templates_in(json: &Json, known: &Known) -> Result<(), String> {
    match json {
        Json::String(text) => template(text, known),
        Json::Array(all) => all.iter().try_for_each(|each| templates_in(each, known)),
        Json::Object(all) => all.iter().try_for_each(|(name, each)| {
            if name.starts_with('$') {
                return Err(format!("the name “{name}” begins with $, which is kept for Portico"));
            }
            templates_in(each, known)
        }),
        _ => Ok(()),
    }
}

/// Fills in what was typed; what a step answers stays open. Says what cannot be filled in.
pub fn fill(
    action: Action,
    typed: &Typed,
    known: &Known,
    value: &dyn Fn(&str) -> Option<Value>,
) -> Result<Json, String> {
    let mut filled = Map::new();
    for param in action.params() {
        let Some(text) = typed.get(param.name).filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let done = filled_in(param.kind, text, known, value)
            .map_err(|why| format!("{}: {why}", param.label))?;
        filled.insert(param.name.to_owned(), done);
    }
    Ok(Json::Object(filled))
}

fn filled_in(
    kind: Kind,
    text: &str,
    known: &Known,
    value: &dyn Fn(&str) -> Option<Value>,
) -> Result<Json, String> {
    let one = |text: &str, into: Into| {
        let read = Template::read(text, known).map_err(|wrong| wrong.to_string())?;
        read.fill(into, value)
    };
    match kind {
        Kind::Word | Kind::Choice(_) | Kind::Condition | Kind::Clock => Ok(Json::from(text.trim())),
        Kind::Flag => Ok(Json::from(text.trim() == "true")),
        Kind::Number(..) => match text.trim().parse::<i64>() {
            Ok(number) => Ok(Json::from(number)),
            Err(_) => Err("is no number".to_owned()),
        },
        Kind::Text(into) => one(text, into),
        Kind::List(into) => {
            let all: Result<Vec<Json>, String> =
                entries(text).map(|line| one(line, into)).collect();
            all.map(Json::Array)
        }
        Kind::Map => {
            let mut all = Map::new();
            for pair in pairs(text) {
                let (name, text) = pair?;
                all.insert(name.to_owned(), one(text, Into::Json)?);
            }
            Ok(Json::Object(all))
        }
        Kind::Secrets => {
            let named = entries(text).map(|line| {
                let (name, of) = secret(line, known)?;
                Ok((name.to_owned(), Json::from(of)))
            });
            Ok(Json::Object(named.collect::<Result<_, String>>()?))
        }
        Kind::Json => filled_json(&json(text)?, &|text| one(text, Into::Json)),
    }
}

fn filled_json(json: &Json, one: &dyn Fn(&str) -> Result<Json, String>) -> Result<Json, String> {
    match json {
        Json::String(text) => one(text),
        Json::Array(all) => {
            let all: Result<Vec<Json>, String> =
                all.iter().map(|each| filled_json(each, one)).collect();
            all.map(Json::Array)
        }
        Json::Object(all) => {
            let mut filled = Map::new();
            for (name, each) in all {
                filled.insert(name.clone(), filled_json(each, one)?);
            }
            Ok(Json::Object(filled))
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::condition::Type;
    use super::*;
    use serde_json::json;

    const NASTY: [&str; 10] =
        ["*)(uid=*", ",OU=x", "\"", "\\", "\n", "\0", "😀", "</script>", "{user.upn}", "$(id)"];

    fn known() -> Known {
        Known([("user.name".to_owned(), Type::Text)].into())
    }

    fn filled(action: Action, typed: &[(&str, &str)], name: &str) -> Result<Json, String> {
        let typed: Typed =
            typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert_eq!(check(action, &typed, &known()).len(), 0);
        fill(action, &typed, &known(), &|_| Some(Value::Text(name.to_owned())))
    }

    /// Each kind of parameter with each of the texts that try to get out: it arrives as it was or is
    /// refused.
    #[test]
    fn whatever_is_filled_in_stays_what_it_is() {
        let long = "x".repeat(300);
        for nasty in NASTY.into_iter().chain([long.as_str()]) {
            let body = "{\"who\": [\"<{user.name}>\"], \"n\": 1}";
            let sent = filled(Action::WebhookSend, &[("body", body)], nasty).unwrap();
            assert_eq!(sent["body"], json!({ "who": [format!("<{nasty}>")], "n": 1 }));
            let sent =
                filled(Action::ScriptRun, &[("inputs", "a = {user.name}\nb=2")], nasty).unwrap();
            assert_eq!(sent["inputs"], json!({ "a": nasty, "b": "2" }));
            let path = filled(Action::WebhookSend, &[("path", "/u/{user.name}")], nasty).unwrap();
            let safe = |c: char| c.is_ascii_alphanumeric() || "-_.~%/".contains(c);
            assert!(path["path"].as_str().unwrap().chars().all(safe), "{path}");
            let said = filled(Action::Refuse, &[("message", "No {user.name}")], nasty);
            match nasty.contains(char::is_control) {
                true => assert!(
                    said.unwrap_err().starts_with("What is said: user.name has a line break")
                ),
                false => assert_eq!(said.unwrap()["message"], format!("No {nasty}")),
            }
            let mail = [("to", "{user.name}"), ("subject", "x"), ("text", "x")];
            assert!(filled(Action::MailSend, &mail, nasty).is_err(), "{nasty:?}");
        }
    }

    #[test]
    fn each_kind_of_parameter_says_what_it_takes() {
        for (action, name, text, why) in [
            (Action::ScriptRun, "verb", "rm -rf", "may have letters, digits and _ - . only"),
            (Action::ScriptRun, "inputs", "home", "“home” is not like name = text"),
            (Action::ScriptRun, "inputs", "a b = x", "“a b” may have letters, digits and _ only"),
            (
                Action::ScriptRun,
                "inputs",
                "a = {user.nam}",
                "column 2: user.nam is not known; user.name?",
            ),
            (
                Action::WebhookSend,
                "body",
                "{\"$late\": 1}",
                "the name “$late” begins with $, which is kept for Portico",
            ),
            (
                Action::WebhookSend,
                "body",
                "[\"{x\"]",
                "column 1: this name has no end: “}” is missing; a brace is written “{{”",
            ),
            (Action::Wait, "minutes", "99999", "must be a number from 1 to 10080"),
            (
                Action::Check,
                "holds",
                "user.name",
                "column 1: this is a text, and has to be true or false",
            ),
            (Action::Check, "holds", "out.a.b == \"\"", "cannot ask for what a step answers"),
            (Action::Refuse, "why", "x", "is not a parameter of refuse"),
        ] {
            let typed: Typed = [(name.to_owned(), text.to_owned())].into();
            let wrong = check(action, &typed, &known());
            let field = format!("params.{name}");
            assert!(
                wrong.iter().any(|each| each.field == field && each.message == why),
                "{text}: {wrong:?}"
            );
        }
        let known = Known(
            [("secret.api_key".to_owned(), Type::Text), ("user.name".to_owned(), Type::Text)]
                .into(),
        );
        for (name, text, why) in [
            ("secrets", "api_key", "“api_key” is no secret of the service, like {secret.api_key}"),
            (
                "secrets",
                "{secret.x}",
                "“{secret.x}” is no secret of the service, like {secret.api_key}",
            ),
            ("secrets", "a b = {secret.api_key}", "“a b” may have letters, digits and _ only"),
            (
                "inputs",
                "key = {secret.api_key}",
                "column 2: secret.api_key is a secret, and may stand under Secrets alone",
            ),
        ] {
            let typed: Typed = [(name.to_owned(), text.to_owned())].into();
            let wrong = check(Action::ScriptRun, &typed, &known);
            assert!(wrong.iter().any(|each| each.message == why), "{text}: {wrong:?}");
        }
        let typed: Typed =
            [("secrets".to_owned(), "{secret.api_key}\npass = {secret.api_key}".to_owned())].into();
        let filled = fill(Action::ScriptRun, &typed, &known, &|_| None).unwrap();
        assert_eq!(filled["secrets"], json!({ "api_key": "api_key", "pass": "api_key" }));
        let missing = check(Action::MailSend, &Typed::new(), &self::known());
        assert_eq!(missing.len(), 3);
    }
}
