//! What can be said about a user, and the rules of each field.

use crate::auth::LEAVES;
use crate::customers::domains;
use crate::customers::fields::{LANGUAGES, country, phone, website};
use crate::ids::{DomainId, UserId};
use crate::input::{Field, Fields, Input, is_email};
use crate::time::{Date, Zone};
use std::collections::{BTreeMap, BTreeSet};

use super::names;

words! {
    /// Which doors a user may come in by.
    SignIn { Everything = "everything", ApiOnly = "api_only", Nothing = "nothing" }
}

/// How a plain text of a user is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Line(usize),
    Lines(usize),
    Phone,
    Web,
    Country,
}

/// The plain texts of a user: column, rule, and what the API says of it.
pub const TEXTS: &[(&str, Rule)] = &[
    ("first_name", Rule::Line(64)),
    ("last_name", Rule::Line(64)),
    ("office", Rule::Line(64)),
    ("job_title", Rule::Line(100)),
    ("company", Rule::Line(100)),
    ("description", Rule::Line(250)),
    ("employee_id", Rule::Line(32)),
    ("employee_type", Rule::Line(32)),
    ("cost_centre", Rule::Line(32)),
    ("phone", Rule::Phone),
    ("mobile", Rule::Phone),
    ("home_phone", Rule::Phone),
    ("fax", Rule::Phone),
    ("pager", Rule::Phone),
    ("ip_phone", Rule::Phone),
    ("street", Rule::Lines(200)),
    ("po_box", Rule::Line(40)),
    ("city", Rule::Line(80)),
    ("region", Rule::Line(80)),
    ("postcode", Rule::Line(20)),
    ("country", Rule::Country),
    ("usage_location", Rule::Country),
    ("web_page", Rule::Web),
    ("notes", Rule::Lines(2_000)),
];

/// Everything about a user that can be edited.
#[derive(Clone)]
pub struct Details {
    pub upn: String,
    pub mail: String,
    /// Hosted addresses besides those two.
    pub addresses: BTreeSet<String>,
    pub external_emails: BTreeSet<String>,
    pub username: String,
    pub display_name: String,
    pub recovery_email: String,
    pub manager: Option<UserId>,
    pub department: String,
    pub location: String,
    pub language: String,
    pub time_zone: String,
    pub expires_on: Option<Date>,
    pub sign_in: SignIn,
    pub main_contact: bool,
    pub test_user: bool,
    /// A new password before anything else.
    pub must_change: bool,
    /// The password has no maximum age, where that is allowed.
    pub never_expires: bool,
    /// For emergencies, at the provider: no last day ends it, each sign-in is told.
    pub break_glass: bool,
    /// What other systems call the user, by source.
    pub external_ids: BTreeMap<String, String>,
    pub texts: BTreeMap<&'static str, String>,
}

macro_rules! fields {
    ($($name:ident = [$($field:expr),+ $(,)?];)+) => { $(pub const $name: &[Field] = &[$($field),+];)+ };
}

const UPN: Field =
    Field::text("upn", "sign-in name on a domain of the customer; new: made from the name");
const USERNAME: Field =
    Field::text("username", "at most 20 letters, digits . _ -; new: made from the name");
const MAIL: Field =
    Field::text("mail", "primary address on a domain of the customer; new: the sign-in name");
const ADDRESSES: Field =
    Field::list("addresses", "further addresses on domains of the customer, at most 200");
const EXTERNAL: Field = Field::list("external_emails", "addresses elsewhere, at most 5");
const RECOVERY: Field = Field::text("recovery_email", "an address elsewhere that links may go to");
const DISPLAY: Field = Field::text("display_name", "1–120 characters; new: first and last name");
const MANAGER: Field = Field::text("manager", "a user of the same customer, by sign-in name or id");
const EXPIRES: Field = Field::text("expires_on", "the last day; none: never");
const SIGN_IN: Field = Field::text("sign_in", "everything, api_only or nothing");
const TEST: Field = Field::boolean("test_user", "not billed");
const KEEP: Field =
    Field::boolean("keep_address", "false lets the old sign-in name go; else it stays an address");
const DUE: Field = Field::boolean("must_change", "a new password is asked for at the next sign-in");
const STAYS: Field =
    Field::boolean("never_expires", "the password has no end, where the customer allows that");
const GLASS: Field =
    Field::boolean("break_glass", "the provider's: no last day ends it, each sign-in is told");
const STATE: Field = Field::boolean("disabled", "made disabled");

const PROPERTIES: Field = Field::object(
    "properties",
    "values of the properties that hold here, by key; an empty one is taken away",
);

const TEMPLATE: Field = Field::integer(
    "template",
    "a template that can be used at the customer; what is said goes over it",
);
const SERVICES: Field = Field::list(
    "services",
    "service and plan as workplace/standard, or objects of service, plan, label, properties",
);
const ROLES: Field = Field::list("roles", "names of roles to give");
const WELCOME: Field = Field::boolean("welcome", "mails a link for choosing a password");
const COPIED: Field = Field::list(
    "copy",
    "of services, roles, department, location, office, company, address, manager, cost_centre; all when left out",
);

macro_rules! all {
    ($($more:expr),+ $(,)?) => {
        &[
            Field::text("first_name", "at most 64 characters"),
            Field::text("last_name", "at most 64 characters"),
            DISPLAY,
            UPN,
            MAIL,
            USERNAME,
            ADDRESSES,
            EXTERNAL,
            RECOVERY,
            Field::text("job_title", "at most 100 characters"),
            Field::text("department", "at most 64 characters; made where it is new"),
            Field::text("location", "at most 64 characters; made where it is new"),
            MANAGER,
            Field::text("office", "at most 64 characters"),
            Field::text("company", "at most 100 characters"),
            Field::text("description", "at most 250 characters"),
            Field::text("employee_id", "at most 32 characters"),
            Field::text("employee_type", "at most 32 characters"),
            Field::text("cost_centre", "at most 32 characters"),
            Field::text("phone", "at most 40 of digits and + ( ) - . /"),
            Field::text("mobile", "as phone"),
            Field::text("home_phone", "as phone"),
            Field::text("fax", "as phone"),
            Field::text("pager", "as phone"),
            Field::text("ip_phone", "as phone"),
            Field::text("street", "at most 200 characters"),
            Field::text("po_box", "at most 40 characters"),
            Field::text("city", "at most 80 characters"),
            Field::text("region", "at most 80 characters"),
            Field::text("postcode", "at most 20 characters"),
            Field::text("country", "ISO 3166 code"),
            Field::text("usage_location", "ISO 3166 code"),
            Field::text("language", "en; none: the customer's"),
            Field::text("time_zone", "IANA name; none: the customer's"),
            Field::text("web_page", "http(s) address"),
            Field::text("notes", "at most 2000 characters"),
            EXPIRES,
            SIGN_IN,
            Field::boolean("main_contact", ""),
            TEST,
            DUE,
            STAYS,
            GLASS,
            Field::list("external_ids", "what other systems call it, like hr:4711; one for each source"),
            PROPERTIES,
            $($more,)+
        ]
    };
}

pub const NEW: &[Field] = all!(STATE);
/// What a new user may be given along.
pub const ARRIVAL: &[Field] = all!(STATE, TEMPLATE, SERVICES, ROLES, WELCOME);
/// The same like somebody else.
pub const COPY: &[Field] = all!(STATE, COPIED, SERVICES, ROLES, WELCOME);
pub const EDIT: &[Field] = all!(KEEP, LEAVES);

fields! {
    RENAME = [UPN, USERNAME, MAIL, RECOVERY, SIGN_IN, DUE, STAYS];
    DISABLE = [EXPIRES];
    TESTING = [TEST];
    EMERGENCY = [GLASS];
}

/// What those change who may only rename.
pub const NAMES: &[Field] =
    &[UPN, USERNAME, MAIL, ADDRESSES, RECOVERY, SIGN_IN, DUE, STAYS, KEEP, LEAVES];

/// What those change who may only end an account.
pub const ACCOUNT: &[Field] = &[EXPIRES, LEAVES];

/// What everybody may say of themselves.
pub const OWN: &[Field] = &[
    RECOVERY,
    Field::text("phone", "at most 40 of digits and + ( ) - . /"),
    Field::text("mobile", "as phone"),
    Field::text("home_phone", "as phone"),
    Field::text("fax", "as phone"),
    Field::text("pager", "as phone"),
    Field::text("ip_phone", "as phone"),
    Field::text("street", "at most 200 characters"),
    Field::text("po_box", "at most 40 characters"),
    Field::text("city", "at most 80 characters"),
    Field::text("region", "at most 80 characters"),
    Field::text("postcode", "at most 20 characters"),
    Field::text("country", "ISO 3166 code"),
    Field::text("usage_location", "ISO 3166 code"),
    PROPERTIES,
];

/// Whose names a user's names must be among: the domains, the main one first.
pub type Usable = [(DomainId, String)];

impl Details {
    /// Reads all of it; empty names stay empty for [`super::complete`] to make.
    pub fn read(fields: &mut Fields, usable: &Usable) -> Option<Details> {
        let mut texts = BTreeMap::new();
        let mut good = true;
        for (name, rule) in TEXTS {
            let read = match rule {
                Rule::Line(most) => fields.text(name, 0..=*most),
                Rule::Lines(most) => fields.lines(name, 0..=*most),
                Rule::Phone => phone(fields, name),
                Rule::Web => website(fields, name, 200),
                Rule::Country => country(fields, name),
            };
            good &= read.is_some();
            texts.insert(*name, read.unwrap_or_default());
        }
        let display_name = fields.text("display_name", 0..=120);
        let upn = hosted(fields, "upn", usable);
        let mail = hosted(fields, "mail", usable);
        let addresses = addresses(fields, usable);
        let external_emails = external(fields, usable);
        let username = username(fields);
        let recovery_email = recovery(fields, usable);
        let (department, location) =
            (fields.text("department", 0..=64), fields.text("location", 0..=64));
        let language = language(fields);
        let time_zone = time_zone(fields);
        let expires_on = fields.optional_date("expires_on");
        let sign_in = fields.parse("sign_in");
        let (main_contact, test_user) = (fields.flag("main_contact"), fields.flag("test_user"));
        let (must_change, never_expires) =
            (fields.flag("must_change"), fields.flag("never_expires"));
        let break_glass = fields.flag("break_glass");
        let external_ids = external_ids(fields);
        Some(Details {
            upn: upn?,
            mail: mail?,
            addresses: addresses?,
            external_emails: external_emails?,
            username: username?,
            display_name: display_name?,
            recovery_email: recovery_email?,
            manager: None,
            department: department?,
            location: location?,
            language: language?,
            time_zone: time_zone?,
            expires_on: expires_on?,
            sign_in: sign_in?,
            main_contact: main_contact?,
            test_user: test_user?,
            must_change: must_change?,
            never_expires: never_expires?,
            break_glass: break_glass?,
            external_ids: external_ids?,
            texts,
        })
        .filter(|_| good)
    }

    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// As the form has it, which is also what changes are compared and recorded by.
    pub fn input(&self) -> Input {
        let mut input = Input::default();
        for (name, value) in &self.texts {
            input.set(name, value);
        }
        for (name, value) in [
            ("upn", self.upn.as_str()),
            ("mail", &self.mail),
            ("username", &self.username),
            ("display_name", &self.display_name),
            ("recovery_email", &self.recovery_email),
            ("department", &self.department),
            ("location", &self.location),
            ("language", &self.language),
            ("time_zone", &self.time_zone),
            ("sign_in", self.sign_in.word()),
            ("main_contact", if self.main_contact { "1" } else { "0" }),
            ("test_user", if self.test_user { "1" } else { "0" }),
            ("must_change", if self.must_change { "1" } else { "0" }),
            ("never_expires", if self.never_expires { "1" } else { "0" }),
            ("break_glass", if self.break_glass { "1" } else { "0" }),
            ("manager", &self.manager.map(|id| id.to_string()).unwrap_or_default()),
            ("expires_on", &self.expires_on.map(|day| day.to_string()).unwrap_or_default()),
        ] {
            input.set(name, value);
        }
        for (name, list) in
            [("addresses", &self.addresses), ("external_emails", &self.external_emails)]
        {
            input.remove(name);
            list.iter().for_each(|each| input.push(name, each));
        }
        input.remove("external_ids");
        for (source, value) in &self.external_ids {
            input.push("external_ids", format!("{source}:{value}"));
        }
        input
    }

    /// Every hosted name of the user, each once.
    pub fn hosted(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let more = self.addresses.iter().map(|each| ("addresses", each.as_str()));
        let own = [("upn", self.upn.as_str()), ("mail", self.mail.as_str())];
        let mut seen = BTreeSet::new();
        own.into_iter().chain(more).filter(move |(_, name)| seen.insert(name.to_string()))
    }
}

/// The names of a list field as one text, for comparing and recording.
pub fn shown(input: &Input, field: &Field) -> String {
    match field.kind {
        crate::input::Kind::List => input.all(field.name).collect::<Vec<_>>().join(", "),
        _ => input.get(field.name).to_owned(),
    }
}

/// The domain that a name is on.
pub fn domain_of(name: &str, usable: &Usable) -> Option<DomainId> {
    let (_, host) = name.rsplit_once('@')?;
    usable.iter().find(|(_, domain)| domain == host).map(|(id, _)| *id)
}

/// A name on one of the domains, in small letters.
pub fn on_domain(text: &str, usable: &Usable) -> Result<String, String> {
    let among = || {
        let all: Vec<String> = usable.iter().map(|(_, name)| domains::readable(name)).collect();
        format!("must end in one of {}", all.join(", "))
    };
    let text = text.to_lowercase();
    let (local, host) = text.rsplit_once('@').ok_or_else(among)?;
    let host = domains::ascii(host).map_err(|_| among())?;
    let name = format!("{local}@{host}");
    if domain_of(&name, usable).is_none() {
        return Err(among());
    }
    if !names::is_local(local) {
        return Err(names::RULE.to_owned());
    }
    Ok(name)
}

fn hosted(fields: &mut Fields, field: &'static str, usable: &Usable) -> Option<String> {
    match fields.value(field) {
        "" => Some(String::new()),
        text => match on_domain(text, usable) {
            Ok(name) => Some(name),
            Err(why) => fields.complain(field, why),
        },
    }
}

fn addresses(fields: &mut Fields, usable: &Usable) -> Option<BTreeSet<String>> {
    let all = fields.list::<String>("addresses", 200)?;
    let mut found = BTreeSet::new();
    for each in all.iter().flat_map(|line| line.split([',', ';', '\n'])).map(str::trim) {
        match on_domain(each, usable) {
            _ if each.is_empty() => {}
            Ok(name) => {
                found.insert(name);
            }
            Err(why) => return fields.complain("addresses", format!("{why} ({each})")),
        }
    }
    Some(found)
}

fn external(fields: &mut Fields, usable: &Usable) -> Option<BTreeSet<String>> {
    let all = fields.list::<String>("external_emails", 20)?;
    let mut found = BTreeSet::new();
    for each in all.iter().flat_map(|line| line.split([',', ';', '\n'])).map(str::trim) {
        if each.is_empty() {
            continue;
        }
        if !is_email(each) {
            return fields.complain(
                "external_emails",
                format!("has something that is not an address: {each}"),
            );
        }
        if domain_of(&each.to_lowercase(), usable).is_some() {
            return fields.complain("external_emails", format!("must be elsewhere than {each}"));
        }
        found.insert(each.to_lowercase());
    }
    match found.len() {
        0..=5 => Some(found),
        _ => fields.complain("external_emails", "must be 5 at most"),
    }
}

/// `source:value`, each source once.
fn external_ids(fields: &mut Fields) -> Option<BTreeMap<String, String>> {
    let all = fields.list::<String>("external_ids", 20)?;
    let mut found = BTreeMap::new();
    for each in all.iter().flat_map(|line| line.split('\n')).map(str::trim) {
        if each.is_empty() {
            continue;
        }
        let source = |text: &str| {
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
            (1..=32).contains(&text.len()) && text.chars().all(good)
        };
        let (name, value) = match each.split_once(':') {
            Some((name, value)) if source(name) => (name, value.trim()),
            _ => return fields.complain("external_ids", format!("must be like hr:4711: {each}")),
        };
        if !(1..=128).contains(&value.chars().count()) || value.chars().any(char::is_control) {
            return fields
                .complain("external_ids", format!("must be at most 128 characters: {name}"));
        }
        if found.insert(name.to_owned(), value.to_owned()).is_some() {
            return fields.complain("external_ids", format!("has {name} twice"));
        }
    }
    Some(found)
}

fn username(fields: &mut Fields) -> Option<String> {
    match fields.value("username") {
        "" => Some(String::new()),
        text if names::is_username(text) => Some(text.to_owned()),
        _ => fields.complain("username", "may have letters, digits and . _ - only, at most 20"),
    }
}

fn recovery(fields: &mut Fields, usable: &Usable) -> Option<String> {
    let email = fields.optional_email("recovery_email")?;
    if domain_of(&email.to_lowercase(), usable).is_some() {
        return fields.complain("recovery_email", "must be an address elsewhere");
    }
    Some(email)
}

fn language(fields: &mut Fields) -> Option<String> {
    let language = fields.value("language");
    if language.is_empty() || LANGUAGES.iter().any(|(code, _)| *code == language) {
        return Some(language.to_owned());
    }
    fields.complain("language", "is not one of the choices")
}

fn time_zone(fields: &mut Fields) -> Option<String> {
    match fields.value("time_zone") {
        "" => Some(String::new()),
        text => match Zone::named(text) {
            Some(zone) => Some(zone.name().to_owned()),
            None => fields.complain("time_zone", "is not a time zone like Europe/Amsterdam"),
        },
    }
}
