//! Each command line and each variable of the compose file, given to the program.

use std::process::{Command, Output};

use tempfile::NamedTempFile;

use crate::compose::{Compose, SECRET_FILE, Service, read};

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// A key that no configuration has. Configurations are read whole before anything is done, so a command line with
/// this variable does nothing, and reports everything else that it would refuse.
const MADE_UP: (&str, &str) = ("TIDEGATE_MADE_UP__BY_A_TEST", "1");

fn tidegate(words: &[impl AsRef<str>], service: &Service, further: Option<(&str, &str)>) -> Output {
    let mut command = Command::new(BINARY);
    command.args(words.iter().map(AsRef::as_ref)).env_clear().envs(&service.environment).envs(further);
    // In the container the file is there.
    let secret = NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "0f".repeat(32)).expect("written");
    if service.environment.contains_key(SECRET_FILE) {
        command.env(SECRET_FILE, secret.path());
    }
    command.output().unwrap_or_else(|error| panic!("{BINARY}: {error}"))
}

/// The command line is one, and its configuration holds but for the key that was made up.
#[track_caller]
fn only_the_made_up_key_is_wrong(words: &[impl AsRef<str>], service: &Service) {
    let output = tidegate(words, service, Some(MADE_UP));
    let told = String::from_utf8_lossy(&output.stderr);
    let shown: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    assert_eq!(output.status.code(), Some(1), "{shown:?}: {told}");
    assert!(told.contains(MADE_UP.0), "{shown:?} did not read its variables: {told}");
    let problems = told.lines().filter(|line| line.starts_with("  ")).count();
    assert_eq!(problems, 1, "{shown:?} finds more wrong than the key that was made up:\n{told}");
}

#[test]
fn each_services_variables_hold() {
    for (name, service) in Compose::read().ours() {
        let output = tidegate(&["check-config"], service, None);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let dump = String::from_utf8_lossy(&output.stdout);
        assert!(!service.environment.is_empty(), "{name} has no variables");
        for variable in service.environment.keys() {
            let counts = dump.lines().any(|line| line.ends_with(&format!("# {variable}")));
            assert!(counts, "{name}: {variable} sets nothing:\n{dump}");
        }
    }
}

#[test]
fn each_services_command_line_is_one() {
    for service in Compose::read().ours().values() {
        only_the_made_up_key_is_wrong(&service.command, service);
    }
}

/// The commands of the pages.
#[test]
fn each_command_line_of_the_pages_is_one() {
    let compose = Compose::read();
    let mut tried = 0;
    for page in ["docker-compose.yml", "deploy/compose/README.md"] {
        for line in read(page).lines() {
            let Some((_, typed)) = line.split_once("docker compose exec ") else { continue };
            let words: Vec<&str> = typed.split_whitespace().collect();
            let [service, "tidegate", command @ ..] = words.as_slice() else {
                panic!("{page}: not a command of ours: {line}")
            };
            only_the_made_up_key_is_wrong(command, compose.service(service));
            tried += 1;
        }
    }
    assert!(tried >= 4, "the pages tell how to make a team and a key");
}

/// The test above can fail: a word that is no command, and a variable that holds nothing good.
#[test]
fn wrong_ones_are_noticed() {
    let compose = Compose::read();
    let control = compose.service("control");
    let no_command = tidegate(&["contrl"], control, Some(MADE_UP));
    assert_eq!(no_command.status.code(), Some(2));
    let no_number = tidegate(&["check-config"], control, Some(("TIDEGATE_KAFKA__PARTITIONS", "many")));
    assert_eq!(no_number.status.code(), Some(1));
}
