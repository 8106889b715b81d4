//! `demo`: a throw-away store full of a believable small MSP, and who may sign in to it.

use portico::config::{Told, prepare};
use portico::demo;
use portico::error::{Error, Result};
use portico::serve;
use portico::web::App;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

pub fn run(told: Told) -> Result<ExitCode> {
    if !told.complaints.is_empty() {
        return Err(Error::Invalid(told.complaints));
    }
    let (filter, json) = told.log();
    super::log(if told.log_is_set() { filter } else { "warn" }, json)?;
    if told.data().join("portico.db").exists() {
        return Err(Error::refused(format!(
            "There is a store in {} already. The demonstration wants a fresh directory.",
            told.data().display()
        )));
    }
    prepare(told.data())?;
    let config = told.config()?;
    let _hold = serve::Hold::take(&config.data)?;
    let scheme = config.scheme();
    let data = config.data.clone();
    let app = Arc::new(App::start(config)?);
    println!("A year of Tarnholm IT is being made in {} …", data.display());
    let people = demo::tell(&app, |month| {
        print!("{month}  ");
        let _ = std::io::stdout().flush();
    })?;
    println!();
    serve::run(&app, |address| {
        println!("Portico listens on {scheme}://{address}");
        for person in people {
            let (upn, password) = (person.upn, person.password);
            println!("Sign in as {upn} with password {}", password.reveal());
            println!("    {}", person.role);
        }
        println!("Their roles ask for no second factor here; each role's page turns that on.");
    })?;
    Ok(ExitCode::SUCCESS)
}
