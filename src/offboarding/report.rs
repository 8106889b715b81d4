//! The report: what was ordered, what came of it, and its place in the chain of reports.

use super::{Offboarding, Step, store};
use crate::db::{Read, Write};
use crate::error::Result;
use crate::ids::{CustomerId, OffboardingId, UserId};
use crate::secret;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A report that is closed, with the text that was hashed.
#[derive(Clone, Serialize)]
pub struct Seal {
    pub number: i64,
    pub sealed_at: Instant,
    pub previous: String,
    pub hash: String,
    pub report: String,
    /// Whether the text still fits its hash, and the chain is whole up to it.
    pub intact: bool,
}

/// What a report says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub offboarding: OffboardingId,
    pub customer: CustomerId,
    pub customer_name: String,
    pub user: UserId,
    pub name: String,
    pub upn: String,
    pub ordered_by: String,
    pub ordered_at: Instant,
    pub begins_at: Instant,
    pub over_at: Option<Instant>,
    pub looked_at: Option<Instant>,
    pub steps: Vec<Line>,
}

/// A step as its report tells it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub act: String,
    pub text: String,
    pub due_at: Instant,
    pub state: String,
    pub ended_at: Option<Instant>,
    pub by: Option<String>,
    pub result: String,
    pub holds: Option<bool>,
    pub found: String,
}

impl From<&Step> for Line {
    fn from(step: &Step) -> Line {
        Line {
            act: step.act.word().to_owned(),
            text: step.text.clone(),
            due_at: step.due_at,
            state: step.state.word().to_owned(),
            ended_at: step.ended_at,
            by: step.by.clone(),
            result: step.result.clone(),
            holds: step.holds,
            found: step.found.clone(),
        }
    }
}

/// The report as it was sealed; before that, as it stands.
pub fn of(db: &Read, it: &Offboarding) -> Result<Report> {
    match &it.seal {
        // What was tampered with may be no report at all; the seal says that it does not fit.
        Some(seal) => match serde_json::from_str(&seal.report) {
            Ok(report) => Ok(report),
            Err(_) => compose(db, it, Some(seal.sealed_at)),
        },
        None => compose(db, it, None),
    }
}

fn compose(db: &Read, it: &Offboarding, looked_at: Option<Instant>) -> Result<Report> {
    let whose = store::whose(db, it)?;
    Ok(Report {
        offboarding: it.id,
        customer: it.customer,
        customer_name: whose.customer,
        user: it.user_id,
        name: whose.name,
        upn: whose.upn,
        ordered_by: it.ordered_by.clone(),
        ordered_at: it.ordered_at,
        begins_at: it.begins_at,
        over_at: it.over_at,
        looked_at,
        steps: it.steps.iter().map(Line::from).collect(),
    })
}

/// Closes it for good.
pub fn seal(tx: &Write, id: OffboardingId) -> Result<Report> {
    let it = store::one(tx, id)?;
    let report = compose(tx, &it, Some(tx.now))?;
    let text = serde_json::to_string(&report)?;
    let (number, previous) = store::last_seal(tx)?.unwrap_or_default();
    let hash = sum(&previous, &text);
    store::seal(tx, id, number + 1, (&previous, &text, &hash))?;
    Ok(report)
}

/// The hash of a report after the one before it.
pub fn sum(previous: &str, report: &str) -> String {
    secret::hex(&secret::sha256(format!("{previous}\n{report}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_the_report_and_of_the_one_before() {
        let first = sum("", "{}");
        assert_eq!(first.len(), 64);
        assert_ne!(sum("", "{ }"), first);
        assert_ne!(sum(&first, "{}"), first);
    }
}
