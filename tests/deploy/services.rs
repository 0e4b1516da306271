//! What holds for every service of the compose file.

use crate::compose::{Compose, Service, root};

/// Its image starts as root and gives that up itself, and offers no other way.
const STARTS_AS_ROOT: &[&str] = &["scylla"];

/// The volume with AgentGate's secret, as mounts begin.
const VOLUME: &str = "agentgate-secret:";

/// All services that break a rule, at once.
#[track_caller]
fn each(rule: &str, holds: impl Fn(&str, &Service) -> bool) {
    let compose = Compose::read();
    assert!(compose.services.len() > 8, "the services were not read: {:?}", compose.services.keys());
    let broken: Vec<&String> =
        compose.services.iter().filter(|(name, service)| !holds(name, service)).map(|(name, _)| name).collect();
    assert!(broken.is_empty(), "{rule}: {broken:?}");
}

#[test]
fn the_roles_are_all_there() {
    let compose = Compose::read();
    for (command, count) in [
        (&["ingest"][..], 2),
        (&["persist"], 2),
        (&["pulse"], 2),
        (&["agentgate", "serve"], 2),
        (&["decide", "--api", "agentgate"], 2),
        (&["control"], 1),
        (&["migrate"], 1),
        (&["topics", "create"], 1),
    ] {
        let found = compose.running(command);
        assert_eq!(found.len(), count, "services that run {command:?}: {found:?}");
    }
    assert_eq!(compose.ours().len(), 13, "every service that is built has one of these commands");
}

#[test]
fn each_says_whether_it_is_well_or_runs_once() {
    each("a service has a healthcheck, or runs once and has none", |_, service| match &service.healthcheck {
        Some(check) if service.runs_once() => check.disable,
        Some(check) => {
            let told = check.interval.is_some() && check.timeout.is_some() && check.retries.is_some_and(|n| n > 0);
            let slow_start = service.build.is_none() || check.start_period.is_some();
            !check.disable
                && matches!(check.test.first().map(String::as_str), Some("CMD" | "CMD-SHELL"))
                && told
                && slow_start
        }
        None => false,
    });
}

#[test]
fn each_waits_for_what_it_needs() {
    let compose = Compose::read();
    each("a service waits for services that exist, until they are well or done", |_, service| {
        service.depends_on.iter().all(|(name, dependency)| {
            let wanted =
                if compose.service(name).runs_once() { "service_completed_successfully" } else { "service_healthy" };
            dependency.condition == wanted
        })
    });
    let (schema, topics) = (compose.running(&["migrate"])[0], compose.running(&["topics", "create"])[0]);
    let commands: [&[&str]; 5] =
        [&["ingest"], &["persist"], &["pulse"], &["agentgate", "serve"], &["decide", "--api", "agentgate"]];
    for role in commands.into_iter().flat_map(|command| compose.running(command)) {
        let waits_for = &compose.service(role).depends_on;
        assert!(waits_for.contains_key(schema) && waits_for.contains_key(topics), "{role} waits for {waits_for:?}");
    }
    assert!(compose.service("control").depends_on.contains_key(schema), "control reads the schema");
    let deciders = compose.running(&["decide", "--api", "agentgate"]);
    for door in compose.running(&["agentgate", "serve"]).into_iter().chain(deciders) {
        let waits_for = &compose.service(door).depends_on;
        assert!(waits_for.contains_key("agentgate-secret"), "{door} waits for {waits_for:?}");
    }
}

#[test]
fn images_are_pinned() {
    each("an image has a tag that is one version", |_, service| {
        let tag = service.image.rsplit_once(':').map_or("", |(_, tag)| tag);
        let version = tag.trim_start_matches('v').split('-').next().unwrap_or_default();
        version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok())
    });
}

#[test]
fn nobody_is_root() {
    each("a service names a user that is not root", |name, service| match service.user.as_deref() {
        Some(user) => !matches!(user.split(':').next(), Some("root" | "0" | "")),
        None => STARTS_AS_ROOT.contains(&name),
    });
    each("the program needs no rights and writes nothing", |_, service| {
        let bare = service.cap_drop == ["ALL"] && service.security_opt == ["no-new-privileges:true"];
        service.build.is_none() || service.read_only && bare
    });
}

#[test]
fn memory_is_limited() {
    each("a service has a limit of memory", |_, service| service.mem_limit.is_some());
}

#[test]
fn only_what_people_use_is_published_and_here_only() {
    let compose = Compose::read();
    let published: Vec<(&str, &str)> = compose
        .services
        .iter()
        .flat_map(|(name, service)| service.ports.iter().map(move |port| (name.as_str(), port.as_str())))
        .collect();
    let here = |port: u16| format!("${{PUBLISH_ADDRESS:-127.0.0.1}}:{port}:{port}");
    let wanted = [
        ("control", here(8081)),
        ("grafana", here(3000)),
        ("lb", here(8080)),
        ("lb", here(8082)),
        ("prometheus", here(9090)),
    ];
    assert_eq!(published, wanted.each_ref().map(|(name, port)| (*name, port.as_str())));
    assert_eq!(compose.service("control").listens("CONTROL"), "8081");
}

#[test]
fn what_is_mounted_exists() {
    let compose = Compose::read();
    let mut kept = Vec::new();
    for (name, service) in &compose.services {
        for mount in &service.volumes {
            let (from, to) = mount.split_once(':').unwrap_or_else(|| panic!("{name}: {mount} goes nowhere"));
            if let Some(path) = from.strip_prefix("./") {
                assert!(root().join(path).exists(), "{name} mounts {path}, which is not there");
                assert!(to.ends_with(":ro"), "{name} could change {path}");
            } else {
                assert!(compose.volumes.contains_key(from), "{name} mounts the volume {from}, which is not declared");
                if !to.ends_with(":ro") {
                    kept.push(from);
                }
            }
        }
    }
    kept.sort_unstable();
    assert_eq!(kept, compose.volumes.keys().collect::<Vec<_>>(), "each volume is written by one service");
}

/// The front doors and deciders of AgentGate share the file that one service makes, and no other service has it.
#[test]
fn the_secret_of_agentgate_is_made_once_and_read_by_its_roles() {
    let compose = Compose::read();
    let with_the_volume =
        compose.services.iter().filter(|(_, service)| service.volumes.iter().any(|mount| mount.starts_with(VOLUME)));
    let names: Vec<&str> = with_the_volume.map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["agentgate-1", "agentgate-2", "agentgate-secret", "decide-1", "decide-2"]);
    assert!(compose.service("agentgate-secret").runs_once());
    let deciders = compose.running(&["decide", "--api", "agentgate"]);
    for door in compose.running(&["agentgate", "serve"]).into_iter().chain(deciders) {
        let door = compose.service(door);
        let folder = door.volumes[0].split(':').nth(1).expect("where it is mounted");
        assert_eq!(door.environment["TIDEGATE_AGENTGATE__SECRET_FILE"], format!("{folder}/agentgate"));
    }
}

/// The grace of a stop covers the slowest drain, as the program's own settings say.
#[test]
fn a_stop_may_take_as_long_as_a_drain() {
    const DEFAULT_DRAIN_S: u64 = 25;
    each("stop_grace_period is above the longest drain", |_, service| {
        let seconds = |text: &str| text.strip_suffix('s').and_then(|number| number.parse::<u64>().ok());
        service.build.is_none()
            || service.stop_grace_period.as_deref().and_then(seconds).is_some_and(|grace| grace > DEFAULT_DRAIN_S)
    });
}
