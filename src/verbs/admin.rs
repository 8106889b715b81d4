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
            rescue::reset_password(&db, &Hasher::new(1), user, &super::password()?)?;
            println!("The password is set. All sign-ins of {} have ended.", whose.user);
        }
        Verb::EndSessions { whose } => {
            rescue::end_sessions(&db, rescue::find(&db, &whose.user)?)?;
            println!("All sign-ins of {} have ended.", whose.user);
        }
    }
    Ok(ExitCode::SUCCESS)
}
