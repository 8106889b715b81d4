use crate::auth::{NewToken, permissions};
use crate::db::{By, Db, Via};
use crate::error::Result;
use crate::ids::UserId;
use rusqlite::named_params;

/// A token that holds for the two years around the one shown.
pub fn keep_token(db: &Db, user: UserId, token: &NewToken) -> Result<()> {
    // Named one by one: `*` leaves out what a person would be asked for again.
    let all: Vec<&str> = permissions::ALL.iter().map(|(name, _)| *name).collect();
    let all = serde_json::to_string(&all)?;
    db.write(By::portico(Via::Shell), |tx| {
        tx.run(
            "INSERT INTO tokens (user_id, name, hash, permissions, created_at, expires_at)
             VALUES (:user, 'Demonstration', :hash, :all, :now, :until)",
            named_params! {
                ":user": user, ":hash": token.hash, ":all": all, ":now": tx.now, ":until": tx.now.plus_days(730),
            },
        )?;
        Ok(())
    })
}

/// The story is told: nobody acts by these any more.
pub fn forget_tokens(db: &Db) -> Result<()> {
    db.write(By::portico(Via::Shell), |tx| {
        tx.run("DELETE FROM tokens WHERE name = 'Demonstration'", [])?;
        Ok(())
    })
}

pub fn requests_open(db: &Db) -> Result<bool> {
    db.read(|db| {
        db.value("SELECT EXISTS (SELECT 1 FROM requests WHERE status IN ('queued', 'running'))", [])
    })
}

/// Of a customer's people seven of eight have followed their invitation, and signed in within the last weeks.
pub fn settle_in(db: &Db, customer: i64, hash: &str) -> Result<()> {
    db.write(By::portico(Via::Shell), |tx| {
        tx.run(
            "UPDATE users
                SET password_hash = :hash, password_set_at = created_at,
                    last_sign_in_at = strftime('%Y-%m-%dT%H:%M:%SZ', :now, '-' || (id * 7919 % 30000) || ' minutes')
              WHERE customer_id = :customer AND password_hash IS NULL AND state = 'active' AND id % 8 <> 3",
            named_params! { ":customer": customer, ":hash": hash, ":now": tx.now },
        )?;
        Ok(())
    })
}

pub fn set_password(db: &Db, user: UserId, hash: &str) -> Result<()> {
    db.write(By::portico(Via::Shell), |tx| {
        tx.run(
            "UPDATE users SET password_hash = :hash, password_set_at = :now WHERE id = :user",
            named_params! { ":hash": hash, ":now": tx.now, ":user": user },
        )?;
        Ok(())
    })
}
