//! Mails about a leaving, to whoever ordered it and to those who administrate the customer's users.

use super::report::Report;
use super::{Offboarding, Progress, store};
use crate::db::Write;
use crate::error::Result;
use crate::mail::{self, Class, NewMessage};

/// What failed, and what waits for somebody's hand; nothing where all went by itself.
pub fn of_what_is_left(tx: &Write, it: &Offboarding) -> Result<()> {
    let of = |state: Progress| -> Vec<String> {
        let those = it.steps.iter().filter(|step| step.state == state);
        those
            .map(|step| match step.result.as_str() {
                "" => format!("– {}", step.text),
                why => format!("– {}: {why}", step.text),
            })
            .collect()
    };
    let (failed, by_hand) = (of(Progress::Failed), of(Progress::ByHand));
    if failed.is_empty() && by_hand.is_empty() {
        return Ok(());
    }
    let name = store::whose(tx, it)?.name;
    let mut text = format!("{name} was offboarded, but something is left.");
    if !failed.is_empty() {
        text = format!("{text}\n\nThis failed:\n\n{}", failed.join("\n"));
    }
    if !by_hand.is_empty() {
        text = format!(
            "{text}\n\nThis no connector can do. Do it by hand, and say so on the user's page:\n\n{}",
            by_hand.join("\n")
        );
    }
    let text = format!("{text}\n\nAll of it is looked at once more in 24 hours.");
    tell(tx, it, &format!("Offboarding {name}: something is left"), &text)
}

/// The report, once it is sealed.
pub fn of_the_report(tx: &Write, it: &Offboarding, report: &Report) -> Result<()> {
    let lines: Vec<String> = report
        .steps
        .iter()
        .map(|line| {
            let told: Vec<&str> =
                [line.result.as_str(), &line.found].into_iter().filter(|t| !t.is_empty()).collect();
            format!("– {}: {}. {}", line.text, line.state.replace('_', " "), told.join("; "))
        })
        .collect();
    let hash = it.seal.as_ref().map_or("", |seal| seal.hash.as_str());
    let text = format!(
        "{} was offboarded. After 24 hours everything was looked at once more:\n\n{}\n\n\
         The report is sealed under {hash}. It stands on the user's page, under Memory.",
        report.name,
        lines.join("\n")
    );
    tell(tx, it, &format!("Offboarded: {}", report.name), &text)
}

fn tell(tx: &Write, it: &Offboarding, subject: &str, text: &str) -> Result<()> {
    for (to, name) in store::to_tell(tx, it)? {
        mail::queue(
            tx,
            &NewMessage {
                customer: it.customer,
                user: Some(it.user_id),
                event: "user.offboarded",
                class: Class::Notice,
                to: &to,
                name: &name,
                subject,
                text: &format!("Hello {name},\n\n{text}"),
                link: None,
                expires: None,
            },
        )?;
    }
    Ok(())
}
