//! `apply`: services from files, also while the server runs.

use clap::Args;
use portico::catalogue::documents::{self, Change, File};
use portico::config::Config;
use portico::db::Db;
use portico::error::{Error, Result};
use portico::rescue;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub struct Asked {
    /// A document, TOML or JSON; may be given several times.
    #[arg(short, long = "file", required = true, num_args = 1..)]
    file: Vec<PathBuf>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Retire services and plans that no file names.
    #[arg(long)]
    prune: bool,
}

/// Exit code 3 where a dry run finds differences.
pub fn run(config: &Config, asked: &Asked) -> Result<ExitCode> {
    let mut files = Vec::new();
    for path in &asked.file {
        let text = std::fs::read_to_string(path)
            .map_err(|err| Error::refused(format!("{} cannot be read: {err}.", path.display())))?;
        files.push(File { name: path.display().to_string(), text });
    }
    let db = Db::open(config.store())?;
    let outcome: documents::Outcome =
        rescue::apply(&db, &config.key, &files, asked.dry_run, asked.prune)?;
    for change in &outcome.changes {
        println!("{}", line(change));
    }
    let text = match (outcome.changes.len(), outcome.applied) {
        (0, _) => "Nothing differs.".to_owned(),
        (1, true) => "1 change applied.".to_owned(),
        (n, true) => format!("{n} changes applied."),
        (n, false) => format!("Nothing is written. {n} to change."),
    };
    println!("{text}");
    let differs = !outcome.applied && !outcome.changes.is_empty();
    Ok(if differs { ExitCode::from(3) } else { ExitCode::SUCCESS })
}

fn line(change: &Change) -> String {
    let what = if change.what.is_empty() { String::new() } else { format!(" {}", change.what) };
    let keys = match change.keys.is_empty() {
        true => String::new(),
        false => format!(": {}", change.keys.join(", ")),
    };
    format!("{}{what} {}{keys}", change.service, change.change)
}
