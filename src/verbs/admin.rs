//! `admin`: rescue from the shell.

use clap::{Args, Subcommand};
use portico::auth::password::Hasher;
use portico::config::Config;
use portico::db::Db;
use portico::error::Result;
use portico::rescue;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Verb {
    /// Show who administers what.
    List,
    /// Set somebody's password; their sign-ins end.
    ResetPassword {
        #[command(flatten)]
        whose: Whose,
        /// Read the new password from the standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Take the second factor of somebody who lost it; their sign-ins and API tokens end.
    ResetFactor {
        #[command(flatten)]
        whose: Whose,
        /// Why; they are told.
        #[arg(long)]
        reason: String,
    },
    /// Let somebody in again who is locked out after too many wrong passwords.
    Unlock {
        #[command(flatten)]
        whose: Whose,
    },
    /// End somebody's sign-ins and mailed links.
    EndSessions {
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Whose {
    /// The sign-in name.
    #[arg(long)]
    user: String,
}

pub fn run(config: &Config, verb: &Verb) -> Result<ExitCode> {
    let db = Db::open(config.store())?;
    match verb {
        Verb::List => {
            for one in rescue::administrators(&db)? {
                let last = one.last_sign_in_at.map_or("never".to_owned(), |at| at.to_string());
                println!(
                    "{}  {}, {} of {}, {}, last signed in: {last}",
                    one.upn, one.name, one.role, one.customer, one.state
                );
            }
        }
        Verb::ResetPassword { whose, .. } => {
            let user = rescue::find(&db, &whose.user)?;
            let (key, new) = (&config.key, super::password()?);
            rescue::reset_password(&db, key, &Hasher::new(1), user, &new)?;
            println!("The password is set. All sign-ins of {} have ended.", whose.user);
        }
        Verb::ResetFactor { whose, reason } => {
            rescue::reset_factor(&db, rescue::find(&db, &whose.user)?, reason)?;
            println!("The second factor of {} is gone. All sign-ins have ended.", whose.user);
        }
        Verb::Unlock { whose } => match rescue::unlock(&db, rescue::find(&db, &whose.user)?)? {
            true => println!("{} is not locked any more.", whose.user),
            false => println!("{} was not locked.", whose.user),
        },
        Verb::EndSessions { whose } => {
            rescue::end_sessions(&db, rescue::find(&db, &whose.user)?)?;
            println!("All sign-ins of {} have ended.", whose.user);
        }
    }
    Ok(ExitCode::SUCCESS)
}
