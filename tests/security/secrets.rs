//! Credentials are kept as SHA-256 and never revealed: not in a log at its most verbose, not in a metric, not in an
//! answer, not to a file. A password of the configuration is not either.

use std::fs;
use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Deployment, Target, eventually};

use crate::traffic::{Sent, mixed};
use crate::{BINARY, caught_up, loud, team_of};

/// What must not be found: each credential whole and in halves. The first half is cut after the random digits that follow
/// the time, which other ids of the same millisecond share.
pub struct Needles(Vec<String>);

impl Needles {
    pub fn of(secrets: &[String]) -> Self {
        let cut = |secret: &String| {
            let hex = secret.rsplit('_').next().unwrap_or_default();
            assert_eq!(hex.len(), 32, "a credential");
            let parts = [secret.as_str(), hex, &hex[..20], &hex[16..]];
            let shifted = parts.iter().map(|part| part.to_uppercase());
            parts.iter().map(|part| (*part).to_owned()).chain(shifted).collect::<Vec<_>>()
        };
        Needles(secrets.iter().flat_map(cut).collect())
    }

    /// Bytes, as they are and as hex digits of them.
    #[track_caller]
    pub fn absent_in(&self, place: &str, bytes: &[u8]) {
        for needle in &self.0 {
            let encoded: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
            for form in [needle.as_bytes(), encoded.as_bytes()] {
                if let Some(at) = find(bytes, form) {
                    let around = &bytes[at.saturating_sub(200)..(at + form.len() + 40).min(bytes.len())];
                    panic!("{place} holds '{needle}': …{}…", String::from_utf8_lossy(around));
                }
            }
        }
    }
}

/// Where `needle` begins in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(step) = hay[from..].iter().position(|byte| *byte == first) {
        let at = from + step;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

pub fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// No log, answer, metric or listing contains a credential; no log contains a query string.
pub async fn untold(deployment: &Deployment, sent: &Sent) {
    let needles = Needles::of(&sent.secrets);
    // A log that lacks what it may hold would prove nothing. Lines are written a moment after what they tell of.
    let log = eventually(READABLE, "the log is loud enough to tell of refused requests", async || {
        let log = deployment.log();
        if log.contains(&sent.request_id) { Ok(log) } else { Err(log) }
    })
    .await;
    needles.absent_in("the log", log.as_bytes());
    for marker in sent.queried.iter().map(String::as_str).chain(["?key=", "&agent=", "?marker="]) {
        // The welcome on standard output has a line to paste; a log line begins otherwise.
        let told = log.lines().find(|line| line.contains(marker) && !line.starts_with("curl "));
        assert_eq!(told, None, "a query string was logged");
    }
    for answer in &sent.answers {
        needles.absent_in("an answer", answer.as_bytes());
    }
    for words in [&["keys", "list"][..], &["tokens", "list"], &["teams", "list"]] {
        let (ok, out, err) = deployment.try_manage(words).await;
        assert!(ok && out.starts_with('['), "{words:?}: {err}");
        needles.absent_in("a listing", format!("{out}{err}").as_bytes());
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |entry: fs::DirEntry| match entry.path() {
        path if path.is_dir() => files(&path),
        path => vec![(entry.file_name().to_string_lossy().into_owned(), fs::read(path).unwrap())],
    };
    fs::read_dir(folder).unwrap().flat_map(|entry| read(entry.unwrap())).collect()
}

fn absent_in_files(target: &Target, sent: &Sent, when: &str) {
    let needles = Needles::of(&sent.secrets);
    let files = files(target.data_folder());
    let somewhere = |bytes: &[u8]| files.iter().any(|(_, content)| find(content, bytes).is_some());
    // That the search finds what is there: an agent's name, and the hash of a key.
    assert!(somewhere(sent.agent.as_bytes()), "the store holds what was sent");
    assert!(somewhere(&sha256(&sent.secrets[0])), "the registry holds a key's SHA-256");
    for (name, content) in &files {
        needles.absent_in(&format!("{name}, {when}"), content);
    }
}

async fn holds_in(format: &str) {
    let target = loud(format).await;
    let team = team_of(&target).await;
    let sent = mixed(&target, &team).await;
    untold(&target, &sent).await;
    absent_in_files(&target, &sent, "while it runs");
    assert!(target.stop().await);
    Needles::of(&sent.secrets).absent_in("the whole log", target.log().as_bytes());
    absent_in_files(&target, &sent, "after it ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_is_told_or_kept_embedded_with_logs_in_json() {
    holds_in("json").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_is_told_or_kept_embedded_with_logs_as_text() {
    holds_in("text").await;
}

/// The welcome of a new folder shows its first credentials once, on standard output; no log line does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_credentials_are_shown_and_not_logged() {
    let target = loud("json").await;
    let log = welcomed(&target, 1).await;
    let word = |prefix: &str| {
        let words = log.lines().filter(|line| !line.starts_with('{')).flat_map(str::split_whitespace);
        words.map(str::to_owned).find(|word| word.starts_with(prefix)).expect("the welcome shows it")
    };
    let secrets = [word("apk_eu_"), word("ping_eu_")];
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
    assert!(!lines.is_empty(), "a loud log has lines: {log}");
    Needles::of(&secrets).absent_in("the log", lines.join("\n").as_bytes());
    assert!(target.stop().await);
    target.start().await;
    let again = welcomed(&target, 2).await;
    let later = again.strip_prefix(&log).expect("a log only grows");
    Needles::of(&secrets).absent_in("a second start", later.as_bytes());
}

/// What was written once the welcome stands there `times` times, whole.
async fn welcomed(target: &Target, times: usize) -> String {
    eventually(READABLE, "the welcome is written", async || {
        let log = target.log();
        if log.matches("Ctrl-C stops it in order.").count() == times { Ok(log) } else { Err(log) }
    })
    .await
}

/// Passwords of the three servers, in every place where one may be given, are in no dump and in no error.
#[tokio::test]
async fn a_dump_of_the_configuration_has_no_secret() {
    const SECRETS: [&str; 4] = ["hunter2-store", "hunter2-gate", "hunter2-broker", "hunter2-key"];
    let [store, gate, broker, key] = SECRETS;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidegate.toml");
    let good = format!(
        "region = \"eu\"\n[kafka]\nbrokers = \"127.0.0.1:1\"\n[kafka.properties]\n\"security.protocol\" = \"sasl_plaintext\"\n\
         \"sasl.mechanism\" = \"PLAIN\"\n\"sasl.username\" = \"tidegate\"\n\"sasl.password\" = \"{broker}\"\n\"ssl.key.password\" = \"{key}\"\n\
         [redis]\nurls = [\"redis://tidegate:{gate}@127.0.0.1:1\"]\n\
         [scylla]\nnodes = [\"127.0.0.1:1\"]\nuser = \"tidegate\"\npassword = \"{store}\"\n"
    );
    let wrong = good.replace("127.0.0.1:1\"", "127.0.0.1\"").replace("region = \"eu\"", "region = \"fr\"");
    let torn = format!("{good}password = \"{store}\" = ");
    for (text, holds) in [(good, true), (wrong, false), (torn, false)] {
        fs::write(&file, &text).unwrap();
        let mut command = std::process::Command::new(BINARY);
        tidegate_tests::external::without_own_variables(&mut command);
        let told = command.args(["check-config", "--config"]).arg(&file).output().unwrap();
        let told = [told.stdout, told.stderr].concat();
        let shown = String::from_utf8_lossy(&told).into_owned();
        assert!(!holds || shown.contains("***"), "a dump says that there is a secret: {shown}");
        for secret in SECRETS {
            assert!(!shown.contains(secret), "{secret} is shown: {shown}");
        }
    }
}

/// A credential in the place of data is data: it is stored as it came, and only the caller can read it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_the_wrong_place_is_not_logged_either() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    let mislaid = tidegate_tests::ids::fresh("apk", "eu");
    for body in [json!({"agent": mislaid}), json!({"agent": "a", "status": mislaid}), json!({mislaid.clone(): 1})] {
        let answer = team.heartbeat(&body).await;
        assert!([202, 400].contains(&answer.status), "{answer}");
    }
    for path in [format!("/v1/runs/{mislaid}"), format!("/v1/{mislaid}"), format!("/v1/runs?agent={mislaid}")] {
        let answer = team.read(&path).await;
        assert!([200, 400, 404].contains(&answer.status), "{answer}");
        team.call("POST", &path).send().await;
    }
    caught_up(&target, &team).await;
    Needles::of(&[mislaid]).absent_in("the log", target.log().as_bytes());
}
