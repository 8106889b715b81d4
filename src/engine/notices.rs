//! Who is told what became of work. It is written with the end itself and by the clock, not by rules,
//! so that it goes out though steps fail.

use super::{End, store};
use crate::auth::PROVIDER;
use crate::auth::permissions::{Permission, RequestsRetry, SystemOperate};
use crate::db::Write;
use crate::error::Result;
use crate::html::text::duration;
use crate::ids::RequestId;
use crate::mail::Class;
use crate::mail::people::{self, Notice};

/// Work that waits longer than this for a free worker is told of.
const SLOW: i64 = 300;
/// And not again before so many seconds have gone by.
const AGAIN: i64 = 6 * 3600;
/// A freeze is told of so long before it begins.
const BEFORE: i64 = 24 * 3600;

/// Tells those who see to requests nearest to the customer of one that failed or left warnings: once,
/// however often it is tried. Parts of something larger and those of a run speak through that.
pub fn ended(tx: &Write, id: RequestId, end: End, reason: &str) -> Result<()> {
    if end == End::Cancelled {
        return Ok(());
    }
    let Some(it) = store::to_tell(tx, id, end == End::Failed)? else { return Ok(()) };
    store::told(tx, id)?;
    let (event, subject, text) = match end {
        End::Failed => (
            "request.failed",
            format!("Failed: {}", it.title),
            format!("“{}” for {} has failed: {reason}", it.title, it.customer_name),
        ),
        _ => (
            "request.warnings",
            format!("Done with warnings: {}", it.title),
            format!(
                "“{}” for {} is done, but not all of it went well.",
                it.title, it.customer_name
            ),
        ),
    };
    let people = people::nearest_who_may(tx, RequestsRetry::NAME, it.customer)?;
    let notice = Notice {
        customer: it.customer,
        event,
        class: Class::Notice,
        subject: &subject,
        text: &text,
        path: &format!("/requests/{id}"),
    };
    people::tell(tx, &people, &notice)
}

/// What the clock tells of: work that nobody takes in hand, freezes that are about to begin. Says of
/// what.
pub fn by_the_clock(tx: &Write) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for (queue, since) in store::slow(tx, tx.now.plus_seconds(-SLOW), tx.now.plus_seconds(-AGAIN))?
    {
        let waits = duration(tx.now.since(since));
        let text = format!("Work in the queue {queue} has waited {waits} for a free worker.");
        let notice = Notice {
            customer: PROVIDER,
            event: "engine.slow",
            class: Class::Notice,
            subject: "Work waits for a free worker",
            text: &text,
            path: "/engine",
        };
        people::tell(tx, &people::nearest_who_may(tx, SystemOperate::NAME, PROVIDER)?, &notice)?;
        store::slow_told(tx, &queue)?;
        told.push(text);
    }
    for freeze in store::freezes_to_come(tx, tx.now.plus_seconds(BEFORE))? {
        let text = format!(
            "From {} to {} (UTC) nothing is begun in other systems for {}: “{}”.",
            freeze.from_at, freeze.until_at, freeze.customer_name, freeze.name
        );
        let notice = Notice {
            customer: freeze.customer,
            event: "freeze.begins",
            class: Class::Notice,
            subject: &format!("A freeze begins: {}", freeze.name),
            text: &text,
            path: "",
        };
        let people = people::nearest_who_may(tx, RequestsRetry::NAME, freeze.customer)?;
        people::tell(tx, &people, &notice)?;
        store::freeze_told(tx, freeze.id)?;
        told.push(text);
    }
    Ok(told)
}
