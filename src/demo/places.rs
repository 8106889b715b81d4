//! What the customer that is shown first keeps besides its people: places, contacts, a domain that
//! waits for its DNS, rules of its own.

use super::stage::{Actor, Stage};
use crate::error::Result;
use serde_json::json;

/// What is asked of customers and users beyond their fields.
pub fn ask(stage: &Stage, admin: &Actor) -> Result<()> {
    for property in [
        json!({ "key": "support_level", "label": "Support level", "subject": "customer", "type": "choice",
            "choices": "office = Office hours\nevening = Until ten\nalways = Round the clock",
            "category": "Support", "help": "What was agreed on the telephone is not enough." }),
        json!({ "key": "badge", "label": "Badge number", "subject": "user", "reach": "below", "required": true,
            "seen_by": "user", "pattern": "[A-Z]{2}[0-9]{4}", "message": "must be like TA1042",
            "category": "On site", "help": "As printed on the badge, like TA1042." }),
        json!({ "key": "languages", "label": "Languages", "subject": "user", "type": "choices", "seen_by": "edited",
            "choices": "nl = Dutch\nen = English\nde = German\nfr = French", "category": "On site" }),
    ] {
        stage.post(admin, "/customers/1/properties", &property)?;
    }
    Ok(())
}

pub fn furnish(stage: &Stage, admin: &Actor, customer: i64) -> Result<()> {
    let at = |what: &str| format!("/customers/{customer}/{what}");
    for (name, street, postcode, city) in [
        ("Practice Amstel", "Amstelkade 41", "1078 AK", "Amsterdam"),
        ("Practice Haarlem", "Spaarne 8", "2011 CL", "Haarlem"),
    ] {
        let place = json!({
            "name": name, "street": street, "postcode": postcode, "city": city, "country": "NL",
        });
        stage.post(admin, &at("locations"), &place)?;
    }
    stage.post(admin, &at("departments"), &json!({ "name": "Laboratory" }))?;
    for (name, email, told) in [
        ("Ledger & Quill Accountants", "aldermoor@ledgerquill.example", json!(["billing"])),
        ("Gerrit Pell", "gerrit@pell-networks.example", json!(["technical", "security"])),
    ] {
        let contact = json!({ "name": name, "email": email, "told": told });
        stage.post(admin, &at("contacts"), &contact)?;
    }
    let rules = json!({ "password_length": 14, "welcome_by_import": "yes" });
    stage.patch(admin, &at("settings"), &rules)?;
    let values = json!({ "properties": { "support_level": "evening" } });
    stage.patch(admin, &format!("/customers/{customer}"), &values)?;
    stage.patch(admin, &at("patterns"), &json!({ "mail": "{local}\n{f}{last}" }))?;
    Ok(())
}
