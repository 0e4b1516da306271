//! The files that name services of the compose file: balancer, scrapes, dashboards.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::compose::{Compose, read, root};

#[derive(Deserialize)]
struct Prometheus {
    rule_files: Vec<String>,
    scrape_configs: Vec<Scrape>,
}

#[derive(Deserialize)]
struct Scrape {
    static_configs: Vec<Targets>,
}

#[derive(Deserialize)]
struct Targets {
    targets: Vec<String>,
    labels: BTreeMap<String, String>,
}

/// Every role that keeps running is scraped on its operations port, under its own name.
#[test]
fn every_role_is_scraped() {
    let compose = Compose::read();
    let config: Prometheus = serde_saphyr::from_str(&read("deploy/prometheus/prometheus.yml")).expect("YAML");
    let mut scraped = BTreeSet::new();
    for group in config.scrape_configs.iter().flat_map(|scrape| &scrape.static_configs) {
        for target in &group.targets {
            let (host, port) = target.split_once(':').expect("host:port");
            let service = compose.service(host);
            assert_eq!(port, service.listens("OPS"), "{host}'s operations port");
            assert_eq!(service.command.first(), group.labels.get("role"), "{host}'s role");
            assert_eq!(group.labels["region"], service.environment["TIDEGATE_REGION"], "{host}'s region");
            scraped.insert(host.to_owned());
        }
    }
    let roles = compose.ours().into_iter().filter(|(_, service)| !service.runs_once());
    assert_eq!(scraped, roles.map(|(name, _)| name.to_owned()).collect());
    for file in &config.rule_files {
        assert!(root().join("deploy/prometheus").join(file).exists(), "the rules {file} are not there");
    }
    let mounts = &compose.service("prometheus").volumes;
    assert!(mounts.contains(&"./deploy/prometheus:/etc/prometheus:ro".to_owned()), "{mounts:?}");
}

/// Both front doors stand behind the balancer, and are asked on their operations port whether they are ready.
#[test]
fn every_front_door_is_balanced() {
    let compose = Compose::read();
    let config = read("deploy/compose/haproxy.cfg");
    let servers: BTreeMap<&str, &str> = config
        .lines()
        .filter_map(|line| line.trim().strip_prefix("server "))
        .map(|line| {
            let (name, address) = line.split_once(' ').expect("a name and an address");
            assert!(address.starts_with(&format!("{name}:")), "{name} is at {address}");
            (name, address.rsplit_once(':').expect("a port").1)
        })
        .collect();
    let doors = [(&["ingest"][..], "INGEST"), (&["agentgate", "serve"], "AGENTGATE")].into_iter().flat_map(
        |(command, section)| {
            let doors = compose.running(command).into_iter();
            doors.map(|door| (door, compose.service(door).listens(section))).collect::<Vec<_>>()
        },
    );
    assert_eq!(servers, doors.collect());
    let ops = compose.service("ingest-1").listens("OPS");
    assert!(config.contains("option httpchk GET /readyz") && config.contains(&format!("check port {ops} ")));
    let balancer = compose.service("lb");
    let health = balancer.healthcheck.as_ref().and_then(|check| check.test.last()).expect("a healthcheck");
    let port = health.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/health")).expect("its url");
    assert!(config.contains(&format!("bind :{port}")) && config.contains("monitor-uri /health"));
    assert!(config.contains("bind :8080") && config.contains("bind :8082"), "what the compose file publishes");
    let own: Vec<&str> = config.lines().filter(|line| line.contains("http-error status 503")).collect();
    assert_eq!(own.len(), 2, "an answer without doors for each product");
    for (own, form) in own.into_iter().zip([r#"\"error\":\"unavailable\""#, r#"\"code\":\"SERVICE_UNAVAILABLE\""#]) {
        assert!(own.contains("hdr Retry-After ") && own.contains(form), "{own}");
    }
}

#[derive(Deserialize)]
struct Sources {
    datasources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    url: String,
}

#[derive(Deserialize)]
struct Dashboards {
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    options: Options,
}

#[derive(Deserialize)]
struct Options {
    path: String,
}

/// Grafana finds the metrics and the dashboards.
#[test]
fn grafana_finds_what_it_shows() {
    let compose = Compose::read();
    let folder = "deploy/grafana/provisioning";
    let sources: Sources =
        serde_saphyr::from_str(&read(&format!("{folder}/datasources/prometheus.yaml"))).expect("YAML");
    let urls: Vec<&str> = sources.datasources.iter().map(|source| source.url.as_str()).collect();
    assert_eq!(urls, ["http://prometheus:9090"]);
    assert!(compose.service("prometheus").ports[0].ends_with(":9090"));
    let dashboards: Dashboards =
        serde_saphyr::from_str(&read(&format!("{folder}/dashboards/tidegate.yaml"))).expect("YAML");
    let mounts = &compose.service("grafana").volumes;
    for provider in dashboards.providers {
        let wanted = format!("./deploy/grafana/dashboards:{}:ro", provider.options.path);
        assert!(mounts.contains(&wanted), "{mounts:?} has no {wanted}");
    }
    assert!(mounts.contains(&format!("./{folder}:/etc/grafana/provisioning:ro")), "{mounts:?}");
}
