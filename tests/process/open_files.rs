//! Few files may be open: clients do not take those that the process needs for itself.

use std::net::TcpStream;

use tidegate_tests::process::{Extra, Limit};
use tidegate_tests::stack::{RedisServer, Settings};
use tidegate_tests::team::ping_path;
use tidegate_tests::{Plan, Target, Team, eventually};

use crate::{BINARY, PATIENCE};

const FEW: Limit = Limit { soft: 256, hard: 256 };

#[test]
fn the_check_of_a_configuration_warns_of_a_limit_that_is_too_low() {
    for (limit, warns) in [(FEW, true), (Limit { soft: 256, hard: 8_192 }, false)] {
        let ended = limit.command(BINARY.as_ref()).arg("check-config").output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{told}");
        assert_eq!(told.contains("warning: at most 256 files can be open"), warns, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_may_be_raised_is_raised() {
    let limit = Some(Limit { soft: 64, hard: 8_192 });
    let target = Target::dev_with(BINARY, Extra { limit, ..Extra::default() }).await;
    assert_eq!(target.metrics().await.sum("tidegate_connections_max", &[]), 4_096);
    assert!(!target.log().contains("files can be open"), "{}", target.log());
}

/// Idle clients have taken every connection they can get; then Redis, Kafka's connections and the store's come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_connections_come_back_while_clients_hold_all_theirs() {
    let mut redis = RedisServer::spawn().await;
    let settings = Settings { redis_url: Some(redis.url()), limit: Some(FEW), ..Settings::small() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    eventually(PATIENCE, "the log warns of the limit", async || match target.log() {
        log if log.contains("at most 256 files can be open") => Ok(()),
        log => Err(log),
    })
    .await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let path = ping_path(&team.key, &[("agent", "nightly")]);
    // On a connection that it keeps.
    team.bare("GET", &path).send().await.expect(200);

    let address = target.front_doors()[0].trim_start_matches("http://").to_owned();
    let idle: Vec<TcpStream> = (0..400).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    let metric = async |name: &str| target.metrics().await.sum(name, &[]);
    let most = metric("tidegate_connections_max").await;
    assert!((16..256).contains(&most), "{most}");
    eventually(PATIENCE, "clients have all connections they can get", async || {
        let open = metric("tidegate_connections_open").await;
        if open >= most { Ok(()) } else { Err(format!("{open} of {most}")) }
    })
    .await;

    redis.kill();
    let down = metric("tidegate_gate_down_total").await;
    eventually(PATIENCE, "the gate is down", async || {
        team.bare("GET", &path).send().await.expect(200);
        if metric("tidegate_gate_down_total").await > down { Ok(()) } else { Err("it answers".to_owned()) }
    })
    .await;
    redis.start().await;
    eventually(PATIENCE, "the gate answers again", async || {
        let down = metric("tidegate_gate_down_total").await;
        team.bare("GET", &path).send().await.expect(200);
        if metric("tidegate_gate_down_total").await == down { Ok(()) } else { Err("it is down".to_owned()) }
    })
    .await;
    drop(idle);
    assert!(target.stop().await, "{}", target.log());
}
