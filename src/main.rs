//! The command line: one verb each for what the library does.

#![expect(clippy::disallowed_macros, reason = "the verbs speak to people")]

use clap::{Args, Parser, Subcommand};
use portico::config::Config;
use portico::error::{Error, Result};
use portico::secret::Key;
use portico::serve;
use portico::web::App;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Customers, users, services, provisioning and bills of a managed service provider.
#[derive(Parser)]
#[command(name = "portico", version, about)]
struct Line {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Args)]
struct Common {
    /// The data directory.
    #[arg(long, global = true, env = "PORTICO_DATA", default_value = "./data")]
    data: PathBuf,
}

#[derive(Subcommand)]
enum Verb {
    /// Run everything.
    Serve {
        #[arg(long, env = "PORTICO_LISTEN", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
    /// Print the version.
    Version,
}

fn main() -> ExitCode {
    let line = Line::parse();
    log();
    match run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Internal(cause)) => {
            eprintln!("portico: {cause}");
            ExitCode::from(70)
        }
        Err(refusal) => {
            eprintln!("portico: {refusal}");
            ExitCode::FAILURE
        }
    }
}

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_new("warn").unwrap_or_default();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn run(line: Line) -> Result<()> {
    match line.verb {
        Verb::Serve { listen } => {
            let mut config = config(line.common.data)?;
            config.listen = listen;
            start(config)
        }
        Verb::Version => {
            println!("portico {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

fn config(data: PathBuf) -> Result<Config> {
    std::fs::create_dir_all(&data)?;
    let key = Key::beside(&data)?;
    Ok(Config::of(data, key))
}

fn start(config: Config) -> Result<()> {
    let _hold = serve::Hold::take(&config.data)?;
    let app = Arc::new(App::start(config)?);
    let code = app.setup_code.clone();
    let set_up = app.settings()?.set_up;
    serve::run(&app, |address| {
        println!("Portico listens on http://{address}");
        if !set_up {
            println!("Set it up at http://{address}/setup?code={}", code.reveal());
        }
    })
}
