use super::{List, View};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, UserId, ViewId};
use rusqlite::named_params;

pub fn of(db: &Read, user: UserId, home: CustomerId, list: List) -> Result<Vec<View>> {
    db.all(
        "SELECT views.id, name, query, shared, user_id = :user AS own,
                (SELECT display_name FROM users WHERE users.id = user_id) AS by
           FROM views
          WHERE list = :list AND (user_id = :user OR (views.customer_id = :home AND shared = 1))
          ORDER BY name COLLATE NOCASE, views.id LIMIT 200",
        named_params! { ":user": user, ":home": home, ":list": list },
        |row| {
            Ok(View {
                id: row.get("id")?,
                name: row.get("name")?,
                query: row.get("query")?,
                shared: row.get("shared")?,
                own: row.get("own")?,
                by: row.get("by")?,
            })
        },
    )
}

pub fn save(
    tx: &Write,
    user: UserId,
    home: CustomerId,
    list: List,
    name: &str,
    query: &str,
    shared: bool,
) -> Result<ViewId> {
    tx.change(
        "INSERT INTO views (customer_id, user_id, list, name, query, shared, created_at)
         VALUES (:home, :user, :list, :name, :query, :shared, :now)
         ON CONFLICT (user_id, list, name) DO UPDATE
            SET name = excluded.name, query = excluded.query, shared = excluded.shared,
                customer_id = excluded.customer_id
         RETURNING id",
        named_params! {
            ":home": home, ":user": user, ":list": list, ":name": name, ":query": query,
            ":shared": shared, ":now": tx.now,
        },
    )
}

pub fn count(db: &Read, user: UserId, list: List) -> Result<i64> {
    db.value("SELECT count(*) FROM views WHERE user_id = ?1 AND list = ?2", (user, list))
}

pub fn delete(tx: &Write, id: ViewId) -> Result<()> {
    tx.run("DELETE FROM views WHERE id = ?1", [id])?;
    Ok(())
}
