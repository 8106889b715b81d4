//! A sealed report on paper. Times are those of the customer's clock, so that everybody gets the same.

use super::report::{Line, Report};
use super::{Offboarding, Seal};
use crate::error::{Error, Result};
use crate::html::text::moment_in_words;
use crate::pdf::{Cell, Column, Paper, Style};
use crate::time::Zone;

/// The report as a PDF; there is none before the seal.
pub fn pdf(it: &Offboarding, report: &Report, zone: &Zone) -> Result<Vec<u8>> {
    let seal = it.seal.as_ref().ok_or(Error::NotFound)?;
    let mut paper = Paper::new(&format!("Offboarding of {}", report.name))?;
    paper.text(&format!("Offboarding of {}", report.name), Style::Title);
    paper.space(30);
    let whose = [report.upn.as_str(), &report.customer_name];
    let whose: Vec<&str> = whose.into_iter().filter(|text| !text.is_empty()).collect();
    paper.text(&whose.join(", "), Style::Text);
    paper.space(120);
    let at = |instant| moment_in_words(instant, zone);
    let mut facts = vec![
        ("Ordered", format!("{}, {}", at(report.ordered_at), report.ordered_by)),
        ("Began", at(report.begins_at)),
    ];
    facts.extend(report.over_at.map(|over| ("Last step", at(over))));
    facts.extend(report.looked_at.map(|looked| ("Looked at again", at(looked))));
    paper.facts(&facts);
    paper.space(160);
    let column = |title, share| Column { title, share, figures: false };
    let columns =
        [column("Step", 34), column("State", 12), column("When", 21), column("Result", 33)];
    let rows: Vec<Vec<Cell>> = report.steps.iter().map(|line| row(line, zone)).collect();
    paper.table(&columns, &rows);
    paper.space(160);
    sealed(&mut paper, seal, zone);
    paper.finish()
}

/// The word for a step's state, in the report and on its page.
pub fn state_word(state: &str) -> &'static str {
    match state {
        "done" => "Done",
        "failed" => "Failed",
        "by_hand" => "By hand",
        "cancelled" => "Cancelled",
        _ => "Planned",
    }
}

fn row(line: &Line, zone: &Zone) -> Vec<Cell> {
    let word = state_word(&line.state);
    let at = line.ended_at.filter(|_| line.state != "by_hand").unwrap_or(line.due_at);
    let result = match &line.by {
        Some(by) => format!("{}, {by}", line.result),
        None => line.result.clone(),
    };
    let found = match line.holds {
        Some(true) => format!("Holds: {}", line.found),
        Some(false) => format!("Does not hold: {}", line.found),
        None => line.found.clone(),
    };
    let note = if line.found.is_empty() { String::new() } else { found };
    vec![
        Cell::from(line.text.as_str()),
        Cell::from(word),
        Cell::from(moment_in_words(at, zone)),
        Cell { text: result, note },
    ]
}

fn sealed(paper: &mut Paper, seal: &Seal, zone: &Zone) {
    let mut facts = vec![
        ("Report", format!("{}, sealed {}", seal.number, moment_in_words(seal.sealed_at, zone))),
        ("Seal", seal.hash.clone()),
    ];
    if !seal.previous.is_empty() {
        facts.push(("Seal before", seal.previous.clone()));
    }
    facts.push(("Fits", if seal.intact { "Yes" } else { "No: it was changed" }.to_owned()));
    paper.facts(&facts);
    paper.space(60);
    let how = "The seal is SHA-256 over the seal before, a line end, and the report as its JSON holds it.";
    paper.text(how, Style::Small);
}
