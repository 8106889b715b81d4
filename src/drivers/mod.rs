//! What reaches outside systems: a script on this machine, a webhook or a SCIM service over the
//! network, a directory. Nothing here knows the store. Each driver is given all it needs, works within fixed limits, and answers with
//! an [`Outcome`] and a log in which the secrets it held are masked.

pub mod mask;
pub mod log;
pub mod sign;
pub mod network;
pub mod client;
pub mod child;
pub mod script;
pub mod webhook;
pub mod scim;
pub mod ldap;

use crate::secret::Secret;
use mask::Mask;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// How one attempt ended. Retries and how many of them are the engine's to decide.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Done(Answer),
    /// There was nothing to do: it was so before.
    Already(Answer),
    /// Not now. `after` is what the other side asked for, at most an hour.
    Retry {
        after: Option<Duration>,
        text: String,
    },
    /// It was taken, and is answered later at the address that was sent with it.
    Waits {
        hours: i64,
    },
    /// Nobody can tell what happened; it may have been done.
    Unknown {
        text: String,
    },
    /// Trying again will not help.
    Refused {
        text: String,
    },
}

/// What a script prints and a webhook may answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub message: Option<String>,
    #[serde(default)]
    pub outputs: Map<String, Value>,
    /// What was changed, or in a dry run would be, for people.
    #[serde(default)]
    pub changes: Vec<String>,
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One piece of work as scripts and webhooks are told of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The same in every attempt.
    pub key: String,
    pub verb: String,
    /// Only say what would change.
    pub dry_run: bool,
    pub event: String,
    pub customer: Value,
    pub user: Value,
    pub service: Value,
    pub props: Map<String, Value>,
    pub secrets: BTreeMap<String, Secret>,
    /// What an earlier attempt or the state before left behind.
    pub previous: Value,
    /// What a rule wants said besides.
    pub body: Option<Value>,
}

/// Of everything people are shown, no more than this.
const TEXT: usize = 1_000;
const ITEMS: usize = 200;

impl Call {
    /// The JSON document, with those secrets alone that the other side declared.
    pub fn document(&self, declared: &[String]) -> Value {
        let secrets: Map<String, Value> = self
            .secrets
            .iter()
            .filter(|(name, _)| declared.contains(name))
            .map(|(name, secret)| (name.clone(), Value::from(secret.reveal())))
            .collect();
        let mut document = serde_json::json!({
            "version": 1,
            "key": self.key,
            "verb": self.verb,
            "dry_run": self.dry_run,
            "event": self.event,
            "customer": self.customer,
            "user": self.user,
            "service": self.service,
            "props": self.props,
            "secrets": secrets,
            "previous": self.previous,
        });
        if let (Some(body), Some(whole)) = (&self.body, document.as_object_mut()) {
            whole.insert("body".to_owned(), body.clone());
        }
        document
    }
}

impl Outcome {
    /// The same without the secrets that `mask` hides.
    pub fn masked(self, mask: &Mask) -> Outcome {
        match self {
            Outcome::Done(answer) => Outcome::Done(answer.cleaned(mask)),
            Outcome::Already(answer) => Outcome::Already(answer.cleaned(mask)),
            Outcome::Retry { after, text } => Outcome::Retry { after, text: shown(&text, mask) },
            Outcome::Waits { hours } => Outcome::Waits { hours },
            Outcome::Unknown { text } => Outcome::Unknown { text: shown(&text, mask) },
            Outcome::Refused { text } => Outcome::Refused { text: shown(&text, mask) },
        }
    }
}

impl Answer {
    /// Bounded, and without secrets. An output that holds one is left out rather than stored
    /// changed.
    fn cleaned(mut self, mask: &Mask) -> Answer {
        self.message = self.message.map(|text| shown(&text, mask));
        for list in [&mut self.changes, &mut self.warnings] {
            list.truncate(ITEMS);
            for text in list {
                *text = shown(text, mask);
            }
        }
        let (kept, held): (Map<_, _>, Map<_, _>) =
            self.outputs.into_iter().partition(|(_, value)| !mask.finds(&value.to_string()));
        self.outputs = kept;
        self.warnings.extend(
            held.keys().map(|name| format!("The output {name} held a secret and was left out.")),
        );
        self
    }
}

/// A text of another system as people may see it: one line, masked, not endless.
fn shown(text: &str, mask: &Mask) -> String {
    let masked = mask.text(text);
    let line: String = masked.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
