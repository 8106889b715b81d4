//! What Tarnholm IT sells: eight services, the connectors that do the work, and what resellers may
//! sell on.

use super::stage::{Actor, Part, Stage};
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// A program that takes an order, notes it, and refuses a Premium plan once the pool is empty.
const SCRIPT: &str = r#"#!/bin/sh
# Reads the order from its input and says what it did.
order=$(cat)
pool=$(printf '%s' "$order" | sed -n 's/.*"licence_pool":\([0-9]*\).*/\1/p')
case "$order" in
  *'"plan":"premium"'* | *'"code":"premium"'*)
    if [ "${pool:-1}" = 0 ]; then
      echo '{"message":"No Premium licence is left in the pool: 23 of 23 are used."}'
      exit 30
    fi ;;
esac
echo "looked at the order" >&2
echo '{"message":"Done.","outputs":{"workstation":"WS-'$$'"}}'
"#;

const MANIFEST: &str = r#"description = "Sets up and clears away workplaces"
interpreter = ["/bin/sh"]
file = "workplace.sh"
verbs = ["create", "change", "suspend", "resume", "remove", "check"]
inputs = ["licence_pool"]
outputs = ["workstation"]

[limits]
seconds = 30
"#;

/// A program that makes and clears away shares.
const SHARES: &str = r#"#!/bin/sh
cat > /dev/null
echo "made sure of the share" >&2
echo '{"message":"Done."}'
"#;

const SHARES_MANIFEST: &str = r#"description = "Makes and clears away shares"
interpreter = ["/bin/sh"]
file = "shares.sh"
verbs = ["create", "change", "suspend", "resume", "remove", "check"]

[limits]
seconds = 30
"#;

/// Puts a program where programs lie, switches it on as it was read, and makes a connector of it.
fn program(
    stage: &Stage,
    admin: &Actor,
    (name, title): (&str, &str),
    (script, manifest): (&str, &str),
) -> Result<Value> {
    let scripts = &stage.app.config.scripts;
    std::fs::create_dir_all(scripts)?;
    std::fs::write(scripts.join(format!("{name}.sh")), script)?;
    std::fs::write(scripts.join(format!("{name}.toml")), manifest)?;
    let known = stage.all(admin, "/scripts")?;
    let ours = known.iter().find(|script| script.at("name") == name);
    let sha256 = ours.and_then(|script| script.at("sha256").as_str()).unwrap_or_default();
    let enable = format!("/scripts/{name}/enable");
    stage.post(admin, &enable, &json!({ "sha256": sha256 }))?;
    let body = json!({ "kind": "script", "name": title, "script": name, "customer_id": 1 });
    Ok(stage.post(admin, "/connectors", &body)?.at("id").clone())
}

pub fn make(stage: &Stage, admin: &Actor) -> Result<()> {
    let workplace = ("workplace", "Workplace set-up");
    let script = program(stage, admin, workplace, (SCRIPT, MANIFEST))?;
    let shares = program(stage, admin, ("shares", "File server"), (SHARES, SHARES_MANIFEST))?;
    let webhook = stage.post(
        admin,
        "/connectors",
        &json!({ "kind": "webhook", "name": "Telephone exchange", "url": "https://exchange.example/portico", "customer_id": 1 }),
    )?;
    let webhook = webhook.at("id").clone();
    stage.post(
        admin,
        "/connectors",
        &json!({
            "kind": "ldap", "name": "Test domain", "stage": "sandbox", "hosts": ["dc1.ad.example"],
            "security": "ldaps", "sign_in_as": "portico@ad.example", "password": "Only for the demo 1",
            "customer_id": 1,
        }),
    )?;
    stage.post(
        admin,
        "/connectors",
        &json!({
            "kind": "scim", "name": "Company wiki", "stage": "sandbox",
            "url": "https://wiki.example/scim/v2", "password": "Only for the demo 2", "customer_id": 1,
        }),
    )?;
    stage.post(admin, "/locations", &json!({ "name": "Cloud only", "kind": "none" }))?;
    stage.post(admin, "/modules/directory/install", &json!({}))?;
    let user = |code: &str, name: &str, category: &str, icon: &str| json!({ "code": code, "name": name, "kind": "user", "category": category, "icon": icon });
    service(
        stage,
        admin,
        user("workplace", "Managed workplace", "Workplace", "stack-2"),
        &[
            ("standard", "Standard", "MW-STD", "18.00", "11.20"),
            ("plus", "Plus", "MW-PLUS", "27.50", "16.90"),
            ("premium", "Premium", "MW-PREM", "39.00", "24.10"),
        ],
        Some(&script),
    )?;
    service(
        stage,
        admin,
        user("mailbox", "Mailbox", "Communication", "mail"),
        &[("50", "50 GB", "MB-50", "4.50", "2.60"), ("100", "100 GB", "MB-100", "7.80", "4.30")],
        None,
    )?;
    service(
        stage,
        admin,
        user("backup", "Workstation backup", "Safety", "database"),
        &[("standard", "Standard", "BK-1", "2.90", "1.10")],
        None,
    )?;
    service(
        stage,
        admin,
        user("vpn", "VPN access", "Network", "world"),
        &[("standard", "Standard", "VPN-1", "3.50", "0.90")],
        None,
    )?;
    service(
        stage,
        admin,
        user("phone", "Desk phone", "Communication", "message"),
        &[("desk", "Desk", "PH-1", "9.95", "6.40")],
        Some(&webhook),
    )?;
    rules(stage, admin, &webhook)?;
    let customer = |code: &str, name: &str, category: &str, icon: &str| json!({ "code": code, "name": name, "kind": "customer", "category": category, "icon": icon });
    service(
        stage,
        admin,
        customer("files", "Shared files", "Workplace", "stack-2"),
        &[("standard", "Standard", "SF-1", "49.00", "27.00")],
        Some(&shares),
    )?;
    service(
        stage,
        admin,
        customer("firewall", "Managed firewall", "Network", "shield"),
        &[("standard", "Standard", "FW-1", "89.00", "55.00")],
        None,
    )?;
    service(
        stage,
        admin,
        customer("website", "Website", "Communication", "world"),
        &[("standard", "Standard", "WEB-1", "19.00", "6.00")],
        None,
    )
}

/// What is done besides: who may not have it, who hears of it, and what is made sure of before.
fn rules(stage: &Stage, admin: &Actor, exchange: &Value) -> Result<()> {
    for rule in [
        json!({
            "service": "phone", "event": "user_service.provision", "slot": "before", "key": "country",
            "title": "Only where we deliver", "action": "refuse",
            "condition": "has(customer.country) && !(customer.country in [\"NL\", \"BE\", \"DE\", \"GB\"])",
            "params": { "message": "Desk phones are not delivered to {customer.country}." },
        }),
        json!({
            "service": "phone", "event": "user_service.provision", "slot": "after", "key": "list",
            "title": "Enter it in the directory of numbers", "action": "webhook.send", "connector_id": exchange,
            "condition": "has(user.phone)", "on_error": "continue",
            "params": { "path": "/numbers/{user.username}", "body": "{\"name\": \"{user.display_name}\", \"number\": \"{user.phone}\"}" },
        }),
        json!({
            "event": "customer.disable", "slot": "after", "key": "tell", "title": "Tell the desk",
            "action": "mail.send",
            "params": {
                "to": "desk@tarnholm.example", "subject": "{customer.name} was disabled",
                "text": "{customer.name} ({customer.code}) was disabled on {now.date}.",
            },
        }),
    ] {
        stage.post(admin, "/rules", &rule)?;
    }
    Ok(())
}

/// Work for people, and a time in which nothing is begun.
pub fn ask(stage: &Stage, admin: &Actor) -> Result<()> {
    let task = json!({
        "service": "vpn", "event": "user_service.provision", "key": "token",
        "title": "Token", "action": "task.open",
        "params": {
            "title": "Send a token to {user.display_name}", "text": "To the office of {customer.name}.",
            "checklist": "Packed\nHanded to the courier", "fields": "tracking", "due_days": "3",
        },
    });
    stage.post(admin, "/rules", &task)?;
    let now = stage.app.db.now();
    let freeze = json!({
        "name": "Year’s end", "from": now.plus_days(20).to_string(), "until": now.plus_days(30).to_string(),
    });
    stage.post(admin, "/freezes", &freeze).map(|_| ())
}

fn service(
    stage: &Stage,
    admin: &Actor,
    mut body: Value,
    plans: &[(&str, &str, &str, &str, &str)],
    connector: Option<&Value>,
) -> Result<()> {
    let code = body.at("code").as_str().unwrap_or_default().to_owned();
    let level = body.at("kind").as_str().unwrap_or("user").to_owned();
    match connector {
        Some(_) => {}
        None => put(&mut body, "tracking_only", json!(true)),
    }
    match code.as_str() {
        "workplace" | "mailbox" => put(&mut body, "on_move", json!("carry")),
        "backup" => put(&mut body, "on_move", json!("recreate")),
        _ => {}
    }
    stage.post(admin, "/services", &body)?;
    if let Some(id) = connector {
        stage.put(admin, &format!("/services/{code}/rules"), &json!({ "connectors": [id] }))?;
    }
    if code == "workplace" {
        stage.post(admin, "/services/workplace/properties", &json!({
            "name": "licence_pool", "label": "Premium licences left", "level": "customer", "type": "integer",
            "default": "25", "writable_by": "provider", "visible_to": "provider",
        }))?;
        stage.post(admin, "/services/workplace/properties", &json!({
            "name": "mailbox", "label": "Mailbox size", "type": "size", "default": "50 GiB", "most": "200 GiB",
            "category": "Mailbox", "help": "Everything a mailbox may hold.",
        }))?;
    }
    for (plan, name, sku, price, cost) in plans {
        stage.post(admin, &format!("/services/{code}/plans"), &json!({
            "level": level, "code": plan, "name": name, "sku": sku, "price": price, "cost": cost,
        }))?;
    }
    stage.post(admin, &format!("/services/{code}/activate"), &json!({}))?;
    Ok(())
}

/// What every reseller may sell, with the plans.
const SOLD_ON: &[(&str, &[&str])] = &[
    ("workplace", &["standard", "plus", "premium"]),
    ("mailbox", &["50", "100"]),
    ("backup", &["standard"]),
    ("vpn", &["standard"]),
    ("phone", &["desk"]),
    ("files", &["standard"]),
    ("firewall", &["standard"]),
    ("website", &["standard"]),
];

/// Lets a reseller sell everything on, with its mark-up.
pub fn offer(stage: &Stage, admin: &Actor, reseller: i64, markup_bp: Option<i64>) -> Result<()> {
    for (service, plans) in SOLD_ON {
        let body = json!({ "service": service, "plans": plans });
        stage.post(admin, &format!("/customers/{reseller}/offers"), &body)?;
    }
    let Some(markup) = markup_bp else { return Ok(()) };
    let lists = stage.all(admin, "/price-lists")?;
    let own = lists
        .iter()
        .find(|list| list.at("seller_id") == reseller)
        .and_then(|list| list.at("id").as_i64());
    let own = own.ok_or_else(|| Error::internal("a reseller without a price list"))?;
    stage.patch(admin, &format!("/price-lists/{own}"), &json!({ "markup_bp": markup }))?;
    Ok(())
}

/// The pool of Premium licences is used up.
pub fn run_dry(stage: &Stage, admin: &Actor) -> Result<()> {
    let body = json!({ "default": "0" });
    stage.patch(admin, "/services/workplace/properties/licence_pool", &body)?;
    Ok(())
}

fn put(body: &mut Value, name: &str, value: Value) {
    if let Some(object) = body.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}
