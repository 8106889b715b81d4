//! `serve`: everything.

use portico::config::{Told, prepare};
use portico::error::{Error, Result};
use portico::serve;
use portico::web::App;
use std::process::ExitCode;
use std::sync::Arc;

pub fn run(told: Told) -> Result<ExitCode> {
    if !told.complaints.is_empty() {
        return Err(Error::Invalid(told.complaints));
    }
    let (filter, json) = told.log();
    super::log(filter, json)?;
    prepare(told.data())?;
    let config = told.config()?;
    let _hold = serve::Hold::take(&config.data)?;
    let scheme = config.scheme();
    let app = Arc::new(App::start(config)?);
    let set_up = app.settings()?.set_up;
    serve::run(&app, |address| {
        println!("Portico listens on {scheme}://{address}");
        if !set_up {
            println!("Set it up at {scheme}://{address}/setup?code={}", app.setup_code.reveal());
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
