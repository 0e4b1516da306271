//! What the command line takes, refuses and explains.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_explains_itself_and_all_it_takes() {
    fn walk(command: &mut clap::Command, path: &str) {
        let help = command.render_long_help().to_string();
        assert!(command.get_about().is_some(), "{path} does not say what it does");
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            assert!(argument.get_help().is_some() || argument.get_id() == "version", "{path} {}", argument.get_id());
            if let Some(long) = argument.get_long() {
                assert!(help.contains(&format!("--{long}")), "{path} --{long} is not in its help");
            }
        }
        for below in command.get_subcommands_mut() {
            let path = format!("{path} {}", below.get_name());
            walk(below, &path);
        }
    }
    let mut command = Cli::command();
    command.build();
    let help = command.render_long_help().to_string();
    for part in [
        "dev",
        "check-config",
        "ingest",
        "persist",
        "control",
        "migrate",
        "topics",
        "rebuild",
        "compare",
        "replay",
        "teams",
        "keys",
        "tokens",
        "rates",
        "Examples:",
    ] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
    walk(&mut command, "tidegate");
}

#[test]
fn what_is_well_formed_is_taken() {
    for line in [
        "tidegate dev",
        "tidegate dev --data d --region us --listen 127.0.0.1:0 --control-listen :: --ops-listen x --config f",
        "tidegate check-config --config f",
        "tidegate exec --agent a -- true",
        "tidegate exec --agent a/b --token t --url http://h:1 --tail --report-within 1 --spool d -- sh -c x --agent",
        "tidegate exec --agent a --tail=500 -- true --tail",
        "tidegate ingest --config f --region us --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0",
        "tidegate persist --config f --ops-listen 127.0.0.1:0",
        "tidegate control --config f --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0",
        "tidegate migrate",
        "tidegate migrate --config f --dry-run",
        "tidegate topics create --config f",
        "tidegate topics check --region us",
        "tidegate rebuild --config f --into tidegate_again",
        "tidegate compare --with tidegate_again",
        "tidegate compare --config f --keyspace a --with b --json",
        "tidegate replay --from 2026-05-15T14:00:00Z",
        "tidegate replay --from 2026-05-15T14:00:00Z --to 2026-05-15T15:00:00+02:00 --team t --agent a --kind finish",
        "tidegate replay --offsets 3:100-200,4:7,5:9- --rate 50 --progress p.json --json --config f",
        "tidegate replay --dead-letters --dry-run --data d --region us",
        "tidegate replay --api agentgate --from 2026-05-15T14:00:00Z --org org_1 --dry-run",
        "tidegate rebuild --api agentgate --into a --only-keys",
        "tidegate compare --api agentgate --with a --json",
        "tidegate lag --api agentgate --data d",
        "tidegate dead-letters list --api agentping",
        "tidegate teams create acme --plan starter --data d --json",
        "tidegate keys create --team acme --config f --json",
        "tidegate teams create acme --plan enterprise --sustained-per-s 1 --burst 1 --events-per-month 9 --agents 3",
        "tidegate teams create acme --plan team --region us",
        "tidegate teams list --json",
        "tidegate teams set-plan --team acme --plan team",
        "tidegate teams set-plan acme --plan team",
        "tidegate keys create --team acme",
        "tidegate keys create --team acme --access read --label ci",
        "tidegate keys list",
        "tidegate keys list --team acme --json",
        "tidegate keys revoke key_eu_1",
        "tidegate tokens create --team acme --agent demo",
        "tidegate tokens list",
        "tidegate tokens rotate tok_eu_1 --json",
        "tidegate tokens revoke tok_eu_1",
        "tidegate rates list --team acme",
        "tidegate rates set --team a --provider p --model m --input 1.25 --cached 0.125 --output 10",
        "tidegate rates set --team a --provider p --model m --input 1 --output 2 --batch-multiplier 0.25 --json",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn what_is_not_is_refused_with_the_way_out() {
    for (line, expected) in [
        ("tidegate", "Usage"),
        ("tidegate fly", "unrecognized subcommand"),
        ("tidegate persist --listen 127.0.0.1:0", "unexpected argument '--listen'"),
        ("tidegate topics", "Usage"),
        ("tidegate rebuild", "--into"),
        ("tidegate compare", "--with"),
        ("tidegate replay", "--dead-letters"),
        ("tidegate replay --to 2026-05-15T14:00:00Z", "--from"),
        ("tidegate replay --to 2026-05-15T14:00:00Z --dead-letters", "cannot be used with"),
        ("tidegate replay --dead-letters --offsets 0:1", "cannot be used with"),
        ("tidegate replay --dead-letters --dry-run --rate 5", "cannot be used with"),
        ("tidegate replay --offsets 0:9-3", "must be above FROM"),
        ("tidegate lag --api fly", "agentping, agentgate"),
        ("tidegate replay --from 14:00", "RFC 3339"),
        ("tidegate replay --dead-letters --kind ping", "start, events, finish, heartbeat"),
        ("tidegate teams create acme", "--plan"),
        ("tidegate teams create acme --plan gold", "the plans are starter, team, business, enterprise"),
        ("tidegate teams create acme --plan team --region fr", "the regions are 'eu' and 'us'"),
        ("tidegate teams create acme --plan enterprise --burst 5", "--sustained-per-s"),
        ("tidegate teams create acme --plan enterprise --burst 0 --sustained-per-s 1", "0 is not in 1.."),
        ("tidegate teams set-plan --plan team", "<TEAM>"),
        ("tidegate teams set-plan acme --team acme --plan team", "cannot be used with"),
        ("tidegate keys create", "--team"),
        ("tidegate keys revoke", "<ID>"),
        ("tidegate rates set --team a --provider p --model m --input -1 --output 1", "must be 0 or more"),
        ("tidegate rates set --team a --provider p --model m --input 1,5 --output 1", "must be a decimal number"),
        (
            "tidegate rates set --team a --provider p --model m --input 1 --output 1 --batch-multiplier 2",
            "must be a number from 0 to 1",
        ),
    ] {
        let error = parse(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().contains(expected), "{line}: {error}");
    }
}

#[test]
fn help_is_no_failure() {
    for line in ["tidegate --help", "tidegate rates set --help", "tidegate rebuild --help", "tidegate --version"] {
        let shown = parse(line).expect_err(line);
        assert!(matches!(shown.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion), "{line}");
        assert_eq!(shown.exit_code(), 0, "{line}");
    }
}
