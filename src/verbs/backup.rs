//! `backup FILE`.

use portico::backup;
use portico::config::Config;
use portico::error::Result;
use portico::time::Clock;
use std::path::Path;
use std::process::ExitCode;

pub fn run(config: Config, file: &Path) -> Result<ExitCode> {
    let manifest = backup::create(&config.store(), &config.key, file, Clock::default().now())?;
    let rows: i64 = manifest.rows.values().sum();
    println!(
        "{}: {rows} rows of {}, read back and whole. Its secrets open with key {} only; keep that elsewhere.",
        file.display(),
        if manifest.installation.is_empty() {
            "a store that is not set up"
        } else {
            &manifest.installation
        },
        manifest.key
    );
    Ok(ExitCode::SUCCESS)
}
