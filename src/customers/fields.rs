//! What can be said about a customer, and the rules of each field.

use super::{Biller, CustomersBiller, Type};
use crate::input::{Field, Fields, Input, one_line};
use crate::money::{Currency, scaled};
use crate::sheet::countries;
use crate::time::{Date, Instant, Zone};
use serde::{Deserialize, Serialize};

/// Everything about a customer that can be edited.
pub struct Details {
    pub name: String,
    pub kind: Type,
    pub starts_on: Option<Date>,
    pub expires_on: Option<Date>,
    pub contact_name: String,
    pub contact_email: String,
    pub phone: String,
    pub fax: String,
    pub website: String,
    pub street: String,
    pub city: String,
    pub region: String,
    pub postcode: String,
    pub country: String,
    pub coordinates: String,
    pub links: Vec<Link>,
    pub language: String,
    pub time_zone: String,
    pub user_limit: Option<i64>,
    pub rank: String,
    pub tags: Vec<String>,
    pub notes: String,
    pub external_id: Option<String>,
    pub currency: Currency,
    pub billing_id: Option<String>,
    pub tax_id: String,
    /// In basis points; none is the issuer's.
    pub tax_rate_bp: Option<i64>,
    pub registration_no: String,
    pub invoice_email: String,
    pub invoice_address: String,
    pub po_reference: String,
    pub payment_days: Option<i64>,
    pub billed_by: Biller,
    pub customers_billed_by: CustomersBiller,
    pub billing_from: Option<Date>,
}

/// Where more is found about a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    pub url: String,
}

macro_rules! fields {
    ($($name:ident = [$($field:expr),+ $(,)?];)+) => { $(pub const $name: &[Field] = &[$($field),+];)+ };
}

/// The languages that Portico speaks.
pub const LANGUAGES: &[(&str, &str)] = &[("en", "English")];

const NAME: Field = Field::text("name", "1–100 characters, no < or >");
const TYPE: Field = Field::text("type", "standard, test or demo");
const STARTS: Field = Field::text("starts_on", "a date");
const EXPIRES: Field = Field::text("expires_on", "a date from today on; demo: within a year");
const CONTACT: Field = Field::text("contact_name", "1–100 characters");
const EMAIL: Field = Field::text("contact_email", "an e-mail address");
const PHONE: Field = Field::text("phone", "at most 40 of digits and + ( ) - . /");
const FAX: Field = Field::text("fax", "at most 40 of digits and + ( ) - . /");
const WEBSITE: Field = Field::text("website", "http(s) address, at most 200 characters");
const STREET: Field = Field::text("street", "at most 200 characters in three lines");
const CITY: Field = Field::text("city", "at most 80 characters");
const REGION: Field = Field::text("region", "at most 80 characters");
const POSTCODE: Field = Field::text("postcode", "at most 20 characters");
const COUNTRY: Field = Field::text("country", "ISO 3166 code; new: the parent's");
const PLACE: Field = Field::text("coordinates", "latitude,longitude, like 52.37,4.90");
const LINKS: Field = Field::list("links", "at most 10, each {label, url}");
const LANGUAGE: Field = Field::text("language", "en; new: the parent's");
const ZONE: Field = Field::text("time_zone", "IANA name; new: the parent's");
const LIMIT: Field = Field::integer("user_limit", "0–1000000; none: no limit");
const NOTES: Field = Field::text("notes", "at most 10000 characters; seen and set from above only");
const RANK: Field = Field::text("rank", "one of the provider's list; seen and set from above only");
const TAGS: Field =
    Field::list("tags", "at most 20 of at most 30 characters; seen and set from above only");
const EXTERNAL: Field = Field::text("external_id", "at most 128 characters, unique");
const CURRENCY: Field = Field::text("currency", "ISO 4217 code; new: the parent's");
const BILLING_ID: Field = Field::text("billing_id", "at most 64 characters, unique");
const TAX_ID: Field = Field::text("tax_id", "at most 40 characters");
const TAX_RATE: Field =
    Field::text("tax_rate", "percent, 0–100, like 21 or 7.5; none: the issuer's");
const REGISTRATION: Field = Field::text("registration_no", "at most 40 characters");
const INVOICE_EMAIL: Field = Field::text("invoice_email", "an e-mail address; none: the contact's");
const INVOICE_ADDRESS: Field =
    Field::text("invoice_address", "at most 400 characters; none: the address");
const PO: Field = Field::text("po_reference", "at most 60 characters");
const DAYS: Field = Field::integer("payment_days", "0–120; none: the issuer's");
const BILLED_BY: Field = Field::text("billed_by", "inherit, reseller or provider");
const THEIRS_BY: Field = Field::text("customers_billed_by", "reseller or provider");
const FROM: Field = Field::text("billing_from", "a date; nothing counts before it");

const PROPERTIES: Field = Field::object(
    "properties",
    "values of the properties that hold here, by key; an empty one is taken away",
);

fields! {
    NEW = [
        NAME.required(), Field::boolean("tell_contact", "mail the contact that it was made"),
        Field::text("code", "1–20 letters and digits; none: made from the name"),
        Field::integer("parent_id", "the provider or a reseller").required(), TYPE,
        Field::text("domain", "a domain the customer owns").required(),
        CONTACT.required(), EMAIL.required(), PHONE, FAX, WEBSITE, STREET, CITY, REGION, POSTCODE, COUNTRY,
        PLACE, LINKS, LANGUAGE, ZONE, STARTS, EXPIRES, LIMIT, RANK, TAGS, NOTES, EXTERNAL, CURRENCY, BILLING_ID, TAX_ID, TAX_RATE,
        REGISTRATION, INVOICE_EMAIL, INVOICE_ADDRESS, PO, DAYS, BILLED_BY, THEIRS_BY, FROM, PROPERTIES,
    ];
    EDIT = [
        NAME, CONTACT, EMAIL, PHONE, FAX, WEBSITE, STREET, CITY, REGION, POSTCODE, COUNTRY, PLACE, LINKS,
        LANGUAGE, ZONE, EXTERNAL, RANK, TAGS, NOTES, TYPE, STARTS, EXPIRES, LIMIT, CURRENCY, BILLING_ID, TAX_ID, TAX_RATE,
        REGISTRATION, INVOICE_EMAIL, INVOICE_ADDRESS, PO, DAYS, BILLED_BY, THEIRS_BY, FROM, PROPERTIES,
    ];
    BILLING = [
        CURRENCY, BILLING_ID, TAX_ID, TAX_RATE, REGISTRATION, INVOICE_EMAIL, INVOICE_ADDRESS, PO, DAYS,
        BILLED_BY, THEIRS_BY, FROM,
    ];
    LIMITS = [TYPE, STARTS, EXPIRES, LIMIT];
    ABOVE = [RANK, TAGS, NOTES];
}

/// Whether `name` is among `fields`.
pub fn among(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| field.name == name)
}

impl Details {
    /// Reads all of it; complaints stay in `fields`.
    pub fn read(
        fields: &mut Fields,
        now: Instant,
        ranks: &[String],
        was: Option<&Details>,
    ) -> Option<Details> {
        let name = name(fields);
        let kind = fields.parse::<Type>("type");
        let starts_on = fields.optional_date("starts_on");
        let expires_on = fields.optional_date("expires_on");
        let contact_name = fields.text("contact_name", 1..=100);
        let contact_email = fields.email("contact_email");
        let phone = phone(fields, "phone");
        let fax = self::phone(fields, "fax");
        let website = website(fields, "website", 200);
        let street = fields.lines("street", 0..=200);
        if street.as_ref().is_some_and(|street| street.lines().count() > 3) {
            fields.complain::<()>("street", "must have at most 3 lines");
        }
        let city = fields.text("city", 0..=80);
        let region = fields.text("region", 0..=80);
        let postcode = fields.text("postcode", 0..=20);
        let country = country(fields, "country");
        let coordinates = coordinates(fields);
        let links = links(fields);
        let language = language(fields);
        let time_zone = time_zone(fields);
        let user_limit = fields.optional_integer("user_limit", 0..=1_000_000);
        let rank = rank(fields, ranks, was);
        let tags = tags(fields);
        let notes = fields.lines("notes", 0..=10_000);
        let external_id = fields.text("external_id", 0..=128);
        let currency = fields.parse::<Currency>("currency");
        let billing_id = fields.text("billing_id", 0..=64);
        let tax_id = fields.text("tax_id", 0..=40);
        let tax_rate_bp = tax_rate(fields);
        let registration_no = fields.text("registration_no", 0..=40);
        let invoice_email = fields.optional_email("invoice_email");
        let invoice_address = fields.lines("invoice_address", 0..=400);
        let po_reference = fields.text("po_reference", 0..=60);
        let payment_days = fields.optional_integer("payment_days", 0..=120);
        let billed_by = fields.parse::<Biller>("billed_by");
        let customers_billed_by = fields.parse::<CustomersBiller>("customers_billed_by");
        let billing_from = fields.optional_date("billing_from");
        let details = Details {
            name: name?,
            kind: kind?,
            starts_on: starts_on?,
            expires_on: expires_on?,
            contact_name: contact_name?,
            contact_email: contact_email?,
            phone: phone?,
            fax: fax?,
            website: website?,
            street: street?,
            city: city?,
            region: region?,
            postcode: postcode?,
            country: country?,
            coordinates: coordinates?,
            links: links?,
            language: language?,
            time_zone: time_zone?,
            user_limit: user_limit?,
            rank: rank?,
            tags: tags?,
            notes: notes?,
            external_id: external_id.map(filled)?,
            currency: currency?,
            billing_id: billing_id.map(filled)?,
            tax_id: tax_id?,
            tax_rate_bp: tax_rate_bp?,
            registration_no: registration_no?,
            invoice_email: invoice_email?,
            invoice_address: invoice_address?,
            po_reference: po_reference?,
            payment_days: payment_days?,
            billed_by: billed_by?,
            customers_billed_by: customers_billed_by?,
            billing_from: billing_from?,
        };
        details.ends_well(fields, now, was)?;
        Some(details)
    }

    /// The rules about the last day: not in the past, and for a demo there must be one soon.
    fn ends_well(&self, fields: &mut Fields, now: Instant, was: Option<&Details>) -> Option<()> {
        let zone = Zone::named(&self.time_zone).unwrap_or_else(Zone::utc);
        let today = now.day(&zone);
        let kept =
            was.is_some_and(|was| was.expires_on == self.expires_on && was.kind == self.kind);
        match self.expires_on {
            _ if kept => Some(()),
            Some(day) if day < today => fields.complain("expires_on", "must not be in the past"),
            Some(day) if self.kind == Type::Demo && day > today.plus_months(12) => {
                fields.complain("expires_on", "must be within a year for a demo customer")
            }
            None if self.kind == Type::Demo => {
                fields.complain("expires_on", "is required for a demo customer")
            }
            _ => Some(()),
        }
    }

    /// As the form has it, which is also what changes are compared and recorded by.
    pub fn input(&self) -> Input {
        let mut input = Input::default();
        let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        let date = |d: Option<Date>| d.map(|d| d.to_string()).unwrap_or_default();
        let rate = self.tax_rate_bp.map(percent).unwrap_or_default();
        let links: Vec<String> =
            self.links.iter().map(|link| format!("{} {}", link.label, link.url)).collect();
        for (field, value) in [
            ("name", self.name.as_str()),
            ("type", self.kind.word()),
            ("contact_name", &self.contact_name),
            ("contact_email", &self.contact_email),
            ("phone", &self.phone),
            ("fax", &self.fax),
            ("website", &self.website),
            ("street", &self.street),
            ("city", &self.city),
            ("region", &self.region),
            ("postcode", &self.postcode),
            ("country", &self.country),
            ("coordinates", &self.coordinates),
            ("links", &links.join("\n")),
            ("language", &self.language),
            ("time_zone", &self.time_zone),
            ("rank", &self.rank),
            ("tags", &self.tags.join(", ")),
            ("notes", &self.notes),
            ("external_id", self.external_id.as_deref().unwrap_or_default()),
            ("currency", self.currency.code()),
            ("billing_id", self.billing_id.as_deref().unwrap_or_default()),
            ("tax_id", &self.tax_id),
            ("tax_rate", &rate),
            ("registration_no", &self.registration_no),
            ("invoice_email", &self.invoice_email),
            ("invoice_address", &self.invoice_address),
            ("po_reference", &self.po_reference),
            ("billed_by", self.billed_by.word()),
            ("customers_billed_by", self.customers_billed_by.word()),
            ("user_limit", &number(self.user_limit)),
            ("payment_days", &number(self.payment_days)),
            ("starts_on", &date(self.starts_on)),
            ("expires_on", &date(self.expires_on)),
            ("billing_from", &date(self.billing_from)),
        ] {
            input.set(field, value);
        }
        input
    }
}

fn name(fields: &mut Fields) -> Option<String> {
    let name = fields.text("name", 1..=100)?;
    if name.contains(['<', '>']) {
        return fields.complain("name", "may not contain < or >");
    }
    Some(name)
}

/// Kept as typed: only what can stand in a number.
pub fn phone(fields: &mut Fields, field: &'static str) -> Option<String> {
    let phone = fields.text(field, 0..=40)?;
    if phone.chars().all(|c| c.is_ascii_digit() || "+()-./ ".contains(c)) {
        return Some(phone);
    }
    fields.complain(field, "may have digits and + ( ) - . / only")
}

/// "52.37,4.90", kept as typed.
fn coordinates(fields: &mut Fields) -> Option<String> {
    let text: String = fields.value("coordinates").chars().filter(|c| *c != ' ').collect();
    let within = |part: &str, most: i64| {
        let places = part.split_once('.').map_or(0, |(_, places)| places.len());
        let most = most * 1_000_000_000;
        let number = part.strip_prefix('-').unwrap_or(part);
        places <= 9 && scaled(number, 9).is_some_and(|number| (0..=most).contains(&number))
    };
    match text.split_once(',') {
        None if text.is_empty() => Some(text),
        Some((north, east)) if within(north, 90) && within(east, 180) => Some(text),
        _ => fields.complain("coordinates", "must be latitude,longitude like 52.37,4.90"),
    }
}

/// Each a label and an address: objects in JSON, lines in a form.
fn links(fields: &mut Fields) -> Option<Vec<Link>> {
    let mut all = Vec::new();
    for value in fields.list::<String>("links", 10)? {
        match serde_json::from_str::<Link>(&value) {
            Ok(link) if value.starts_with('{') => {
                all.push((one_line(&link.label), one_line(&link.url)));
            }
            _ => all.extend(value.lines().map(one_line).filter(|line| !line.is_empty()).map(
                |line| match line.rsplit_once(' ') {
                    Some((label, url)) => (label.to_owned(), url.to_owned()),
                    None => (String::new(), line),
                },
            )),
        }
    }
    if all.len() > 10 {
        return fields.complain("links", "must be 10 at most");
    }
    let good = |label: &str, url: &str| {
        (1..=60).contains(&label.chars().count())
            && url.chars().count() <= 200
            && is_web(url)
            && !label.contains(char::is_control)
    };
    if all.iter().any(|(label, url)| !good(label, url)) {
        let what = "must each be a label and an address that begins with https:// or http://";
        return fields.complain("links", what);
    }
    Some(all.into_iter().map(|(label, url)| Link { label, url }).collect())
}

fn is_web(address: &str) -> bool {
    (address.starts_with("https://") || address.starts_with("http://"))
        && url::Url::parse(address).is_ok()
}

/// One of the provider's list; what it was before may stay though the list changed.
fn rank(fields: &mut Fields, ranks: &[String], was: Option<&Details>) -> Option<String> {
    let rank = fields.value("rank");
    let kept = was.is_some_and(|was| was.rank == rank);
    if rank.is_empty() || kept || ranks.iter().any(|each| each == rank) {
        return Some(rank.to_owned());
    }
    fields.complain("rank", "is not one of the choices")
}

/// A list in JSON, parted by commas in a form.
fn tags(fields: &mut Fields) -> Option<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    for value in fields.list::<String>("tags", 20)? {
        for tag in value.split(',').map(one_line).filter(|tag| !tag.is_empty()) {
            if !all.contains(&tag) {
                all.push(tag);
            }
        }
    }
    if all.len() > 20 {
        return fields.complain("tags", "must be 20 at most");
    }
    if all.iter().any(|tag| tag.chars().count() > 30 || tag.contains(char::is_control)) {
        return fields.complain("tags", "must have at most 30 characters each");
    }
    Some(all)
}

pub fn website(fields: &mut Fields, field: &'static str, most: usize) -> Option<String> {
    let address = fields.text(field, 0..=most)?;
    if address.is_empty() || is_web(&address) {
        return Some(address);
    }
    fields.complain(field, "must begin with https:// or http://")
}

/// An ISO code in capitals, or nothing.
pub fn country(fields: &mut Fields, field: &'static str) -> Option<String> {
    let code = fields.value(field).to_ascii_uppercase();
    if code.is_empty() || countries::all().iter().any(|(each, _)| *each == code) {
        return Some(code);
    }
    fields.complain(field, "is not a country code like NL")
}

fn language(fields: &mut Fields) -> Option<String> {
    let language = fields.value("language");
    if LANGUAGES.iter().any(|(code, _)| *code == language) {
        return Some(language.to_owned());
    }
    fields.complain("language", "is not one of the choices")
}

fn time_zone(fields: &mut Fields) -> Option<String> {
    match Zone::named(fields.value("time_zone")) {
        Some(zone) => Some(zone.name().to_owned()),
        None => fields.complain("time_zone", "is not a time zone like Europe/Amsterdam"),
    }
}

fn tax_rate(fields: &mut Fields) -> Option<Option<i64>> {
    match fields.value("tax_rate").trim_end_matches('%').trim_end() {
        "" => Some(None),
        text => match scaled(text, 2) {
            Some(bp) if (0..=10_000).contains(&bp) => Some(Some(bp)),
            _ => fields.complain("tax_rate", "must be a percentage from 0 to 100, like 21 or 7.5"),
        },
    }
}

/// 750 as "7.5".
pub fn percent(bp: i64) -> String {
    let text = format!("{}.{:02}", bp / 100, bp % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// How many letters and digits a tax id of these countries has after the country's letters.
#[rustfmt::skip]
const TAX_IDS: &[(&str, std::ops::RangeInclusive<usize>)] = &[
    ("AT", 9..=9), ("BE", 10..=10), ("BG", 9..=10), ("CH", 9..=12), ("CY", 9..=9), ("CZ", 8..=10), ("DE", 9..=9),
    ("DK", 8..=8), ("EE", 9..=9), ("ES", 9..=9), ("FI", 8..=8), ("FR", 11..=11), ("GB", 9..=12), ("GR", 9..=9),
    ("HR", 11..=11), ("HU", 8..=8), ("IE", 8..=9), ("IT", 11..=11), ("LT", 9..=12), ("LU", 8..=8), ("LV", 11..=11),
    ("MT", 8..=8), ("NL", 12..=12), ("NO", 9..=12), ("PL", 10..=10), ("PT", 9..=9), ("RO", 2..=10), ("SE", 12..=12),
    ("SI", 8..=8), ("SK", 10..=10),
];

/// Whether a tax id does not look like those of the country; of others nothing is known.
pub fn tax_id_is_odd(country: &str, tax_id: &str) -> bool {
    let Some((_, length)) = TAX_IDS.iter().find(|(code, _)| *code == country) else { return false };
    let plain: String = tax_id.chars().filter(|c| !" .-/".contains(*c)).collect();
    let plain = plain.to_ascii_uppercase();
    let letters = if country == "GR" { "EL" } else { country };
    let rest = plain.strip_prefix(letters).or(plain.strip_prefix("CHE")).unwrap_or(&plain);
    let well = rest.bytes().all(|b| b.is_ascii_alphanumeric()) && length.contains(&rest.len());
    !tax_id.is_empty() && !well
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_ids_are_looked_at_by_country() {
        for (country, id, odd) in [
            ("NL", "NL001234567B01", false),
            ("NL", "NL 0012.34.567.B01", false),
            ("NL", "12345", true),
            ("DE", "DE123456789", false),
            ("DE", "DE12345678", true),
            ("GR", "EL123456789", false),
            ("CH", "CHE-123.456.789", false),
            ("US", "anything", false),
            ("DE", "", false),
        ] {
            assert_eq!(tax_id_is_odd(country, id), odd, "{country} {id}");
        }
    }
}
