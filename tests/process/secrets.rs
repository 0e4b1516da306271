//! A secret that could not be printed is not known to anyone: it is revoked again, and the command says so.

use serde_json::Value;
use tidegate_tests::process::Stream;

use crate::answers::{Folder, prints};

async fn rows(folder: &Folder, what: &str) -> Vec<Value> {
    folder.json(&[what, "list"]).as_array().unwrap().clone()
}

#[tokio::test]
async fn a_key_is_revoked() {
    for (output, format) in [(Stream::Full, &[][..]), (Stream::Full, &["--json"]), (Stream::Closed, &[])] {
        let folder = Folder::with_a_team();
        let made = folder.run(&[&["keys", "create", "--team", "acme"], format].concat(), output);
        assert_eq!(made.code, Some(1), "{made:?}");
        let keys = rows(&folder, "keys").await;
        assert!(keys.len() == 1 && keys[0]["revoked_at"].is_string(), "{keys:?}");
        prints(&made, &["the key could not be printed", "revoked again", keys[0]["id"].as_str().unwrap()]);
    }
}

#[tokio::test]
async fn a_token_is_revoked() {
    let folder = Folder::with_a_team();
    let made = folder.run(&["tokens", "create", "--team", "acme", "--agent", "nightly"], Stream::Full);
    assert_eq!(made.code, Some(1), "{made:?}");
    let tokens = rows(&folder, "tokens").await;
    assert!(tokens.len() == 1 && tokens[0]["revoked_at"].is_string(), "{tokens:?}");
    prints(&made, &["the token could not be printed", "revoked again"]);
}

#[tokio::test]
async fn a_rotation_is_taken_back() {
    let folder = Folder::with_a_team();
    let old = folder.json(&["tokens", "create", "--team", "acme", "--agent", "nightly"])["id"].clone();
    let old = old.as_str().unwrap();
    let rotated = folder.run(&["tokens", "rotate", old], Stream::Full);
    assert_eq!(rotated.code, Some(1), "{rotated:?}");
    prints(&rotated, &["the new token could not be printed", "revoked again", &format!("{old} goes on as before")]);
    let tokens = rows(&folder, "tokens").await;
    assert_eq!(tokens.len(), 2, "{tokens:?}");
    for token in tokens {
        let is_old = token["id"] == old;
        assert_eq!(token["revoked_at"].is_null(), is_old, "{token}");
        assert!(token["expires_at"].is_null(), "{token}");
    }
    // Nothing stands in the way of another try.
    assert!(folder.json(&["tokens", "rotate", old])["token"].is_string());
}

#[tokio::test]
async fn a_key_of_agentgate_is_revoked() {
    let folder = Folder::with_a_team();
    let org = folder.json(&["agentgate", "orgs", "create", "acme"])["organization"].clone();
    let org = ["--org", org.as_str().unwrap()];
    let client = [&["keys", "create", "--scopes", "*"][..], &org].concat();
    let worker = [&["worker-keys", "create"][..], &org].concat();
    let in_json = [&client[..], &["--json"]].concat();
    let fleet = ["worker-keys", "create", "--fleet"];
    for (words, output) in [
        (&client[..], Stream::Full),
        (&in_json[..], Stream::Closed),
        (&worker[..], Stream::Full),
        (&fleet[..], Stream::Full),
    ] {
        let made = folder.run(&[&["agentgate"], words].concat(), output);
        assert_eq!(made.code, Some(1), "{words:?}: {made:?}");
        prints(&made, &["the key key_", "was not shown, so it is revoked again"]);
        assert!(!made.err.contains("_live_"), "{made:?}");
    }
    let list = |of: &[&str]| folder.json(&[&["agentgate"], of].concat()).as_array().unwrap().clone();
    let keys = [list(&[&["keys", "list"][..], &org].concat()), list(&["worker-keys", "list", "--fleet"])].concat();
    assert_eq!(keys.len(), 4, "{keys:?}");
    assert!(keys.iter().all(|key| key["revokedAt"].is_string()), "{keys:?}");
}
