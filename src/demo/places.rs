//! What the customer that is shown first keeps besides its people: places, contacts, rules of its own.

use super::stage::{Actor, Stage};
use crate::error::{Error, Result};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::json;
use std::io::Cursor;

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

pub fn furnish(stage: &Stage, admin: &Actor, customer: i64, users: &[i64]) -> Result<()> {
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
    for (name, kind, serial, note, user) in [
        ("AD-L014", "Laptop", "PF3X9K2M", "", users.first()),
        ("AD-P031", "Phone", "356789104400127", "Business subscription", users.first()),
        ("AD-L022", "Laptop", "PF4A11QZ", "", users.get(1)),
        ("AD-S002", "Scanner", "XR-88-0193", "Treatment room 2", None),
    ] {
        let device = json!({
            "name": name, "kind": kind, "serial": serial, "note": note,
            "user": user.map(i64::to_string).unwrap_or_default(),
        });
        stage.post(admin, &at("devices"), &device)?;
    }
    if let Some(user) = users.first() {
        stage.send(admin, &format!("/users/{user}/photo"), &portrait()?)?;
    }
    let rules = json!({ "password_length": 14, "welcome_by_import": "yes" });
    stage.patch(admin, &at("settings"), &rules)?;
    let values = json!({ "properties": { "support_level": "evening" } });
    stage.patch(admin, &format!("/customers/{customer}"), &values)?;
    stage.patch(admin, &at("patterns"), &json!({ "mail": "{local}\n{f}{last}" }))?;
    Ok(())
}

/// A head and shoulders before a plain wall: nobody's.
fn portrait() -> Result<Vec<u8>> {
    let image = RgbImage::from_fn(320, 320, |x, y| {
        let (dx, dy) = (x.abs_diff(160), y.abs_diff(125));
        let (sx, sy) = (x.abs_diff(160), y.abs_diff(330));
        if dx * dx + dy * dy < 62 * 62 {
            Rgb([214, 170, 140])
        } else if sx * sx + sy * sy < 128 * 128 {
            Rgb([67, 83, 201])
        } else {
            Rgb([222, 226, 236])
        }
    });
    let mut png = Vec::new();
    image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).map_err(Error::internal)?;
    Ok(png)
}
