//! The command line. A verb says what it did on standard output, and what it could not do on
//! standard error with an exit code that is not zero; the log goes to standard error as well.

#![expect(clippy::disallowed_macros, reason = "the verbs speak to people")]

mod admin;
mod apply;
mod backup;
mod config;
mod demo;
mod doctor;
mod healthcheck;
mod import;
mod init;
mod restore;
mod serve;
mod token;

use clap::{Args, Parser, Subcommand};
use portico::config::{Config, Told, prepare, read};
use portico::error::{Error, Result};
use portico::secret::Secret;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

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
    /// The data directory; ./data when not given here or by PORTICO_DATA.
    #[arg(long, global = true)]
    data: Option<String>,
}

#[derive(Args, Default)]
struct Listen {
    /// Address and port to listen on; 127.0.0.1:8080 when not given here or by PORTICO_LISTEN.
    #[arg(long)]
    listen: Option<String>,
    /// Certificate chain, PEM; makes the listener speak https.
    #[arg(long)]
    tls_cert: Option<String>,
    /// The certificate's key, PEM.
    #[arg(long)]
    tls_key: Option<String>,
}

#[derive(Subcommand)]
enum Verb {
    /// Run everything.
    Serve {
        #[command(flatten)]
        listen: Listen,
    },
    /// Set an empty store up without the page: provider, domain, first administrator.
    Init(init::Asked),
    /// Make a throw-away store full of a believable small MSP, say how to sign in, and serve it.
    Demo {
        #[command(flatten)]
        listen: Listen,
    },
    /// API tokens.
    Token {
        #[command(subcommand)]
        verb: token::Verb,
    },
    /// Bring in files of other systems.
    Import {
        #[command(subcommand)]
        verb: import::Verb,
    },
    /// Bring services into the catalogue from files: exit code 0, 1 (refused) or 3 (a dry run found
    /// differences).
    Apply(apply::Asked),
    /// Rescue from the shell.
    Admin {
        #[command(subcommand)]
        verb: admin::Verb,
    },
    /// Write the whole store into one file, also while the server runs.
    Backup { file: PathBuf },
    /// Put a backup in the place of the present store, which is kept.
    Restore {
        file: PathBuf,
        /// Only say whether the file is whole.
        #[arg(long)]
        check: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Leave out what was sealed with a key that is not here.
        #[arg(long)]
        without_secrets: bool,
    },
    /// Examine store, directory, settings and work: exit code 0, 1 (look at it) or 2 (broken).
    Doctor {
        #[arg(long)]
        json: bool,
        /// First make anew what is kept beside the ledger.
        #[arg(long)]
        repair: bool,
    },
    /// Ask the running server whether it is ready: exit code 0 or 1.
    Healthcheck {
        #[command(flatten)]
        listen: Listen,
    },
    /// Show every setting, its value and where it comes from.
    Config {
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        listen: Listen,
    },
    /// Print the description of the API, OpenAPI 3.1.
    Openapi,
    /// Print the version.
    Version,
}

pub fn run() -> ExitCode {
    let Line { common, verb } = Line::parse();
    match act(&common, verb) {
        Ok(code) => code,
        Err(err) => fail(&err),
    }
}

fn act(common: &Common, verb: Verb) -> Result<ExitCode> {
    match verb {
        Verb::Serve { listen } => serve::run(told(common, &listen)?),
        Verb::Init(asked) => init::run(begin(common)?, &asked),
        Verb::Demo { listen } => {
            let place = match &common.data {
                Some(_) => None,
                None => Some(tempfile::Builder::new().prefix("portico-demo-").tempdir()?),
            };
            let data = place.as_ref().map(|folder| folder.path().display().to_string());
            let common = Common { data: data.or_else(|| common.data.clone()) };
            demo::run(told(&common, &listen)?)
        }
        Verb::Token { verb } => token::run(&open(common)?, &verb),
        Verb::Import { verb } => import::run(&open(common)?, &verb),
        Verb::Apply(asked) => apply::run(&open(common)?, &asked),
        Verb::Admin { verb } => admin::run(&open(common)?, &verb),
        Verb::Backup { file } => backup::run(open(common)?, &file),
        Verb::Restore { file, check, yes, without_secrets } => {
            let asked = restore::Asked { check, yes, without_secrets };
            restore::run(told(common, &Listen::default())?, &file, &asked)
        }
        Verb::Doctor { json, repair } => doctor::run(&open(common)?, json, repair),
        Verb::Healthcheck { listen } => healthcheck::run(told(common, &listen)?),
        Verb::Config { json, listen } => config::run(told(common, &listen)?, json),
        Verb::Openapi => {
            println!("{:#}", portico::openapi::document());
            Ok(ExitCode::SUCCESS)
        }
        Verb::Version => {
            println!("portico {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn told(common: &Common, listen: &Listen) -> Result<Told> {
    let flags = [
        ("DATA", common.data.clone()),
        ("LISTEN", listen.listen.clone()),
        ("TLS_CERT", listen.tls_cert.clone()),
        ("TLS_KEY", listen.tls_key.clone()),
    ];
    read(&flags, std::env::vars_os())
}

/// The configuration of a store that must be there already.
fn open(common: &Common) -> Result<Config> {
    let told = told(common, &Listen::default())?;
    quiet_log(&told)?;
    let store = told.data().join("portico.db");
    if told.complaints.is_empty() && !store.exists() {
        return Err(Error::refused(format!(
            "There is no store in {}. Name the data directory with --data.",
            told.data().display()
        )));
    }
    told.config()
}

/// The same for a verb that may begin a store.
fn begin(common: &Common) -> Result<Config> {
    let told = told(common, &Listen::default())?;
    quiet_log(&told)?;
    if told.complaints.is_empty() {
        prepare(told.data())?;
    }
    told.config()
}

/// A verb beside the server logs what goes wrong, and more when asked.
fn quiet_log(told: &Told) -> Result<()> {
    let (filter, json) = told.log();
    log(if told.log_is_set() { filter } else { "warn" }, json)
}

/// The first line of the standard input.
fn password() -> Result<Secret> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

fn log(filter: &str, json: bool) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|err| Error::refused(format!("PORTICO_LOG is not understood: {err}.")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        lines.json().flatten_event(true).init()
    } else {
        lines.with_target(false).init()
    }
    Ok(())
}

/// Each complaint on a line of its own.
fn fail(err: &Error) -> ExitCode {
    match err {
        Error::Invalid(complaints) => {
            for complaint in complaints {
                match complaint.field.as_ref() {
                    "" => eprintln!("portico: {}", complaint.message),
                    field => eprintln!("portico: {field} {}", complaint.message),
                }
            }
            ExitCode::FAILURE
        }
        Error::Internal(cause) => {
            let closed = cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|err| err.kind() == ErrorKind::BrokenPipe);
            if !closed {
                eprintln!("portico: {cause}");
            }
            ExitCode::from(70)
        }
        refusal => {
            eprintln!("portico: {refusal}");
            ExitCode::FAILURE
        }
    }
}
