//! What the customer that is shown first keeps besides its people: places, contacts, a domain that
//! waits for its DNS, rules of its own.

use super::stage::{Actor, Stage};
use crate::error::Result;
use serde_json::json;

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
    stage.patch(admin, &at("patterns"), &json!({ "mail": "{local}\n{f}{last}" }))?;
    Ok(())
}
