//! `init`: what the page of the set-up link does, for programs.

use clap::Args;
use portico::config::Config;
use portico::db::Via;
use portico::error::{Complaint, Error, Result};
use portico::input::Input;
use portico::setup;
use portico::web::App;
use std::process::ExitCode;

#[derive(Args)]
pub struct Asked {
    /// The provider's name.
    #[arg(long)]
    organisation: String,
    /// Sign-in name and address of the first administrator.
    #[arg(long)]
    admin_email: String,
    #[arg(long, default_value = "")]
    admin_name: String,
    /// The provider's domain; the one of the address when left out.
    #[arg(long, default_value = "")]
    domain: String,
    /// The provider's short name; made from the name when left out.
    #[arg(long, default_value = "")]
    code: String,
    /// Like Europe/Amsterdam.
    #[arg(long, default_value = "")]
    time_zone: String,
    /// Like EUR.
    #[arg(long, default_value = "")]
    currency: String,
    /// Read the administrator's password from the standard input.
    #[arg(long, required = true)]
    password_stdin: bool,
}

/// How a field of the set-up is called here.
const FLAGS: [(&str, &str); 7] = [
    ("organisation", "--organisation"),
    ("upn", "--admin-email"),
    ("name", "--admin-name"),
    ("domain", "--domain"),
    ("code", "--code"),
    ("time_zone", "--time-zone"),
    ("currency", "--currency"),
];

pub fn run(config: Config, asked: &Asked) -> Result<ExitCode> {
    let app = App::start(config)?;
    if app.settings()?.set_up {
        return Err(already());
    }
    let mut input = Input::default();
    let values = [
        &asked.organisation,
        &asked.admin_email,
        &asked.admin_name,
        &asked.domain,
        &asked.code,
        &asked.time_zone,
        &asked.currency,
    ];
    for ((field, _), value) in FLAGS.iter().zip(values) {
        input.set(field, value);
    }
    input.set("password", super::password()?.reveal());
    match setup::run(&app.db, &app.hasher, Via::Shell, &input) {
        Ok(_) => {}
        Err(Error::NotFound) => return Err(already()),
        Err(Error::Invalid(complaints)) => return Err(Error::Invalid(by_flag(complaints))),
        Err(err) => return Err(err),
    }
    println!("{} is set up. Sign in as {}.", asked.organisation, asked.admin_email.to_lowercase());
    Ok(ExitCode::SUCCESS)
}

fn already() -> Error {
    Error::refused("This store is set up already.")
}

fn by_flag(complaints: Vec<Complaint>) -> Vec<Complaint> {
    let flag =
        |complaint: Complaint| match FLAGS.iter().find(|(field, _)| complaint.field == *field) {
            Some((_, flag)) => Complaint::new(*flag, complaint.message),
            None => complaint,
        };
    complaints.into_iter().map(flag).collect()
}
