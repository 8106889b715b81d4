//! A throw-away store filled with a believable small MSP: three resellers, twelve customers, three
//! hundred people, eight services, a year of ledger and invoices, and some things that failed or wait.
//!
//! Everything in it is done through the API, as the people in it, at the time they did it; the ledger
//! is made, not written.

mod access;
mod cast;
mod catalogue;
mod places;
mod stage;
mod store;
mod waiting;

use crate::db::Via;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::input::Input;
use crate::secret::{self, Secret};
use crate::time::{Date, Zone};
use crate::web::App;
use crate::{engine, events, jobs, setup};
use cast::{CUSTOMERS, Dice, JOBS, PROVIDER, RESELLERS};
use serde_json::{Value, json};
use stage::{Actor, Part, Stage};
use std::sync::Arc;

/// Somebody to sign in as.
pub struct Person {
    pub upn: String,
    pub password: Secret,
    /// What they may do, in words.
    pub role: &'static str,
}

/// The months shown before the present one.
const MONTHS: i32 = 12;

struct Story<'a> {
    stage: Stage<'a>,
    admin: Actor,
    dice: Dice,
    people: usize,
    /// Id of each reseller, by its place in [`RESELLERS`].
    resellers: Vec<i64>,
    customers: Vec<Shown>,
    /// Who acts for a reseller.
    agents: Vec<Actor>,
}

/// A customer as far as the story has come.
struct Shown {
    id: i64,
    place: usize,
    users: Vec<i64>,
}

/// Tells the story up to this moment, and says who may sign in.
pub fn tell(app: &Arc<App>, mut said: impl FnMut(&str)) -> Result<Vec<Person>> {
    let real = app.db.clock.clone();
    let zone = Zone::named("Europe/Amsterdam").ok_or_else(|| Error::internal("no zone"))?;
    let present = real.now();
    let today = present.day(&zone);
    let first = today.first_of_month().plus_months(-MONTHS);
    real.set(first.at(&zone, 9 * 3600));
    let administrator = set_up(app)?;
    let engine = engine::start(app.clone(), events::EVENTS)?;
    let stage = Stage { app };
    let admin = stage.enter(administrator)?;
    ask_for_no_factors(&stage, &admin)?;
    let mut story = Story {
        stage,
        admin,
        dice: Dice::new(),
        people: 0,
        resellers: Vec::new(),
        customers: Vec::new(),
        agents: Vec::new(),
    };
    story.open_shop()?;
    for month in 0..=MONTHS {
        let begins = first.plus_months(month);
        said(&begins.month_name());
        story.month(month, begins, today, &zone)?;
    }
    real.set(present);
    story.loose_ends()?;
    let people = story.keys(administrator)?;
    engine.stop();
    store::forget_tokens(&app.db)?;
    Ok(people)
}

/// Whoever looks around has no device at hand for each of its people.
fn ask_for_no_factors(stage: &Stage, admin: &Actor) -> Result<()> {
    let roles = stage.get(admin, "/roles?limit=200")?;
    for role in roles.at("items").as_array().into_iter().flatten() {
        if *role.at("requires_factor") == Value::Bool(true) {
            let at = format!("/roles/{}/factor", role.at("id"));
            stage.put(admin, &at, &json!({ "requires_factor": false }))?;
        }
    }
    Ok(())
}

fn set_up(app: &App) -> Result<UserId> {
    let mut input = Input::default();
    let (name, code, domain) = PROVIDER;
    let given = [
        ("organisation", name),
        ("code", code),
        ("domain", domain),
        ("name", "Sunniva Akselrod"),
        ("upn", "sunniva@tarnholm.example"),
        ("password", secret::token()?.reveal()),
        ("time_zone", "Europe/Amsterdam"),
        ("currency", "EUR"),
    ]
    .map(|(field, value)| (field, value.to_owned()));
    for (field, value) in given {
        input.set(field, value);
    }
    setup::run(&app.db, &app.hasher, Via::Shell, &input)
}

impl Story<'_> {
    /// What there is before the first customer: catalogue, resellers, what they may sell.
    fn open_shop(&mut self) -> Result<()> {
        let stage = &self.stage;
        let issuer = json!({
            "legal_name": "Tarnholm IT B.V.", "address": "Havenkade 12\n1011 AB Amsterdam", "country": "NL",
            "tax_id": "NL800000000B01", "registration_no": "80000000", "bank": "Example Bank",
            "iban": "NL00EXAM0000000001", "bic": "EXAMNL2A", "payment_days": 14, "tax_rate_bp": 2100,
            "tax_label": "VAT", "number_pattern": "{year}-{number:4}", "credit_pattern": "C{year}-{number:4}",
        });
        stage.put(&self.admin, "/customers/1/issuer", &issuer)?;
        catalogue::make(stage, &self.admin)?;
        places::ask(stage, &self.admin)?;
        for (place, reseller) in RESELLERS.iter().enumerate() {
            let body = json!({
                "name": reseller.name, "parent_id": 1, "domain": reseller.domain,
                "contact_name": "Ewan Holloway", "contact_email": format!("office@{}", reseller.domain),
                "street": format!("Marktplein {}", place + 3), "city": reseller.city, "country": "NL",
                "customers_billed_by": if reseller.markup_bp.is_some() { "reseller" } else { "provider" },
            });
            let made = stage.post(&self.admin, "/customers", &body)?;
            let id = number(&made, "id")?;
            stage.post(
                &self.admin,
                &format!("/customers/{id}/services"),
                &json!({ "service": "reseller" }),
            )?;
            stage.settle()?;
            catalogue::offer(stage, &self.admin, id, reseller.markup_bp)?;
            let agent = json!({
                "upn": format!("helpdesk@{}", reseller.domain), "first_name": "Ewan", "last_name": "Holloway",
            });
            let agent =
                number(&stage.post(&self.admin, &format!("/customers/{id}/users"), &agent)?, "id")?;
            let role = json!({ "role": "Reseller administrator" });
            stage.post(&self.admin, &format!("/users/{agent}/roles"), &role)?;
            self.agents.push(stage.enter(UserId(agent))?);
            if reseller.markup_bp.is_some() {
                let issuer = json!({
                    "legal_name": format!("{} B.V.", reseller.name),
                    "address": format!("Marktplein {}\n{}", place + 3, reseller.city), "country": "NL",
                    "tax_id": format!("NL80000000{}B01", place + 1), "payment_days": 30,
                    "tax_rate_bp": 2100, "tax_label": "VAT", "number_pattern": "{year}{number:3}",
                    "credit_pattern": "C{year}{number:3}",
                });
                stage.put(&self.admin, &format!("/customers/{id}/issuer"), &issuer)?;
            }
            self.resellers.push(id);
        }
        Ok(())
    }

    fn month(&mut self, month: i32, begins: Date, today: Date, zone: &Zone) -> Result<()> {
        for day in 0..28 {
            let date = begins.plus_days(day);
            if date >= today {
                break;
            }
            self.stage.at(date.at(zone, 8 * 3600 + 40 * 60));
            if day == 1 && month > 0 {
                self.bill(begins.plus_days(-1), begins.plus_months(1) > today)?;
            }
            if day == 2 {
                self.welcome(month)?;
            }
            if [4, 9, 15, 21].contains(&day) {
                self.grow(month)?;
            }
            if day == 12 || day == 24 {
                self.change()?;
            }
            if month == MONTHS - 1 && day == 6 {
                self.offboard()?;
            }
            self.stage.settle()?;
            jobs::work_off(self.stage.app)?;
        }
        Ok(())
    }

    /// The customers that come in this month.
    fn welcome(&mut self, month: i32) -> Result<()> {
        for (place, customer) in CUSTOMERS.iter().enumerate().filter(|(_, c)| c.since == month) {
            let below = customer.below.and_then(|place| self.resellers.get(place)).copied();
            let body = json!({
                "name": customer.name, "parent_id": below.unwrap_or(1), "domain": customer.domain,
                "contact_name": "Maren Tolliver", "contact_email": format!("office@{}", customer.domain),
                "street": format!("Keizerskade {}", 10 + place), "city": customer.city, "country": "NL",
                "phone": format!("+31 20 555 01{place:02}"),
            });
            let who = self.who(place);
            let id = number(&self.stage.post(&who, "/customers", &body)?, "id")?;
            for service in ["workplace", "mailbox", "backup", "vpn", "phone"] {
                let body = json!({ "service": service });
                self.stage.post(&who, &format!("/customers/{id}/services"), &body)?;
            }
            for service in ["files", "firewall"] {
                if service == "files" || self.dice.roll(3) > 0 {
                    let body = json!({ "service": service });
                    self.stage.post(&who, &format!("/customers/{id}/services"), &body)?;
                }
            }
            self.customers.push(Shown { id, place, users: Vec::new() });
            let at_first = customer.people / 2;
            for _ in 0..at_first {
                self.hire(self.customers.len() - 1)?;
            }
        }
        Ok(())
    }

    /// New people, until each customer has as many as it ends up with.
    fn grow(&mut self, month: i32) -> Result<()> {
        for at in 0..self.customers.len() {
            let Some(shown) = self.customers.get(at) else { continue };
            let Some(customer) = CUSTOMERS.get(shown.place) else { continue };
            let months = usize::try_from((month - customer.since).max(0)).unwrap_or(0);
            let wanted = (customer.people / 2 + customer.people * months / 16).min(customer.people);
            if shown.users.len() < wanted {
                self.hire(at)?;
            }
        }
        Ok(())
    }

    fn hire(&mut self, at: usize) -> Result<()> {
        let Some(shown) = self.customers.get(at) else { return Ok(()) };
        let (id, who) = (shown.id, self.who(shown.place));
        let (first, last) = cast::person(self.people);
        self.people += 1;
        let (title, department) = self.dice.pick(JOBS).copied().unwrap_or(("Assistant", "Office"));
        let mut body = json!({
            "first_name": first, "last_name": last, "job_title": title, "department": department,
            "phone": format!("+31 20 555 {:04}", 1000 + self.people),
        });
        // Most report to whoever was there first.
        let boss = self.customers.get(at).and_then(|shown| shown.users.first());
        if let (Some(body), Some(boss), true) =
            (body.as_object_mut(), boss, !self.people.is_multiple_of(5))
        {
            body.insert("manager".to_owned(), json!(boss));
        }
        // Some have no badge yet.
        if let (Some(body), true) = (body.as_object_mut(), !self.people.is_multiple_of(4)) {
            let badge = format!("TA{:04}", 1000 + self.people);
            let languages: &[&str] =
                if self.people.is_multiple_of(3) { &["nl", "en"] } else { &["nl"] };
            let values = json!({ "badge": badge, "languages": languages });
            body.insert("properties".to_owned(), values);
        }
        let user = number(&self.stage.post(&who, &format!("/customers/{id}/users"), &body)?, "id")?;
        let path = format!("/users/{user}/services");
        let plan = if self.dice.roll(4) == 0 { "plus" } else { "standard" };
        self.stage.post(&who, &path, &json!({ "service": "workplace", "plan": plan }))?;
        let size = if self.dice.roll(5) == 0 { "100" } else { "50" };
        self.stage.post(&who, &path, &json!({ "service": "mailbox", "plan": size }))?;
        for (service, of) in [("backup", 3), ("vpn", 4)] {
            if self.dice.roll(of) == 0 {
                self.stage.post(&who, &path, &json!({ "service": service, "plan": "standard" }))?;
            }
        }
        if let Some(shown) = self.customers.get_mut(at) {
            shown.users.push(user);
        }
        Ok(())
    }

    /// Somebody gets a better plan, somebody leaves.
    fn change(&mut self) -> Result<()> {
        let at = self.dice.roll(self.customers.len());
        let Some(shown) = self.customers.get(at) else { return Ok(()) };
        let who = self.who(shown.place);
        let Some(user) = self.dice.pick(&shown.users).copied() else { return Ok(()) };
        let held = self.stage.all(&who, &format!("/users/{user}/services"))?;
        let active = |service: &str| {
            held.iter()
                .find(|s| s.at("service") == service && s.at("state") == "active")
                .and_then(|s| s.at("id").as_i64())
        };
        match self.dice.roll(3) {
            0 => {
                if let Some(id) = active("mailbox") {
                    self.stage.patch(
                        &who,
                        &format!("/users/{user}/services/{id}"),
                        &json!({ "plan": "100" }),
                    )?;
                }
            }
            1 => {
                if let Some(id) = active("vpn") {
                    self.stage.delete(&who, &format!("/users/{user}/services/{id}"))?;
                }
            }
            _ => {
                self.stage.post(&who, &format!("/users/{user}/disable"), &Value::Null)?;
            }
        }
        Ok(())
    }

    /// Somebody leaves: with a report that is sealed by now.
    fn offboard(&mut self) -> Result<()> {
        let Some(shown) = self.customers.first_mut().filter(|shown| shown.users.len() > 6) else {
            return Ok(());
        };
        let (user, place) = (shown.users.remove(6), shown.place);
        let order = json!({
            "hide_from_lists": true, "out_of_office": true, "leave_groups": true,
            "out_of_office_text": "I have left Aldermoor Dental. Reception takes care of your mail.",
            "deprovision_after": 14,
        });
        let path = format!("/users/{user}/offboard");
        self.stage.post(&self.who(place), &path, &order)?;
        Ok(())
    }

    /// The bill of the period that ended: drafts, and final but for the latest.
    fn bill(&mut self, ended: Date, latest: bool) -> Result<()> {
        let recalculate = format!("/billing/periods/{ended}/recalculate");
        self.stage.post(&self.admin, &recalculate, &json!({}))?;
        self.draw_up(&self.admin, 1, ended, latest)?;
        for ((reseller, id), agent) in RESELLERS.iter().zip(&self.resellers).zip(&self.agents) {
            if reseller.markup_bp.is_some() {
                self.draw_up(agent, *id, ended, latest)?;
            }
        }
        Ok(())
    }

    /// The invoices of one seller.
    fn draw_up(&self, who: &Actor, seller: i64, ended: Date, latest: bool) -> Result<()> {
        let path = format!("/billing/periods/{ended}/invoices");
        self.stage.post(who, &path, &json!({ "seller_id": seller }))?;
        let list = format!("/invoices?state=draft&seller_id={seller}&period_end={ended}");
        let drafts = self.stage.all(who, &list)?;
        for (place, draft) in drafts.iter().enumerate() {
            let blocked = draft.at("blockers").as_array().is_some_and(|all| !all.is_empty());
            if blocked || (latest && place % 3 == 0) {
                continue;
            }
            let id = number(draft, "id")?;
            self.stage.post(who, &format!("/invoices/{id}/finalise"), &json!({}))?;
        }
        Ok(())
    }

    /// Something that failed, something that waits.
    fn loose_ends(&mut self) -> Result<()> {
        catalogue::run_dry(&self.stage, &self.admin)?;
        let Some(shown) = self.customers.first() else { return Ok(()) };
        places::furnish(&self.stage, &self.admin, shown.id, &shown.users)?;
        let leavers = json!({ "name": "Disabled", "query": "state=disabled", "shared": true });
        self.stage.post(&self.admin, "/users/views", &leavers)?;
        let few = json!({ "name": "Without second factor", "query": "no_factor=yes" });
        self.stage.post(&self.admin, "/users/views", &few)?;
        self.stage.put(&self.admin, &format!("/customers/{}/pin", shown.id), &json!({}))?;
        let who = self.who(shown.place);
        for user in shown.users.iter().take(2) {
            let path = format!("/users/{user}/services");
            let held = self.stage.all(&who, &path)?;
            let workplace = held
                .iter()
                .find(|s| s.at("service") == "workplace")
                .and_then(|s| s.at("id").as_i64());
            if let Some(id) = workplace {
                let plan = json!({ "plan": "premium" });
                self.stage.patch(&who, &format!("{path}/{id}"), &plan)?;
            }
        }
        self.stage.settle()?;
        if let Some(user) = shown.users.get(7) {
            let order = json!({
                "at": self.stage.app.db.now().plus_days(3).to_string(), "share_mailbox": true,
                "forward_to": shown.users.first(), "deprovision_after": 60, "delete_after": 30,
            });
            self.stage.post(&who, &format!("/users/{user}/offboard"), &order)?;
        }
        for user in shown.users.iter().skip(2).take(3) {
            let path = format!("/users/{user}/services");
            self.stage.post(&who, &path, &json!({ "service": "phone", "plan": "desk" }))?;
        }
        catalogue::ask(&self.stage, &self.admin)?;
        if let Some(user) = shown.users.get(1) {
            let path = format!("/users/{user}/services");
            self.stage.post(&who, &path, &json!({ "service": "vpn", "plan": "standard" }))?;
        }
        Ok(())
    }

    /// Passwords for a few people, made up now and told once.
    fn keys(&mut self, administrator: UserId) -> Result<Vec<Person>> {
        let mut people = vec![(administrator.0, "Provider administrator, sees everything")];
        let staff = |upn: &str, first: &str, last: &str, at: i64, role: &str| -> Result<i64> {
            let body = json!({ "upn": upn, "first_name": first, "last_name": last });
            let id = number(
                &self.stage.post(&self.admin, &format!("/customers/{at}/users"), &body)?,
                "id",
            )?;
            self.stage.post(
                &self.admin,
                &format!("/users/{id}/roles"),
                &json!({ "role": role }),
            )?;
            Ok(id)
        };
        people.push((
            staff("desk@tarnholm.example", "Oskar", "Falkenberg", 1, "Provider helpdesk")?,
            "Provider helpdesk",
        ));
        let brightwater = self.resellers.first().copied().unwrap_or(1);
        let aldermoor = self.customers.first().map_or(1, |c| c.id);
        people.push((
            staff("bea@tarnholm.example", "Bea", "Strandqvist", 1, "Provider billing")?,
            "Provider billing, prices and invoices",
        ));
        people.push((
            staff(
                "theo@brightwater.example",
                "Theo",
                "Bellweather",
                brightwater,
                "Reseller administrator",
            )?,
            "Reseller administrator of Brightwater Office",
        ));
        let reception = staff(
            "reception@aldermoor.example",
            "Anouk",
            "Vantongeren",
            aldermoor,
            "Customer administrator",
        )?;
        people.push((reception, "Customer administrator of Aldermoor Dental"));
        if let [first, second, ..] = self.customers.as_slice() {
            let scene = access::Scene {
                reseller: brightwater,
                customer: first.id,
                neighbour: second.id,
                administrator: reception,
                receptionist: first.users.last().copied().unwrap_or(reception),
            };
            access::show(&self.stage, &self.admin, &scene)?;
            let some: Vec<i64> = first.users.iter().copied().skip(8).take(12).collect();
            waiting::show(&self.stage, &self.admin, administrator, first.id, reception, &some)?;
            if let Some(user) = first.users.first() {
                let path = format!("/users/{user}/roles");
                self.stage.post(&self.admin, &path, &json!({ "role": "My account" }))?;
                people.push((*user, "works at Aldermoor Dental, looks after her own account only"));
            }
        }
        // A password that nobody knows is that of everybody who is not named here.
        let unknown = self.stage.app.hasher.hash(&passphrase()?)?;
        let customers = self.customers.iter().map(|shown| shown.id);
        for customer in self.resellers.iter().copied().chain(customers).chain([1]) {
            store::settle_in(&self.stage.app.db, customer, &unknown)?;
        }
        let mut told = Vec::new();
        for (id, role) in people {
            let password = passphrase()?;
            store::set_password(
                &self.stage.app.db,
                UserId(id),
                &self.stage.app.hasher.hash(&password)?,
            )?;
            let user = self.stage.get(&self.admin, &format!("/users/{id}"))?;
            let upn = user.at("upn").as_str().unwrap_or_default().to_owned();
            told.push(Person { upn, password, role });
        }
        Ok(told)
    }

    /// Who looks after the customer at that place of the cast.
    fn who(&self, place: usize) -> Actor {
        let reseller = CUSTOMERS.get(place).and_then(|customer| customer.below);
        reseller.and_then(|place| self.agents.get(place)).unwrap_or(&self.admin).clone()
    }
}

fn number(answer: &Value, field: &str) -> Result<i64> {
    answer.at(field).as_i64().ok_or_else(|| Error::internal(format!("no {field} in {answer}")))
}

const WORDS: &[&str] = &[
    "harbour", "lantern", "copper", "willow", "meadow", "granite", "thimble", "orchard", "falcon",
    "marble", "kettle", "saffron", "pebble", "walnut", "juniper", "anchor", "velvet", "glacier",
    "tulip", "compass", "barley", "cobalt", "lagoon", "mustard", "otter", "parcel", "quartz",
    "raven", "spruce", "tinder", "umber", "violet",
];

/// Four words and a number that nobody else has been told.
fn passphrase() -> Result<Secret> {
    let bytes: [u8; 5] = secret::random()?;
    let mut parts: Vec<String> = Vec::new();
    for byte in bytes.iter().take(4) {
        let word = WORDS.get(usize::from(*byte) % WORDS.len()).copied().unwrap_or("harbour");
        parts.push(word.to_owned());
    }
    parts.push((u32::from(bytes.last().copied().unwrap_or(0)) + 100).to_string());
    Ok(Secret::new(parts.join("-")))
}
