//! The settings page, the mail server's trial, and who may read what was changed.

use crate::sink::{Options, Sink};
use crate::world::{PROVIDER, World};
use serde_json::json;

#[test]
fn settings_are_changed_checked_and_recorded() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let bad = admin.api_patch(
        "/settings",
        json!({ "base_url": "portico.example/x", "session_hours": 0, "mail_security": "ssl", "mail_hosst": "x" }),
    );
    let bad = bad.expect(422).complaints();
    assert_eq!(bad.len(), 4, "{bad:?}");
    assert!(bad.iter().any(|c| c == "mail_hosst is not a setting"));
    let body = json!({ "base_url": "https://portico.example/", "session_hours": 8 });
    let list = admin.api_patch("/settings", body).expect(200).json();
    let find = |key: &str| {
        list["items"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap().clone()
    };
    assert_eq!(find("base_url")["value"], "https://portico.example");
    assert_eq!(
        (find("session_hours")["source"].as_str(), find("mail_port")["source"].as_str()),
        (Some("page"), Some("default"))
    );
    let detail = world.text("SELECT detail FROM audit_log WHERE action = 'settings.changed'");
    assert!(detail.contains(r#""session_hours":{"new":"8","old":"12"}"#), "{detail}");
    admin.api_patch("/settings", json!({ "session_hours": "" })).expect(200);
    assert_eq!(world.count("SELECT count(*) FROM settings WHERE key = 'session_hours'"), 0);
}

#[test]
fn what_was_set_at_the_start_cannot_be_changed_here() {
    let world = World::told(|config| config.base_url = "https://pinned.example".into());
    let admin = world.person(PROVIDER, "Provider administrator");
    assert!(admin.get("/settings").expect(200).says("Set when Portico was started"));
    let other = json!({ "base_url": "https://other.example" });
    assert!(
        admin.api_patch("/settings", other).expect(422).says("was set when Portico was started")
    );
    admin.api_patch("/settings", json!({ "base_url": "https://pinned.example" })).expect(200);
}

#[test]
fn a_secret_is_written_and_never_read() {
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    let server = [
        ("mail_host", "127.0.0.1"),
        ("mail_security", "none"),
        ("mail_user", "portico"),
        ("mail_password", "letmein-letmein"),
        ("mail_from", "desk@tarnholm.example"),
    ];
    admin.post("/settings", &server).expect(303);
    assert!(
        !world.text("SELECT value FROM settings WHERE key = 'mail_password'").contains("letmein")
    );
    assert!(!admin.get("/settings").expect(200).says("letmein"));
    assert!(!admin.api_get("/settings").expect(200).says("letmein"));
    assert_eq!(world.count("SELECT count(*) FROM audit_log WHERE detail LIKE '%letmein%'"), 0);
    // An empty field keeps it, and then it must not travel in clear.
    let away = [("mail_host", "mail.example"), ("mail_security", "none"), ("mail_password", "")];
    assert!(
        admin.post("/settings", &away).expect(422).says("A password must not travel in clear.")
    );
    admin.post("/settings/forget-mail-password", &[]).expect(303);
    admin.post("/settings", &away).expect(303);
    let without_sender = [("mail_host", "mail.example"), ("mail_from", "")];
    assert!(
        admin.post("/settings", &without_sender).expect(422).says("is required with a mail server")
    );
}

#[test]
fn a_test_mail_tells_what_happened() {
    let sink = Sink::start(Options {
        auth: Some(("portico".into(), "letmein".into())),
        ..Options::default()
    });
    let world = World::new();
    let admin = world.person(PROVIDER, "Provider administrator");
    assert!(admin.post("/settings/test-mail", &[]).expect(422).says("Set a mail server"));
    let body = json!({
        "mail_host": "127.0.0.1", "mail_port": sink.port, "mail_security": "none", "mail_user": "portico",
        "mail_password": "opensesame", "mail_from": "desk@tarnholm.example",
    });
    admin.api_patch("/settings", body).expect(200);
    let failed = admin.api_post("/settings/test-mail", json!({})).expect(200).json();
    assert_eq!(failed["sent"], false);
    let lines = failed["lines"].to_string();
    assert!(
        lines.contains("535")
            && lines.contains("AUTH portico •••")
            && !lines.contains("opensesame"),
        "{lines}"
    );
    admin.api_patch("/settings", json!({ "mail_password": "letmein" })).expect(200);
    assert!(
        admin.post("/settings/test-mail", &[]).expect(200).says("The mail server took the mail")
    );
    assert!(sink.wait_for(1)[0].text.contains("test"));
    admin.api_patch("/settings", json!({ "mail_security": "starttls" })).expect(200);
    let refused = admin.api_post("/settings/test-mail", json!({})).expect(200);
    assert!(refused.says("does not offer STARTTLS"));
    for _ in 0..2 {
        admin.api_post("/settings/test-mail", json!({})).expect(200);
    }
    admin.api_post("/settings/test-mail", json!({})).expect(429);
}

#[test]
fn settings_are_the_providers_matter() {
    let world = World::new();
    let reseller = world.reseller("Harbour");
    let theirs = world.person(reseller, "Reseller administrator");
    theirs.get("/settings").expect(403);
    theirs.api_patch("/settings", json!({ "session_hours": 5 })).expect(403);
    let auditor = world.person(PROVIDER, "Auditor");
    assert!(!auditor.get("/settings").expect(200).says("Save settings"));
    auditor.post("/settings", &[("session_hours", "5")]).expect(403);
}
