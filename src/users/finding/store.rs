//! The statements of lists of users.

use super::Asked;
use super::Badge;
use crate::auth::permissions::UsersRead;
use crate::auth::{Breadth, Scope};
use crate::db::Read;
use crate::db::finds::Spans;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::places::State;
use crate::time::Date;
use crate::users::Brief;
use crate::web::Paging;
use crate::web::paging::Key;
use rusqlite::{Row, named_params};
use std::collections::BTreeMap;

/// What a list shows of a user.
macro_rules! brief {
    ($rest:literal) => {
        concat!(
            "SELECT users.id, users.customer_id, users.state, users.display_name, coalesce(users.upn, '') AS upn,
                    coalesce(users.mail, '') AS mail, users.job_title, users.last_sign_in_at,
                    (SELECT customers.name FROM customers WHERE customers.id = users.customer_id) AS customer_name,
                    coalesce((SELECT departments.name FROM departments WHERE departments.id = users.department_id), '') AS department
               FROM users ",
            $rest
        )
    };
}

/// Of one customer: its own index is walked.
pub const LIST_OF: &str = brief!(
    "INDEXED BY users_by_customer
     WHERE users.customer_id = :customer
       AND (SELECT count(*) FROM reach WHERE reach.customer_id = :customer
                AND scope IN (SELECT value FROM json_each(:scope))) > 0
       AND CASE WHEN :state IS NULL THEN users.state NOT IN ('deleted', 'purged') ELSE users.state = :state END
       AND (:department = '' OR users.department_id = (SELECT departments.id FROM departments
                                                        WHERE departments.customer_id = :customer AND departments.name = :department))
       AND (:q = '' OR finds(:q, users.display_name, users.upn, users.mail, users.job_title, users.numbers)
            OR (:digits <> '' AND instr(users.numbers, :digits) > 0)
            OR users.id IN (SELECT user_id FROM user_names INDEXED BY user_names_by_customer
                              WHERE user_names.customer_id = :customer
                                AND user_names.name >= :q AND user_names.name < :q || char(1114111)))
       AND users.display_name COLLATE NOCASE >= :after
       AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
     ORDER BY users.display_name COLLATE NOCASE, users.id LIMIT :fetch"
);

/// Few customers in scope: their users are looked through in the index, and those of the page fetched.
pub const LIST_NARROW: &str = brief!(
    "WHERE users.id IN (
       SELECT own.id FROM users AS own INDEXED BY users_by_customer
        WHERE own.customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
          AND CASE WHEN :state IS NULL THEN own.state NOT IN ('deleted', 'purged') ELSE own.state = :state END
          AND (:q = '' OR finds(:q, own.display_name, own.upn, own.mail, own.job_title, own.numbers)
               OR (:digits <> '' AND instr(own.numbers, :digits) > 0)
               OR own.id IN (SELECT user_id FROM user_names INDEXED BY user_names_by_customer
                                WHERE user_names.customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
                                  AND user_names.name >= :q AND user_names.name < :q || char(1114111)))
          AND own.display_name COLLATE NOCASE >= :after
          AND (own.display_name COLLATE NOCASE > :after OR own.id > :after_id)
        ORDER BY own.display_name COLLATE NOCASE, own.id LIMIT :fetch)
     ORDER BY users.display_name COLLATE NOCASE, users.id"
);

/// Many: the index of names is walked and each row probed.
pub const LIST_WIDE: &str = brief!(
    "WHERE users.state NOT IN ('deleted', 'purged')
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope))))
       AND users.display_name COLLATE NOCASE >= :after
       AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
     ORDER BY users.display_name COLLATE NOCASE, users.id LIMIT :fetch"
);

/// The same of one state.
pub const LIST_WIDE_STATE: &str = brief!(
    "WHERE users.state = :state
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope))))
       AND users.display_name COLLATE NOCASE >= :after
       AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
     ORDER BY users.display_name COLLATE NOCASE, users.id LIMIT :fetch"
);

/// Many: found by trigrams, and in their order. Whether one is within reach is asked before its row is
/// fetched.
pub const SEARCH_WIDE: &str =
    "SELECT users.id, users.customer_id, users.state, users.display_name, coalesce(users.upn, '') AS upn,
            coalesce(users.mail, '') AS mail, users.job_title, users.last_sign_in_at,
            (SELECT customers.name FROM customers WHERE customers.id = users.customer_id) AS customer_name,
            coalesce((SELECT departments.name FROM departments WHERE departments.id = users.department_id), '') AS department
       FROM users_search CROSS JOIN users ON users.id = users_search.rowid
      WHERE users_search MATCH :match AND users_search.rowid > :after_id
        AND (:all OR EXISTS (SELECT 1 FROM users AS own INDEXED BY users_homes
                               JOIN reach ON reach.customer_id = own.customer_id
                              WHERE own.id = users_search.rowid AND scope IN (SELECT value FROM json_each(:scope))))
        AND (finds(:q, users.display_name, users.upn, users.mail, users.numbers)
             OR (:digits <> '' AND instr(users.numbers, :digits) > 0))
        AND CASE WHEN :state IS NULL THEN users.state NOT IN ('deleted', 'purged') ELSE users.state = :state END
      ORDER BY users_search.rowid LIMIT :fetch";

/// By the beginning of any address: what trigrams do not know.
pub const SEARCH_ADDRESS: &str = brief!(
    "WHERE users.id IN (SELECT user_id FROM user_names WHERE user_names.name >= :q AND user_names.name < :q || char(1114111) LIMIT 200)
       AND CASE WHEN :state IS NULL THEN users.state NOT IN ('deleted', 'purged') ELSE users.state = :state END
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope))))
     ORDER BY users.id LIMIT :fetch"
);

/// Too short for trigrams: what the name begins with.
pub const SEARCH_START: &str = brief!(
    "WHERE CASE WHEN :state IS NULL THEN users.state NOT IN ('deleted', 'purged') ELSE users.state = :state END
       AND (:all OR EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                               AND scope IN (SELECT value FROM json_each(:scope))))
       AND users.display_name COLLATE NOCASE >= :after AND users.display_name COLLATE NOCASE < :until
       AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
     ORDER BY users.display_name COLLATE NOCASE, users.id LIMIT :fetch"
);

pub fn of_one(
    db: &Read,
    scope: &Scope<UsersRead>,
    customer: CustomerId,
    asked: &Asked,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    db.all(
        LIST_OF,
        named_params! {
            ":customer": customer, ":scope": scope, ":state": asked.filter.state,
            ":department": asked.filter.department, ":q": asked.q, ":digits": asked.digits,
            ":after": paging.value(), ":after_id": paging.id(), ":fetch": paging.fetch(),
        },
        brief,
    )
}

/// Everybody of the customer whom it leaves, by name.
pub fn each_of<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    asked: &Asked,
    act: &mut dyn FnMut(UserId) -> Result<()>,
) -> Result<()> {
    db.each(
        LIST_OF,
        named_params! {
            ":customer": customer, ":scope": scope, ":state": asked.filter.state,
            ":department": asked.filter.department, ":q": asked.q, ":digits": asked.digits,
            ":after": "", ":after_id": 0, ":fetch": -1,
        },
        |row| act(row.get("id")?),
    )
}

pub fn narrow(
    db: &Read,
    scope: &Scope<UsersRead>,
    asked: &Asked,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    db.all(
        LIST_NARROW,
        named_params! {
            ":scope": scope, ":state": asked.filter.state, ":q": asked.q, ":digits": asked.digits,
            ":after": paging.value(), ":after_id": paging.id(), ":fetch": paging.fetch(),
        },
        brief,
    )
}

pub fn wide(
    db: &Read,
    scope: &Scope<UsersRead>,
    breadth: Breadth,
    state: Option<State>,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    let (after, after_id, fetch) = (paging.value(), paging.id(), paging.fetch());
    let all = breadth == Breadth::All;
    match state {
        None => db.all(
            LIST_WIDE,
            named_params! {
                ":scope": scope, ":all": all, ":after": after, ":after_id": after_id, ":fetch": fetch,
            },
            brief,
        ),
        Some(state) => db.all(
            LIST_WIDE_STATE,
            named_params! {
                ":scope": scope, ":all": all, ":state": state, ":after": after, ":after_id": after_id,
                ":fetch": fetch,
            },
            brief,
        ),
    }
}

pub fn beginning(
    db: &Read,
    scope: &Scope<UsersRead>,
    breadth: Breadth,
    asked: &Asked,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    Spans::beginning(&asked.q).walk(paging.key(), paging.fetch(), |after, after_id, until, most| {
        let params = named_params! {
            ":scope": scope, ":all": breadth == Breadth::All, ":state": asked.filter.state,
            ":after": after, ":after_id": after_id, ":until": until, ":fetch": most,
        };
        db.all(SEARCH_START, params, brief)
    })
}

pub fn search(
    db: &Read,
    scope: &Scope<UsersRead>,
    breadth: Breadth,
    asked: &Asked,
    found: &str,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    db.all(
        SEARCH_WIDE,
        named_params! {
            ":scope": scope, ":all": breadth == Breadth::All, ":state": asked.filter.state,
            ":match": found, ":q": asked.q, ":digits": asked.digits, ":after_id": paging.id(),
            ":fetch": paging.fetch(),
        },
        brief,
    )
}

pub fn by_address(
    db: &Read,
    scope: &Scope<UsersRead>,
    breadth: Breadth,
    asked: &Asked,
    paging: &Paging,
) -> Result<Vec<Brief>> {
    db.all(
        SEARCH_ADDRESS,
        named_params! {
            ":scope": scope, ":all": breadth == Breadth::All, ":state": asked.filter.state,
            ":q": asked.filter.q.to_lowercase(), ":fetch": paging.fetch(),
        },
        brief,
    )
}

fn brief(row: &Row) -> rusqlite::Result<Brief> {
    Ok(Brief {
        id: row.get("id")?,
        customer: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        state: row.get("state")?,
        badges: Vec::new(),
        display_name: row.get("display_name")?,
        upn: row.get("upn")?,
        mail: row.get("mail")?,
        job_title: row.get("job_title")?,
        department: row.get("department")?,
        last_sign_in_at: row.get("last_sign_in_at")?,
    })
}

/// Ids and names by the index of all names.
pub const NAMES: &str = "SELECT users.id, users.display_name FROM users INDEXED BY users_by_name
      WHERE users.display_name COLLATE NOCASE >= :after AND users.display_name COLLATE NOCASE < :until
        AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
      ORDER BY users.display_name COLLATE NOCASE, users.id LIMIT :most";

pub fn names(db: &Read, spans: &Spans, at: Option<(&str, i64)>, most: i64) -> Result<Vec<Key>> {
    spans.walk(at, most, |after, after_id, until, most| {
        let params = named_params! {
            ":after": after, ":after_id": after_id, ":until": until, ":most": most,
        };
        db.all(NAMES, params, key)
    })
}

pub const NAMES_OF: &str = "SELECT users.id, users.display_name FROM users INDEXED BY users_by_customer
      WHERE users.customer_id = :customer
        AND (SELECT count(*) FROM reach WHERE reach.customer_id = :customer
                AND scope IN (SELECT value FROM json_each(:scope))) > 0
        AND users.display_name COLLATE NOCASE >= :after AND users.display_name COLLATE NOCASE < :until
        AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
      ORDER BY users.display_name COLLATE NOCASE, users.id LIMIT :most";

/// The same of one customer.
pub fn names_of<P>(
    db: &Read,
    scope: &Scope<P>,
    customer: CustomerId,
    spans: &Spans,
    at: Option<(&str, i64)>,
    most: i64,
) -> Result<Vec<Key>> {
    spans.walk(at, most, |after, after_id, until, most| {
        let params = named_params! {
            ":customer": customer, ":scope": scope, ":after": after, ":after_id": after_id,
            ":until": until, ":most": most,
        };
        db.all(NAMES_OF, params, key)
    })
}

pub const NAMES_NARROW: &str = "SELECT users.id, users.display_name FROM users INDEXED BY users_by_customer
      WHERE users.customer_id IN (SELECT customer_id FROM reach WHERE scope IN (SELECT value FROM json_each(:scope)))
        AND users.display_name COLLATE NOCASE >= :after AND users.display_name COLLATE NOCASE < :until
        AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
      ORDER BY users.display_name COLLATE NOCASE, users.id LIMIT :most";

/// The same of all customers of a scope that has few.
pub fn names_narrow(
    db: &Read,
    scope: &Scope<UsersRead>,
    spans: &Spans,
    at: Option<(&str, i64)>,
    most: i64,
) -> Result<Vec<Key>> {
    spans.walk(at, most, |after, after_id, until, most| {
        let params = named_params! {
            ":scope": scope, ":after": after, ":after_id": after_id, ":until": until, ":most": most,
        };
        db.all(NAMES_NARROW, params, key)
    })
}

pub const MATCHING: &str = "SELECT rowid AS id, '' AS display_name FROM users_search
      WHERE users_search MATCH :match AND rowid > :after_id
      ORDER BY rowid LIMIT :most";

/// What trigrams find, in their order.
pub fn matching(db: &Read, found: &str, at: Option<(&str, i64)>, most: i64) -> Result<Vec<Key>> {
    let after_id = at.map_or(0, |(_, id)| id);
    db.all(MATCHING, named_params! { ":match": found, ":after_id": after_id, ":most": most }, key)
}

/// Some by name, all of them.
pub fn among(db: &Read, ids: &[i64], at: Option<(&str, i64)>) -> Result<Vec<Key>> {
    let (after, after_id) = at.unwrap_or(("", 0));
    db.all(
        "SELECT users.id, users.display_name
           FROM json_each(:ids) AS one CROSS JOIN users ON users.id = one.value
          WHERE users.display_name COLLATE NOCASE >= :after
            AND (users.display_name COLLATE NOCASE > :after OR users.id > :after_id)
          ORDER BY users.display_name COLLATE NOCASE, users.id",
        named_params! { ":ids": serde_json::to_string(ids)?, ":after": after, ":after_id": after_id },
        key,
    )
}

fn key(row: &Row) -> rusqlite::Result<Key> {
    Ok((row.get("display_name")?, row.get("id")?))
}

/// Those of some whom the filter leaves, in the order in which they are given. What one holds is asked
/// by the user (CROSS JOIN): from a service or role it would be walked through once for each of them.
pub const KEPT: &str =
    "SELECT users.id, users.customer_id, users.state, users.display_name, coalesce(users.upn, '') AS upn,
            coalesce(users.mail, '') AS mail, users.job_title, users.last_sign_in_at,
            (SELECT customers.name FROM customers WHERE customers.id = users.customer_id) AS customer_name,
            coalesce((SELECT departments.name FROM departments WHERE departments.id = users.department_id), '') AS department
       FROM json_each(:ids) AS one CROSS JOIN users ON users.id = one.value
      WHERE CASE WHEN :state IS NULL THEN users.state NOT IN ('deleted', 'purged') ELSE users.state = :state END
        AND (:customer IS NULL OR users.customer_id = :customer)
        AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                       AND scope IN (SELECT value FROM json_each(:scope)))
        AND (:letter IS NULL OR users.display_name LIKE :letter || '%')
        AND (:test IS NULL OR users.test_user = :test)
        AND (:main_contact IS NULL OR users.main_contact = :main_contact)
        AND (:manager IS NULL OR users.manager_id = :manager)
        AND (:before IS NULL OR coalesce(users.last_sign_in_at, '') < :before)
        AND (:until IS NULL OR (users.state = 'active' AND users.expires_on BETWEEN :today AND :until))
        AND (NOT :no_factor OR NOT EXISTS (SELECT 1 FROM factors WHERE factors.user_id = users.id))
        AND (:department = '' OR EXISTS (SELECT 1 FROM departments WHERE departments.id = users.department_id
                                                                     AND departments.name = :department))
        AND (:location = '' OR EXISTS (SELECT 1 FROM customer_locations WHERE customer_locations.id = users.location_id
                                                                          AND customer_locations.name = :location))
        AND (:role = '' OR EXISTS (SELECT 1 FROM role_grants CROSS JOIN roles ON roles.id = role_grants.role_id
                                    WHERE role_grants.user_id = users.id AND roles.name = :role))
        AND (:service = '' OR EXISTS (SELECT 1 FROM user_services
                                       CROSS JOIN services ON services.id = user_services.service_id
                                       CROSS JOIN plans ON plans.id = user_services.plan_id
                                       WHERE user_services.user_id = users.id AND user_services.wanted <> 'gone'
                                         AND services.code = :service AND (:plan = '' OR plans.code = :plan)))
        AND (:q = '' OR finds(:q, users.display_name, users.upn, users.mail, users.job_title, users.numbers)
             OR (:digits <> '' AND instr(users.numbers, :digits) > 0)
             OR EXISTS (SELECT 1 FROM user_names WHERE user_names.user_id = users.id
                           AND user_names.name >= :q AND user_names.name < :q || char(1114111)))
      ORDER BY one.key";

pub fn kept<P>(
    db: &Read,
    scope: &Scope<P>,
    ids: &[i64],
    asked: &Asked,
) -> Result<Vec<(i64, Brief)>> {
    let (filter, more) = (asked.filter, &asked.filter.more);
    let until = more.expires_within.map(|days| asked.today.plus_days(days));
    db.all(
        KEPT,
        named_params! {
            ":ids": serde_json::to_string(ids)?, ":scope": scope, ":state": filter.state,
            ":customer": filter.customer, ":letter": more.letter.map(String::from), ":test": more.test,
            ":main_contact": more.main_contact, ":manager": asked.manager,
            ":before": more.last_sign_in_before, ":today": asked.today, ":until": until,
            ":no_factor": more.no_factor, ":department": filter.department,
            ":location": more.location, ":role": more.role, ":service": more.service,
            ":plan": more.plan, ":q": asked.q, ":digits": asked.digits,
        },
        |row| Ok((row.get("id")?, brief(row)?)),
    )
}

/// What stands beside the states of some. Whether any property must be filled in is asked once.
const BADGES: &str =
    "SELECT users.id, coalesce(users.locked_until, '') > :now AS locked,
            coalesce(users.expires_on, :today) < :today AS expired,
            users.state = 'active' AND users.sign_in = 'everything' AND users.password_hash IS NULL
              AND NOT EXISTS (SELECT 1 FROM links WHERE links.user_id = users.id) AS not_invited,
            EXISTS (SELECT 1 FROM requests INDEXED BY requests_failed_of_user
                     WHERE requests.user_id = users.id AND requests.status = 'failed') AS request_failed,
            EXISTS (SELECT 1 FROM custom_properties INDEXED BY custom_properties_asked
                     WHERE subject = 'user' AND required = 1 AND archived_at IS NULL)
              AND EXISTS (
                SELECT 1 FROM customer_tree
                  JOIN custom_properties INDEXED BY custom_properties_asked
                    ON custom_properties.customer_id = customer_tree.above
                 WHERE customer_tree.below = users.customer_id AND custom_properties.subject = 'user'
                   AND custom_properties.required = 1 AND custom_properties.archived_at IS NULL
                   AND CASE custom_properties.reach WHEN 'self' THEN depth = 0 WHEN 'below' THEN depth > 0 ELSE 1 END
                   AND (custom_properties.seen_by <> 'above'
                        OR EXISTS (SELECT 1 FROM customer_tree AS up JOIN json_each(:scope) AS code
                                       ON code.value IN (up.above * 4 + 2, up.above * 4 + 3)
                                    WHERE up.below = users.customer_id AND (up.depth > 0 OR up.above = 1)))
                   AND NOT EXISTS (SELECT 1 FROM custom_values
                                    WHERE custom_values.user_id = users.id
                                      AND custom_values.property_id = custom_properties.id)) AS incomplete
       FROM json_each(:ids) AS one CROSS JOIN users ON users.id = one.value
      WHERE users.state NOT IN ('deleted', 'purged')";

/// Those in the bin have their state, and nothing beside it.
pub fn badges<P>(
    db: &Read,
    scope: &Scope<P>,
    ids: &[i64],
    today: Date,
) -> Result<BTreeMap<i64, Vec<Badge>>> {
    let rows = db.all(
        BADGES,
        named_params! {
            ":ids": serde_json::to_string(ids)?, ":scope": scope, ":today": today, ":now": db.now,
        },
        |row| {
            let mut badges = Vec::new();
            for badge in Badge::ALL.iter().copied() {
                if row.get(badge.word())? {
                    badges.push(badge);
                }
            }
            Ok((row.get("id")?, badges))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// The user of that sign-in name, address or id.
pub fn named(db: &Read, text: &str) -> Result<Option<UserId>> {
    db.maybe(
        "SELECT id FROM users
          WHERE id = coalesce((SELECT user_id FROM user_names WHERE name = :text),
                              CASE WHEN :text NOT GLOB '*[^0-9]*' THEN CAST(:text AS INTEGER) END)",
        named_params! { ":text": text },
        |row| row.get(0),
    )
}
