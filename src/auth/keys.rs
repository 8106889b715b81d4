//! API tokens: `ptc_`, 43 random characters, six check characters, so that a mistyped one fails
//! before the store is asked.

use super::{Actor, Door, permissions};
use crate::db::{By, Db, Read, Via};
use crate::error::{Error, Result};
use crate::ids::{CustomerId, TokenId, UserId};
use crate::secret::{self, Secret};
use crate::time::Instant;
use rusqlite::named_params;

/// A token just made: its text is shown once, its hash kept.
pub struct NewToken {
    pub text: Secret,
    pub hash: [u8; 32],
}

impl NewToken {
    pub fn make() -> Result<NewToken> {
        let random = secret::token()?;
        let text = format!("ptc_{}{}", random.reveal(), check(random.reveal()));
        Ok(NewToken { hash: secret::sha256(text.as_bytes()), text: Secret::new(text) })
    }
}

pub fn token_is_well_formed(text: &str) -> bool {
    let body = text.strip_prefix("ptc_").filter(|body| body.is_ascii() && body.len() == 49);
    body.and_then(|body| body.split_at_checked(43))
        .is_some_and(|(random, sum)| check(random) == sum)
}

fn check(random: &str) -> String {
    secret::hex(&secret::sha256(random.as_bytes())).chars().take(6).collect()
}

/// The actor behind a token: the user's rights now, narrowed by the token. Every failure is one
/// `LoginRequired`.
pub fn of_token(db: &Read, text: &str) -> Result<(TokenId, Actor)> {
    if !token_is_well_formed(text) {
        return Err(Error::LoginRequired);
    }
    let found = db.maybe(
        "SELECT id, user_id, permissions, at_id, expires_at
           FROM tokens WHERE hash = :hash AND revoked_at IS NULL",
        named_params! { ":hash": secret::sha256(text.as_bytes()) },
        |row| {
            Ok((
                row.get::<_, TokenId>("id")?,
                row.get::<_, UserId>("user_id")?,
                row.get::<_, String>("permissions")?,
                row.get::<_, Option<CustomerId>>("at_id")?,
                row.get::<_, Instant>("expires_at")?,
            ))
        },
    )?;
    let (id, user, allowed, at, expires_at) = found.ok_or(Error::LoginRequired)?;
    if expires_at <= db.now {
        return Err(Error::LoginRequired);
    }
    let mut actor = super::actor(db, user, Door::Token, Via::Api)?;
    let mut named: Vec<String> = Vec::new();
    if allowed != "*" {
        named = serde_json::from_str(&allowed)?;
        actor.narrow(|name, codes| {
            Ok(named.iter().any(|each| each == name).then(|| codes.to_vec()))
        })?;
    }
    actor.named = Some(named);
    if let Some(at) = at {
        actor.narrow(|name, codes| {
            let everywhere = permissions::admits(name) == Some(permissions::Admits::Provider);
            Ok(Some(if everywhere { Vec::new() } else { at_one(db, codes, at)? }))
        })?;
    }
    Ok((id, actor))
}

/// Notes that a token was used, to the hour.
pub fn note_use(db: &Db, id: TokenId, address: &str) -> Result<()> {
    let hour_ago = db.now().plus_seconds(-3600);
    let due = db.read(|db| {
        db.maybe(
            "SELECT 1 FROM tokens WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :hour_ago)",
            named_params! { ":id": id, ":hour_ago": hour_ago },
            |_| Ok(()),
        )
    })?;
    if due.is_none() {
        return Ok(());
    }
    db.write(By::portico(Via::Api), |tx| {
        tx.run(
            "UPDATE tokens SET last_used_at = ?1, last_used_from = ?2 WHERE id = ?3",
            (tx.now, address, id),
        )?;
        Ok(())
    })
}

/// What `codes` leave of one customer alone.
fn at_one(db: &Read, codes: &[i64], at: CustomerId) -> Result<Vec<i64>> {
    let reached = db.maybe(
        "SELECT 1 FROM reach
          WHERE customer_id = :at AND scope IN (SELECT value FROM json_each(:codes)) LIMIT 1",
        named_params! { ":at": at, ":codes": serde_json::to_string(codes)? },
        |_| Ok(()),
    )?;
    Ok(reached.map_or_else(Vec::new, |()| vec![at.0 * 4 + 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_token_fails_by_itself() {
        let token = NewToken::make().unwrap();
        let text = token.text.reveal();
        assert!(token_is_well_formed(text));
        let last = if text.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{last}", &text[..text.len() - 1]);
        assert!(
            !token_is_well_formed(&wrong)
                && !token_is_well_formed("ptc_")
                && !token_is_well_formed("ptc_é")
        );
    }
}
