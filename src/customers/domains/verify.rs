//! Who really owns a domain: shown by a text record in its DNS, looked at by a button and by the
//! clock, or confirmed by hand from above with a reason.

use super::{Domain, readable, store};
use crate::audit;
use crate::auth::Scope;
use crate::auth::permissions::CustomersDomains;
use crate::customers::{contacts, is_above};
use crate::db::{By, Via, Write};
use crate::dns::{self, Texts};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, DomainId};
use crate::input::{Field, Fields, Input};
use crate::jobs::{Level, RunCx};
use crate::web::App;
use serde_json::json;

/// What is asked: nothing to look at the DNS, a reason to confirm by hand.
pub const VERIFY: &[Field] =
    &[Field::text("reason", "why it is confirmed by hand, 3–200 characters; from above only")];

/// As many domains as one run looks at.
const MOST: i64 = 500;

/// Where the text record stands.
pub fn place(name: &str) -> String {
    format!("_portico.{name}")
}

/// What it says.
pub fn record(proof: &str) -> String {
    format!("portico-verification={proof}")
}

/// Confirms the domain by hand where a reason is given, else by what the DNS says now.
pub fn verify(
    app: &App,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    id: DomainId,
    input: &Input,
) -> Result<()> {
    if input.has("reason") {
        return by_hand(app, scope, customer, id, input);
    }
    Fields::of(input, VERIFY).finish(|| Some(()))?;
    let domain = app.db.read(|db| store::one(db, scope, customer, id))?;
    if domain.verified_at.is_some() {
        return Ok(());
    }
    let found = look(app, &domain);
    app.db.write(scope.by, |tx| {
        store::one(tx, scope, customer, id)?;
        settle(tx, &domain, &found)
    })?;
    match found {
        Found::Yes => Ok(()),
        Found::No(why) => Err(Error::refused(why)),
    }
}

fn by_hand(
    app: &App,
    scope: &Scope<CustomersDomains>,
    customer: CustomerId,
    id: DomainId,
    input: &Input,
) -> Result<()> {
    app.db.write(scope.by, |tx| {
        let domain = store::one(tx, scope, customer, id)?;
        if !is_above(tx, scope, customer)? {
            return Err(Error::Forbidden("Only somebody above can confirm a domain.".into()));
        }
        let mut fields = Fields::of(input, VERIFY);
        let reason = fields.text("reason", 3..=200);
        let reason = fields.finish(|| reason)?;
        if domain.verified_at.is_some() {
            return Ok(());
        }
        store::verify(tx, id)?;
        let detail = json!({ "domain": domain.name, "by": "hand", "reason": reason });
        audit::record(tx, "domain.verified", ("domain", id.0), domain.owner, &detail)?;
        tell(tx, &domain)
    })
}

enum Found {
    Yes,
    No(String),
}

/// Asks the DNS; outside of every transaction.
fn look(app: &App, domain: &Domain) -> Found {
    let (place, wanted) = (place(&domain.name), record(&domain.proof));
    match dns::texts(&app.config.name_servers, &place) {
        Texts::Found(texts) if texts.iter().any(|text| text.trim() == wanted) => Found::Yes,
        Texts::Found(_) => Found::No(format!("The text record of {place} says something else.")),
        Texts::Nothing => Found::No(format!(
            "{} has no text record at {place} yet. New records can take an hour to be seen.",
            readable(&domain.name)
        )),
        Texts::Unknown => {
            Found::No("No name server answered. Try again in a few minutes.".to_owned())
        }
    }
}

fn settle(tx: &Write, domain: &Domain, found: &Found) -> Result<()> {
    match found {
        Found::No(why) => store::note(tx, domain.id, why),
        Found::Yes => {
            store::note(tx, domain.id, "")?;
            if !store::verify(tx, domain.id)? {
                return Ok(());
            }
            let detail = json!({ "domain": domain.name, "by": "dns" });
            audit::record(tx, "domain.verified", ("domain", domain.id.0), domain.owner, &detail)?;
            tell(tx, domain)
        }
    }
}

/// Whoever looks after the customer's technology waits for it.
fn tell(tx: &Write, domain: &Domain) -> Result<()> {
    let name = readable(&domain.name);
    let subject = format!("{name} is confirmed");
    let text = format!("The domain {name} is confirmed and can be used for names and addresses.");
    let note = ("domain.verified", subject.as_str(), text.as_str());
    contacts::tell(tx, domain.owner, contacts::For::Technical, "", note)
}

/// Looks at every domain that waits, those longest not looked at first.
pub fn run(cx: &RunCx) -> Result<()> {
    let by = By::portico(Via::Job);
    let waiting = cx.db.read(|db| store::waiting(db, MOST))?;
    cx.db.write(by, |tx| cx.total(tx, i64::try_from(waiting.len()).unwrap_or(0)))?;
    for (seq, domain) in (1..).zip(&waiting) {
        if cx.cancelled()? {
            break;
        }
        let found = look(cx.app, domain);
        let (level, result, text) = match &found {
            Found::Yes => (Level::Info, "confirmed", readable(&domain.name)),
            Found::No(why) => (Level::Warn, "waits", format!("{}: {why}", readable(&domain.name))),
        };
        cx.db.write(by, |tx| {
            settle(tx, domain, &found)?;
            cx.unit(tx, seq, level, result, &text, Some(("domain", domain.id.0)))
        })?;
    }
    Ok(())
}
