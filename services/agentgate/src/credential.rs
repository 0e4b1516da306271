//! The form of keys (AgentGate: authentication and keys).

const CLIENT_PREFIX: &str = "org_live_";
const WORKER_PREFIX: &str = "agw_live_";

/// Whether a key has the form of an organization's: `org_live_` and 16 to 64 letters and digits.
pub(crate) fn is_client_key(key: &str) -> bool {
    has_form(key, CLIENT_PREFIX)
}

/// Whether a key has the form of a worker's: `agw_live_` and 16 to 64 letters and digits.
pub(crate) fn is_worker_key(key: &str) -> bool {
    has_form(key, WORKER_PREFIX)
}

fn has_form(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix)
        .is_some_and(|rest| (16..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_prefix_and_length() {
        let (short, long) = ("a".repeat(16), "Z9".repeat(32));
        for (key, good) in [
            (format!("org_live_{short}"), true),
            (format!("org_live_{long}"), true),
            (format!("org_live_{long}a"), false),
            (format!("org_live_{}", &short[1..]), false),
            (format!("org_test_{short}"), false),
            (format!("org_live_{}-", &short[1..]), false),
            (format!("agw_live_{short}"), false),
        ] {
            assert_eq!(is_client_key(&key), good, "{key}");
        }
        assert!(is_worker_key(&format!("agw_live_{short}")) && !is_worker_key(&format!("org_live_{short}")));
    }
}
