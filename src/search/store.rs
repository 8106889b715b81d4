use super::{CustomerHit, InvoiceHit, UserHit};
use crate::auth::permissions::{CustomersRead, InvoicesRead, UsersRead};
use crate::auth::{Breadth, Scope};
use crate::db::finds::{Spans, digits, fold};
use crate::db::{Read, trigram_parts, trigrams};
use crate::error::Result;
use rusqlite::{Row, named_params};

pub const USERS_NARROW: &str =
    "SELECT users.id, display_name, upn,
            (SELECT name FROM customers WHERE customers.id = users.customer_id) AS customer
       FROM users INDEXED BY users_by_customer
      WHERE users.customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
        AND users.state NOT IN ('deleted', 'purged')
        AND (finds(:q, display_name, upn, mail, numbers) OR (:digits <> '' AND instr(numbers, :digits) > 0)
             OR users.id IN (SELECT user_id FROM user_names INDEXED BY user_names_by_customer
                              WHERE user_names.customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
                                AND user_names.name >= lower(:text) AND user_names.name < lower(:text) || char(1114111)))
      LIMIT :most";

pub const USERS_WIDE: &str = "SELECT users.id, users.display_name, users.upn,
            (SELECT name FROM customers WHERE customers.id = users.customer_id) AS customer
       FROM users_search CROSS JOIN users ON users.id = users_search.rowid
      WHERE users_search MATCH :match
        AND (:all OR EXISTS (SELECT 1 FROM users AS own INDEXED BY users_homes
                               JOIN reach ON reach.customer_id = own.customer_id
                              WHERE own.id = users_search.rowid AND scope IN (SELECT value FROM json_each(:scope))))
        AND users.state NOT IN ('deleted', 'purged')
        AND (finds(:q, users.display_name, users.upn, users.mail, users.numbers)
             OR (:digits <> '' AND instr(users.numbers, :digits) > 0))
      LIMIT :most";

pub const USERS_SHORT: &str = "SELECT users.id, display_name, upn,
            (SELECT name FROM customers WHERE customers.id = users.customer_id) AS customer
       FROM users INDEXED BY users_by_name
      WHERE display_name COLLATE NOCASE >= :from AND display_name COLLATE NOCASE < :to
        AND users.state NOT IN ('deleted', 'purged')
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                       AND scope IN (SELECT value FROM json_each(:scope)))
      LIMIT :most";

/// By the beginning of any address.
pub const USERS_ADDRESS: &str = "SELECT users.id, display_name, upn,
            (SELECT name FROM customers WHERE customers.id = users.customer_id) AS customer
       FROM users
      WHERE users.id IN (SELECT user_id FROM user_names WHERE user_names.name >= lower(:text)
                            AND user_names.name < lower(:text) || char(1114111) LIMIT 200)
        AND users.state NOT IN ('deleted', 'purged')
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                       AND scope IN (SELECT value FROM json_each(:scope)))
      LIMIT :most";

/// Names, addresses and numbers that hold `text`; of one or two letters, names that begin with it.
pub fn users(db: &Read, scope: &Scope<UsersRead>, text: &str, most: i64) -> Result<Vec<UserHit>> {
    let (breadth, q, digits) = (scope.breadth_of_users(db)?, fold(text), digits(text));
    if breadth == Breadth::Narrow {
        let params = named_params! {
            ":scope": scope, ":q": q, ":digits": digits, ":text": text, ":most": most,
        };
        return db.all(USERS_NARROW, params, user);
    }
    let Some(parts) = users_match(db, text)? else {
        return Spans::beginning(&q).walk(None, most, |from, _, to, most| {
            let params = named_params! { ":scope": scope, ":from": from, ":to": to, ":most": most };
            db.all(USERS_SHORT, params, user)
        });
    };
    let params = named_params! {
        ":scope": scope, ":all": breadth == Breadth::All, ":match": parts, ":q": q,
        ":digits": digits, ":most": most,
    };
    let mut found = db.all(USERS_WIDE, params, user)?;
    if i64::try_from(found.len()).is_ok_and(|n| n < most) {
        let params = named_params! { ":scope": scope, ":text": text, ":most": most };
        for hit in db.all(USERS_ADDRESS, params, user)? {
            if !found.iter().any(|each| each.id == hit.id) {
                found.push(hit);
            }
        }
        found.truncate(usize::try_from(most).unwrap_or(0));
    }
    Ok(found)
}

/// So many hits tell how common a trigram is, by how far one has to go for them.
const FAR: &str = "SELECT rowid FROM users_search WHERE users_search MATCH :part LIMIT 1 OFFSET 50";
const HITS: i64 = 51;
/// Looking at a user whom the index names costs as much as passing so many entries of a trigram's list.
const LOOK: i64 = 40;

/// What the index of users is asked for `text`; `None` when that is too short: the rarest of its
/// trigrams, and each other whose list costs less than comparing the users whom it leaves out. Those in
/// nearly every address do not.
pub fn users_match(db: &Read, text: &str) -> Result<Option<String>> {
    // A phone number is in the index by its digits.
    let digits = digits(text);
    let parts = trigram_parts(if digits.is_empty() { text } else { &digits });
    if parts.len() < 2 {
        return Ok(parts.into_iter().next());
    }
    let mut left = Vec::new();
    for (place, part) in (0_usize..).zip(&parts) {
        let at =
            db.maybe(FAR, named_params! { ":part": part }, |row| row.get::<_, i64>("rowid"))?;
        left.push((place, at.map_or(i64::MAX, |at| at / HITS).max(1), part));
    }
    let mut taken: Vec<(usize, &str)> = Vec::new();
    // One user in so many is found by what is taken.
    let mut one_in = 1_i64;
    loop {
        let leaves =
            |place: usize, every: i64| match taken.iter().map(|(t, _)| t.abs_diff(place)).min() {
                // Neighbours share letters: who has the one is likely to have the other.
                Some(0..3) => every.isqrt(),
                _ => every,
            };
        let worth = |(place, every, _): &&(usize, i64, &String)| {
            let leaves = leaves(*place, *every);
            taken.is_empty() || every.saturating_mul(LOOK) / leaves * (leaves - 1) > one_in
        };
        let next = left.iter().filter(worth).max_by_key(|(place, every, _)| leaves(*place, *every));
        let Some((place, every, part)) = next.copied() else { break };
        one_in = one_in.saturating_mul(leaves(place, every));
        taken.push((place, part));
        left.retain(|(other, _, _)| *other != place);
    }
    let parts: Vec<&str> = taken.into_iter().map(|(_, part)| part).collect();
    Ok(Some(parts.join(" AND ")))
}

pub const CUSTOMERS: &str = "SELECT customers.id, customers.name, customers.code
       FROM customers_search JOIN customers ON customers.id = customers_search.rowid
      WHERE customers_search MATCH :match
        AND customers.state NOT IN ('deleted', 'purged')
        AND finds(:q, customers.name, customers.code, customers.contact_name)
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                       AND scope IN (SELECT value FROM json_each(:scope)))
      LIMIT :most";

const CUSTOMERS_SHORT: &str = "SELECT id, name, code
       FROM customers
      WHERE name COLLATE NOCASE >= :from AND name COLLATE NOCASE < :to
        AND state NOT IN ('deleted', 'purged')
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                       AND scope IN (SELECT value FROM json_each(:scope)))
      LIMIT :most";

const CUSTOMERS_BY_NUMBER: &str = "SELECT customers.id, customers.name, customers.code
       FROM customers
      WHERE id IN (SELECT customer_id FROM domains WHERE name >= lower(:text) AND name < lower(:text) || char(1114111)
                   UNION SELECT id FROM customers WHERE code = :text
                   UNION SELECT id FROM customers WHERE billing_id = :text
                   UNION SELECT id FROM customers WHERE external_id = :text)
        AND state NOT IN ('deleted', 'purged')
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                       AND scope IN (SELECT value FROM json_each(:scope)))
      LIMIT :most";

/// Names, codes and contacts that hold `text`, and whoever has it as domain, billing or external id.
pub fn customers(
    db: &Read,
    scope: &Scope<CustomersRead>,
    text: &str,
    most: i64,
) -> Result<Vec<CustomerHit>> {
    let by_number = named_params! { ":scope": scope, ":text": text, ":most": most };
    let mut found = db.all(CUSTOMERS_BY_NUMBER, by_number, customer)?;
    let named = match trigrams(text) {
        Some(parts) => {
            let params =
                named_params! { ":scope": scope, ":match": parts, ":q": fold(text), ":most": most };
            db.all(CUSTOMERS, params, customer)?
        }
        None => {
            let q = fold(text);
            Spans::beginning(&q).walk(None, most, |from, _, to, most| {
                let params =
                    named_params! { ":scope": scope, ":from": from, ":to": to, ":most": most };
                db.all(CUSTOMERS_SHORT, params, customer)
            })?
        }
    };
    for hit in named {
        if !found.iter().any(|each| each.id == hit.id) {
            found.push(hit);
        }
    }
    found.truncate(usize::try_from(most).unwrap_or(0));
    Ok(found)
}

/// Invoices by the beginning of their number, where buyer or seller is within reach.
pub fn invoices(
    db: &Read,
    scope: &Scope<InvoicesRead>,
    text: &str,
    most: i64,
) -> Result<Vec<InvoiceHit>> {
    db.all(
        "SELECT invoices.id, number, customers.name AS buyer
           FROM invoices JOIN customers ON customers.id = buyer_id
          WHERE number >= :text AND number < :to
            AND EXISTS (SELECT 1 FROM reach
                         WHERE reach.customer_id IN (invoices.buyer_id, invoices.seller_id)
                           AND scope IN (SELECT value FROM json_each(:scope)))
          LIMIT :most",
        named_params! { ":scope": scope, ":text": text, ":to": format!("{text}\u{10FFFF}"), ":most": most },
        |row| Ok(InvoiceHit { id: row.get("id")?, number: row.get("number")?, buyer: row.get("buyer")? }),
    )
}

fn user(row: &Row) -> rusqlite::Result<UserHit> {
    Ok(UserHit {
        id: row.get("id")?,
        name: row.get("display_name")?,
        upn: row.get("upn")?,
        customer: row.get("customer")?,
    })
}

fn customer(row: &Row) -> rusqlite::Result<CustomerHit> {
    Ok(CustomerHit { id: row.get("id")?, name: row.get("name")?, code: row.get("code")? })
}
