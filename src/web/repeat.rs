//! A write that names an `Idempotency-Key` is done once: its answer is kept in the transaction that
//! did it, and given again. A secret in it is not kept: the answer given again says that it was shown.

use super::{Cx, Method, Response, store};
use crate::error::{Error, Result};
use crate::secret::sha256;
use serde_json::{Map, Value};

/// Runs `act` unless its answer is already known. Only what was done is kept: a refused request
/// leaves the key free.
pub fn once(cx: &Cx, act: impl FnOnce() -> Result<Response>) -> Result<Response> {
    let key = cx.request.header("Idempotency-Key");
    if key.is_empty() || cx.request.method == Method::Get {
        return act();
    }
    if key.len() > 128 || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::invalid("Idempotency-Key", "must be 1 to 128 visible ASCII characters"));
    }
    let mut whole = format!(
        "{} {} {}\n",
        cx.request.method.word(),
        cx.request.path,
        cx.request.query.to_query()
    )
    .into_bytes();
    whole.extend(&cx.request.body);
    let request = sha256(&whole);
    cx.db.write(cx.actor.by, |tx| match store::answer(tx, cx.actor.user, key, &request)? {
        Some((true, answer)) => Ok(answer),
        Some((false, _)) => Err(Error::invalid("Idempotency-Key", "was used for another request")),
        None => {
            let answer = act()?;
            if (200..300).contains(&answer.status) {
                let kept = to_keep(&answer)?;
                store::keep_answer(tx, cx.actor.user, key, &request, &answer, &kept)?;
            }
            Ok(answer)
        }
    })
}

/// The body without what is shown once.
fn to_keep(answer: &Response) -> Result<String> {
    let Some(field) = answer.once else { return Ok(answer.text()) };
    let mut body: Map<String, Value> = serde_json::from_str(&answer.text())?;
    if body.get(field).is_some_and(|value| !value.is_null()) {
        body.insert(field.to_owned(), Value::Null);
        body.insert("note".to_owned(), Value::from("was shown once"));
    }
    Ok(serde_json::to_string(&body)?)
}
