//! `restore FILE`.

use portico::backup::{self, Manifest};
use portico::config::{Told, holder, prepare};
use portico::error::{Error, Result};
use portico::serve::Hold;
use portico::time::Clock;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

pub struct Asked {
    pub check: bool,
    pub yes: bool,
    pub without_secrets: bool,
}

pub fn run(told: Told, file: &Path, asked: &Asked) -> Result<ExitCode> {
    super::quiet_log(&told)?;
    if !told.complaints.is_empty() {
        return Err(Error::Invalid(told.complaints));
    }
    if asked.check {
        let workplace =
            if told.data().is_dir() { told.data().to_owned() } else { std::env::temp_dir() };
        let manifest = backup::check(file, &workplace)?;
        println!("{} is whole: {}", file.display(), words(&manifest));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(process) = holder(told.data()) {
        return Err(Error::refused(format!("Stop the server first (process {process}).")));
    }
    prepare(told.data())?;
    let _hold = Hold::take(told.data())?;
    let config = told.config()?;
    let decided = backup::Asked { without_secrets: asked.without_secrets };
    let outcome = backup::restore(&config, file, &decided, Clock::default().now(), |manifest| {
        if asked.yes { Ok(()) } else { confirm(manifest) }
    })?;
    println!("Restored: {}", words(&outcome.manifest));
    if let Some(kept) = outcome.replaced {
        println!("The store that was here is kept in {} until you remove it.", kept.display());
    }
    println!("Everybody has to sign in anew.");
    Ok(ExitCode::SUCCESS)
}

fn words(manifest: &Manifest) -> String {
    let rows: i64 = manifest.rows.values().sum();
    let whose = match manifest.installation.as_str() {
        "" => "a store that is not set up",
        name => name,
    };
    format!(
        "{whose}, {rows} rows, made {} by Portico {} with key {}.",
        manifest.at, manifest.program, manifest.key
    )
}

/// The name of the installation has to be typed: whoever types it has read it.
fn confirm(manifest: &Manifest) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::refused("Say --yes to replace the present store."));
    }
    let name = match manifest.installation.as_str() {
        "" => "yes",
        name => name,
    };
    print!("{}\nType {name} to replace the present store: ", words(manifest));
    std::io::stdout().flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    if typed.trim() == name { Ok(()) } else { Err(Error::refused("Nothing was changed.")) }
}
