//! `import`: files of other systems, also while the server runs.

use clap::{Args, Subcommand};
use portico::config::Config;
use portico::db::Db;
use portico::error::{Error, Result};
use portico::many::import::{Outcome, RowOut};
use portico::rescue;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Verb {
    /// Import users from a CSV or XLSX file; the same file again changes nothing.
    Users(Users),
}

#[derive(Args)]
pub struct Users {
    /// The code of the customer they belong to.
    #[arg(long)]
    customer: String,
    file: PathBuf,
    /// Only say what each row would do.
    #[arg(long)]
    dry_run: bool,
}

/// Exit code 1 where a row was refused.
pub fn run(config: &Config, verb: &Verb) -> Result<ExitCode> {
    let Verb::Users(asked) = verb;
    let bytes = std::fs::read(&asked.file).map_err(|err| {
        Error::refused(format!("{} cannot be read: {err}.", asked.file.display()))
    })?;
    let db = Db::open(config.store())?;
    let report = rescue::import_users(&db, &asked.customer, &bytes, asked.dry_run)?;
    for row in report.rows.iter().filter(|row| row.result != Outcome::Unchanged) {
        println!("{}", line(row));
    }
    for notice in &report.notices {
        println!("{notice}");
    }
    println!(
        "{}{} created, {} updated, {} unchanged, {} refused, {} skipped.",
        if asked.dry_run { "Nothing is written. " } else { "" },
        report.created,
        report.updated,
        report.unchanged,
        report.refused,
        report.skipped
    );
    Ok(if report.refused > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(row: &RowOut) -> String {
    let mut line = format!("Line {}: {} {}", row.line, row.result.word(), row.name);
    if !row.upn.is_empty() {
        line += &format!(" ({})", row.upn);
    }
    for said in row.errors.iter().chain(&row.notices) {
        let text = format!("{} {}", said.column, said.message);
        line += &format!("; {}", text.trim());
    }
    line
}
