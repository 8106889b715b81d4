//! `doctor`: exit code 0 when all is well, 1 when something should be looked at, 2 when something
//! is broken.

use portico::config::Config;
use portico::db::{Db, SCHEMA_VERSION, Via, backup};
use portico::error::Result;
use portico::health::{Finding, Verdict, doctor, verdict};
use portico::ledger;
use portico::offers::recount;
use serde_json::json;
use std::process::ExitCode;

pub fn run(config: &Config, as_json: bool, repair: bool) -> Result<ExitCode> {
    if repair && is_current(config) {
        let db = Db::open(config.store())?;
        ledger::rebuild(&db)?;
        recount::repair(&db, Via::Shell)?;
    }
    let findings = findings(config);
    let worst = verdict(&findings);
    if as_json {
        println!("{:#}", json!({ "verdict": worst, "findings": findings }));
    } else {
        for Finding { check, verdict, text, fix } in &findings {
            println!("{:4}  {check}: {text}", verdict.word());
            if !fix.is_empty() {
                println!("      {fix}");
            }
        }
    }
    Ok(ExitCode::from(match worst {
        Verdict::Ok => 0,
        Verdict::Warn => 1,
        Verdict::Fail => 2,
    }))
}

fn is_current(config: &Config) -> bool {
    backup::version(&config.store()).is_ok_and(|found| usize::try_from(found) == Ok(SCHEMA_VERSION))
}

/// A store of another schema is not opened for use: that would bring it up to date unasked.
fn findings(config: &Config) -> Vec<Finding> {
    let opened = is_current(config).then(|| Db::open(config.store()));
    match opened {
        Some(Ok(db)) => doctor::examine(&db, config),
        _ => doctor::of_files(config),
    }
}
