//! The servers of a distributed deployment: named or not, wrong combinations, secrets.

use super::*;

const SERVERS: [(&str, &str); 3] = [
    ("TIDEGATE_KAFKA__BROKERS", "k1:9092, k2:9092"),
    ("TIDEGATE_REDIS__URLS", "redis://r:6379"),
    ("TIDEGATE_SCYLLA__NODES", "s1:9042,[::1]:9042"),
];

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    SERVERS.into_iter().chain(more.iter().copied()).collect()
}

fn read(file: &str, variables: &[(&str, &str)], purpose: Purpose) -> Result<Config, Vec<String>> {
    let in_words = |problems: Vec<ConfigProblem>| problems.iter().map(ToString::to_string).collect();
    Config::from_layers(layers(file, variables), purpose).map_err(in_words)
}

#[test]
fn names_follow_the_region_and_the_generation() {
    let variables = with(&[("TIDEGATE_REGION", "us"), ("TIDEGATE_KAFKA__GENERATION", "7")]);
    let config = read("", &variables, Purpose::Ingest).unwrap();
    let (kafka, redis, scylla) = (config.kafka().unwrap(), config.redis().unwrap(), config.scylla().unwrap());
    assert_eq!(kafka.options.brokers, "k1:9092,k2:9092");
    assert_eq!(kafka.options.topics.records, "tidegate.us.records.g7");
    assert_eq!(kafka.group, "tidegate.us.persister.g7");
    assert_eq!(kafka.options.partitions, kafka.layout.partitions);
    assert_eq!(kafka.options.consume.drain_deadline, config.persister.drain_deadline);
    assert_eq!(kafka.options.append.max_record_bytes, config.log.max_record_bytes);
    assert_eq!(redis.key_prefix, "tidegate.us");
    assert_eq!(redis.window.as_millis(), u128::from(config.admission.claim_window_ms));
    assert_eq!(scylla.options.keyspace, "tidegate_us");
    assert_eq!(scylla.options.nodes, ["s1:9042", "[::1]:9042"]);
}

/// The file for a distributed deployment that ships can be used as it is, by every role.
#[test]
fn the_shipped_file_names_all_servers() {
    let shipped = include_str!("../../../../../deploy/tidegate-distributed.toml");
    for purpose in
        [Purpose::Look, Purpose::Ingest, Purpose::Persist, Purpose::Control, Purpose::Rebuild, Purpose::Manage]
    {
        let config = read(shipped, &[], purpose).unwrap();
        assert!(config.kafka.is_some() && config.redis.is_some() && config.scylla.is_some());
    }
}

#[test]
fn what_a_command_needs_must_be_named() {
    let [kafka, redis, scylla] = SERVERS;
    for (variables, purpose, expected) in [
        (vec![], Purpose::Ingest, vec!["kafka.brokers is not set, and tidegate ingest", "redis.urls", "scylla.nodes"]),
        (vec![kafka, scylla], Purpose::Ingest, vec!["redis.urls is not set"]),
        (vec![kafka], Purpose::Persist, vec!["for example TIDEGATE_SCYLLA__NODES=127.0.0.1:9042"]),
        (vec![kafka, redis], Purpose::Control, vec!["scylla.nodes is not set"]),
        (vec![redis], Purpose::Topics, vec!["kafka.brokers is not set"]),
        (vec![redis], Purpose::Look, vec!["kafka.brokers is not set, and redis.urls = [\"redis://r:6379\"]", "scylla"]),
    ] {
        let found = read("", &variables, purpose).expect_err("something is missing");
        assert_eq!(found.len(), expected.len(), "{purpose:?} {found:#?}");
        for part in expected {
            assert!(found.iter().any(|line| line.contains(part)), "{part}: {found:#?}");
        }
    }
    for (variables, purpose) in [
        (vec![kafka, scylla], Purpose::Persist),
        (vec![scylla], Purpose::Control),
        (vec![scylla], Purpose::Store),
        (vec![kafka], Purpose::Topics),
        (vec![scylla], Purpose::Manage),
        (vec![], Purpose::Manage),
        (vec![], Purpose::Dev),
    ] {
        assert!(read("", &variables, purpose).is_ok(), "{purpose:?}");
    }
}

#[test]
fn a_data_folder_does_not_stand_beside_servers() {
    let file = "data = \"./here\"\n[scylla]\nnodes = [\"s1:9042\"]\n";
    let found = read(file, &[], Purpose::Manage).expect_err("both are set");
    assert!(
        found[0].contains("data = \"./here\" (from /") && found[0].contains("scylla.nodes = [\"s1:9042\"] (from /")
    );
    let found = read("", &SERVERS, Purpose::Dev).expect_err("dev has no servers");
    assert!(
        found[0].contains("kafka.brokers = [\"k1:9092\", \"k2:9092\"] (from TIDEGATE_KAFKA__BROKERS)"),
        "{found:?}"
    );
}

#[test]
fn numbers_of_the_servers_are_held_against_the_others() {
    for (variable, expected) in [
        (("TIDEGATE_KAFKA__REQUEST_TIMEOUT_MS", "8000"), "must be below kafka.message_timeout_ms = 8000"),
        (
            ("TIDEGATE_KAFKA__MESSAGE_TIMEOUT_MS", "10001"),
            "= 10001 must be at most admission.append_timeout_ms = 10000",
        ),
        (("TIDEGATE_KAFKA__REQUEST_TIMEOUT_MS", "5001"), "= 15001 must be at most admission.lands_within_ms = 15000"),
        (("TIDEGATE_KAFKA__SESSION_TIMEOUT_MS", "10000"), "persister.drain_ms = 10000 must be below kafka.session"),
        (("TIDEGATE_KAFKA__QUEUE_BYTES", "4194304"), "log.max_record_bytes = 4194304 must be below kafka.queue_bytes"),
        (("TIDEGATE_KAFKA__MIN_INSYNC_REPLICAS", "4"), "= 4 must be at most kafka.replication = 3"),
        (("TIDEGATE_REDIS__RESPONSE_TIMEOUT_MS", "251"), "= 251 must be at most admission.gate_timeout_ms = 250"),
        (("TIDEGATE_SCYLLA__REQUEST_TIMEOUT_MS", "10001"), "must be at most control.store_deadline_ms = 10000"),
    ] {
        let found = read("", &with(&[variable]), Purpose::Look).expect_err(expected);
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:#?}");
    }
    // An embedded deployment is not held to them.
    assert!(read("", &[("TIDEGATE_ADMISSION__APPEND_TIMEOUT_MS", "5000")], Purpose::Dev).is_ok());
}

#[test]
fn a_role_is_not_held_to_the_listeners_of_others() {
    let variables = with(&[("TIDEGATE_OPS__LISTEN", "127.0.0.1:8081")]);
    assert!(read("", &variables, Purpose::Ingest).is_ok());
    let found = read("", &variables, Purpose::Control).expect_err("both listeners are one");
    assert!(found[0].contains("control.listen and ops.listen are both 127.0.0.1:8081"), "{found:?}");
}

#[test]
fn a_role_has_an_operations_port_of_its_own_where_one_is_named() {
    let own = with(&[
        ("TIDEGATE_OPS__LISTEN", "127.0.0.1:1"),
        ("TIDEGATE_PERSISTER__OPS_LISTEN", "127.0.0.1:2"),
        ("TIDEGATE_CONTROL__OPS_LISTEN", "127.0.0.1:3"),
    ]);
    for (purpose, port, key) in [
        (Purpose::Ingest, 1, "ops.listen"),
        (Purpose::Persist, 2, "persister.ops_listen"),
        (Purpose::Control, 3, "control.ops_listen"),
        (Purpose::Look, 1, "ops.listen"),
    ] {
        let config = read("", &own, purpose).expect("it holds");
        assert_eq!((config.ops.listen.port(), config.ops.key), (port, key), "{purpose:?}");
    }
    let clash = with(&[("TIDEGATE_CONTROL__OPS_LISTEN", "127.0.0.1:8081")]);
    let found = read("", &clash, Purpose::Control).expect_err("both listeners are one");
    assert!(found[0].contains("control.listen and control.ops_listen are both 127.0.0.1:8081"), "{found:?}");
    let nonsense = with(&[("TIDEGATE_INGEST__OPS_LISTEN", "here")]);
    assert!(read("", &nonsense, Purpose::Ingest).is_err());
}

#[test]
fn bad_servers_are_named() {
    for (variable, expected) in [
        (("TIDEGATE_KAFKA__BROKERS", "k1"), "must be a list of brokers such as broker-1:9092"),
        (("TIDEGATE_KAFKA__BROKERS", "k1:0"), "must be a list of brokers"),
        (("TIDEGATE_REDIS__URLS", "http://r"), "must be a url such as redis://127.0.0.1:6379"),
        (("TIDEGATE_SCYLLA__NODES", ":9042"), "must be a list of nodes"),
        (("TIDEGATE_SCYLLA__KEYSPACE", "Tide-Gate"), "must be 1 to 48 small letters"),
        (("TIDEGATE_SCYLLA__CONSISTENCY", "most"), "must be one, local_one, local_quorum"),
        (("TIDEGATE_SCYLLA__REPLICATION", "dc1"), "must be a number of replicas such as 3"),
        (("TIDEGATE_KAFKA__COMPRESSION", "rar"), "must be one of none, gzip, lz4"),
        (("TIDEGATE_KAFKA__GROUP_PROTOCOL", "new"), "must be one of classic, consumer"),
        (("TIDEGATE_KAFKA__TOPIC_PREFIX", "a b"), "must be 1 to 64 letters"),
        (("TIDEGATE_KAFKA__GENERATION", "32768"), "must be a whole number from 1 to 32767"),
    ] {
        let variables = with(&[variable]);
        let found = read("", &variables, Purpose::Look).expect_err(expected);
        assert!(
            found.iter().any(|line| line.contains(expected) && line.contains(variable.0)),
            "{expected}: {found:#?}"
        );
    }
}

#[test]
fn properties_of_the_connection_are_passed_on_and_no_others() {
    let file = "[kafka]\nbrokers = [\"k:9093\"]\n[kafka.properties]\nsecurity.protocol = \"SASL_SSL\"\n\
                \"sasl.username\" = \"tide\"\nsasl.password = \"hunter2\"\n";
    let config = read(file, &[("TIDEGATE_KAFKA__PROPERTIES__SASL__MECHANISM", "PLAIN")], Purpose::Topics).unwrap();
    let mut extra = config.kafka().unwrap().options.extra.clone();
    extra.sort();
    let expected = [
        ("sasl.mechanism", "PLAIN"),
        ("sasl.password", "hunter2"),
        ("sasl.username", "tide"),
        ("security.protocol", "SASL_SSL"),
    ];
    assert_eq!(extra, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let dump = config.dump();
    assert!(dump.contains("properties.sasl.password = \"***\"") && !dump.contains("hunter2"), "{dump}");
    assert!(!format!("{config:?}").contains("hunter2"));
    let found = read("[kafka.properties]\nacks = \"1\"\n", &SERVERS, Purpose::Look).expect_err("acks is ours");
    assert!(found[0].contains("kafka.properties.acks") && found[0].contains("security."), "{found:?}");
}

#[test]
fn secrets_come_from_mounted_files_and_are_never_shown() {
    const KEYS: [&str; 3] = [
        "TIDEGATE_SCYLLA__PASSWORD_FILE",
        "TIDEGATE_REDIS__PASSWORD_FILE",
        "TIDEGATE_KAFKA__PROPERTIES__SASL__PASSWORD_FILE",
    ];
    let given = |paths: [&str; 3], purpose| {
        let variables = SERVERS.into_iter().chain([("TIDEGATE_SCYLLA__USER", "tide")]);
        let variables: Vec<_> = variables.chain(KEYS.into_iter().zip(paths)).collect();
        read("", &variables, purpose)
    };
    let found = given(["/nowhere/a", "/nowhere/b", "/nowhere/c"], Purpose::Look).expect_err("no such files");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|line| line.contains("/nowhere/") && line.contains("cannot be read")), "{found:#?}");

    let folder = tempfile::tempdir().unwrap();
    // Editors leave a line's end, which is no part of the secret.
    let paths = [("a", "s3cret-a\n"), ("b", "s3cret-b"), ("c", "s3cret-c\r\n")].map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    });
    let config = given([&paths[0], &paths[1], &paths[2]], Purpose::Look).unwrap();
    let user = config.scylla().unwrap().options.user.clone().unwrap();
    assert_eq!((user.0.as_str(), user.1.as_str()), ("tide", "s3cret-a"));
    assert_eq!(config.redis().unwrap().password.as_deref(), Some("s3cret-b"));
    let extra = &config.kafka().unwrap().options.extra;
    assert_eq!(extra, &[("sasl.password".to_owned(), "s3cret-c".to_owned())]);
    assert!(!config.dump().contains("s3cret") && !format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_secret_is_given_once_and_belongs_to_somebody() {
    let both = with(&[
        ("TIDEGATE_SCYLLA__USER", "tide"),
        ("TIDEGATE_SCYLLA__PASSWORD", "hunter2"),
        ("TIDEGATE_SCYLLA__PASSWORD_FILE", "/run/secrets/scylla"),
    ]);
    let found = read("", &both, Purpose::Look).expect_err("twice");
    assert!(found[0].contains("scylla.password and scylla.password_file are both set"), "{found:?}");
    let nobodys = with(&[("TIDEGATE_SCYLLA__PASSWORD", "hunter2")]);
    let found = read("", &nobodys, Purpose::Look).expect_err("no user");
    assert!(found[0].contains("scylla.user is not") && !found[0].contains("hunter2"), "{found:?}");
    let own = read("", &with(&[("TIDEGATE_REDIS__PASSWORD", "hunter2")]), Purpose::Look).unwrap();
    assert!(own.dump().contains("password = \"***\"") && !own.dump().contains("hunter2"));
    let url = [SERVERS[0], ("TIDEGATE_REDIS__URLS", "redis://:hunter2@r:6379"), SERVERS[2]];
    assert!(!read("", &url, Purpose::Look).unwrap().dump().contains("hunter2"));
}

#[test]
fn what_acknowledged_writes_rely_on_is_said_where_settings_alone_do_not_make_them_safe() {
    let warning = |more: &[(&'static str, &'static str)]| {
        let config = read("", &with(more), Purpose::Look).unwrap();
        config.scylla().unwrap().warning()
    };
    assert_eq!(warning(&[]), None);
    assert_eq!(warning(&[("TIDEGATE_SCYLLA__REPLICATION", "dc1:3,dc2:5")]), None);
    let one = warning(&[("TIDEGATE_SCYLLA__REPLICATION", "1")]).unwrap();
    assert!(one.contains("makes 1 replicas") && one.contains("commitlog_sync is batch or group"), "{one}");
    assert!(warning(&[("TIDEGATE_SCYLLA__REPLICATION", "dc1:3,dc2:2")]).is_some());
    let loose = warning(&[("TIDEGATE_SCYLLA__CONSISTENCY", "local_one")]).unwrap();
    assert!(loose.contains("scylla.consistency is local_one"), "{loose}");
}
