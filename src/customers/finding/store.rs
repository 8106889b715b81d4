//! The statements of lists of customers.

use super::{Filter, Sort};
use crate::auth::permissions::CustomersRead;
use crate::auth::{Breadth, Scope};
use crate::customers::Brief;
use crate::db::finds::{Spans, fold};
use crate::db::{Read, trigrams};
use crate::error::Result;
use crate::html::text::COUNTED;
use crate::places::State;
use crate::time::Date;
use crate::web::Paging;
use crate::web::paging::Key;
use rusqlite::{Row, named_params};

/// What a list shows of a customer.
macro_rules! brief {
    ($rest:literal) => {
        concat!(
            "SELECT customers.id, customers.parent_id, customers.name, customers.code, customers.state,
                    customers.type, customers.reseller, customers.created_at,
                    coalesce((SELECT up.name FROM customers up WHERE up.id = customers.parent_id), '') AS parent_name,
                    coalesce((SELECT domains.name FROM customer_domains JOIN domains ON domains.id = domain_id
                               WHERE customer_domains.customer_id = customers.id AND main = 1), '') AS domain,
                    coalesce((SELECT customer_users.users FROM customer_users
                               WHERE customer_users.customer_id = customers.id), 0) AS users
               FROM customers ",
            $rest
        )
    };
}

/// Few customers in scope: those are fetched and sorted.
pub const LIST_NARROW: &str = brief!(
    "WHERE customers.id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
       AND CASE WHEN :state IS NULL THEN state NOT IN ('deleted', 'purged') ELSE state = :state END
       AND (:type IS NULL OR type = :type)
       AND (:reseller IS NULL OR EXISTS (SELECT 1 FROM customer_tree WHERE above = :reseller AND below = customers.id AND depth > 0))
       AND name COLLATE NOCASE >= :after AND (name COLLATE NOCASE > :after OR customers.id > :after_id)
     ORDER BY name COLLATE NOCASE, customers.id LIMIT :fetch"
);

/// Many: the index of names is walked and each row probed.
pub const LIST_WIDE: &str = brief!(
    "WHERE state NOT IN ('deleted', 'purged')
       AND (:type IS NULL OR type = :type)
       AND (:reseller IS NULL OR EXISTS (SELECT 1 FROM customer_tree WHERE above = :reseller AND below = customers.id AND depth > 0))
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                               AND scope IN (SELECT value FROM json_each(:scope))))
       AND name COLLATE NOCASE >= :after AND (name COLLATE NOCASE > :after OR customers.id > :after_id)
     ORDER BY name COLLATE NOCASE, customers.id LIMIT :fetch"
);

/// The same of one state.
pub const LIST_WIDE_STATE: &str = brief!(
    "WHERE state = :state
       AND (:type IS NULL OR type = :type)
       AND (:reseller IS NULL OR EXISTS (SELECT 1 FROM customer_tree WHERE above = :reseller AND below = customers.id AND depth > 0))
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                               AND scope IN (SELECT value FROM json_each(:scope))))
       AND name COLLATE NOCASE >= :after AND (name COLLATE NOCASE > :after OR customers.id > :after_id)
     ORDER BY name COLLATE NOCASE, customers.id LIMIT :fetch"
);

/// Few customers in scope: each is looked at.
pub const SEARCH_NARROW: &str = brief!(
    "WHERE customers.id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
       AND CASE WHEN :state IS NULL THEN state NOT IN ('deleted', 'purged') ELSE state = :state END
       AND (:type IS NULL OR type = :type)
       AND (:reseller IS NULL OR EXISTS (SELECT 1 FROM customer_tree WHERE above = :reseller AND below = customers.id AND depth > 0))
       AND (finds(:q, name, code, contact_name) OR billing_id = :said OR external_id = :said
            OR EXISTS (SELECT 1 FROM domains WHERE domains.customer_id = customers.id AND finds(:q, domains.name)))
       AND name COLLATE NOCASE >= :after AND (name COLLATE NOCASE > :after OR customers.id > :after_id)
     ORDER BY name COLLATE NOCASE, customers.id LIMIT :fetch"
);

/// Many: found by trigrams, and in their order.
pub const SEARCH_WIDE: &str = brief!(
    "WHERE customers.id IN (
             SELECT rowid FROM customers_search
              WHERE customers_search MATCH :match
                AND finds(:q, name, code, contact_name)
             UNION SELECT customer_id FROM domains WHERE domains.name >= :q AND domains.name < :q || char(1114111)
             UNION SELECT id FROM customers WHERE billing_id = :said
             UNION SELECT id FROM customers WHERE external_id = :said)
       AND CASE WHEN :state IS NULL THEN state NOT IN ('deleted', 'purged') ELSE state = :state END
       AND (:type IS NULL OR type = :type)
       AND (:reseller IS NULL OR EXISTS (SELECT 1 FROM customer_tree WHERE above = :reseller AND below = customers.id AND depth > 0))
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                               AND scope IN (SELECT value FROM json_each(:scope))))
       AND customers.id > :after_id
     ORDER BY customers.id LIMIT :fetch"
);

/// Too short for trigrams: what the name begins with.
pub const SEARCH_START: &str = brief!(
    "WHERE CASE WHEN :state IS NULL THEN state NOT IN ('deleted', 'purged') ELSE state = :state END
       AND (:type IS NULL OR type = :type)
       AND (:reseller IS NULL OR EXISTS (SELECT 1 FROM customer_tree WHERE above = :reseller AND below = customers.id AND depth > 0))
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                               AND scope IN (SELECT value FROM json_each(:scope))))
       AND name COLLATE NOCASE >= :after AND name COLLATE NOCASE < :until
       AND (name COLLATE NOCASE > :after OR customers.id > :after_id)
     ORDER BY name COLLATE NOCASE, customers.id LIMIT :fetch"
);

/// A page of customers by name.
pub fn list(
    db: &Read,
    scope: &Scope<CustomersRead>,
    breadth: Breadth,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    match (breadth, filter.state) {
        (Breadth::Narrow, state) => db.all(
            LIST_NARROW,
            named_params! {
                ":scope": scope, ":state": state, ":type": filter.kind, ":reseller": filter.reseller,
                ":after": paging.value(), ":after_id": paging.id(), ":fetch": paging.fetch(),
            },
            brief,
        ),
        (_, None) => db.all(
            LIST_WIDE,
            named_params! {
                ":scope": scope, ":all": breadth == Breadth::All, ":type": filter.kind,
                ":reseller": filter.reseller, ":after": paging.value(), ":after_id": paging.id(),
                ":fetch": paging.fetch(),
            },
            brief,
        ),
        (_, Some(state)) => db.all(
            LIST_WIDE_STATE,
            named_params! {
                ":scope": scope, ":all": breadth == Breadth::All, ":state": state, ":type": filter.kind,
                ":reseller": filter.reseller, ":after": paging.value(), ":after_id": paging.id(),
                ":fetch": paging.fetch(),
            },
            brief,
        ),
    }
}

/// A page of what was searched for: by name where few are in scope or the text is short, else in
/// the order of ids.
pub fn search(
    db: &Read,
    scope: &Scope<CustomersRead>,
    breadth: Breadth,
    filter: &Filter,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    let q = fold(&filter.q).into_owned();
    if breadth == Breadth::Narrow {
        return db.all(
            SEARCH_NARROW,
            named_params! {
                ":scope": scope, ":state": filter.state, ":type": filter.kind, ":reseller": filter.reseller,
                ":q": q, ":said": filter.q,
                ":after": paging.value(), ":after_id": paging.id(), ":fetch": paging.fetch(),
            },
            brief,
        );
    }
    match trigrams(&filter.q) {
        Some(found) => db.all(
            SEARCH_WIDE,
            named_params! {
                ":scope": scope, ":all": breadth == Breadth::All, ":state": filter.state, ":type": filter.kind,
                ":reseller": filter.reseller, ":match": found, ":q": q, ":said": filter.q,
                ":after_id": paging.id(), ":fetch": paging.fetch(),
            },
            brief,
        ),
        None => Spans::beginning(&q).walk(paging.key(), paging.fetch(), |after, after_id, until, most| {
            let params = named_params! {
                ":scope": scope, ":all": breadth == Breadth::All, ":state": filter.state, ":type": filter.kind,
                ":reseller": filter.reseller, ":after": after, ":after_id": after_id, ":until": until,
                ":fetch": most,
            };
            db.all(SEARCH_START, params, brief)
        }),
    }
}

pub const COUNT: &str = "SELECT count(*) FROM (
      SELECT 1 FROM customers
       WHERE customers.id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
         AND +state = :state
       LIMIT :most)";

/// How many customers in scope are in a state, one more than are counted at most.
pub fn count(db: &Read, scope: &Scope<CustomersRead>, state: State) -> Result<i64> {
    db.one(COUNT, named_params! { ":scope": scope, ":state": state, ":most": COUNTED + 1 }, |row| {
        row.get(0)
    })
}

pub const COUNT_REACHED: &str = "WITH bin (n) AS (
      SELECT count(*) FROM customers INDEXED BY customers_by_state
       WHERE state IN ('deleted', 'purged')
         AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                        AND scope IN (SELECT value FROM json_each(:scope))))
    SELECT (SELECT count(*) FROM (
              SELECT DISTINCT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope))
               LIMIT :most + (SELECT n FROM bin)))
           - (SELECT n FROM bin)";

/// How many customers in scope are not in the bin, one more than are counted at most: the index of who
/// reaches whom tells, and no customer that is not in the bin is looked at.
pub fn count_reached(db: &Read, scope: &Scope<CustomersRead>) -> Result<i64> {
    db.one(COUNT_REACHED, named_params! { ":scope": scope, ":most": COUNTED + 1 }, |row| row.get(0))
}

pub const COUNT_ALL: &str = "SELECT count(*) FROM (
      SELECT 1 FROM customers INDEXED BY customers_by_state
       WHERE state = :state AND :scope IS NOT NULL LIMIT :most)";

/// The same of all there are in one state.
pub fn count_all(db: &Read, scope: &Scope<CustomersRead>, state: State) -> Result<i64> {
    db.one(
        COUNT_ALL,
        named_params! { ":scope": scope, ":state": state, ":most": COUNTED + 1 },
        |row| row.get(0),
    )
}

/// The same of all but those in the bin. The pages of an index tell how many there are in all, and few
/// are in the bin: rows are not looked at.
pub fn count_living(db: &Read, scope: &Scope<CustomersRead>) -> Result<i64> {
    db.one(
        "SELECT (SELECT count(*) FROM customers)
              - (SELECT count(*) FROM customers WHERE state IN ('deleted', 'purged') AND :scope IS NOT NULL)",
        named_params! { ":scope": scope },
        |row| row.get(0),
    )
}

fn brief(row: &Row) -> rusqlite::Result<Brief> {
    Ok(Brief {
        id: row.get("id")?,
        parent: row.get("parent_id")?,
        parent_name: row.get("parent_name")?,
        name: row.get("name")?,
        code: row.get("code")?,
        state: row.get("state")?,
        kind: row.get("type")?,
        reseller: row.get("reseller")?,
        domain: row.get("domain")?,
        users: row.get("users")?,
        created_at: row.get("created_at")?,
    })
}

pub const BY_NAME: &str = "SELECT id, name AS value FROM customers INDEXED BY customers_by_name
      WHERE name COLLATE NOCASE >= :after AND (name COLLATE NOCASE > :after OR id > :after_id)
      ORDER BY name COLLATE NOCASE, id LIMIT :most";

pub const BY_CODE: &str = "SELECT id, code AS value FROM customers
      WHERE code > :after OR (code = :after AND id > :after_id)
      ORDER BY code, id LIMIT :most";

/// The newest first.
pub const BY_CREATED: &str =
    "SELECT id, created_at AS value FROM customers INDEXED BY customers_by_created
      WHERE created_at <= :after AND (created_at < :after OR id < :after_id)
      ORDER BY created_at DESC, id DESC LIMIT :most";

/// The largest first.
pub const BY_USERS: &str = "SELECT customer_id AS id, CAST(users AS TEXT) AS value
       FROM customer_users INDEXED BY customer_users_by_users
      WHERE users <= :after AND (users < :after OR customer_id < :after_id)
      ORDER BY users DESC, customer_id DESC LIMIT :most";

/// Ids of all customers and what they are sorted by, in that order.
pub fn walked(db: &Read, sort: Sort, at: Option<(&str, i64)>, most: i64) -> Result<Vec<Key>> {
    let (after, after_id) = at.unwrap_or(match sort {
        Sort::Name | Sort::Code => ("", 0),
        Sort::Created | Sort::Users => ("9999", i64::MAX),
    });
    let sql = match sort {
        Sort::Name => BY_NAME,
        Sort::Code => BY_CODE,
        Sort::Created => BY_CREATED,
        Sort::Users => {
            let users = if at.is_some() { after.parse().unwrap_or(0) } else { i64::MAX };
            return db.all(
                BY_USERS,
                named_params! { ":after": users, ":after_id": after_id, ":most": most },
                key,
            );
        }
    };
    db.all(sql, named_params! { ":after": after, ":after_id": after_id, ":most": most }, key)
}

/// The same of some, all of them.
pub fn among(db: &Read, ids: &[i64], sort: Sort, at: Option<(&str, i64)>) -> Result<Vec<Key>> {
    let mut all: Vec<Key> = db.all(
        "SELECT customers.id, CASE :sort WHEN 'code' THEN code WHEN 'created' THEN created_at
                                         WHEN 'users' THEN CAST(users AS TEXT) ELSE name END AS value
           FROM json_each(:ids) AS one CROSS JOIN customers ON customers.id = one.value
           JOIN customer_users ON customer_users.customer_id = customers.id
          ORDER BY CASE :sort WHEN 'name' THEN name WHEN 'code' THEN code END COLLATE NOCASE,
                   CASE :sort WHEN 'users' THEN users END DESC,
                   CASE :sort WHEN 'created' THEN created_at END DESC,
                   CASE WHEN :sort IN ('created', 'users') THEN -customers.id ELSE customers.id END",
        named_params! { ":ids": serde_json::to_string(ids)?, ":sort": sort },
        key,
    )?;
    if let Some((_, id)) = at {
        let seen = all.iter().position(|(_, each)| *each == id).map_or(0, |place| place + 1);
        all.drain(..seen);
    }
    Ok(all)
}

fn key(row: &Row) -> rusqlite::Result<Key> {
    Ok((row.get("value")?, row.get("id")?))
}

/// All that a scope of few reaches.
pub fn reached(db: &Read, scope: &Scope<CustomersRead>) -> Result<Vec<i64>> {
    db.all(
        "SELECT DISTINCT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope))",
        named_params! { ":scope": scope },
        |row| row.get(0),
    )
}

/// What a text finds, more than enough; none where it is too short for trigrams.
pub fn matching(db: &Read, q: &str) -> Result<Option<Vec<i64>>> {
    let Some(found) = trigrams(q) else { return Ok(None) };
    db.all(
        "SELECT id FROM (
           SELECT rowid AS id FROM customers_search WHERE customers_search MATCH :match
           UNION SELECT customer_id FROM domains WHERE domains.name >= lower(:q) AND domains.name < lower(:q) || char(1114111)
           UNION SELECT id FROM customers WHERE billing_id = :q
           UNION SELECT id FROM customers WHERE external_id = :q)
          LIMIT 5001",
        named_params! { ":match": found, ":q": q },
        |row| row.get(0),
    )
    .map(Some)
}

/// Those with a request that failed.
pub fn failed(db: &Read) -> Result<Vec<i64>> {
    db.all(
        "SELECT DISTINCT customer_id FROM requests WHERE status = 'failed' LIMIT 5001",
        [],
        |row| row.get(0),
    )
}

/// Those with a domain that waits to be confirmed.
pub fn unverified(db: &Read) -> Result<Vec<i64>> {
    db.all(
        "SELECT DISTINCT customer_id FROM domains WHERE verified_at IS NULL LIMIT 5001",
        [],
        |row| row.get(0),
    )
}

/// Those of some whom the filter leaves, in the order in which they are given. Rank and tags are seen
/// from above only, and so is what they tell.
pub const KEPT: &str =
    "SELECT customers.id, customers.parent_id, customers.name, customers.code, customers.state,
            customers.type, customers.reseller, customers.created_at,
            coalesce((SELECT up.name FROM customers up WHERE up.id = customers.parent_id), '') AS parent_name,
            coalesce((SELECT domains.name FROM customer_domains JOIN domains ON domains.id = domain_id
                       WHERE customer_domains.customer_id = customers.id AND main = 1), '') AS domain,
            coalesce((SELECT customer_users.users FROM customer_users
                       WHERE customer_users.customer_id = customers.id), 0) AS users
       FROM json_each(:ids) AS one CROSS JOIN customers ON customers.id = one.value
      WHERE CASE WHEN :state IS NULL THEN customers.state NOT IN ('deleted', 'purged') ELSE customers.state = :state END
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                       AND scope IN (SELECT value FROM json_each(:scope)))
        AND (:type IS NULL OR customers.type = :type)
        AND (:reseller IS NULL
             OR EXISTS (SELECT 1 FROM customer_tree WHERE customer_tree.above = :reseller AND customer_tree.below = customers.id
                           AND CASE WHEN :direct THEN depth = 1 ELSE depth > 0 END))
        AND (:q = '' OR finds(:q, customers.name, customers.code, customers.contact_name)
             OR customers.billing_id = :said OR customers.external_id = :said
             OR EXISTS (SELECT 1 FROM domains WHERE domains.customer_id = customers.id AND finds(:q, domains.name)))
        AND (:service = '' OR EXISTS (SELECT 1 FROM customer_services
                                       CROSS JOIN services ON services.id = customer_services.service_id
                                        LEFT JOIN plans ON plans.id = customer_services.plan_id
                                       WHERE customer_services.customer_id = customers.id AND customer_services.wanted <> 'gone'
                                         AND services.code = :service AND (:plan = '' OR plans.code = :plan)))
        AND ((:tag = '' AND :rank = '')
             OR ((:rank = '' OR customers.rank = :rank)
                 AND (:tag = '' OR EXISTS (SELECT 1 FROM json_each(customers.tags) AS tag WHERE tag.value = :tag COLLATE NOCASE))
                 AND EXISTS (SELECT 1 FROM customer_tree AS up JOIN json_each(:scope) AS code
                                 ON code.value IN (up.above * 4 + 2, up.above * 4 + 3)
                              WHERE up.below = customers.id AND (up.depth > 0 OR up.above = 1))))
        AND (NOT :unverified OR EXISTS (SELECT 1 FROM domains WHERE domains.customer_id = customers.id
                                                               AND domains.verified_at IS NULL))
        AND (NOT :failed OR EXISTS (SELECT 1 FROM requests WHERE requests.customer_id = customers.id
                                                            AND requests.status = 'failed'))
        AND (NOT :over_limit OR customers.user_limit < (SELECT customer_users.users FROM customer_users
                                                         WHERE customer_users.customer_id = customers.id))
        AND (:until IS NULL OR customers.expires_on BETWEEN :today AND :until)
      ORDER BY one.key";

pub fn kept(
    db: &Read,
    scope: &Scope<CustomersRead>,
    ids: &[i64],
    filter: &Filter,
    q: &str,
    today: Date,
) -> Result<Vec<(i64, Brief)>> {
    let more = &filter.more;
    let until = more.expires_within.map(|days| today.plus_days(days));
    db.all(
        KEPT,
        named_params! {
            ":ids": serde_json::to_string(ids)?, ":scope": scope, ":state": filter.state,
            ":type": filter.kind, ":reseller": filter.reseller, ":direct": more.direct, ":q": q,
            ":said": filter.q, ":service": more.service, ":plan": more.plan, ":tag": more.tag,
            ":rank": more.rank, ":unverified": more.unverified, ":failed": more.failed,
            ":over_limit": more.over_limit, ":today": today, ":until": until,
        },
        |row| Ok((row.get("id")?, brief(row)?)),
    )
}
