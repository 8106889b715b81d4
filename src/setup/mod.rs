//! The first minutes of an installation: the provider, its domain, its first administrator. The page
//! and `portico init` are the same function; afterwards neither works any more.

pub mod pages;
mod store;

use crate::audit;
use crate::auth::PROVIDER;
use crate::auth::password::{self, Hasher, Rules};
use crate::db::{By, Db, Via};
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::{Field, Fields, Input, is_email};
use crate::money::Currency;
use crate::secret::Secret;
use crate::settings::{self, SETTINGS};
use crate::time::Zone;
use serde_json::json;

/// What setting up asks for.
pub const FIELDS: &[Field] = &[
    Field::text("organisation", "the provider's name").required(),
    Field::text("code", "its short name; made from the name when empty"),
    Field::text("domain", "its DNS domain; the sign-in name's when empty"),
    Field::text("name", "the administrator's name"),
    Field::text("upn", "the administrator's sign-in name, name@domain").required(),
    Field::text("password", "").required(),
    Field::text("time_zone", "like Europe/Amsterdam"),
    Field::text("currency", "like EUR"),
    Field::text("base_url", "what links in mails begin with"),
];

struct NewHouse {
    organisation: String,
    code: String,
    domain: String,
    name: String,
    upn: String,
    password: Secret,
    zone: String,
    currency: Currency,
    base_url: String,
}

/// Sets the empty store up: `NotFound` when somebody was quicker. The act is the first
/// administrator's own.
pub fn run(db: &Db, hasher: &Hasher, via: Via, input: &Input) -> Result<UserId> {
    if !db.read(store::is_empty)? {
        return Err(Error::NotFound);
    }
    let new = NewHouse::read(input)?;
    let hash = hasher.hash(&new.password)?;
    db.write(By::portico(via), |tx| {
        if !store::is_empty(tx)? {
            return Err(Error::NotFound);
        }
        store::provider(tx, &new.organisation, &new.code, &new.name, &new.upn, &new.zone, new.currency)?;
        store::domain(tx, &new.domain)?;
        let user = store::administrator(tx, &new.name, &new.upn, &hash)?;
        if !new.base_url.is_empty() {
            settings::store::put(tx, "base_url", Some(&new.base_url))?;
        }
        let detail = json!({ "organisation": new.organisation, "domain": new.domain, "administrator": new.upn });
        let by = By { user: Some(user), via, acting_for: None };
        audit::record_by(tx, by, "system.set_up", ("user", user.0), PROVIDER, &detail)?;
        Ok(user)
    })
}

impl NewHouse {
    fn read(input: &Input) -> Result<NewHouse> {
        let mut fields = Fields::of(input, FIELDS);
        let organisation = fields.text("organisation", 1..=100);
        let code = match fields.value("code") {
            "" => Some(code_of(organisation.as_deref().unwrap_or_default())),
            code if code.len() <= 20 && code.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                Some(code.to_owned())
            }
            _ => fields.complain("code", "may have letters and digits only, at most 20"),
        };
        let upn = fields.email("upn").map(|upn| upn.to_lowercase());
        let of_upn = upn.as_deref().and_then(|upn| upn.split_once('@')).map_or("", |(_, d)| d);
        let domain = match fields.value("domain").to_lowercase() {
            domain if domain.is_empty() => Some(of_upn.to_owned()),
            domain if !is_email(&format!("x@{domain}")) => {
                fields.complain("domain", "is not a domain like company.example")
            }
            domain => Some(domain),
        };
        if let (Some(domain), true) = (&domain, upn.is_some())
            && domain != of_upn
        {
            fields.complain::<()>("upn", format!("must end in @{domain}"));
        }
        let name = match fields.value("name") {
            "" => Some("Administrator".to_owned()),
            _ => fields.text("name", 1..=120),
        };
        let zone = match fields.value("time_zone") {
            "" => Some("UTC".to_owned()),
            zone if Zone::named(zone).is_some() => Some(zone.to_owned()),
            _ => fields.complain("time_zone", "is not a time zone like Europe/Amsterdam"),
        };
        let currency = match fields.value("currency") {
            "" => Some(Currency::EUR),
            code => match code.parse() {
                Ok(currency) => Some(currency),
                Err(()) => fields.complain("currency", "is not a currency like EUR"),
            },
        };
        let base_url = fields.value("base_url").trim_end_matches('/').to_owned();
        let rule = SETTINGS.iter().find(|setting| setting.key == "base_url");
        if let Some(message) = rule.and_then(|rule| rule.complaint(&base_url)) {
            fields.complain::<()>("base_url", message);
        }
        let password = Secret::new(fields.value("password"));
        let hints = [
            organisation.as_deref().unwrap_or_default(),
            name.as_deref().unwrap_or_default(),
            upn.as_deref().unwrap_or_default(),
        ];
        if let Some(message) = password::complaint(&password, Rules::default(), &hints) {
            fields.complain::<()>("password", message);
        }
        fields.finish(|| {
            Some(NewHouse {
                organisation: organisation?,
                code: code?,
                domain: domain?,
                name: name?,
                upn: upn?,
                password,
                zone: zone?,
                currency: currency?,
                base_url,
            })
        })
    }
}

/// The first letters of several words, the first four of one.
fn code_of(name: &str) -> String {
    let words: Vec<&str> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let code: String = match words.as_slice() {
        [] => "MSP".to_owned(),
        [word] => word.chars().take(4).collect(),
        many => many.iter().take(6).filter_map(|word| word.chars().next()).collect(),
    };
    code.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_made_from_the_name() {
        assert_eq!(code_of("Tarnholm IT Services"), "TIS");
        assert_eq!(code_of("Tarnholm"), "TARN");
        assert_eq!(code_of("東京"), "MSP");
    }
}
