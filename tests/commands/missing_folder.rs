//! A data folder that is not there: made by the first team, and by no command that only looks or changes.

use std::path::Path;

use crate::place::run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_but_the_first_teams_makes_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("typo").display().to_string();
    let id = "00000000000000000000000000000001";
    for line in [
        "teams list".to_owned(),
        "teams set-plan acme --plan team".to_owned(),
        "teams rename acme other".to_owned(),
        "teams archive acme".to_owned(),
        "teams restore acme".to_owned(),
        "agents list --team acme".to_owned(),
        "agents archive --team acme nightly".to_owned(),
        "keys create --team acme".to_owned(),
        "keys list".to_owned(),
        format!("keys revoke key_eu_{id}"),
        "tokens create --team acme --agent nightly".to_owned(),
        "tokens list".to_owned(),
        format!("tokens rotate tok_eu_{id}"),
        format!("tokens revoke tok_eu_{id}"),
        "rates list".to_owned(),
        "rates set --team acme --provider p --model m --input 1 --output 1".to_owned(),
        "lag".to_owned(),
        "dead-letters list".to_owned(),
        "replay --dead-letters".to_owned(),
    ] {
        let words: Vec<&str> = line.split(' ').chain(["--data", &missing]).collect();
        let ended = run(&words, &[]).await;
        assert_eq!(ended.code, Some(1), "{line}: {ended:?}");
        for told in [missing.as_str(), "has no data yet", "tidegate dev", "teams create"] {
            assert!(ended.err.contains(told), "{line} does not say '{told}': {ended:?}");
        }
        assert!(!Path::new(&missing).exists(), "{line} made a folder");
    }
    let made = run(&["teams", "create", "acme", "--plan", "team", "--data", &missing], &[]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let listed = run(&["teams", "list", "--data", &missing], &[]).await;
    assert!(listed.code == Some(0) && listed.out.contains("acme"), "{listed:?}");
}
