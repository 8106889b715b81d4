//! A call to a webhook: signed JSON there, an outcome back. The same key in every attempt lets the
//! receiver recognise a repetition.

use crate::drivers::client::{self, Failure, Reply, Target, retry_after};
use crate::drivers::log::Log;
use crate::drivers::mask::Mask;
use crate::drivers::{Answer, Outcome, network, shown, sign};
use crate::secret::Secret;
use crate::time::Instant;
use ipnet::IpNet;
use serde_json::Value;
use std::time::Duration;

/// Both ways.
pub const BODY: usize = 256 * 1024;
pub const LIMIT: Duration = Duration::from_secs(30);

pub struct Endpoint {
    pub url: String,
    /// One, or two while it is rotated.
    pub secrets: Vec<Secret>,
    /// Private networks that may be dialled.
    pub networks: Vec<IpNet>,
    /// The whole call, connecting included.
    pub limit: Duration,
    /// Certificate authorities (PEM) to trust instead of the public ones.
    pub authorities: Option<String>,
}

pub struct Delivery<'a> {
    pub key: &'a str,
    pub event: &'a str,
    pub attempt: u32,
    pub body: &'a Value,
    /// Those within `body`, so that the log can hide them.
    pub secrets: &'a [Secret],
    /// Where it may be answered later.
    pub callback: Option<&'a str>,
    pub now: Instant,
}

pub fn send(endpoint: &Endpoint, delivery: &Delivery<'_>) -> (Outcome, Log) {
    let mask = Mask::new(endpoint.secrets.iter().chain(delivery.secrets));
    let mut log = Log::new(mask.clone());
    let outcome = match attempt(endpoint, delivery, &mut log) {
        Ok(reply) => outcome(&reply, &mask, delivery),
        Err(Failure::Refused(text)) => Outcome::Refused { text: shown(&text, &mask) },
        Err(Failure::Network(text)) => Outcome::Retry { after: None, text: shown(&text, &mask) },
    };
    match &outcome {
        Outcome::Retry { text, .. } | Outcome::Unknown { text } | Outcome::Refused { text } => {
            log.add(text);
        }
        Outcome::Waits { hours } => log.add(&format!("it answers later, within {hours} hours")),
        Outcome::Done(_) | Outcome::Already(_) => {}
    }
    (outcome, log)
}

fn attempt(endpoint: &Endpoint, delivery: &Delivery<'_>, log: &mut Log) -> Result<Reply, Failure> {
    let url = network::check_url(&endpoint.url)
        .map_err(|text| Failure::Refused(format!("The address {text}.")))?;
    let body = delivery.body.to_string();
    if body.len() > BODY {
        return Err(Failure::Refused(format!(
            "There are {} KiB to send, and {} KiB is the most.",
            body.len() / 1024,
            BODY / 1024
        )));
    }
    let signature = sign::sign(&endpoint.secrets, delivery.key, delivery.now, body.as_bytes())
        .map_err(|err| Failure::Refused(format!("It cannot be signed: {err}.")))?;
    let mut headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Accept", "application/json, application/problem+json".to_owned()),
        ("Idempotency-Key", delivery.key.to_owned()),
        ("Portico-Event", delivery.event.to_owned()),
        ("Portico-Attempt", delivery.attempt.to_string()),
        ("webhook-id", delivery.key.to_owned()),
        ("webhook-timestamp", delivery.now.unix().to_string()),
        ("webhook-signature", signature),
    ];
    if let Some(callback) = delivery.callback {
        headers.push(("Portico-Callback", callback.to_owned()));
    }
    // Receivers put tokens into paths and queries; the log has the machine only.
    let place = url.origin().ascii_serialization();
    log.add(&format!("POST to {place}, {} bytes, attempt {}", body.len(), delivery.attempt));
    let target = Target {
        url: &url,
        networks: &endpoint.networks,
        limit: endpoint.limit,
        authorities: endpoint.authorities.as_deref(),
        answer: BODY,
    };
    let reply = client::post(&target, &headers, body.as_bytes())?;
    log.add(&format!("answer {}, {} bytes", reply.status, reply.body.len()));
    let text = String::from_utf8_lossy(&reply.body);
    match reply.broken {
        None => log.add(&text),
        Some(_) => log.add_cut(&text),
    }
    Ok(reply)
}

fn outcome(reply: &Reply, mask: &Mask, delivery: &Delivery<'_>) -> Outcome {
    let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let said = |field: &str| json.get(field).and_then(Value::as_str);
    match reply.status {
        202 if reply.broken.is_none() && later(&json).is_some() => {
            match (delivery.callback, later(&json)) {
                (Some(_), Some(hours)) => Outcome::Waits { hours },
                _ => Outcome::Refused {
                    text: "It wants to answer later, and this installation has no address that it could answer at: set it under Settings.".into(),
                },
            }
        }
        200..=299 => match &reply.broken {
            None => Outcome::Done(answer(&json).cleaned(mask)),
            Some(text) => {
                Outcome::Unknown { text: format!("It answered {}, but then: {text}", reply.status) }
            }
        },
        300..=399 => Outcome::Refused {
            text: format!("It answered {}: redirects are not followed.", reply.status),
        },
        409 if json.get("already") == Some(&Value::Bool(true)) => {
            Outcome::Already(answer(&json).cleaned(mask))
        }
        408 | 425 | 429 | 500..=599 => {
            let after =
                reply.retry_after.as_deref().and_then(|text| retry_after(text, delivery.now));
            let title = said("title").map(|title| format!(": {}", shown(title, mask)));
            let text = format!("It answered {}{}", reply.status, title.unwrap_or_default());
            Outcome::Retry { after, text }
        }
        status => {
            let title = said("title").or(said("message")).unwrap_or("it gave no reason");
            Outcome::Refused { text: format!("It answered {status}: {}", shown(title, mask)) }
        }
    }
}

/// The hours within which it promises to answer, a day if it names none and a week at most.
fn later(json: &Value) -> Option<i64> {
    match json.get("callback")? {
        Value::Bool(true) => Some(24),
        Value::Number(hours) => Some(hours.as_i64().unwrap_or(24).clamp(1, 168)),
        _ => None,
    }
}

/// What it says in our words; other fields are the receiver's own business.
fn answer(json: &Value) -> Answer {
    let texts = |field: &str| match json.get(field) {
        Some(Value::Array(list)) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    Answer {
        message: json.get("message").and_then(Value::as_str).map(str::to_owned),
        outputs: json.get("outputs").and_then(Value::as_object).cloned().unwrap_or_default(),
        changes: texts("changes"),
        warnings: texts("warnings"),
    }
}
