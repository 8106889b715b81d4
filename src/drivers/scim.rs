//! One conversation with a SCIM 2.0 service (RFC 7643, 7644): resources are read, searched, made,
//! changed under the version that was read, and deleted. What is wanted is not known here.

use crate::drivers::client::{self, Failure, Target, retry_after};
use crate::drivers::{Answer, Outcome};
use crate::error::Error;
use crate::secret::Secret;
use crate::time::Instant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

/// Of an answer no more than so many bytes.
const ANSWER: usize = 4 * 1024 * 1024;
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// How we say who we are.
#[derive(Clone)]
pub enum Pass {
    Bearer(Secret),
    Basic(String, Secret),
}

#[derive(Clone)]
pub struct Endpoint {
    /// Where `/Users` and the others are below.
    pub url: String,
    pub pass: Pass,
    /// Private networks that may be dialled.
    pub networks: Vec<IpNet>,
    /// One call, connecting included.
    pub limit: Duration,
    /// Certificate authorities (PEM) to trust instead of the public ones.
    pub authorities: Option<String>,
}

/// What is there, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    pub body: Map<String, Value>,
    /// Its version, where the service counts versions.
    pub version: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// There is none of that id.
    Missing,
    /// Something that must be one of its kind is so already.
    Taken(String),
    /// Somebody changed it since it was read.
    Stale,
    Later {
        after: Option<Duration>,
        text: String,
    },
    Refused(String),
}

pub struct Session<'e> {
    endpoint: &'e Endpoint,
    now: Instant,
    /// What was called and what came of it, for the log.
    pub trace: Vec<String>,
}

impl Resource {
    pub fn id(&self) -> &str {
        self.text("id")
    }

    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn of(body: Map<String, Value>, etag: Option<String>) -> Resource {
        let told = body.get("meta").and_then(|meta| meta.get("version")).and_then(Value::as_str);
        let version = etag.or(told.map(str::to_owned));
        Resource { body, version }
    }
}

/// A condition on one attribute, with its value quoted.
pub fn equals(attribute: &str, value: &str) -> String {
    format!("{attribute} eq {}", Value::from(value))
}

impl<'e> Session<'e> {
    pub fn new(endpoint: &'e Endpoint, now: Instant) -> Session<'e> {
        Session { endpoint, now, trace: Vec::new() }
    }

    pub fn read(&mut self, path: &[&str]) -> Result<Resource, Fault> {
        self.call("GET", path, &[], None, None)?.ok_or_else(|| unreadable("GET"))
    }

    /// All that fit, two at most where `most` says so.
    pub fn find(&mut self, kind: &str, filter: &str, most: u32) -> Result<Vec<Resource>, Fault> {
        let most = most.to_string();
        let query = [("filter", filter), ("count", most.as_str())];
        let query = if filter.is_empty() { query.get(1..).unwrap_or_default() } else { &query };
        let found = self.call("GET", &[kind], query, None, None)?;
        let found = found.ok_or_else(|| unreadable("GET"))?;
        let all = found.body.get("Resources").and_then(Value::as_array);
        let all = all.into_iter().flatten().filter_map(Value::as_object);
        Ok(all.map(|each| Resource::of(each.clone(), None)).collect())
    }

    pub fn create(&mut self, kind: &str, body: &Value) -> Result<Resource, Fault> {
        self.call("POST", &[kind], &[], None, Some(body))?.ok_or_else(|| unreadable("POST"))
    }

    /// Puts `body` in its place. `None` where the service does not say what it is now.
    pub fn replace(
        &mut self,
        (kind, id): (&str, &str),
        version: Option<&str>,
        body: &Value,
    ) -> Result<Option<Resource>, Fault> {
        self.call("PUT", &[kind, id], &[], version, Some(body))
    }

    pub fn patch(
        &mut self,
        (kind, id): (&str, &str),
        version: Option<&str>,
        operations: &[Value],
    ) -> Result<Option<Resource>, Fault> {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.call("PATCH", &[kind, id], &[], version, Some(&body))
    }

    /// Gone is gone, whoever did it.
    pub fn delete(&mut self, (kind, id): (&str, &str), version: Option<&str>) -> Result<(), Fault> {
        match self.call("DELETE", &[kind, id], &[], version, None) {
            Ok(_) | Err(Fault::Missing) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn call(
        &mut self,
        method: &str,
        path: &[&str],
        query: &[(&str, &str)],
        version: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Option<Resource>, Fault> {
        let url = self.address(path, query)?;
        let body = body.map(Value::to_string);
        let mut headers = vec![
            ("Accept", "application/scim+json, application/json".to_owned()),
            ("Authorization", self.authorization()),
        ];
        if body.is_some() {
            headers.push(("Content-Type", "application/scim+json".to_owned()));
        }
        if let Some(version) = version {
            headers.push(("If-Match", version.to_owned()));
        }
        let target = Target {
            url: &url,
            networks: &self.endpoint.networks,
            limit: self.endpoint.limit,
            authorities: self.endpoint.authorities.as_deref(),
            answer: ANSWER,
        };
        let said = path.join("/");
        let reply = client::call(&target, method, &headers, body.as_deref().map(str::as_bytes));
        let reply = reply.map_err(|failure| match failure {
            Failure::Refused(text) => Fault::Refused(text),
            Failure::Network(text) => Fault::Later { after: None, text },
        })?;
        self.trace.push(format!("{method} /{said}: {}, {} bytes", reply.status, reply.body.len()));
        let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let detail = json.get("detail").and_then(Value::as_str).unwrap_or("it gave no reason");
        let text = format!("{method} /{said} was answered {}: {detail}", reply.status);
        match reply.status {
            200..=299 => match (reply.broken, json) {
                (Some(text), _) => Err(Fault::Later { after: None, text }),
                (None, Value::Object(body)) => Ok(Some(Resource::of(body, reply.etag))),
                (None, _) => Ok(None),
            },
            300..=399 => Err(Fault::Refused(format!(
                "It answered {}: redirects are not followed.",
                reply.status
            ))),
            401 => Err(Fault::Refused(
                "It does not take the credential of this connector (401).".into(),
            )),
            404 => Err(Fault::Missing),
            409 => Err(Fault::Taken(text)),
            412 => Err(Fault::Stale),
            408 | 425 | 429 | 500..=599 => {
                let after = reply.retry_after.as_deref();
                Err(Fault::Later { after: after.and_then(|it| retry_after(it, self.now)), text })
            }
            _ => Err(Fault::Refused(text)),
        }
    }

    fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Fault> {
        let wrong = || Fault::Refused("The address of the connector cannot be used.".to_owned());
        let mut url = Url::parse(&self.endpoint.url).map_err(|_| wrong())?;
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn authorization(&self) -> String {
        match &self.endpoint.pass {
            Pass::Bearer(secret) => format!("Bearer {}", secret.reveal()),
            Pass::Basic(name, secret) => {
                format!("Basic {}", STANDARD.encode(format!("{name}:{}", secret.reveal())))
            }
        }
    }
}

fn unreadable(method: &str) -> Fault {
    let text = format!("Its answer to {method} is not what SCIM says it should be.");
    Fault::Later { after: None, text }
}

impl Fault {
    pub fn refused(text: impl Into<String>) -> Fault {
        Fault::Refused(text.into())
    }

    pub fn outcome(self) -> Outcome {
        match self {
            Fault::Missing => Outcome::Refused { text: "It is not there any more.".into() },
            Fault::Taken(text) | Fault::Refused(text) => Outcome::Refused { text },
            Fault::Stale => Outcome::Retry {
                after: None,
                text: "Somebody else changes it there at the same time.".into(),
            },
            Fault::Later { after, text } => Outcome::Retry { after, text },
        }
    }

    pub fn text(self) -> String {
        match self.outcome() {
            Outcome::Retry { text, .. } | Outcome::Unknown { text } | Outcome::Refused { text } => {
                text
            }
            Outcome::Done(Answer { message, .. }) | Outcome::Already(Answer { message, .. }) => {
                message.unwrap_or_default()
            }
            Outcome::Waits { .. } => String::new(),
        }
    }
}

/// What is wrong here is nothing of theirs: it may be better another time.
impl From<Error> for Fault {
    fn from(err: Error) -> Fault {
        match err {
            Error::NotFound => Fault::Refused("What it is about is not there any more.".into()),
            err => Fault::Later { after: None, text: format!("Portico could not go on: {err}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(equals("userName", "theo@x.example"), "userName eq \"theo@x.example\"");
        assert_eq!(
            equals("userName", "a\" or userName pr or userName eq \"b\\"),
            r#"userName eq "a\" or userName pr or userName eq \"b\\""#
        );
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_address() {
        let endpoint = Endpoint {
            url: "https://scim.example.com/v2/".into(),
            pass: Pass::Bearer(Secret::new("t")),
            networks: Vec::new(),
            limit: Duration::from_secs(1),
            authorities: None,
        };
        let session = Session::new(&endpoint, Instant::from_unix(0));
        let at = |path: &[&str]| session.address(path, &[("filter", "a eq \"b&c\"")]).unwrap();
        assert_eq!(
            at(&["Users", "a/../b?c#d"]).as_str(),
            "https://scim.example.com/v2/Users/a%2F..%2Fb%3Fc%23d?filter=a+eq+%22b%26c%22"
        );
    }
}
