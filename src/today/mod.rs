//! What wants somebody today: at most ten lines, worst first, one of a kind with its count. Each is
//! seen only by whoever may act on it.

pub mod api;
pub mod pages;
mod store;

use crate::auth::Actor;
use crate::auth::permissions::{
    BillingRun, CatalogueWrite, ConnectorsRead, CustomersCreate, CustomersDomains, InvoicesWrite,
    JobsRead, MessagesRead, RequestsRead, RequestsRelease, SettingsWrite,
};
use crate::brake;
use crate::db::Read;
use crate::error::Result;
use crate::html::TOLD_APART;
use crate::html::parts::Tone;
use crate::html::text::{self, in_words};
use crate::places::capital;
use crate::settings::Settings;
use crate::web::Cx;

/// One line.
pub struct Item {
    pub kind: &'static str,
    pub tone: Tone,
    pub icon: &'static str,
    pub what: String,
    pub why: String,
    pub act: &'static str,
    pub href: String,
}

const MOST: usize = 10;
/// Failed requests that are counted: as many as the rail tells apart, and one.
const FAILED: i64 = TOLD_APART + 1;

/// The lines whoever asks is to see now, worst first.
pub fn items(db: &Read, cx: &Cx) -> Result<Vec<Item>> {
    let (actor, settings) = (&cx.actor, &*cx.settings);
    let mut items = Vec::new();
    work(db, cx, &mut items)?;
    money(db, actor, &mut items)?;
    first_steps(db, actor, settings, &mut items)?;
    items.sort_by_key(|item| match item.tone {
        Tone::Bad => 0,
        Tone::Wait => 1,
        _ => 2,
    });
    items.truncate(MOST);
    Ok(items)
}

/// What stands still: requests, connectors, jobs, mails, domains.
fn work(db: &Read, cx: &Cx, items: &mut Vec<Item>) -> Result<()> {
    let actor = &cx.actor;
    if let Ok(scope) = actor.scope::<RequestsRead>()
        && let Some(latest) = cx.last_failed_request(db)?
        && let Some(told) = store::failed_request(db, &scope, latest)?
    {
        let failed = cx.failed_requests(db, FAILED)?;
        items.push(Item {
            kind: "requests_failed",
            tone: Tone::Bad,
            icon: "alert-triangle",
            what: match failed {
                1 => told.title.clone(),
                FAILED => format!(
                    "More than {} requests failed",
                    in_words(usize::try_from(TOLD_APART).unwrap_or_default())
                ),
                n => some(n, "request failed", "requests failed"),
            },
            why: format!("{} · {}", told.customer, told.reason),
            act: if failed == 1 { "Open request" } else { "Open list" },
            href: match failed {
                1 => format!("/requests/{latest}"),
                _ => "/requests?status=failed".to_owned(),
            },
        });
    }
    if let Ok(scope) = actor.scope::<RequestsRelease>()
        && let Some((n, hold)) = brake::waiting(db, &scope)?
    {
        items.push(Item {
            kind: "held",
            tone: Tone::Wait,
            icon: "shield",
            what: match n {
                1 => format!("Held: {}", hold.title),
                n => some(n, "piece of work is held", "pieces of work are held"),
            },
            why: format!(
                "{} · {} on its list. Nothing happens before somebody decides.",
                hold.customer_name,
                text::grouped(hold.number)
            ),
            act: "Decide",
            href: match n {
                1 => format!("/held/{}", hold.id),
                _ => "/held".to_owned(),
            },
        });
    }
    if let Ok(scope) = actor.scope::<ConnectorsRead>()
        && let Some((id, name, error)) = store::down_connector(db, &scope)?
    {
        items.push(Item {
            kind: "connector_down",
            tone: Tone::Bad,
            icon: "plug",
            what: format!("{name} cannot be reached"),
            why: format!("Its steps wait. {error}"),
            act: "Open connector",
            href: format!("/connectors/{id}"),
        });
    }
    if let Ok(scope) = actor.scope::<JobsRead>()
        && let Some((id, label, error)) = store::failed_job(db, &scope)?
    {
        items.push(Item {
            kind: "job_failed",
            tone: Tone::Bad,
            icon: "clock",
            what: format!("The job {label} failed"),
            why: error,
            act: "Open run",
            href: format!("/runs/{id}"),
        });
    }
    if let Ok(scope) = actor.scope::<MessagesRead>() {
        let failed = store::failed_mails(db, &scope)?;
        if failed > 0 {
            items.push(Item {
                kind: "mails_failed",
                tone: Tone::Wait,
                icon: "mail",
                what: some(failed, "mail was not delivered", "mails were not delivered"),
                why: "The mail server or the address refused within the last week.".into(),
                act: "Open mails",
                href: "/mail?state=failed".into(),
            });
        }
    }
    if let Ok(scope) = actor.scope::<CustomersDomains>()
        && let Some((count, customer, domain)) = store::waiting_domains(db, &scope)?
    {
        items.push(Item {
            kind: "domains_waiting",
            tone: Tone::Wait,
            icon: "world",
            what: some(count, "domain waits for verification", "domains wait for verification"),
            why: format!("{domain} and its names cannot be used until then."),
            act: "Open domains",
            href: format!("/customers/{customer}/domains"),
        });
    }
    Ok(())
}

/// What is not on a bill yet, or on one that nobody sent.
fn money(db: &Read, actor: &Actor, items: &mut Vec<Item>) -> Result<()> {
    if let Ok(scope) = actor.scope::<BillingRun>()
        && let Some(period) = store::period_without_invoices(db, &scope)?
    {
        items.push(Item {
            kind: "period_ended",
            tone: Tone::Wait,
            icon: "receipt",
            what: format!("{} has ended without invoices", period.month_name()),
            why: "Look over the bill, then make the drafts.".into(),
            act: "Open bill",
            href: format!("/billing/{period}"),
        });
    }
    if let Ok(scope) = actor.scope::<InvoicesWrite>() {
        let drafts = store::drafts(db, &scope)?;
        if drafts > 0 {
            items.push(Item {
                kind: "drafts",
                tone: Tone::Wait,
                icon: "file-invoice",
                what: some(drafts, "draft waits to be finalised", "drafts wait to be finalised"),
                why: "A draft follows the ledger until it is final.".into(),
                act: "Open drafts",
                href: "/invoices?state=draft".into(),
            });
        }
    }
    Ok(())
}

/// What a new installation still lacks.
fn first_steps(db: &Read, actor: &Actor, settings: &Settings, items: &mut Vec<Item>) -> Result<()> {
    if actor.may::<SettingsWrite>() && settings.get("mail_host").is_empty() {
        items.push(Item {
            kind: "no_mail_server",
            tone: Tone::Wait,
            icon: "mail",
            what: "No mail server is set".into(),
            why: "Mails wait until there is one: links to new passwords, invoices.".into(),
            act: "Set it",
            href: "/settings".into(),
        });
    }
    if let Ok(scope) = actor.scope::<CatalogueWrite>()
        && !store::sells_anything(db, &scope)?
    {
        items.push(Item {
            kind: "no_service",
            tone: Tone::Busy,
            icon: "stack-2",
            what: "The catalogue is empty".into(),
            why: "Say what you sell: a service, its plans and their prices.".into(),
            act: "New service",
            href: "/services/new".into(),
        });
    }
    if let Ok(scope) = actor.scope::<CustomersCreate>()
        && !store::has_customers(db, &scope)?
    {
        items.push(Item {
            kind: "no_customer",
            tone: Tone::Busy,
            icon: "building",
            what: "There is no customer yet".into(),
            why: "Make the first one, then import its users from a spreadsheet.".into(),
            act: "New customer",
            href: "/customers/new".into(),
        });
    }
    Ok(())
}

fn some(count: i64, one: &str, many: &str) -> String {
    let number = capital(&in_words(usize::try_from(count).unwrap_or_default()));
    format!("{number} {}", if count == 1 { one } else { many })
}
