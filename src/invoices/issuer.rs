//! Who writes invoices: name, address, bank, the numbers' pattern, and the tax rate of buyers that
//! have none of their own.

use super::{number, store};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::BillingRules;
use crate::db::{Db, Read};
use crate::error::{Error, Result};
use crate::ids::CustomerId;
use crate::input::{Field, Fields, Input};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issuer {
    pub legal_name: String,
    pub address: String,
    pub country: String,
    pub tax_id: String,
    pub registration_no: String,
    pub bank: String,
    pub iban: String,
    pub bic: String,
    pub payment_days: i64,
    pub tax_rate_bp: i64,
    pub tax_label: String,
    pub number_pattern: String,
    pub credit_pattern: String,
    pub note: String,
    pub version: i64,
}

pub const FIELDS: &[Field] = &[
    Field::text("legal_name", "1 to 100 characters").required(),
    Field::text("address", "up to four lines").required(),
    Field::text("country", "ISO 3166, two letters").required(),
    Field::text("tax_id", "this or the registration number is needed"),
    Field::text("registration_no", ""),
    Field::text("bank", ""),
    Field::text("iban", ""),
    Field::text("bic", ""),
    Field::integer("payment_days", "0 to 120").required(),
    Field::integer("tax_rate_bp", "0 to 10000; buyers may have another").required(),
    Field::text("tax_label", "VAT").required(),
    Field::text("number_pattern", "{year} {month} {number:4}").required(),
    Field::text("credit_pattern", "the same for credit notes").required(),
    Field::text("note", "at the foot of each invoice"),
];

impl Issuer {
    /// What is missing before it can write an invoice.
    pub fn is_complete(&self) -> bool {
        let told = [&self.legal_name, &self.address, &self.country];
        told.iter().all(|text| !text.is_empty())
            && !(self.tax_id.is_empty() && self.registration_no.is_empty())
    }

    fn read(input: &Input) -> Result<Issuer> {
        let mut fields = Fields::of(input, FIELDS);
        let legal_name = fields.text("legal_name", 1..=100);
        let address = fields.lines("address", 1..=300);
        let country = fields.text("country", 2..=2);
        let tax_id = fields.text("tax_id", 0..=40);
        let registration_no = fields.text("registration_no", 0..=40);
        let bank = fields.text("bank", 0..=100);
        let iban = fields.text("iban", 0..=42);
        let bic = fields.text("bic", 0..=11);
        let payment_days = fields.integer("payment_days", 0..=120);
        let tax_rate_bp = fields.integer("tax_rate_bp", 0..=10_000);
        let tax_label = fields.text("tax_label", 1..=20);
        let pattern = |fields: &mut Fields, name: &'static str| {
            let text = fields.text(name, 1..=40)?;
            let day = crate::time::Date::new(2026, 12, 31).ok()?;
            match number::written(&text, day, 999_999) {
                Some(_) => Some(text),
                None => fields.complain(
                    name,
                    "must hold {number} or {number:4}, and may hold {year} and {month}",
                ),
            }
        };
        let number_pattern = pattern(&mut fields, "number_pattern");
        let credit_pattern = pattern(&mut fields, "credit_pattern");
        if number_pattern.is_some() && number_pattern == credit_pattern {
            fields.complain::<()>("credit_pattern", "must differ from that of invoices");
        }
        let note = fields.lines("note", 0..=1000);
        fields.finish(|| {
            Some(Issuer {
                legal_name: legal_name?,
                address: address?,
                country: country?.to_uppercase(),
                tax_id: tax_id?,
                registration_no: registration_no?,
                bank: bank?,
                iban: iban?,
                bic: bic?,
                payment_days: payment_days?,
                tax_rate_bp: tax_rate_bp?,
                tax_label: tax_label?,
                number_pattern: number_pattern?,
                credit_pattern: credit_pattern?,
                note: note?,
                version: 0,
            })
        })
    }

    /// As the form shows it.
    pub fn as_input(&self) -> Input {
        let mut input = Input::default();
        let texts = [
            ("legal_name", &self.legal_name),
            ("address", &self.address),
            ("country", &self.country),
            ("tax_id", &self.tax_id),
            ("registration_no", &self.registration_no),
            ("bank", &self.bank),
            ("iban", &self.iban),
            ("bic", &self.bic),
            ("tax_label", &self.tax_label),
            ("number_pattern", &self.number_pattern),
            ("credit_pattern", &self.credit_pattern),
            ("note", &self.note),
        ];
        texts.into_iter().for_each(|(name, text)| input.set(name, text));
        input.set("payment_days", self.payment_days);
        input.set("tax_rate_bp", self.tax_rate_bp);
        input
    }
}

impl Default for Issuer {
    fn default() -> Issuer {
        Issuer {
            legal_name: String::new(),
            address: String::new(),
            country: String::new(),
            tax_id: String::new(),
            registration_no: String::new(),
            bank: String::new(),
            iban: String::new(),
            bic: String::new(),
            payment_days: 14,
            tax_rate_bp: 0,
            tax_label: "VAT".to_owned(),
            number_pattern: "{year}-{number:4}".to_owned(),
            credit_pattern: "C{year}-{number:4}".to_owned(),
            note: String::new(),
            version: 0,
        }
    }
}

/// The profile of a seller whose right the scope holds.
pub fn one(db: &Read, scope: &Scope<BillingRules>, id: CustomerId) -> Result<Issuer> {
    store::sells(db, scope, id)?;
    Ok(store::issuer(db, id)?.unwrap_or_default())
}

pub fn update(
    db: &Db,
    scope: &Scope<BillingRules>,
    id: CustomerId,
    input: &Input,
    version: Option<i64>,
) -> Result<()> {
    db.read(|db| store::sells(db, scope, id))?;
    let new = Issuer::read(input)?;
    db.write(scope.by, |tx| {
        let old = one(tx, scope, id)?;
        if version.is_some_and(|version| version != old.version) {
            return Err(Error::Stale("Somebody changed this meanwhile.".into()));
        }
        store::keep_issuer(tx, id, &new)?;
        let detail = serde_json::json!({ "before": old, "after": new });
        audit::record(tx, "issuer.changed", ("customer", id.0), id, &detail)
    })
}
