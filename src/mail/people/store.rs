use super::Person;
use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};
use crate::settings;
use rusqlite::{Row, named_params};

/// With how far above the customer they hold it. What reaches only below the provider is meant for
/// the provider as well, where nobody else could do it.
pub fn who_may(db: &Read, permission: &str, customer: CustomerId) -> Result<Vec<(i64, Person)>> {
    db.all(
        "WITH RECURSIVE worth (role_id, reach) AS (
           SELECT role_id, reach FROM role_rights WHERE permission = :permission
            UNION SELECT role_includes.role_id, worth.reach FROM worth JOIN role_includes ON includes_id = worth.role_id)
         SELECT min(depth) AS depth, users.id, users.customer_id, display_name, coalesce(mail, '') AS mail
           FROM customer_tree
           JOIN role_grants ON at_id = above
           JOIN worth ON worth.role_id = role_grants.role_id
                     AND (reach = 3 OR (reach = 1 AND depth = 0) OR (reach = 2 AND (depth > 0 OR below = 1)))
           JOIN users ON users.id = role_grants.user_id AND users.state = 'active'
           JOIN customers home ON home.id = users.customer_id AND home.state = 'active'
          WHERE below = :customer AND (until_on IS NULL OR until_on >= substr(:now, 1, 10))
          GROUP BY users.id ORDER BY users.id LIMIT 50",
        named_params! { ":permission": permission, ":customer": customer, ":now": db.now },
        |row| Ok((row.get("depth")?, person(row)?)),
    )
}

pub fn one(db: &Read, user: UserId) -> Result<Option<Person>> {
    db.maybe(
        "SELECT id, customer_id, display_name, coalesce(mail, '') AS mail FROM users
          WHERE id = ?1 AND state = 'active'",
        [user],
        person,
    )
}

fn person(row: &Row) -> rusqlite::Result<Person> {
    Ok(Person {
        id: row.get("id")?,
        home: row.get("customer_id")?,
        name: row.get("display_name")?,
        mail: row.get("mail")?,
    })
}

/// What links begin with.
pub fn base_url(db: &Read) -> Result<String> {
    Ok(settings::store::all(db)?.remove("base_url").unwrap_or_default())
}
