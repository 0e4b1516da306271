//! What concerns the group or one partition only, or makes the log another one: no other request is refused, and
//! nothing is called safe that will not be stored.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use super::catalogue::Given;
use super::scene::Scene;
use super::trial::{Pace, Trial};
use crate::client::Client;
use crate::deployment::metrics_of;
use crate::durability::Phase;
use crate::stack::Addresses;
use crate::wait::eventually;

const DOORS: [&str; 2] = ["ingest-0", "ingest-1"];
const PERSISTERS: [&str; 2] = ["persist-0", "persist-1"];
const SOME: std::ops::Range<u64> = 40..120;
/// All that is to be seen is seen by then.
const SEEN: Duration = Duration::from_secs(60);
const CATCHES_UP: Duration = Duration::from_secs(120);

/// The persisters' group is deleted while they are down: what the store has does not wait again.
pub async fn group_deleted(given: Given) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    trial.tell(Phase::Hold);
    let lag_is = async |what: &str, records: f64| {
        eventually(CATCHES_UP, what, async || {
            for door in DOORS {
                let lag = metrics_of(trial.server(door).ops()).await.greatest("tidegate_lag_records", &[]);
                if lag != Some(records) {
                    return Err(format!("{door}: {lag:?}, not {records}"));
                }
            }
            Ok(())
        })
        .await;
    };
    lag_is("all is applied", 0.0).await;
    for name in PERSISTERS {
        let persister = trial.server(name);
        assert!(persister.stop().await, "{name} did not stop:\n{}", persister.log());
    }
    let group = scene.target.servers().settings().group();
    eventually(SEEN, "the group is gone", async || {
        let deleted = admin(&scene).delete_groups(&[&group], &AdminOptions::new()).await;
        match deleted.expect("a broker answers").pop() {
            Some(Ok(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    // One record more, and it alone waits.
    let load = trial.load();
    load.heartbeat_at(&trial.deployment.front_doors()[0]).await.expect("it is taken");
    lag_is("what the store has does not wait", 1.0).await;
    for name in PERSISTERS {
        trial.server(name).start().await;
    }
    trial.tell(Phase::Send);
    trial.recovers().await;
    let ends = trial.load().ends();
    assert_eq!(ends.get("503 shed"), None, "no consumer was behind: {ends:?}");
    trial.ends().await;
}

/// 150 records that cannot be decoded stop one partition. Only what would go there is refused, and that only once it
/// has waited for too long.
pub async fn one_braked(given: Given) {
    const UNREADABLE: u64 = 150;
    let scene = given.scene();
    for door in DOORS {
        let door = scene.server(door);
        assert!(door.stop().await, "it did not stop:\n{}", door.log());
        let ages = ["LEAVE", "ENTER", "FULL"].map(|line| format!("TIDEGATE_ADMISSION__SHED_AGE_{line}_MS"));
        let [leave, enter, full] = &ages;
        door.arm(&[(leave.as_str(), "10000"), (enter.as_str(), "20000"), (full.as_str(), "60000")]);
        door.start().await;
    }
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    let (brokers, topic) = (brokers(&scene), scene.target.servers().settings().records_topic());
    tokio::task::spawn_blocking(move || append_unreadable(&brokers, &topic, UNREADABLE)).await.expect("they are taken");
    eventually(CATCHES_UP, "both front doors know, and shed what goes there", async || {
        for door in DOORS {
            let metrics = metrics_of(trial.server(door).ops()).await;
            let halted = metrics.sum("tidegate_partitions_halted", &[("cause", "halted")]);
            let shed = metrics.sum("tidegate_shed_total", &[("cause", "partition_halted")]);
            if (halted, shed > 0) != (1, true) {
                return Err(format!("{door}: {halted} halted, {shed} shed"));
            }
        }
        Ok(())
    })
    .await;
    trial.lasts(Duration::from_secs(10)).await;
    for door in DOORS {
        let metrics = metrics_of(trial.server(door).ops()).await;
        let others: u64 = ["age", "records", "unknown"]
            .map(|cause| metrics.sum("tidegate_shed_total", &[("cause", cause)]))
            .iter()
            .sum();
        assert_eq!(others, 0, "{door} refused what another partition would have taken");
    }
    // The next owners set the rest aside, and continue.
    for name in PERSISTERS {
        let persister = trial.server(name);
        assert!(persister.stop().await, "{name} did not stop:\n{}", persister.log());
        persister
            .arm(&[("TIDEGATE_PERSISTER__BRAKE_RUN_LENGTH", "0"), ("TIDEGATE_PERSISTER__BRAKE_RATIO_PERCENT", "0")]);
        persister.start().await;
    }
    trial.recovers().await;
    trial.ends().await;
    for name in DOORS.into_iter().chain(PERSISTERS) {
        let server = scene.server(name);
        assert!(server.stop().await, "{name} did not stop:\n{}", server.log());
        server.arm(&[]);
        server.start().await;
    }
}

/// The topic is deleted and created again under running processes. Whoever is answered 2xx afterwards is stored; the next
/// generation takes everything.
pub async fn topic_recreated(mut given: Given) {
    const NEXT: (&str, &str) = ("TIDEGATE_KAFKA__GENERATION", "2");
    let scene = Scene::on_the_stack(&given.binary, given.random.draw()).await;
    let partitions = u64::from(scene.target.servers().settings().partitions);
    let mut trial = Trial::begin(scene.deployment(), Pace::BUSY, given.random, given.sheet.clone()).await;
    trial.acknowledge(500).await;
    trial.tell(Phase::Hold);
    eventually(CATCHES_UP, "all is applied", async || {
        let metrics = metrics_of(trial.server(DOORS[0]).ops()).await;
        match metrics.greatest("tidegate_lag_records", &[]) {
            Some(0.0) => Ok(()),
            lag => Err(format!("{lag:?}")),
        }
    })
    .await;
    let topic = scene.target.servers().settings().records_topic();
    let deleted = admin(&scene).delete_topics(&[&topic], &AdminOptions::new()).await.expect("a broker answers");
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    eventually(SEEN, "it is made again", async || {
        let made = scene.deployment().command(&["topics", "create"]).await;
        if made.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
    })
    .await;
    trial.tell(Phase::Send);
    eventually(SEEN, "it is loud everywhere", async || {
        for door in DOORS {
            let metrics = metrics_of(trial.server(door).ops()).await;
            let back = metrics.sum("tidegate_partitions_halted", &[("cause", "log_went_back")]);
            if back != partitions {
                return Err(format!("{door}: {back} of {partitions} partitions"));
            }
        }
        for name in PERSISTERS {
            let ready = Client::default().get(&format!("{}/readyz", trial.server(name).ops())).try_send().await?;
            if ready.status == 200 || !ready.text().contains("end before what is accounted for") {
                return Err(format!("{name}: {ready}"));
            }
        }
        Ok(())
    })
    .await;
    trial.lasts(Duration::from_secs(5)).await;
    trial.tell(Phase::Hold);
    let servers = scene.target.servers().all();
    for server in servers.iter().filter(|server| server.is_started()) {
        assert!(server.stop().await, "{} did not stop:\n{}", server.name(), server.log());
    }
    let made = scene.deployment().command_with(&["topics", "create"], &[NEXT]).await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for server in servers.iter().filter(|server| !server.is_spare()) {
        server.arm(&[NEXT]);
        server.start().await;
    }
    trial.tell(Phase::Send);
    trial.recovers().await;
    trial.ends().await;
}

fn brokers(scene: &Scene) -> String {
    scene.target.servers().settings().kafka.clone().unwrap_or_else(|| Addresses::found().kafka)
}

fn admin(scene: &Scene) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers(scene)).create().expect("plain options")
}

fn append_unreadable(brokers: &str, topic: &str, records: u64) {
    let producer: ThreadedProducer<DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().expect("plain options");
    for _ in 0..records {
        let record = BaseRecord::<(), [u8]>::to(topic).payload(b"{\"v\":99}").partition(0);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
    }
    producer.flush(SEEN).expect("a broker takes them");
}
