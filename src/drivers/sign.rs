//! Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`. Receivers have libraries for
//! it. While a secret is rotated there are two signatures, and either is enough.

use crate::error::{Error, Result};
use crate::secret::{Secret, random};
use crate::time::Instant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far a timestamp may be from the receiver's clock.
const TOLERANCE: i64 = 300;

/// A new secret, to be shown once.
pub fn new_secret() -> Result<Secret> {
    Ok(Secret::new(format!("whsec_{}", STANDARD.encode(random::<32>()?))))
}

/// The value of `webhook-signature`: one signature for each secret, with a space between.
pub fn sign(secrets: &[Secret], id: &str, at: Instant, body: &[u8]) -> Result<String> {
    if id.is_empty() || id.contains('.') {
        return Err(Error::invalid("id", "is needed for a signature, without a dot"));
    }
    let signed = |secret| {
        let mac = mac(secret, id, &at.unix().to_string(), body)?;
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    let all: Vec<String> = secrets.iter().map(signed).collect::<Result<_>>()?;
    match all.is_empty() {
        true => Err(Error::invalid("secret", "is needed for a signature")),
        false => Ok(all.join(" ")),
    }
}

/// Whether one of the signatures is of one of the secrets, and the timestamp is of these minutes.
pub fn verify(
    secrets: &[Secret],
    (id, timestamp, signature): (&str, &str, &str),
    body: &[u8],
    now: Instant,
) -> bool {
    let Ok(at) = timestamp.parse::<i64>() else { return false };
    if now.unix().abs_diff(at) > TOLERANCE.unsigned_abs() {
        return false;
    }
    let offered: Vec<Vec<u8>> = signature
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .filter_map(|text| STANDARD.decode(text).ok())
        .collect();
    let fits = |secret: &Secret| {
        // `verify_slice` takes the same time for every wrong signature.
        let mac = mac(secret, id, timestamp, body).ok();
        mac.is_some_and(|mac| offered.iter().any(|one| mac.clone().verify_slice(one).is_ok()))
    };
    secrets.iter().any(fits)
}

fn mac(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Result<Hmac<Sha256>> {
    let key = secret.reveal().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    let key = key
        .filter(|key| (16..=128).contains(&key.len()))
        .ok_or_else(|| Error::invalid("secret", "is whsec_ and then 16 to 128 bytes in base64"))?;
    let mut mac = Hmac::new_from_slice(&key).map_err(Error::internal)?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn it_signs_as_the_reference_libraries_do() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Instant::from_unix(1_614_265_330);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let body = br#"{"test": 2432232314}"#;
        let signature = sign(std::slice::from_ref(&secret), id, at, body).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let headers = (id, "1614265330", signature.as_str());
        let secrets = [secret];
        assert!(verify(&secrets, headers, body, at.plus_seconds(300)));
        assert!(!verify(&secrets, headers, body, at.plus_seconds(301)));
        assert!(!verify(&secrets, headers, b"{}", at));
        assert!(!verify(&secrets, ("msg_other", headers.1, headers.2), body, at));
        assert!(!verify(&secrets, (id, "1614265331", headers.2), body, at));
        assert!(!verify(&[new_secret().unwrap()], headers, body, at));
    }

    #[test]
    fn either_signature_is_enough_while_rotating() {
        let (old, new) = (new_secret().unwrap(), new_secret().unwrap());
        let at = Instant::from_unix(1_800_000_000);
        let signature = sign(&[new.clone(), old.clone()], "portico-1-7", at, b"{}").unwrap();
        assert_eq!(signature.split(' ').count(), 2);
        for known in [old, new] {
            assert!(verify(&[known], ("portico-1-7", "1800000000", &signature), b"{}", at));
        }
    }

    #[test]
    fn a_secret_that_is_none_is_a_complaint() {
        let at = Instant::from_unix(0);
        for text in
            ["", "whsec_", "whsec_abc", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            assert!(sign(&[Secret::new(text)], "a", at, b"{}").is_err(), "{text}");
        }
        assert!(sign(&[], "a", at, b"{}").is_err());
        let good = [new_secret().unwrap()];
        assert!(sign(&good, "a.1", at, b"{}").is_err());
    }
}
