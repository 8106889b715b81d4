//! How the demonstration acts: through the API, as the people in it, at the times they did it.

use crate::auth::NewToken;
use crate::demo::store;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::secret::Secret;
use crate::time::Instant;
use crate::web::{App, Request};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub struct Stage<'a> {
    pub app: &'a App,
}

/// A member of an answer; null where there is none.
pub trait Part {
    fn at(&self, name: &str) -> &Value;
}

impl Part for Value {
    fn at(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

/// Somebody who acts, by a token of theirs.
#[derive(Clone)]
pub struct Actor(Secret);

impl Stage<'_> {
    /// Makes it `instant` now.
    pub fn at(&self, instant: Instant) {
        self.app.db.clock.set(instant);
    }

    /// A token for the year shown, in the name of `user`.
    pub fn enter(&self, user: UserId) -> Result<Actor> {
        let token = NewToken::make()?;
        store::keep_token(&self.app.db, user, &token)?;
        Ok(Actor(token.text))
    }

    pub fn get(&self, who: &Actor, path: &str) -> Result<Value> {
        self.ask(who, "GET", path, &Value::Null)
    }

    pub fn post(&self, who: &Actor, path: &str, body: &Value) -> Result<Value> {
        self.ask(who, "POST", path, body)
    }

    pub fn patch(&self, who: &Actor, path: &str, body: &Value) -> Result<Value> {
        self.ask(who, "PATCH", path, body)
    }

    pub fn put(&self, who: &Actor, path: &str, body: &Value) -> Result<Value> {
        self.ask(who, "PUT", path, body)
    }

    pub fn delete(&self, who: &Actor, path: &str) -> Result<Value> {
        self.ask(who, "DELETE", path, &Value::Null)
    }

    /// Each item of a list, page by page.
    pub fn all(&self, who: &Actor, path: &str) -> Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page = self.get(who, &format!("{path}{join}limit=200{after}"))?;
            items.extend(page.at("items").as_array().cloned().unwrap_or_default());
            match page.at("next").as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(items),
            }
        }
    }

    /// Puts a file there.
    pub fn send(&self, who: &Actor, path: &str, bytes: &[u8]) -> Result<Value> {
        self.carry(who, "PUT", path, "application/octet-stream", bytes.to_vec(), "a file")
    }

    fn ask(&self, who: &Actor, method: &str, path: &str, body: &Value) -> Result<Value> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.carry(who, method, path, "application/json", bytes, &body.to_string())
    }

    fn carry(
        &self,
        who: &Actor,
        method: &str,
        path: &str,
        kind: &str,
        bytes: Vec<u8>,
        told: &str,
    ) -> Result<Value> {
        let headers = vec![
            ("Authorization".to_owned(), format!("Bearer {}", who.0.reveal())),
            ("Content-Type".to_owned(), kind.to_owned()),
        ];
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let request = Request::new(method, &format!("/api/v1{path}"), headers, bytes, address);
        let request = request.ok_or_else(|| Error::internal(method.to_owned()))?;
        self.app.throttle.clear();
        let answer = self.app.handle(&request);
        let text = answer.text();
        if !(200..300).contains(&answer.status) {
            return Err(Error::internal(format!(
                "{method} {path} {told}: {} {text}",
                answer.status
            )));
        }
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    /// Waits until the engine has nothing to do.
    pub fn settle(&self) -> Result<()> {
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while store::requests_open(&self.app.db)? {
            if std::time::Instant::now() > until {
                return Err(Error::internal("the demonstration's requests do not end"));
            }
            std::thread::sleep(Duration::from_millis(4));
        }
        Ok(())
    }
}
