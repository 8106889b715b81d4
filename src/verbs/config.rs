//! `config`: every setting, its value and where it comes from: of the process, and those of the
//! settings page once there is a store. It changes nothing.

use portico::config::{Line, Source, Told};
use portico::db::{Db, SCHEMA_VERSION, backup};
use portico::error::Result;
use portico::settings::{self, Rule, SETTINGS};
use serde_json::json;
use std::process::ExitCode;

pub fn run(mut told: Told, as_json: bool) -> Result<ExitCode> {
    let stored = stored(&told)?;
    told.lines.extend(stored);
    let complaints = told.complaints.iter().map(|c| format!("{} {}", c.field, c.message));
    let complaints: Vec<String> = complaints.collect();
    if as_json {
        let settings = json!({ "settings": told.lines, "complaints": complaints });
        println!("{settings:#}");
    } else {
        let widest = told.lines.iter().map(|line| line.key.len()).max().unwrap_or(0);
        for Line { key, value, source, .. } in &told.lines {
            let value = if value.is_empty() { "(empty)" } else { value };
            println!("{key:widest$}  {value}  [{}]", source.word());
        }
        for complaint in &complaints {
            eprintln!("portico: {complaint}");
        }
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the settings page says, where there is a store of this program. What the process was told
/// goes first, and is among its own lines.
fn stored(told: &Told) -> Result<Vec<Line>> {
    let path = told.data().join("portico.db");
    let current = || backup::version(&path).map(usize::try_from);
    if !path.exists() || !matches!(current(), Ok(Ok(SCHEMA_VERSION))) {
        return Ok(Vec::new());
    }
    let values = Db::open(path)?.read(settings::store::all)?;
    let told_address = told
        .lines
        .iter()
        .any(|line| line.key == "PORTICO_BASE_URL" && line.source != Source::Default);
    let line = |setting: &settings::Setting| {
        let kept = values.get(setting.key);
        let source = match kept {
            Some(_) => Source::Page,
            None => Source::Default,
        };
        let value = match (setting.rule, kept) {
            (Rule::Secret, Some(_)) => "set",
            (Rule::Secret, None) => "not set",
            (_, Some(value)) => value,
            (_, None) => setting.default,
        };
        Line { key: setting.key.to_owned(), value: value.to_owned(), source, about: setting.label }
    };
    let shown = SETTINGS.iter().filter(|setting| !(told_address && setting.key == "base_url"));
    Ok(shown.map(line).collect())
}
