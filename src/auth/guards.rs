//! What even somebody with the permission may not do: to oneself, to the stronger, to the last who
//! could undo it.

use super::{Actor, PROVIDER, Permission, Right, Session, rights};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::{CustomerId, UserId};
use crate::input::Field;
use crate::time::Instant;
use rusqlite::named_params;

/// The tick of those above who leave a customer without an administrator.
pub const WITHOUT: &str = "without_administrator";
/// The same as a field.
pub const LEAVES: Field = Field::boolean(WITHOUT, "go on though no administrator is left");

/// For how long a password that was given counts as just given.
const PROVEN: i64 = 600;

/// Asks for the password again where it was not given within ten minutes. A token is a decision made
/// earlier and is not asked: it must name `permission`, which `*` does not.
pub fn again(
    actor: &Actor,
    session: Option<&Session>,
    permission: &str,
    now: Instant,
) -> Result<()> {
    match (session, &actor.named) {
        (Some(session), _) if now.since(session.proven_at) <= PROVEN => Ok(()),
        (Some(_), _) => Err(Error::Again),
        (None, Some(named)) if !named.iter().any(|name| name == permission) => {
            Err(Error::Forbidden(format!(
                "The token must name {permission}: * does not include it here."
            )))
        }
        (None, _) => Ok(()),
    }
}

/// Refuses doing it to one's own user.
pub fn not_oneself(actor: &Actor, user: UserId) -> Result<()> {
    if actor.user == user {
        return Err(Error::refused("You cannot do this to yourself."));
    }
    Ok(())
}

/// Refuses what is not done in another's name, by whatever way it came.
pub fn not_acting(actor: &Actor) -> Result<()> {
    match actor.by.acting_for {
        None => Ok(()),
        Some(_) => Err(Error::Forbidden("Not while acting as somebody else.".into())),
    }
}

/// Whether the actor holds the right `permission` with `code` (`at * 4 + bits`): the same place with
/// all its bits, or a place above it that reaches below. What one does to oneself anybody covers.
pub fn covers(db: &Read, actor: &Actor, permission: &str, code: i64) -> Result<bool> {
    actor.covers(db, &Right { permission: permission.to_owned(), code, service: None })
}

/// Refuses touching a user whose rights the actor does not cover.
pub fn not_stronger(db: &Read, actor: &Actor, user: UserId) -> Result<()> {
    let (name, home) = name_and_home(db, user)?;
    let more = actor.lacks(db, &rights::of_user(db, user, home)?)?;
    if more.is_empty() {
        return Ok(());
    }
    Err(Error::Forbidden(format!("{name} holds rights that you do not have: {}.", more.join(", "))))
}

/// The same, but waived where the actor's right to do `P` reaches the user from above.
pub fn not_stronger_peer<P: Permission>(db: &Read, actor: &Actor, user: UserId) -> Result<()> {
    let (_, home) = name_and_home(db, user)?;
    for code in actor.rights().get(P::NAME).into_iter().flatten() {
        if (code % 4) & 2 == 2 && is_above(db, code / 4, home.0)? {
            return Ok(());
        }
    }
    not_stronger(db, actor, user)
}

/// Refuses taking away the last administrator who can sign in: the provider's always, another
/// customer's from people of that customer. Asked before the change, in its transaction. Whoever
/// holds the role only for a time is no other: nothing would stop its end.
pub fn not_last_administrator(db: &Read, by: CustomerId, user: UserId) -> Result<()> {
    let (name, _) = name_and_home(db, user)?;
    let last_at = db.all(
        "SELECT customers.id, customers.name
           FROM role_grants mine
           JOIN roles ON roles.id = mine.role_id AND roles.customer_id IS NULL
           JOIN customers ON customers.id = mine.at_id
          WHERE mine.user_id = :user
            AND ((roles.name = 'Provider administrator' AND mine.at_id = 1)
                 OR (roles.name IN ('Customer administrator', 'Reseller administrator') AND mine.at_id = :by))
            AND NOT EXISTS (
              SELECT 1 FROM role_grants other
                JOIN users ON users.id = other.user_id
                JOIN customers home ON home.id = users.customer_id
               WHERE other.role_id = mine.role_id AND other.at_id = mine.at_id AND users.id <> :user
                 AND other.until_on IS NULL
                 AND users.state = 'active' AND users.sign_in = 'everything' AND users.password_hash IS NOT NULL
                 AND (users.expires_on IS NULL OR users.expires_on >= :today)
                 AND home.state = 'active' AND (mine.at_id <> 1 OR home.id = 1))
          LIMIT 1",
        named_params! { ":user": user, ":by": by, ":today": db.now.day(&crate::time::Zone::utc()) },
        |row| row.get::<_, String>("name"),
    )?;
    match last_at.first() {
        None => Ok(()),
        Some(customer) => Err(Error::refused(is_last(&name, customer))),
    }
}

/// The same, and from above the last administrator of another customer goes only if that is `meant`.
pub fn not_last_unless_meant(db: &Read, by: CustomerId, user: UserId, meant: bool) -> Result<()> {
    not_last_administrator(db, by, user)?;
    match last_of_another(db, by, user)? {
        Some(why) if !meant => Err(Error::invalid(WITHOUT, why)),
        _ => Ok(()),
    }
}

/// Says so where `user` is the last administrator of another customer than `by` who can sign in.
pub fn last_of_another(db: &Read, by: CustomerId, user: UserId) -> Result<Option<String>> {
    let found = db.all(
        "SELECT mine.display_name, customers.name
           FROM users mine
           JOIN role_grants ON role_grants.user_id = mine.id
           JOIN roles ON roles.id = role_grants.role_id AND roles.customer_id IS NULL
            AND roles.name IN ('Customer administrator', 'Reseller administrator')
           JOIN customers ON customers.id = role_grants.at_id
          WHERE mine.id = :user AND role_grants.at_id NOT IN (1, :by)
            AND mine.state = 'active' AND mine.sign_in = 'everything' AND mine.password_hash IS NOT NULL
            AND NOT EXISTS (
              SELECT 1 FROM role_grants other
                JOIN roles same ON same.id = other.role_id AND same.customer_id IS NULL
                 AND same.name IN ('Customer administrator', 'Reseller administrator')
                JOIN users ON users.id = other.user_id
                JOIN customers home ON home.id = users.customer_id
               WHERE other.at_id = role_grants.at_id AND users.id <> :user AND other.until_on IS NULL
                 AND users.state = 'active' AND users.sign_in = 'everything' AND users.password_hash IS NOT NULL
                 AND (users.expires_on IS NULL OR users.expires_on >= :today) AND home.state = 'active')
          LIMIT 1",
        named_params! { ":user": user, ":by": by, ":today": db.now.day(&crate::time::Zone::utc()) },
        |row| Ok((row.get::<_, String>("display_name")?, row.get::<_, String>("name")?)),
    )?;
    Ok(found.first().map(|(name, customer)| is_last(name, customer)))
}

/// What the guard says.
pub fn is_last(name: &str, customer: &str) -> String {
    format!(
        "{name} is the last administrator of {customer} who can sign in. Make another one first."
    )
}

pub(super) fn is_above(db: &Read, above: i64, below: i64) -> Result<bool> {
    if above == PROVIDER.0 {
        return Ok(below != PROVIDER.0);
    }
    let found = db.maybe(
        "SELECT 1 FROM customer_tree WHERE above = :above AND below = :below AND depth > 0",
        named_params! { ":above": above, ":below": below },
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

fn name_and_home(db: &Read, user: UserId) -> Result<(String, CustomerId)> {
    db.one("SELECT display_name, customer_id FROM users WHERE id = ?1", [user], |row| {
        Ok((row.get("display_name")?, row.get("customer_id")?))
    })
}
