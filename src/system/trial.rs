//! A mail to oneself, sent at once, with everything that happened on the way.

use super::store;
use crate::auth::permissions::AccountRead;
use crate::error::{Error, Result};
use crate::mail::smtp::{Server, Trouble, deliver};
use crate::mail::trial_mail;
use crate::web::Cx;
use crate::web::throttle::Limit;

const AN_HOUR: Limit = Limit { tries: 5, seconds: 3600 };

/// What became of it.
#[derive(serde::Serialize)]
pub struct Trial {
    pub to: String,
    pub sent: bool,
    /// Step by step, without secrets.
    pub lines: Vec<String>,
}

pub fn run(cx: &Cx) -> Result<Trial> {
    let Some(server) = Server::of(&cx.settings, &cx.app.config)? else {
        return Err(Error::refused("Set a mail server and a sender first."));
    };
    cx.app.count(&format!("test mail {}", cx.actor.user), AN_HOUR)?;
    let own = cx.actor.own::<AccountRead>()?;
    let to = cx.db.read(|db| store::own_address(db, &own))?;
    let (envelope, bytes) =
        trial_mail(&server, &to, &cx.settings.organisation, &cx.app.config.key.fingerprint())?;
    let mut lines = Vec::new();
    let sent = match deliver(&server, &envelope, &bytes, &mut lines) {
        Ok(_) => true,
        Err(Trouble::Later(why) | Trouble::Never(why)) => {
            if lines.last() != Some(&why) {
                lines.push(why);
            }
            false
        }
    };
    Ok(Trial { to, sent, lines })
}
