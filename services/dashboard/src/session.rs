//! Sessions: what the cookie of a browser that has signed in holds, and how a forged one is recognized.
//!
//! A cookie is the hash of the key that began the session, the time when that was, and a code of both under the secret
//! of the dashboard. Nothing is stored: whichever replica has the secret reads the cookie. It ends 12 hours after it
//! began, with its key, or at a sign-out, which this process remembers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tidegate_agentping::CredentialHash;
use tidegate_kernel::Timestamp;
use tidegate_ports::Ids;

/// The cookie's name.
pub(crate) const COOKIE: &str = "tidegate_session";
/// How long a session lasts (the control side: decision 1).
pub(crate) const LASTS_S: i64 = 12 * 3_600;

const NONCE_BYTES: usize = 10;
const BODY_BYTES: usize = NONCE_BYTES + 8 + 32;
const CODE_BYTES: usize = 32;
/// A clock of another replica may be ahead by so much.
const AHEAD_MS: i64 = 60_000;
/// Sign-outs that are remembered at most.
const ENDED_MAX: usize = 10_000;

/// What codes of cookies and forms are made with. Replicas share it, so that a session is one on all of them.
#[derive(Clone)]
pub struct SessionSecret([u8; SessionSecret::BYTES]);

impl SessionSecret {
    /// Its length.
    pub const BYTES: usize = 32;

    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        SessionSecret(bytes)
    }

    /// As a file or a setting has it: 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut bytes = [0; Self::BYTES];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(SessionSecret(bytes))
    }

    /// A secret of this process alone: its sessions end with it.
    pub fn random(ids: &dyn Ids) -> Self {
        let mut bytes = [0; Self::BYTES];
        for part in bytes.chunks_mut(NONCE_BYTES) {
            part.copy_from_slice(&ids.random()[..part.len()]);
        }
        SessionSecret(bytes)
    }

    /// The code of `parts` for one purpose.
    fn code(&self, purpose: &[u8], body: &[u8]) -> Option<Hmac<Sha256>> {
        // A key of any length makes a code.
        let mut code = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        code.update(purpose);
        code.update(body);
        Some(code)
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// A session that a cookie was read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Of the key that began it.
    pub hash: CredentialHash,
    pub began: Timestamp,
    nonce: [u8; NONCE_BYTES],
}

impl Session {
    pub fn begin(hash: CredentialHash, now: Timestamp, ids: &dyn Ids) -> Self {
        Session { hash, began: now, nonce: ids.random() }
    }

    fn body(&self) -> [u8; BODY_BYTES] {
        let mut body = [0; BODY_BYTES];
        body[..NONCE_BYTES].copy_from_slice(&self.nonce);
        body[NONCE_BYTES..NONCE_BYTES + 8].copy_from_slice(&self.began.as_millis().to_be_bytes());
        body[NONCE_BYTES + 8..].copy_from_slice(&self.hash.0);
        body
    }

    fn of_body(body: &[u8; BODY_BYTES]) -> Self {
        let (mut nonce, mut began, mut hash) = ([0; NONCE_BYTES], [0; 8], [0; 32]);
        nonce.copy_from_slice(&body[..NONCE_BYTES]);
        began.copy_from_slice(&body[NONCE_BYTES..NONCE_BYTES + 8]);
        hash.copy_from_slice(&body[NONCE_BYTES + 8..]);
        let began = Timestamp::from_millis(i64::from_be_bytes(began));
        Session { hash: CredentialHash(hash), began, nonce }
    }

    fn ends(&self) -> Timestamp {
        self.began.plus_millis(LASTS_S * 1_000)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends() || self.began > now.plus_millis(AHEAD_MS)
    }
}

/// Reads and writes cookies, and knows who has signed out.
#[derive(Debug)]
pub(crate) struct Sessions {
    secret: SessionSecret,
    /// Until when each has to be remembered.
    ended: Mutex<HashMap<[u8; NONCE_BYTES], Timestamp>>,
}

impl Sessions {
    const COOKIE_PURPOSE: &[u8] = b"tidegate dashboard cookie 1\0";
    const FORM_PURPOSE: &[u8] = b"tidegate dashboard form 1\0";

    pub fn new(secret: SessionSecret) -> Self {
        Sessions { secret, ended: Mutex::default() }
    }

    /// The value of a session's cookie.
    pub fn seal(&self, session: &Session) -> String {
        let body = session.body();
        let code = self.secret.code(Self::COOKIE_PURPOSE, &body).map(Mac::finalize);
        let mut bytes = body.to_vec();
        bytes.extend(code.iter().flat_map(|code| code.clone().into_bytes()));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The session that a cookie's value stands for; `None` for one that is made up, over or signed out.
    pub fn open(&self, value: &str, now: Timestamp) -> Option<Session> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (body, code) = bytes.split_first_chunk::<BODY_BYTES>()?;
        if code.len() != CODE_BYTES {
            return None;
        }
        self.secret.code(Self::COOKIE_PURPOSE, body)?.verify_slice(code).ok()?;
        let session = Session::of_body(body);
        (!session.is_over(now) && !self.ended().contains_key(&session.nonce)).then_some(session)
    }

    /// What every form of this session carries, so that no page elsewhere can send one.
    pub fn form_code(&self, session: &Session) -> String {
        let code = self.secret.code(Self::FORM_PURPOSE, &session.body()).map(|code| code.finalize().into_bytes());
        code.map(|code| URL_SAFE_NO_PAD.encode(code)).unwrap_or_default()
    }

    /// Whether a form came from a page of this session.
    pub fn is_form_code(&self, session: &Session, sent: &str) -> bool {
        let code = self.secret.code(Self::FORM_PURPOSE, &session.body());
        let sent = URL_SAFE_NO_PAD.decode(sent).ok();
        code.zip(sent).is_some_and(|(code, sent)| code.verify_slice(&sent).is_ok())
    }

    /// Ends a session before its time, for this process.
    pub fn end(&self, session: &Session, now: Timestamp) {
        let mut ended = self.ended();
        if ended.len() >= ENDED_MAX {
            ended.retain(|_, until| *until > now);
        }
        if ended.len() < ENDED_MAX {
            ended.insert(session.nonce, session.ends());
        }
    }

    fn ended(&self) -> MutexGuard<'_, HashMap<[u8; NONCE_BYTES], Timestamp>> {
        // Each change is one call of the map.
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_ports::RandomIds;

    use super::*;

    const BEGAN: Timestamp = Timestamp::from_millis(1_778_846_400_000);

    fn sessions(byte: u8) -> Sessions {
        Sessions::new(SessionSecret::new([byte; SessionSecret::BYTES]))
    }

    fn session() -> Session {
        Session::begin(CredentialHash([7; 32]), BEGAN, &RandomIds)
    }

    #[test]
    fn a_cookie_is_read_by_whoever_has_the_secret_until_it_is_over() {
        let session = session();
        let cookie = sessions(1).seal(&session);
        let last = BEGAN.plus_millis(LASTS_S * 1_000 - 1);
        for now in [BEGAN, last] {
            assert_eq!(sessions(1).open(&cookie, now), Some(session), "another replica reads it");
        }
        assert_eq!(sessions(1).open(&cookie, last.plus_millis(1)), None);
        assert_eq!(sessions(2).open(&cookie, BEGAN), None);
        assert_eq!(sessions(1).open(&cookie, BEGAN.plus_millis(-AHEAD_MS - 1)), None, "it would last too long");
    }

    #[test]
    fn no_byte_of_a_cookie_can_be_changed() {
        let sessions = sessions(1);
        let good = URL_SAFE_NO_PAD.decode(sessions.seal(&session())).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(sessions.open(&URL_SAFE_NO_PAD.encode(&bad), BEGAN), None, "byte {at}");
        }
        for cut in [0, 1, BODY_BYTES, good.len() - 1] {
            assert_eq!(sessions.open(&URL_SAFE_NO_PAD.encode(&good[..cut]), BEGAN), None, "{cut} bytes");
        }
        assert_eq!(sessions.open("not base64!", BEGAN), None);
    }

    #[test]
    fn a_signed_out_session_is_over() {
        let (sessions, session, other) = (sessions(1), session(), session());
        sessions.end(&session, BEGAN);
        assert_eq!(sessions.open(&sessions.seal(&session), BEGAN), None);
        assert_eq!(sessions.open(&sessions.seal(&other), BEGAN), Some(other));
    }

    #[test]
    fn forms_carry_a_code_of_their_own_session() {
        let (sessions, session, other) = (sessions(1), session(), session());
        let code = sessions.form_code(&session);
        assert!(sessions.is_form_code(&session, &code));
        assert!(!sessions.is_form_code(&other, &code));
        assert!(!sessions.is_form_code(&session, ""));
        assert!(!sessions.is_form_code(&session, &sessions.seal(&session)));
    }

    #[test]
    fn a_secret_is_64_hex_digits_and_not_printed() {
        assert!(SessionSecret::parse(&format!(" {}\n", "0F".repeat(32))).is_some_and(|secret| secret.0 == [15; 32]));
        for bad in ["", "0f", &"0g".repeat(32), &"0f".repeat(33)] {
            assert!(SessionSecret::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{:?}", SessionSecret::new([7; 32])), "SessionSecret(…)");
    }
}
