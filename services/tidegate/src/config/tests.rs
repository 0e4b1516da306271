//! Layers, mistakes, contradictions, the dump.

use std::io::Write as _;

use super::*;

mod agentgate;
mod distributed;

fn layers(file: &str, variables: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::default();
    if !file.is_empty() {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        written.write_all(file.as_bytes()).unwrap();
        layers.file(written.path());
    }
    layers.variables(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    layers
}

fn mistakes(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let problems =
        Config::from_layers(layers(file, variables), Purpose::Look).expect_err("this configuration is wrong");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_hold_together() {
    let config = Config::from_layers(Layers::default(), Purpose::Look).unwrap();
    assert_eq!(config.region, Region::Eu);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.control.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.ops.listen.to_string(), "127.0.0.1:9090");
}

/// The file that ships says every setting with its default, and nothing else.
#[test]
fn the_shipped_file_is_the_defaults() {
    let shipped = include_str!("../../../../deploy/tidegate.toml");
    let values = |dump: String| -> Vec<String> {
        let value = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
        dump.lines().map(value).filter(|line| !line.is_empty()).collect()
    };
    let defaults = values(Config::from_layers(Layers::default(), Purpose::Look).unwrap().dump());
    assert_eq!(values(Config::from_layers(layers(shipped, &[]), Purpose::Look).unwrap().dump()), defaults);
    assert_eq!(values(shipped.to_owned()), defaults);
}

#[test]
fn receivers_of_webhooks_are_networks_and_authorities() {
    let one = |text: &str| mistakes(&format!("[agentgate]\n{text}\n"), &[]).join("\n");
    let message = one("webhook_allow_targets = [\"10.0.0.0/8\", \"10.0.0.0/33\"]");
    assert!(message.contains("agentgate.webhook_allow_targets") && message.contains("a list of networks"), "{message}");
    let message = one("webhook_ca_file = \"/nowhere/ca.pem\"");
    assert!(message.contains("agentgate.webhook_ca_file: /nowhere/ca.pem cannot be read"), "{message}");
    let empty = tempfile::NamedTempFile::new().unwrap();
    let message = one(&format!("webhook_ca_file = {:?}", empty.path()));
    assert!(message.contains("agentgate.webhook_ca_file: there is no certificate in it"), "{message}");
    let variables = [
        ("TIDEGATE_AGENTGATE__WEBHOOK_ALLOW_TARGETS", "127.0.0.0/8, ::1"),
        ("TIDEGATE_AGENTGATE__WEBHOOK_ALLOW_HTTP", "true"),
    ];
    let config = Config::from_layers(layers("", &variables), Purpose::Look).unwrap().agentgate;
    assert!(config.api.webhook_allow_http && config.webhook_allow_targets.contain([127, 1, 2, 3].into()));
    assert!(!config.webhook_allow_targets.contain([10, 0, 0, 1].into()));
}

#[test]
fn alerts_go_out_as_their_section_says() {
    let one = |text: &str| mistakes(&format!("[alerts]\n{text}\n"), &[]).join("\n");
    let message = one("allow_targets = [\"10.0.0.0/33\"]");
    assert!(message.contains("alerts.allow_targets") && message.contains("a list of networks"), "{message}");
    let message = one("smtp_host = \"mail\"\nsmtp_from = \"nobody\"");
    assert!(message.contains("alerts.smtp_from") && message.contains("'nobody'"), "{message}");
    let message = one("smtp_tls = \"ssl\"");
    assert!(message.contains("one of starttls, tls, none"), "{message}");
    let message = one("secret = \"0f\"");
    assert!(message.contains("alerts.secret") && message.contains("64 hex digits"), "{message}");
    let text = "[alerts]\npublic_url = \"https://control.example/\"\nsmtp_host = \"mail\"\nsmtp_user = \"u\"\n\
                smtp_password = \"s3cret\"\nsmtp_from = \"Tidegate <alerts@example.com>\"\n";
    let config = Config::from_layers(layers(text, &[]), Purpose::Look).unwrap();
    assert_eq!(config.alerts.public_url.as_deref(), Some("https://control.example"));
    assert_eq!(config.alerts.mail.as_ref().map(|mail| mail.port), Some(587));
    assert!(!config.dump().contains("s3cret") && !format!("{:?}", config.alerts).contains("s3cret"));
}

#[test]
fn a_variable_goes_over_the_file_and_a_flag_over_both() {
    let file = "region = \"us\"\n[ingest]\nlisten = \"127.0.0.1:1\"\nmax_in_flight = 7\nlenient = true\n";
    let mut layers = layers(file, &[("TIDEGATE_INGEST__LISTEN", "127.0.0.1:2"), ("HOME", "/root")]);
    layers.flag("--listen", "ingest.listen", Some("127.0.0.1:3"));
    layers.flag("--data", "data", None::<&str>);
    let config = Config::from_layers(layers, Purpose::Look).unwrap();
    assert_eq!(config.region, Region::Us);
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.ingest.max_in_flight, 7);
    assert!(config.ingest.ignore_unknown_members);
    assert_eq!(config.admission.region, Region::Us);
}

#[test]
fn a_bad_value_is_named_with_what_is_allowed() {
    for (key, value, allowed) in [
        ("TIDEGATE_REGION", "fr", "region = \"fr\" (from TIDEGATE_REGION): must be eu or us"),
        ("TIDEGATE_INGEST__LISTEN", "8080", "must be an address and a port such as 127.0.0.1:8080"),
        ("TIDEGATE_INGEST__LENIENT", "yes", "must be true or false"),
        ("TIDEGATE_LOG__PARTITIONS", "0", "must be a whole number from 1 to 1024"),
        ("TIDEGATE_LOG__PARTITIONS", "-1", "must be a whole number from 1 to 1024"),
        ("TIDEGATE_LOG__RETENTION_HOURS", "1.5", "must be a whole number"),
        ("TIDEGATE_INGEST__MAX_BODY_BYTES", "1MB", "must be a whole number from 1024"),
        ("TIDEGATE_DATA", "", "must be a text that is not empty"),
        ("TIDEGATE_TELEMETRY__LEVEL", "loud", "must be error, warn, info, debug or trace"),
        ("TIDEGATE_ADMISSION__SHED_WHEN_UNKNOWN", "shed", "must be hold or accept"),
        ("TIDEGATE_TELEMETRY__FORMAT", "xml", "must be auto, text or json"),
        ("TIDEGATE_ADMISSION__LOCAL_SHARE_PERMILLE", "1001", "must be a whole number from 1 to 1000"),
    ] {
        let found = mistakes("", &[(key, value)]);
        assert_eq!(found.len(), 1, "{key}={value}: {found:?}");
        assert!(found[0].contains(allowed) && found[0].contains(key), "{key}={value}: {found:?}");
    }
}

#[test]
fn every_mistake_is_named_at_once() {
    let file = "regoin = \"eu\"\n[ingest]\nlisten = \"here\"\nmax_inflight = 1\n[kafka]\nbroker = \"x\"\n";
    let found = mistakes(file, &[("TIDEGATE_LOG__PARTITIONS", "many"), ("TIDEGATE_INGEST__PORT", "1")]);
    let expected = [
        "log.partitions = \"many\"",
        "ingest.listen = \"here\"",
        "ingest.max_inflight (from",
        "ingest.port (from TIDEGATE_INGEST__PORT): there is no such key",
        "kafka.broker (from",
        "regoin (from",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for part in expected {
        assert!(found.iter().any(|line| line.contains(part)), "{part}: {found:#?}");
    }
    assert!(found.iter().any(|line| line.contains("did you mean ingest.max_in_flight?")), "{found:#?}");
}

#[test]
fn a_file_that_is_none_is_named_without_its_lines() {
    let found = mistakes("region = \"eu\"\nurl = \"redis://:hunter2@host\n", &[]);
    assert!(found[0].contains("is no TOML: line 2"), "{found:?}");
    assert!(!found[0].contains("hunter2"), "{found:?}");
    let mut layers = Layers::default();
    layers.file(std::path::Path::new("/nowhere/tidegate.toml"));
    let problems = Config::from_layers(layers, Purpose::Look).unwrap_err();
    assert!(problems[0].to_string().contains("/nowhere/tidegate.toml cannot be read"), "{problems:?}");
}

#[test]
fn variables_of_a_cluster_or_a_test_are_none_of_ours() {
    let foreign = [
        ("TIDEGATE_PORT", "tcp://10.0.0.1:80"),
        ("TIDEGATE_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("TIDEGATE_SERVICE_HOST", "10.0.0.1"),
        ("TIDEGATE_SERVICE_PORT_HTTP", "80"),
        ("TIDEGATE_INGEST_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("TIDEGATE_TEST_TARGET", "http://127.0.0.1:8080"),
        ("TIDEGATE_STACK_DIR", "/tmp/stack"),
        ("TIDEGATE_CONFIG", "/etc/tidegate.toml"),
    ];
    assert!(Config::from_layers(layers("", &foreign), Purpose::Look).is_ok());
    assert_eq!(mistakes("", &[("TIDEGATE_REGON", "eu")]).len(), 1);
}

#[test]
fn numbers_that_contradict_each_other_are_refused_with_both() {
    for (variables, expected) in [
        (
            &[("TIDEGATE_ADMISSION__APPEND_TIMEOUT_MS", "30000")][..],
            "= 32000 must be at most admission.lands_within_ms",
        ),
        (&[("TIDEGATE_ADMISSION__LANDS_WITHIN_MS", "11999")], "must be at most admission.lands_within_ms = 11999"),
        (&[("TIDEGATE_INGEST__DRAIN_MS", "19999")], "= 23650 must be at most ingest.drain_ms = 19999"),
        (&[("TIDEGATE_INGEST__IDLE_TIMEOUT_MS", "20000")], "= 23650 must be below ingest.idle_timeout_ms = 20000"),
        (&[("TIDEGATE_PULSE__HOLD_MS", "23649")], "= 23650 must be at most pulse.hold_ms = 23649"),
        (&[("TIDEGATE_INGEST__MAX_BODY_BYTES", "4194305")], "must be at most log.max_record_bytes = 4194304"),
        (
            &[("TIDEGATE_INGEST__MAX_BODY_BYTES_IN_FLIGHT", "2097151")],
            "= 2097152 must be at most ingest.max_body_bytes_in_flight = 2097151",
        ),
        (
            &[("TIDEGATE_ADMISSION__SHED_UNKNOWN_BULK_AFTER_MS", "9999")],
            "must be at most admission.shed_unknown_bulk_after_ms = 9999",
        ),
        (&[("TIDEGATE_ADMISSION__CLAIM_WINDOW_MS", "600000")], "admission.shed_age_full_ms = 600000 must be below"),
        (&[("TIDEGATE_ADMISSION__SHED_AGE_LEAVE_MS", "60001")], "must be at most admission.shed_age_enter_ms = 60000"),
        (
            &[("TIDEGATE_ADMISSION__SHED_RECORDS_FULL", "1000000")],
            "must be below admission.shed_records_full = 1000000",
        ),
        (&[("TIDEGATE_PERSISTER__LOW_MARK_BYTES", "33554432")], "must be below persister.high_mark_bytes = 33554432"),
        (&[("TIDEGATE_CONTROL__DRAIN_MS", "9999")], "control.store_deadline_ms = 10000 must be at most"),
        (&[("TIDEGATE_INGEST__DRAIN_GRACE_MS", "25000")], "must be below ingest.drain_ms = 25000"),
        (&[("TIDEGATE_CONTROL__DRAIN_GRACE_MS", "12001")], "must be below control.drain_ms = 12000"),
        (&[("TIDEGATE_OPS__LISTEN", "127.0.0.1:8080")], "ingest.listen and ops.listen are both 127.0.0.1:8080"),
    ] {
        let found = mistakes("", variables);
        assert!(found.iter().any(|line| line.contains(expected)), "{variables:?}: {found:#?}");
    }
    let ephemeral = ["INGEST", "CONTROL", "OPS"].map(|part| format!("TIDEGATE_{part}__LISTEN"));
    let variables: Vec<_> = ephemeral.iter().map(|name| (name.as_str(), "127.0.0.1:0")).collect();
    assert!(Config::from_layers(layers("", &variables), Purpose::Look).is_ok());
}

/// 2.2 of the reference: the hold is computed from the front door's settings. A shorter one is refused: runs that are
/// still to be appended would count as missed.
#[test]
fn the_hold_follows_from_the_timeouts_of_the_front_door() {
    let hold_ms = |variables: &[(&str, &str)]| {
        Config::from_layers(layers("", variables), Purpose::Look).map(|config| config.pulse.hold_ms)
    };
    assert_eq!(hold_ms(&[]), Ok(30_000));
    let slow = [("TIDEGATE_INGEST__BODY_TIMEOUT_MS", "30000"), ("TIDEGATE_INGEST__DRAIN_MS", "50000")];
    assert_eq!(hold_ms(&slow), Ok(44_000), "43.65 s in whole seconds");
    let [body, drain] = slow;
    let set = |ms: &'static str| [body, drain, ("TIDEGATE_PULSE__HOLD_MS", ms)];
    assert_eq!(hold_ms(&set("43650")), Ok(43_650), "no less is allowed");
    let found = mistakes("", &set("43649"));
    assert_eq!(found.len(), 1, "{found:?}");
    for part in ["ingest.body_timeout_ms", "= 43650 must be at most pulse.hold_ms = 43649", "raise pulse.hold_ms"] {
        assert!(found[0].contains(part), "{part}: {found:?}");
    }
}

#[test]
fn the_dump_is_a_file_that_says_the_same() {
    let first = Config::from_layers(layers("", &[("TIDEGATE_LOG__PARTITIONS", "9")]), Purpose::Look).unwrap();
    let dump = first.dump();
    assert!(dump.contains("# TIDEGATE_LOG__PARTITIONS") && dump.contains("# default"), "{dump}");
    let again = Config::from_layers(layers(&dump, &[]), Purpose::Look).unwrap();
    let values =
        |config: &Config| config.effective.iter().map(|one| (one.key.clone(), one.shown())).collect::<Vec<_>>();
    assert_eq!(values(&first), values(&again));
}

#[test]
fn a_password_in_a_url_is_never_shown() {
    for (value, shown) in [
        ("redis://:hunter2@redis:6379/0", "redis://:***@redis:6379/0"),
        ("redis://tidegate:hun@ter:2@redis", "redis://tidegate:***@redis"),
        ("redis://tidegate@redis:6379", "redis://tidegate@redis:6379"),
        ("http://host/path:a@b", "http://host/path:a@b"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
    ] {
        assert_eq!(reader::redacted(value), shown);
    }
    let found = mistakes("", &[("TIDEGATE_INGEST__LISTEN", "redis://x:hunter2@redis")]);
    assert!(found[0].contains("***") && !found[0].contains("hunter2"), "{found:?}");
}
