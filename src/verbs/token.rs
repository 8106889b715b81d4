//! `token create`.

use clap::{Args, Subcommand};
use portico::config::Config;
use portico::db::Db;
use portico::error::Result;
use portico::input::Input;
use portico::rescue;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Verb {
    /// Make an API token and print it, this once.
    Create(Create),
}

#[derive(Args)]
pub struct Create {
    /// The sign-in name of whoever the token acts for.
    #[arg(long)]
    user: String,
    /// What it is for.
    #[arg(long)]
    name: String,
    /// Names with commas between; all that the user holds when left out.
    #[arg(long, value_delimiter = ',')]
    permissions: Vec<String>,
    /// Until it ends, 1–365; 90 when left out.
    #[arg(long)]
    days: Option<i64>,
}

pub fn run(config: &Config, verb: &Verb) -> Result<ExitCode> {
    let Verb::Create(asked) = verb;
    let db = Db::open(config.store())?;
    let mut input = Input::default();
    input.set("name", &asked.name);
    for permission in &asked.permissions {
        input.push("permissions", permission);
    }
    if let Some(days) = asked.days {
        input.set("days", days);
    }
    let token = rescue::make_token(&db, rescue::find(&db, &asked.user)?, &input)?;
    println!("{}", token.reveal());
    Ok(ExitCode::SUCCESS)
}
