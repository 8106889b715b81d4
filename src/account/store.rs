//! Tokens, sessions and tries of one person, or of those a scope reaches.

use super::{NewTokenRow, SignedIn, Token, Try};
use crate::auth::permissions::{AccountRead, TokensManage, TokensOwn, UsersRename};
use crate::auth::{Own, Scope};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, TokenId, UserId};
use crate::time::Instant;
use crate::web::Paging;
use rusqlite::{Row, named_params};

pub fn own_tokens(db: &Read, own: &Own<TokensOwn>, paging: &Paging) -> Result<Vec<Token>> {
    db.all(
        "SELECT id, user_id, name, permissions, at_id, created_at, expires_at, last_used_at, revoked_at
           FROM tokens
          WHERE user_id = :own AND id > :after
          ORDER BY id LIMIT :limit",
        named_params! { ":own": own, ":after": paging.id(), ":limit": paging.fetch() },
        token,
    )
}

pub fn own_token(db: &Read, own: &Own<TokensOwn>, id: TokenId) -> Result<Token> {
    db.one(
        "SELECT id, user_id, name, permissions, at_id, created_at, expires_at, last_used_at, revoked_at
           FROM tokens
          WHERE user_id = :own AND id = :id",
        named_params! { ":own": own, ":id": id },
        token,
    )
}

/// Whether somebody has API tokens that still count.
pub fn has_tokens(db: &Read, user: UserId) -> Result<bool> {
    db.value(
        "SELECT EXISTS (SELECT 1 FROM tokens WHERE user_id = ?1 AND revoked_at IS NULL)",
        [user],
    )
}

pub fn tokens(
    db: &Read,
    scope: &Scope<TokensManage>,
    user: UserId,
    paging: &Paging,
) -> Result<Vec<Token>> {
    db.one(
        "SELECT 1 FROM users
          WHERE id = :user AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                                          AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":user": user, ":scope": scope },
        |_| Ok(()),
    )?;
    db.all(
        "SELECT tokens.id, user_id, name, permissions, at_id, tokens.created_at, tokens.expires_at,
                last_used_at, revoked_at
           FROM tokens JOIN users ON users.id = user_id
          WHERE user_id = :user AND tokens.id > :after
            AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                           AND scope IN (SELECT value FROM json_each(:scope)))
          ORDER BY tokens.id LIMIT :limit",
        named_params! {
            ":user": user, ":scope": scope, ":after": paging.id(), ":limit": paging.fetch(),
        },
        token,
    )
}

fn token(row: &Row) -> rusqlite::Result<Token> {
    let permissions: String = row.get("permissions")?;
    Ok(Token {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        name: row.get("name")?,
        permissions: serde_json::from_str(&permissions).unwrap_or_else(|_| vec![permissions]),
        customer_id: row.get("at_id")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        last_used_at: row.get("last_used_at")?,
        revoked_at: row.get("revoked_at")?,
    })
}

pub fn insert_token(
    tx: &Write,
    own: &Own<TokensOwn>,
    row: &NewTokenRow,
    hash: &[u8; 32],
    expires: Instant,
) -> Result<TokenId> {
    tx.change(
        "INSERT INTO tokens (user_id, name, hash, permissions, at_id, created_at, expires_at)
         VALUES (:own, :name, :hash, :permissions, :at, :now, :expires) RETURNING id",
        named_params! {
            ":own": own, ":name": row.name, ":hash": hash, ":permissions": row.permissions,
            ":at": row.at, ":now": tx.now, ":expires": expires,
        },
    )
}

/// Whose token it was, in which customer, and its name.
type Revoked = (UserId, CustomerId, String);

pub fn revoke_own(tx: &Write, user: UserId, id: TokenId) -> Result<Option<Revoked>> {
    tx.maybe(
        "UPDATE tokens SET revoked_at = coalesce(revoked_at, :now)
          WHERE id = :id AND user_id = :user
         RETURNING user_id, (SELECT customer_id FROM users WHERE users.id = user_id) AS home, name",
        named_params! { ":id": id, ":user": user, ":now": tx.now },
        revoked,
    )
}

pub fn revoke(tx: &Write, scope: &Scope<TokensManage>, id: TokenId) -> Result<Revoked> {
    tx.one(
        "UPDATE tokens SET revoked_at = coalesce(revoked_at, :now)
          WHERE id = :id
            AND user_id IN (SELECT users.id FROM users JOIN reach ON reach.customer_id = users.customer_id
                             WHERE users.id = tokens.user_id
                               AND scope IN (SELECT value FROM json_each(:scope)))
         RETURNING user_id, (SELECT customer_id FROM users WHERE users.id = user_id) AS home, name",
        named_params! { ":id": id, ":scope": scope, ":now": tx.now },
        revoked,
    )
}

fn revoked(row: &Row) -> rusqlite::Result<Revoked> {
    Ok((row.get("user_id")?, row.get("home")?, row.get("name")?))
}

pub fn revoke_all(tx: &Write, user: UserId) -> Result<()> {
    tx.run(
        "UPDATE tokens SET revoked_at = :now WHERE user_id = :user AND revoked_at IS NULL",
        named_params! { ":user": user, ":now": tx.now },
    )?;
    Ok(())
}

pub fn sessions(db: &Read, own: &Own<AccountRead>) -> Result<Vec<SignedIn>> {
    db.all(
        "SELECT hash, address, browser, sessions.created_at, last_seen_at
           FROM sessions JOIN users ON users.id = user_id
          WHERE user_id = :own AND sessions.epoch = users.epoch
          ORDER BY last_seen_at DESC LIMIT 100",
        named_params! { ":own": own },
        |row| {
            Ok(SignedIn {
                key: row.get("hash")?,
                address: row.get("address")?,
                browser: row.get("browser")?,
                created_at: row.get("created_at")?,
                last_seen_at: row.get("last_seen_at")?,
            })
        },
    )
}

pub fn tries(db: &Read, own: &Own<AccountRead>) -> Result<Vec<Try>> {
    db.all(
        "SELECT at, address, browser, outcome FROM sign_ins
          WHERE user_id = :own ORDER BY at DESC, id DESC LIMIT 20",
        named_params! { ":own": own },
        |row| {
            Ok(Try {
                at: row.get("at")?,
                address: row.get("address")?,
                browser: row.get("browser")?,
                outcome: row.get("outcome")?,
            })
        },
    )
}

/// Ends the session whose hash begins with `which`, or all but `kept`.
pub fn end_sessions(
    tx: &Write,
    user: UserId,
    which: Option<&str>,
    kept: Option<[u8; 32]>,
) -> Result<usize> {
    match which {
        Some(which) => tx.run(
            "DELETE FROM sessions WHERE user_id = :user AND lower(hex(hash)) = :which",
            named_params! { ":user": user, ":which": which },
        ),
        None => tx.run(
            "DELETE FROM sessions WHERE user_id = :user AND hash IS NOT :kept",
            named_params! { ":user": user, ":kept": kept },
        ),
    }
}

/// The sign-in name and the time zone of one's own, empty for the customer's.
pub fn profile(db: &Read, own: &Own<AccountRead>) -> Result<(String, String)> {
    db.one(
        "SELECT coalesce(upn, '') AS upn, time_zone FROM users WHERE id = :own",
        named_params! { ":own": own },
        |row| Ok((row.get("upn")?, row.get("time_zone")?)),
    )
}

/// A token that ends soon, and whose it is.
pub struct EndingToken {
    pub user: UserId,
    pub customer: CustomerId,
    pub name: String,
}

pub fn tokens_ending(db: &Read, after: Instant, until: Instant) -> Result<Vec<EndingToken>> {
    db.all(
        "SELECT user_id, customer_id, name
           FROM tokens JOIN users ON users.id = user_id
          WHERE revoked_at IS NULL AND expires_at > :after AND expires_at <= :until AND users.state = 'active'",
        named_params! { ":after": after, ":until": until },
        |row| {
            Ok(EndingToken {
                user: row.get("user_id")?,
                customer: row.get("customer_id")?,
                name: row.get("name")?,
            })
        },
    )
}

/// How one's own pages speak: time zone and language, empty for the customer's; and the address
/// elsewhere that links may go to, with whether it is proven.
pub struct Details {
    pub time_zone: String,
    pub language: String,
    pub recovery: String,
    pub proven: bool,
}

pub fn details(db: &Read, own: &Own<AccountRead>) -> Result<Details> {
    db.one(
        "SELECT time_zone, language, recovery_email, recovery_proven FROM users WHERE id = :own",
        named_params! { ":own": own },
        |row| {
            Ok(Details {
                time_zone: row.get("time_zone")?,
                language: row.get("language")?,
                recovery: row.get("recovery_email")?,
                proven: row.get("recovery_proven")?,
            })
        },
    )
}

pub fn set_details(tx: &Write, own: &Own<AccountRead>, zone: &str, language: &str) -> Result<()> {
    tx.run(
        "UPDATE users SET time_zone = :zone, language = :language, version = version + 1, changed_at = :now
          WHERE id = :own",
        named_params! { ":zone": zone, ":language": language, ":now": tx.now, ":own": own },
    )?;
    Ok(())
}

/// The customer of that code. Whether the asker reaches it is asked of who makes the token.
pub fn by_code(db: &Read, code: &str) -> Result<Option<CustomerId>> {
    db.maybe("SELECT id FROM customers WHERE code = ?1", [code], |row| row.get(0))
}

/// The customer of a user that programs alone use, if the scope reaches it.
pub fn program_within(
    db: &Read,
    scope: &Scope<UsersRename>,
    user: UserId,
) -> Result<Option<CustomerId>> {
    db.one(
        "SELECT CASE sign_in WHEN 'api_only' THEN customer_id END AS home FROM users
          WHERE id = :user AND EXISTS (SELECT 1 FROM reach WHERE reach.customer_id = users.customer_id
                                          AND scope IN (SELECT value FROM json_each(:scope)))",
        named_params! { ":user": user, ":scope": scope },
        |row| row.get("home"),
    )
}
