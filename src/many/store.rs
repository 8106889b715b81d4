use crate::db::Read;
use crate::error::Result;
use crate::ids::{CustomerId, UserId};

/// Who administrates users of the customer there, with address and name.
pub fn administrators(db: &Read, customer: CustomerId) -> Result<Vec<(UserId, String, String)>> {
    db.all(
        "SELECT users.id, users.mail, users.display_name
           FROM role_grants
           JOIN roles ON roles.id = role_grants.role_id AND roles.customer_id IS NULL
           JOIN users ON users.id = role_grants.user_id
          WHERE role_grants.at_id = ?1
            AND roles.name IN ('Provider administrator', 'Reseller administrator', 'Customer administrator',
                               'User administrator')
            AND users.state = 'active' AND users.mail IS NOT NULL
          GROUP BY users.id ORDER BY users.id LIMIT 50",
        [customer],
        |row| Ok((row.get("id")?, row.get("mail")?, row.get("display_name")?)),
    )
}
