//! Keeping what was found: new things come, what is true no more goes, and nothing is written where
//! all is as it was.

use super::compare::Fresh;
use super::store::{self, Kept, New};
use super::{Ground, Kind, State, run, verbs};
use crate::auth::permissions::{ConnectorsWrite, Permission};
use crate::db::{By, Db, Via, Write};
use crate::directory::{Class, OnDrift};
use crate::error::Result;
use crate::html::text::count;
use crate::ids::{CustomerId, UserId};
use crate::jobs;
use crate::mail::Class as MailClass;
use crate::mail::people::{self, Notice};
use crate::time::Zone;
use serde_json::json;
use std::collections::BTreeMap;

/// Objects of one transaction.
const BATCH: usize = 200;

/// One object, and all that is not as it should be about it.
pub struct Found {
    pub object: String,
    pub class: Class,
    pub customer: CustomerId,
    pub user: Option<UserId>,
    pub name: String,
    pub place: String,
    pub fresh: Vec<Fresh>,
    pub binding: Option<i64>,
    /// Work on it is under way: it is looked at again later.
    pub put_off: bool,
}

impl Found {
    /// Nothing is to be said of an object any more.
    pub fn nothing(object: &str, place: &str) -> Found {
        Found {
            object: object.to_owned(),
            class: Class::User,
            customer: crate::auth::PROVIDER,
            user: None,
            name: String::new(),
            place: place.to_owned(),
            fresh: Vec::new(),
            binding: None,
            put_off: false,
        }
    }
}

#[derive(Clone, Copy, Default)]
pub struct Counts {
    pub new: i64,
    pub gone: i64,
    pub pushed: i64,
}

pub fn all(
    db: &Db,
    ground: &Ground,
    zone: &Zone,
    (found, kept): (&[Found], &BTreeMap<String, Vec<Kept>>),
    counts: &mut Counts,
) -> Result<()> {
    let none = Vec::new();
    for batch in found.chunks(BATCH) {
        db.write(By::portico(Via::Job), |tx| {
            for each in batch {
                let kept = kept.get(&each.object).unwrap_or(&none);
                one(tx, ground, zone, (each, kept), counts)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn one(
    tx: &Write,
    ground: &Ground,
    zone: &Zone,
    (found, kept): (&Found, &[Kept]),
    counts: &mut Counts,
) -> Result<()> {
    if let Some(binding) = found.binding {
        // It may have been let go since it was looked at.
        if store::binding_of(tx, ground.connector, &found.object)? != Some(binding) {
            return Ok(());
        }
        store::look_again(tx, binding, found.put_off)?;
    }
    if found.put_off {
        return Ok(());
    }
    let same = |old: &Kept, new: &Fresh| old.kind == new.kind && old.what == new.what;
    for old in kept.iter().filter(|old| !found.fresh.iter().any(|new| same(old, new))) {
        // What is on its way is settled by its own end.
        if old.state != State::Pushing {
            store::settle(tx, old.id, "gone")?;
            counts.gone += 1;
        }
    }
    for fresh in &found.fresh {
        let id = match kept.iter().find(|old| same(old, fresh)) {
            Some(old) => {
                let other = old.ours != fresh.ours || old.theirs != fresh.theirs;
                let over = old.until.is_some_and(|day| day < tx.now.day(zone));
                let open = old.state == State::Ignored && (other || over);
                if open || other || old.place != found.place {
                    store::say(tx, old.id, &found.place, fresh, open)?;
                }
                counts.new += i64::from(open);
                (open || old.state == State::Open).then_some(old.id)
            }
            None => {
                let id = store::insert(
                    tx,
                    &New {
                        environment: ground.id,
                        customer: found.customer,
                        user: found.user,
                        class: found.class,
                        object: &found.object,
                        name: &found.name,
                        place: &found.place,
                        fresh,
                    },
                )?;
                counts.new += i64::from(id.is_some());
                id
            }
        };
        if let Some(id) = id.filter(|_| fresh.kind == Kind::Enabled) {
            let it = store::any(tx, id)?;
            verbs::order(tx, &it)?;
            counts.pushed += 1;
        }
    }
    Ok(())
}

/// Remembers how far it was looked through, tells of what is new, and has fields put right where that
/// is wanted.
pub fn end(
    db: &Db,
    ground: &Ground,
    (machine, mark, before): (&str, &str, Option<&str>),
    counts: &Counts,
) -> Result<()> {
    let repairs = ground.mode == OnDrift::Repair
        && !db.read(|db| store::to_repair(db, ground.id))?.is_empty();
    if before == Some(mark) && counts.new == 0 && !repairs {
        return Ok(());
    }
    db.write(By::portico(Via::Job), |tx| {
        store::set_mark(tx, ground.id, machine, mark)?;
        if repairs {
            let input = json!({ "directory": ground.id });
            jobs::queue_run(tx, run::REPAIR, ground.owner, &input, None)?;
        }
        if counts.new == 0 {
            return Ok(());
        }
        let things = count(counts.new, "thing", "things");
        let text = format!(
            "{things} in the directory {} were changed by others and are not as they are in Portico. Look \
             at each, and say which side holds.",
            ground.name
        );
        let notice = Notice {
            customer: ground.owner,
            event: "drift.found",
            class: MailClass::Notice,
            subject: &format!("Changed by others in {}: {things}", ground.name),
            text: &text,
            path: &format!("/directories/{}/drift", ground.id),
        };
        let keepers = people::nearest_who_may(tx, ConnectorsWrite::NAME, ground.owner)?;
        people::tell(tx, &keepers, &notice)
    })
}
