//! Signatures of webhooks, as Standard Webhooks 1.0.0 has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tidegate_agentping_settings::{SecretText, WebhookTarget};
use tidegate_kernel::Timestamp;

const PREFIX: &str = "whsec_";
/// Random bytes of a secret of ours.
pub const SECRET_BYTES: usize = 32;

/// A text that is no secret. The text completes "Field 'secret' ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and the base64 of 24 to 64 bytes")]
pub struct SecretFault;

/// A secret from random bytes.
pub fn new_secret(random: &[u8; SECRET_BYTES]) -> SecretText {
    SecretText::new(format!("{PREFIX}{}", STANDARD.encode(random)))
}

/// Whether a text can be a secret.
///
/// # Errors
/// [`SecretFault`].
pub fn check_secret(text: &str) -> Result<(), SecretFault> {
    let bytes = key(text).ok_or(SecretFault)?;
    if (24..=64).contains(&bytes.len()) { Ok(()) } else { Err(SecretFault) }
}

fn key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()
}

/// The signature of one secret: `v1,` and base64. `None`: it is no secret.
pub fn signature(secret: &str, id: &str, unix_seconds: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{unix_seconds}.").as_bytes());
    mac.update(body.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// The value of `webhook-signature` at `now`: of the secret, and after a rotation of the one before as well.
pub fn signatures(target: &WebhookTarget, id: &str, now: Timestamp, body: &str) -> String {
    let previous = target.previous.as_ref().filter(|previous| now < previous.until);
    let secrets = std::iter::once(&target.secret).chain(previous.map(|previous| &previous.secret));
    let seconds = unix_seconds(now);
    let all: Vec<String> = secrets.filter_map(|secret| signature(secret.expose(), id, seconds, body)).collect();
    all.join(" ")
}

/// The value of `webhook-timestamp`.
pub const fn unix_seconds(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(1_000)
}
