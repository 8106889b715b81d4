//! What can be said about a customer, and the rules of each field.

use super::{Biller, CustomersBiller, Type};
use crate::input::{Field, Fields, Input};
use crate::money::{Currency, scaled};
use crate::sheet::countries;
use crate::time::{Date, Instant, Zone};

/// Everything about a customer that can be edited.
pub struct Details {
    pub name: String,
    pub kind: Type,
    pub starts_on: Option<Date>,
    pub expires_on: Option<Date>,
    pub contact_name: String,
    pub contact_email: String,
    pub phone: String,
    pub website: String,
    pub street: String,
    pub city: String,
    pub region: String,
    pub postcode: String,
    pub country: String,
    pub language: String,
    pub time_zone: String,
    pub user_limit: Option<i64>,
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
const WEBSITE: Field = Field::text("website", "http(s) address, at most 200 characters");
const STREET: Field = Field::text("street", "at most 200 characters in three lines");
const CITY: Field = Field::text("city", "at most 80 characters");
const REGION: Field = Field::text("region", "at most 80 characters");
const POSTCODE: Field = Field::text("postcode", "at most 20 characters");
const COUNTRY: Field = Field::text("country", "ISO 3166 code; new: the parent's");
const LANGUAGE: Field = Field::text("language", "en; new: the parent's");
const ZONE: Field = Field::text("time_zone", "IANA name; new: the parent's");
const LIMIT: Field = Field::integer("user_limit", "0–1000000; none: no limit");
const NOTES: Field = Field::text("notes", "at most 10000 characters; seen and set from above only");
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

fields! {
    NEW = [
        NAME.required(), Field::text("code", "1–20 letters and digits; none: made from the name"),
        Field::integer("parent_id", "the provider or a reseller").required(), TYPE,
        Field::text("domain", "a domain the customer owns").required(),
        CONTACT.required(), EMAIL.required(), PHONE, WEBSITE, STREET, CITY, REGION, POSTCODE, COUNTRY,
        LANGUAGE, ZONE, STARTS, EXPIRES, LIMIT, NOTES, EXTERNAL, CURRENCY, BILLING_ID, TAX_ID, TAX_RATE,
        REGISTRATION, INVOICE_EMAIL, INVOICE_ADDRESS, PO, DAYS, BILLED_BY, THEIRS_BY, FROM,
    ];
    EDIT = [
        NAME, CONTACT, EMAIL, PHONE, WEBSITE, STREET, CITY, REGION, POSTCODE, COUNTRY, LANGUAGE, ZONE,
        EXTERNAL, NOTES, TYPE, STARTS, EXPIRES, LIMIT, CURRENCY, BILLING_ID, TAX_ID, TAX_RATE,
        REGISTRATION, INVOICE_EMAIL, INVOICE_ADDRESS, PO, DAYS, BILLED_BY, THEIRS_BY, FROM,
    ];
    BILLING = [
        CURRENCY, BILLING_ID, TAX_ID, TAX_RATE, REGISTRATION, INVOICE_EMAIL, INVOICE_ADDRESS, PO, DAYS,
        BILLED_BY, THEIRS_BY, FROM,
    ];
    LIMITS = [TYPE, STARTS, EXPIRES, LIMIT];
    ABOVE = [NOTES];
}

/// Whether `name` is among `fields`.
pub fn among(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| field.name == name)
}

impl Details {
    /// Reads all of it; complaints stay in `fields`.
    pub fn read(fields: &mut Fields, now: Instant, was: Option<&Details>) -> Option<Details> {
        let name = name(fields);
        let kind = fields.parse::<Type>("type");
        let starts_on = fields.optional_date("starts_on");
        let expires_on = fields.optional_date("expires_on");
        let contact_name = fields.text("contact_name", 1..=100);
        let contact_email = fields.email("contact_email");
        let phone = phone(fields, "phone");
        let website = website(fields, "website", 200);
        let street = fields.lines("street", 0..=200);
        if street.as_ref().is_some_and(|street| street.lines().count() > 3) {
            fields.complain::<()>("street", "must have at most 3 lines");
        }
        let city = fields.text("city", 0..=80);
        let region = fields.text("region", 0..=80);
        let postcode = fields.text("postcode", 0..=20);
        let country = country(fields, "country");
        let language = language(fields);
        let time_zone = time_zone(fields);
        let user_limit = fields.optional_integer("user_limit", 0..=1_000_000);
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
            website: website?,
            street: street?,
            city: city?,
            region: region?,
            postcode: postcode?,
            country: country?,
            language: language?,
            time_zone: time_zone?,
            user_limit: user_limit?,
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
        for (field, value) in [
            ("name", self.name.as_str()),
            ("type", self.kind.word()),
            ("contact_name", &self.contact_name),
            ("contact_email", &self.contact_email),
            ("phone", &self.phone),
            ("website", &self.website),
            ("street", &self.street),
            ("city", &self.city),
            ("region", &self.region),
            ("postcode", &self.postcode),
            ("country", &self.country),
            ("language", &self.language),
            ("time_zone", &self.time_zone),
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

pub fn website(fields: &mut Fields, field: &'static str, most: usize) -> Option<String> {
    let address = fields.text(field, 0..=most)?;
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    if address.is_empty() || (is_web && url::Url::parse(&address).is_ok()) {
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
