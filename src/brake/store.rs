use super::{Hold, Item, State};
use crate::auth::Scope;
use crate::auth::permissions::RequestsRelease;
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, HoldId, RequestId, RunId, UserId};
use crate::web::Paging;
use rusqlite::{Row, named_params};

/// How many users a customer has whom it could be taken from.
pub fn users(db: &Read, customer: CustomerId) -> Result<i64> {
    db.value(
        "SELECT count(*) FROM users WHERE customer_id = ?1 AND state IN ('active', 'disabled')",
        [customer],
    )
}

/// The lowest number that the customer or anybody above it has set; nobody can loosen it.
pub fn tightest(db: &Read, customer: CustomerId, key: &str, default: i64) -> Result<i64> {
    db.value(
        "SELECT min(:default, coalesce(min(CAST(value AS INTEGER)), :default))
           FROM customer_tree JOIN customer_settings ON customer_id = above AND key = :key
          WHERE below = :customer",
        named_params! { ":customer": customer, ":key": key, ":default": default },
    )
}

pub fn two_persons(db: &Read, customer: CustomerId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM customer_tree JOIN customer_settings ON customer_id = above
                         WHERE below = ?1 AND key = 'brake_people' AND value = '2')",
        [customer],
    )
}

pub fn named(db: &Read, ids: &[UserId], what: &str) -> Result<Vec<Item>> {
    db.all(
        "SELECT id, customer_id, display_name || ' (' || upn || '): ' || :what AS text FROM users
          WHERE id IN (SELECT value FROM json_each(:ids))
          ORDER BY display_name COLLATE NOCASE, id",
        named_params! { ":ids": serde_json::to_string(ids)?, ":what": what },
        |row| {
            Ok(Item {
                what: super::What::Users,
                customer: row.get("customer_id")?,
                id: row.get("id")?,
                text: row.get("text")?,
            })
        },
    )
}

/// The one itself, or the nearest above all of several.
pub fn above_all(db: &Read, customers: &[CustomerId]) -> Result<CustomerId> {
    db.value(
        "SELECT above FROM customer_tree AS tree
          WHERE below IN (SELECT value FROM json_each(?1))
          GROUP BY above HAVING count(*) = json_array_length(?1)
          ORDER BY (SELECT count(*) FROM customer_tree AS up WHERE up.below = tree.above) DESC LIMIT 1",
        [serde_json::to_string(customers)?],
    )
}

pub fn insert(
    tx: &Write,
    (run, request): (Option<RunId>, Option<RequestId>),
    customer: CustomerId,
    several: bool,
    title: &str,
    number: i64,
) -> Result<HoldId> {
    tx.change(
        "INSERT INTO brake_holds (run_id, request_id, customer_id, several, title, number, made_at, made_by)
         VALUES (:run, :request, :customer, :several, :title, :number, :now, :by) RETURNING id",
        named_params! {
            ":run": run, ":request": request, ":customer": customer, ":several": several,
            ":title": title, ":number": number, ":now": tx.now, ":by": tx.by.user,
        },
    )
}

pub fn insert_item(tx: &Write, hold: HoldId, seq: i64, item: &Item) -> Result<usize> {
    tx.run(
        "INSERT INTO brake_items (hold_id, seq, what, customer_id, subject_id, text)
         VALUES (:hold, :seq, :what, :customer, :subject, :text)",
        named_params! {
            ":hold": hold, ":seq": seq, ":what": item.what, ":customer": item.customer,
            ":subject": item.id, ":text": item.text.chars().take(500).collect::<String>(),
        },
    )
}

/// All that was looked at of a run when it was let go last.
pub fn released(db: &Read, run: RunId) -> Result<Vec<Item>> {
    db.all(
        "SELECT what, customer_id, subject_id, text FROM brake_items
          WHERE hold_id = (SELECT max(id) FROM brake_holds WHERE run_id = ?1 AND state = 'released')",
        [run],
        item,
    )
}

pub fn customers(db: &Read, hold: HoldId) -> Result<Vec<CustomerId>> {
    db.all("SELECT DISTINCT customer_id FROM brake_items WHERE hold_id = ?1", [hold], |row| {
        row.get("customer_id")
    })
}

fn item(row: &Row) -> rusqlite::Result<Item> {
    Ok(Item {
        what: row.get("what")?,
        customer: row.get("customer_id")?,
        id: row.get("subject_id")?,
        text: row.get("text")?,
    })
}

pub fn items(db: &Read, hold: HoldId, paging: &Paging) -> Result<Vec<(i64, Item)>> {
    db.all(
        "SELECT seq, what, customer_id, subject_id, text FROM brake_items
          WHERE hold_id = :hold AND seq > :after ORDER BY seq LIMIT :most",
        named_params! { ":hold": hold, ":after": paging.id(), ":most": paging.fetch() },
        |row| Ok((row.get("seq")?, item(row)?)),
    )
}

pub fn of_run(db: &Read, run: RunId) -> Result<HoldId> {
    db.one("SELECT id FROM brake_holds WHERE run_id = ?1 ORDER BY id DESC LIMIT 1", [run], |row| {
        row.get("id")
    })
}

pub fn of_request(db: &Read, request: RequestId) -> Result<HoldId> {
    db.one(
        "SELECT id FROM brake_holds WHERE request_id = ?1 ORDER BY id DESC LIMIT 1",
        [request],
        |row| row.get("id"),
    )
}

/// Whoever may release below a place may do so for several customers below it; and for the provider
/// itself, where there is nobody above to do it.
pub fn page(db: &Read, scope: &Scope<RequestsRelease>, paging: &Paging) -> Result<Vec<Hold>> {
    db.all(
        "SELECT brake_holds.id, run_id, request_id, brake_holds.customer_id, customers.name AS customer_name, several, title,
                number, brake_holds.state, reason, made_at, made_by, maker.display_name AS made_by_name,
                decided_at, decider.display_name AS decided_by_name
           FROM brake_holds JOIN customers ON customers.id = brake_holds.customer_id
                LEFT JOIN users AS maker ON maker.id = made_by
                LEFT JOIN users AS decider ON decider.id = decided_by
          WHERE brake_holds.state = 'held' AND brake_holds.id > :after
            AND (EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = brake_holds.customer_id
                            AND scope IN (SELECT value FROM json_each(:scope)))
              OR ((several OR brake_holds.customer_id = 1)
                  AND EXISTS (SELECT 1 FROM json_each(:scope)
                               WHERE value IN (brake_holds.customer_id * 4 + 2, brake_holds.customer_id * 4 + 3))))
          ORDER BY brake_holds.id LIMIT :most",
        named_params! { ":scope": scope, ":after": paging.id(), ":most": paging.fetch() },
        hold,
    )
}

pub fn one(db: &Read, scope: &Scope<RequestsRelease>, id: HoldId) -> Result<Hold> {
    db.one(
        "SELECT brake_holds.id, run_id, request_id, brake_holds.customer_id, customers.name AS customer_name, several, title,
                number, brake_holds.state, reason, made_at, made_by, maker.display_name AS made_by_name,
                decided_at, decider.display_name AS decided_by_name
           FROM brake_holds JOIN customers ON customers.id = brake_holds.customer_id
                LEFT JOIN users AS maker ON maker.id = made_by
                LEFT JOIN users AS decider ON decider.id = decided_by
          WHERE brake_holds.id = :id
            AND (EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = brake_holds.customer_id
                            AND scope IN (SELECT value FROM json_each(:scope)))
              OR ((several OR brake_holds.customer_id = 1)
                  AND EXISTS (SELECT 1 FROM json_each(:scope)
                               WHERE value IN (brake_holds.customer_id * 4 + 2, brake_holds.customer_id * 4 + 3))))",
        named_params! { ":scope": scope, ":id": id },
        hold,
    )
}

fn hold(row: &Row) -> rusqlite::Result<Hold> {
    Ok(Hold {
        id: row.get("id")?,
        run_id: row.get("run_id")?,
        request_id: row.get("request_id")?,
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        several: row.get("several")?,
        title: row.get("title")?,
        number: row.get("number")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        made_at: row.get("made_at")?,
        made_by: row.get("made_by")?,
        made_by_name: row.get("made_by_name")?,
        decided_at: row.get("decided_at")?,
        decided_by_name: row.get("decided_by_name")?,
    })
}

pub fn held_run(db: &Read, kind: &str, customer: CustomerId) -> Result<Option<RunId>> {
    db.maybe(
        "SELECT runs.id FROM brake_holds JOIN runs ON runs.id = run_id
          WHERE brake_holds.state = 'held' AND runs.state = 'held'
            AND kind = :kind AND runs.customer_id = :customer",
        named_params! { ":kind": kind, ":customer": customer },
        |row| row.get("id"),
    )
}

pub fn decide(tx: &Write, id: HoldId, state: State, reason: &str) -> Result<usize> {
    tx.run(
        "UPDATE brake_holds SET state = :state, reason = :reason, decided_at = :now, decided_by = :by
          WHERE id = :id AND state = 'held'",
        named_params! {
            ":id": id, ":state": state, ":reason": reason, ":now": tx.now, ":by": tx.by.user,
        },
    )
}
