//! What is right and wrong with a connector, tried on the spot: what was tried, what came of it, and
//! what to do.

pub mod rights;
mod directory;
mod locks;
mod scim;

use super::call::Line;
use super::{Kind, State, store};
use crate::audit;
use crate::config::Config;
use crate::db::{By, Via};
use crate::drivers::Outcome;
use crate::drivers::network::{self, Barred};
use crate::drivers::script::{self, Manifest};
use crate::drivers::webhook::{self, Delivery};
use crate::error::Result;
use crate::secret;
use crate::time::Instant;
use crate::web::App;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

words! {
    Light { Green = "green", Amber = "amber", Red = "red" }
}

pub struct Check {
    pub light: Light,
    pub what: &'static str,
    pub text: String,
    /// What to do about it; empty where there is nothing to do.
    pub fix: String,
}

fn green(what: &'static str, text: impl Into<String>) -> Check {
    Check { light: Light::Green, what, text: text.into(), fix: String::new() }
}

fn amber(what: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { light: Light::Amber, what, text: text.into(), fix: fix.into() }
}

fn red(what: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { light: Light::Red, what, text: text.into(), fix: fix.into() }
}

/// The worst of them.
pub fn worst(checks: &[Check]) -> Light {
    checks.iter().map(|check| check.light).max().unwrap_or(Light::Green)
}

/// Tries all there is to try. It calls outside, so it is never run within a transaction.
pub fn examine(app: &App, line: &Line) -> Result<Vec<Check>> {
    let config = &app.config;
    let mut checks = match line.kind {
        Kind::Script => of_script(config, line)?,
        Kind::Webhook => of_webhook(config, line, app.db.now())?,
        Kind::Ldap => directory::examine(app, line)?,
        Kind::Scim => scim::examine(app, line)?,
    };
    match line.state {
        State::Active => {}
        State::Paused => checks.push(amber("State", "It is paused: its steps wait.", "Resume it.")),
        State::Gone => {
            checks.push(red("State", "It is gone: its steps fail.", "Make a new connector."));
        }
    }
    Ok(checks)
}

/// The same, and keeps what came of it: while it is red, nothing new is ordered that needs it.
pub fn examine_and_keep(app: &App, line: &Line) -> Result<Vec<Check>> {
    let checks = examine(app, line)?;
    let light = worst(&checks);
    let text = match checks.iter().find(|check| check.light == light && light != Light::Green) {
        Some(check) => format!("{}: {} {}", check.what, check.text, check.fix).trim().to_owned(),
        None => String::new(),
    };
    app.db.write(By::portico(Via::Job), |tx| {
        store::set_light(tx, line.id, light, &text)?;
        if line.light != Some(light) {
            let detail = json!({ "light": [line.light, Some(light)], "text": text });
            let subject = ("connector", line.id.0);
            audit::record(tx, "connector.examined", subject, line.customer, &detail)?;
        }
        Ok(())
    })?;
    Ok(checks)
}

/// Looks at it before it is used for the first time since it was changed. Says what is wrong where
/// it cannot be used. Scripts and webhooks say so themselves when they are called.
pub fn before_use(app: &App, line: &Line) -> Result<Option<String>> {
    if line.light.is_some() || !line.kind.signs_in() {
        return Ok(None);
    }
    let checks = examine_and_keep(app, line)?;
    let red = checks.into_iter().find(|check| check.light == Light::Red);
    Ok(red.map(|check| format!("{}: {} {}", line.name, check.text, check.fix).trim().to_owned()))
}

fn of_script(config: &Config, line: &Line) -> Result<Vec<Check>> {
    let name = &line.script;
    let text = match script::text(&config.scripts, name) {
        Ok(text) => text,
        Err(err) => {
            let fix = format!("Put {name}.toml and its script into {}.", config.scripts.display());
            return Ok(vec![red("Files", err.to_string(), fix)]);
        }
    };
    let mut checks =
        vec![green("Files", format!("{name}.toml and {} are there.", text.manifest.file))];
    checks.push(match &line.enabled {
        None => red(
            "Enabled",
            "Nobody has read and enabled it.",
            "Read and enable it on the page Scripts.",
        ),
        Some(digest) if *digest == text.digest => {
            green("Enabled", format!("It is what was enabled, {}.", short(digest)))
        }
        Some(digest) => red(
            "Enabled",
            format!(
                "It was {} when it was enabled and is {} now.",
                short(digest),
                short(&text.digest)
            ),
            "Read it and enable it again on the page Scripts.",
        ),
    });
    checks.push(interpreter(&config.scripts, &text.manifest));
    checks.push(secrets(config, line, &text.manifest)?);
    Ok(checks)
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn interpreter(folder: &Path, manifest: &Manifest) -> Check {
    let Some(program) = manifest.interpreter.first() else {
        return match is_program(&folder.join(&manifest.file)) {
            true => green("Interpreter", "It is a program itself."),
            false => red(
                "Interpreter",
                "It names no interpreter and is no program.",
                "Name an interpreter in its manifest, or make the file executable.",
            ),
        };
    };
    match find(program) {
        Some(path) => green("Interpreter", format!("{program} is {}.", path.display())),
        None => red(
            "Interpreter",
            format!("{program} was not found on this machine."),
            "Install it, or name another in the manifest.",
        ),
    }
}

/// Where the system would find `program`.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_program(path));
    }
    let paths = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

fn secrets(config: &Config, line: &Line, manifest: &Manifest) -> Result<Check> {
    if manifest.secrets.is_empty() {
        return Ok(green("Secrets", "It needs none."));
    }
    let kept = line.script_secrets(&config.key)?;
    let missing: Vec<&str> = manifest
        .secrets
        .iter()
        .filter(|name| !kept.contains_key(*name))
        .map(String::as_str)
        .collect();
    Ok(match missing.is_empty() {
        true => green("Secrets", format!("It has {}.", manifest.secrets.join(", "))),
        false => {
            red("Secrets", format!("It lacks {}.", missing.join(", ")), "Edit it and type them in.")
        }
    })
}

fn of_webhook(config: &Config, line: &Line, now: Instant) -> Result<Vec<Check>> {
    let (mut checks, reached) = address(line);
    if reached {
        checks.push(ping(config, line, now)?);
    }
    Ok(checks)
}

/// What the address of a connector is worth; whether there is somebody to be called.
fn address(line: &Line) -> (Vec<Check>, bool) {
    let url = match network::check_url(&line.url) {
        Ok(url) => url,
        Err(why) => {
            return (vec![red("Address", format!("The address {why}."), "Edit it.")], false);
        }
    };
    let mut checks = vec![match url.scheme() {
        "https" => green("Address", "It is an https address."),
        _ => amber("Address", "It is reached without encryption.", "Give it an https address."),
    }];
    let (check, reached) = match network::resolve(&url, &line.networks, Duration::from_secs(5)) {
        Ok(found) => {
            let all: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
            (green("Name", format!("It resolves to {}.", all.join(", "))), true)
        }
        Err(Barred::Refused(text)) => {
            let fix =
                "Use a public address, or let somebody who may change settings list its network.";
            (red("Name", text, fix), false)
        }
        Err(Barred::Unresolved(text)) => {
            let fix = "Look at the name, and at this machine's name servers.";
            (red("Name", text, fix), false)
        }
    };
    checks.push(check);
    (checks, reached)
}

/// A signed call that asks for nothing.
fn ping(config: &Config, line: &Line, now: Instant) -> Result<Check> {
    let key = format!("ping-{}", secret::hex(&secret::random::<8>()?));
    let body =
        json!({ "version": 1, "key": key, "verb": "ping", "event": "ping", "dry_run": true });
    let delivery = Delivery {
        key: &key,
        event: "ping",
        attempt: 1,
        body: &body,
        secrets: &[],
        callback: None,
        now,
    };
    let (outcome, _) = webhook::send(&line.endpoint(config)?, &delivery);
    Ok(match outcome {
        Outcome::Done(_) | Outcome::Already(_) | Outcome::Waits { .. } => {
            green("Ping", "It answered a signed ping.")
        }
        Outcome::Retry { text, .. } | Outcome::Unknown { text } => {
            red("Ping", text, "See that it runs and can be reached from this machine.")
        }
        Outcome::Refused { text } => red(
            "Ping",
            text,
            "It must answer the event ping with 2xx. See that it has the present signing secret.",
        ),
    })
}
