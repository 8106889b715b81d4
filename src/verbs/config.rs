//! `config`: every setting, its value and where it comes from, without touching anything.

use portico::config::{Line, Told};
use portico::error::Result;
use serde_json::json;
use std::process::ExitCode;

pub fn run(told: Told, as_json: bool) -> Result<ExitCode> {
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
