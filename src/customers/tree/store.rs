use super::Node;
use crate::auth::Scope;
use crate::db::Read;
use crate::error::Result;
use crate::ids::CustomerId;
use crate::web::Paging;
use rusqlite::{Row, named_params};

macro_rules! node {
    ($rest:literal) => {
        concat!(
            "SELECT customers.id, customers.name, customers.code, customers.state, customers.reseller,
                    (SELECT count(*) FROM customers down
                      WHERE down.parent_id = customers.id AND down.state NOT IN ('deleted', 'purged')) AS customers,
                    (SELECT count(*) FROM users
                      WHERE users.customer_id = customers.id AND users.state IN ('active', 'disabled')) AS users
               FROM customers ",
            $rest
        )
    };
}

const BELOW: &str = node!(
    "WHERE customers.parent_id = :at AND customers.state NOT IN ('deleted', 'purged')
       AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                      AND scope IN (SELECT value FROM json_each(:scope)))
       AND name COLLATE NOCASE >= :after AND (name COLLATE NOCASE > :after OR customers.id > :after_id)
     ORDER BY name COLLATE NOCASE, customers.id LIMIT :fetch"
);

/// Where the scope begins: the customers it stands at, or those below where it does not reach itself.
const TOP: &str = node!(
    "WHERE customers.id IN (SELECT value FROM json_each(:own)
                            UNION SELECT id FROM customers WHERE parent_id IN (SELECT value FROM json_each(:below)))
       AND customers.state NOT IN ('deleted', 'purged')
       AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = customers.id
                      AND scope IN (SELECT value FROM json_each(:scope)))
       AND name COLLATE NOCASE >= :after AND (name COLLATE NOCASE > :after OR customers.id > :after_id)
     ORDER BY name COLLATE NOCASE, customers.id LIMIT :fetch"
);

pub fn below<P>(db: &Read, scope: &Scope<P>, at: CustomerId, paging: &Paging) -> Result<Vec<Node>> {
    db.all(
        BELOW,
        named_params! {
            ":at": at, ":scope": scope, ":after": paging.value(), ":after_id": paging.id(),
            ":fetch": paging.fetch(),
        },
        node,
    )
}

pub fn top<P>(db: &Read, scope: &Scope<P>, paging: &Paging) -> Result<Vec<Node>> {
    let stands = scope.stands_at();
    let of = |own: bool| -> Vec<CustomerId> {
        stands.iter().filter(|(_, bits)| (bits & 1 == 1) == own).map(|(at, _)| *at).collect()
    };
    db.all(
        TOP,
        named_params! {
            ":own": serde_json::to_string(&of(true))?, ":below": serde_json::to_string(&of(false))?,
            ":scope": scope, ":after": paging.value(), ":after_id": paging.id(),
            ":fetch": paging.fetch(),
        },
        node,
    )
}

fn node(row: &Row) -> rusqlite::Result<Node> {
    Ok(Node {
        id: row.get("id")?,
        name: row.get("name")?,
        code: row.get("code")?,
        state: row.get("state")?,
        reseller: row.get("reseller")?,
        customers: row.get("customers")?,
        users: row.get("users")?,
    })
}
