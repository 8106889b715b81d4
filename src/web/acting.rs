//! What nobody does while acting as somebody else.

use super::{Method, Request};
use crate::auth::Acting;
use crate::error::{Error, Result};
use crate::routes::Route;

/// Whose permission stands for passwords, factors, tokens, roles, approvals, deleting, moving,
/// exporting.
const PERMISSIONS: &[&str] = &[
    "users.password",
    "users.mfa",
    "users.delete",
    "users.move",
    "users.export",
    "users.act_as",
    "tokens.own",
    "tokens.manage",
    "roles.grant",
    "roles.write",
    "roles.allow",
    "approvals.decide",
    "approvals.write",
    "customers.delete",
    "customers.move",
    "customers.export",
];

/// Parts of a path that say so where the permission does not.
const PARTS: &[&str] = &[
    "again",
    "password",
    "factor",
    "codes",
    "tokens",
    "sessions",
    "finalise",
    "delete",
    "purge",
    "erase",
    "move",
    "export",
    "approvals",
];

/// Where one becomes oneself again.
pub const STOP: &str = "/account/stop-acting";

/// Refuses what is not done in another's name, and anything at all once that is over: whoever sent
/// the form believed to be somebody else.
pub fn permitted(acting: Option<&Acting>, route: &Route, request: &Request) -> Result<()> {
    let Some(acting) = acting.filter(|_| ![STOP, "/sign-out"].contains(&route.path)) else {
        return Ok(());
    };
    let changes = request.method != Method::Get;
    if acting.over {
        return if changes {
            Err(Error::Forbidden(format!(
                "Acting as {} has ended. Press Stop, then do it as yourself.",
                acting.name
            )))
        } else {
            Ok(())
        };
    }
    let part = |word: &&str| route.path.split('/').any(|each| each == *word);
    let exports =
        route.permission.ends_with(".export") || route.path.ends_with(".csv") || part(&"export");
    let asks_again = part(&"again");
    let named = PERMISSIONS.contains(&route.permission) || PARTS.iter().any(part);
    if exports || asks_again || (changes && named) {
        return Err(Error::Forbidden("Not while acting as somebody else.".into()));
    }
    Ok(())
}
