//! Teams, keys, tokens and rates: the same commands with the same JSON, in a data folder and in the store.

use serde_json::Value;

use crate::place::{Place, run};

/// A value's shape: names of members and kinds of values, without what is new each time.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(text) => {
            // Ids, secrets and times have prefixes and lengths; names stay themselves.
            let prefix = text.rsplit_once('_').map(|(prefix, rest)| format!("{prefix}_…{}", rest.len()));
            let is_time = text.len() == 24 && text.ends_with('Z');
            Value::String(prefix.unwrap_or_else(|| if is_time { "a time".to_owned() } else { text.clone() }))
        }
        other => other.clone(),
    }
}

/// Runs the whole story; `at` are the words that say where.
async fn story(at: &[&str]) -> Vec<Value> {
    let told = async |line: &str| -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        let ended = run(&[&words[..], &["--json"], at].concat(), &[]).await;
        assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{line} printed no JSON ({error}): {ended:?}"))
    };
    let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    let team = told("teams create acme --plan team").await;
    let mut all = vec![team.clone(), told("teams set-plan acme --plan business").await, told("teams list").await];
    let key = told("keys create --team acme").await;
    all.extend([key.clone(), told(&format!("keys list --team {}", id(&team))).await]);
    all.extend([told(&format!("keys revoke {}", id(&key))).await, told("keys list").await]);
    let token = told("tokens create --team acme --agent nightly").await;
    let rotated = told(&format!("tokens rotate {}", id(&token))).await;
    all.extend([token, rotated.clone()]);
    let mut tokens = told("tokens list").await;
    tokens.as_array_mut().expect("a list").sort_by_key(|row| row["expires_at"].is_null());
    all.extend([tokens, told(&format!("tokens revoke {}", id(&rotated))).await]);
    let price = "rates set --team acme --provider openai --model gpt-x --input 1.25 --cached 0.125 --output 10";
    all.extend([told(price).await, told("rates list --team acme").await]);
    all.push(told("teams create acme --plan starter --if-missing").await);
    all.extend([told("agents list --team acme").await, told("agents archive --team acme nightly").await]);
    all.extend([told("agents list --team acme").await, told("agents list --team acme --archived").await]);
    all.extend([told("teams rename acme other").await, told("teams archive other").await]);
    all.extend([told("teams list").await, told("teams list --archived").await, told("teams restore other").await]);
    let again = run(&[&["teams", "create", "other", "--plan", "team"][..], at].concat(), &[]).await;
    assert!(again.code == Some(1) && again.err.contains("'other' is taken"), "{again:?}");
    let refused = run(&[&["keys", "revoke", "key_eu_00000000000000000000000000000001"][..], at].concat(), &[]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    all.push(Value::String(refused.err));
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_managed_as_a_data_folder_is() {
    let place = Place::new();
    place.done(&["migrate"]).await;
    let (data, file) = (place.data(), place.file.display().to_string());
    let (folder, store) = (["--data", &data], ["--config", &file]);
    let (embedded, distributed) = tokio::join!(story(&folder), story(&store));
    for (one, other) in embedded.iter().zip(&distributed) {
        assert_eq!(shape(one), shape(other), "in a folder: {one}\nin the store: {other}");
    }
    assert_eq!(embedded.len(), distributed.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_place_is_managed_and_never_two() {
    let place = Place::new();
    let data = place.data();
    let both = place.run(&["teams", "list", "--data", &data]).await;
    assert_eq!(both.code, Some(1), "{both:?}");
    assert!(
        both.err.contains(&format!("data = {data:?} (from --data)")) && both.err.contains("kafka.brokers = "),
        "{both:?}"
    );
    assert!(!std::path::Path::new(&data).exists(), "a folder was made");
    // Variables name a place as well as a file does; the error about a missing keyspace says what to do.
    let (nodes, keyspace) = (tidegate_tests::stack::Addresses::found().cql, place.settings.keyspace());
    let variables = [("TIDEGATE_SCYLLA__NODES", nodes.as_str()), ("TIDEGATE_SCYLLA__KEYSPACE", &keyspace)];
    let unmade = run(&["teams", "list", "--json"], &variables).await;
    assert_eq!(unmade.code, Some(1), "{unmade:?}");
    assert!(unmade.err.contains("tidegate migrate") && unmade.err.contains(&keyspace), "{unmade:?}");
    let elsewhere = place.run(&["teams", "create", "acme", "--plan", "team", "--region", "us"]).await;
    assert!(elsewhere.err.contains("--region us: this deployment has region = \"eu\""), "{elsewhere:?}");
}
