//! A Kafka of the harness's own, of one broker or several, each reached through a [`Proxy`] alone: brokers send their
//! clients an address, and these send that of the proxy.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tempfile::TempDir;

use super::proxy::Proxy;
use crate::process::{free_ports, signal};
use crate::stack::redis_server::stack_folder;
use crate::wait::eventually;

const STARTS: Duration = Duration::from_secs(400);
const ASKS: Duration = Duration::from_secs(5);
const HEAP: &str = "-Xmx512m";

/// One or more brokers. They end with this value.
#[derive(Debug)]
pub struct Kafka {
    brokers: Vec<Broker>,
    _folder: TempDir,
}

/// A broker, which is a controller, too.
#[derive(Debug)]
pub struct Broker {
    /// The only way for clients.
    pub way: Proxy,
    home: PathBuf,
    child: Option<Child>,
}

impl Kafka {
    /// Starts so many brokers and waits until all are seen.
    pub async fn spawn(count: usize, seed: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-kafka-").tempdir().expect("a folder for the brokers");
        // For each broker: its clients', the other brokers', the controllers'.
        let ports: Vec<[u16; 3]> = (0..count).map(|_| free_ports()).collect();
        let voters: Vec<String> =
            ports.iter().zip(1..).map(|([_, _, controller], id)| format!("{id}@127.0.0.1:{controller}")).collect();
        let mut brokers = Vec::new();
        for (ports, id) in ports.iter().zip(1..) {
            let way = Proxy::to(&format!("127.0.0.1:{}", ports[0]), seed).await;
            let home = folder.path().join(format!("kafka-{id}"));
            std::fs::create_dir(&home).expect("a folder in a folder of our own");
            let properties = properties(&home, id, *ports, way.port(), &voters.join(","), count);
            std::fs::write(home.join("server.properties"), properties).expect("a file in a folder of our own");
            let format = ["kafka.tools.StorageTool", "format", "-t", "dGlkZWdhdGUtZmF1bHRzMQ", "-c"];
            run(&home, &format).output().map(|told| assert!(told.status.success(), "{told:?}")).expect("java is there");
            brokers.push(Broker { way, home, child: None });
        }
        let mut kafka = Kafka { brokers, _folder: folder };
        kafka.brokers.iter_mut().for_each(Broker::start);
        kafka.is_whole().await;
        kafka
    }

    /// All brokers' addresses, as clients are given them.
    pub fn addresses(&self) -> String {
        self.brokers.iter().map(|broker| broker.way.address()).collect::<Vec<_>>().join(",")
    }

    /// The broker of this number, from 0.
    pub fn broker(&mut self, number: usize) -> &mut Broker {
        &mut self.brokers[number]
    }

    /// Sets what happens on the way to every broker.
    pub fn set(&self, mode: super::Mode) {
        self.brokers.iter().for_each(|broker| broker.way.set(mode));
    }

    /// Waits until every broker is seen by the others.
    pub async fn is_whole(&self) {
        let (addresses, count) = (self.addresses(), self.brokers.len());
        eventually(STARTS, "all brokers are seen", async || {
            let consumer = client(&addresses);
            let asked = move || consumer.fetch_metadata(None, ASKS).map(|metadata| metadata.brokers().len());
            match tokio::task::spawn_blocking(asked).await.expect("the client's thread ends") {
                Ok(seen) if seen == count => Ok(()),
                other => Err(format!("{other:?} of {count}")),
            }
        })
        .await;
    }

    /// The number, from 0, of the broker that leads this partition.
    pub async fn leader(&self, topic: &str, partition: i32) -> usize {
        let (consumer, topic) = (client(&self.addresses()), topic.to_owned());
        let asked = move || {
            let metadata = consumer.fetch_metadata(Some(&topic), ASKS).expect("a broker answers");
            let partitions = metadata.topics()[0].partitions();
            partitions.iter().find(|one| one.id() == partition).expect("the partition is there").leader()
        };
        let leader = tokio::task::spawn_blocking(asked).await.expect("the client's thread ends");
        usize::try_from(leader - 1).expect("a partition with a leader")
    }
}

impl Broker {
    /// Starts it (again) on its data.
    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.home.join("log")).expect("a file of our own");
        let mut command = run(&self.home, &["kafka.Kafka"]);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file twice")).stderr(log);
        self.child = Some(command.spawn().expect("java is there"));
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("an own child can be killed");
            child.wait().expect("an own child can be waited for");
        }
    }

    /// SIGTERM, and waits for its end.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(&child, "TERM");
            child.wait().expect("an own child can be waited for");
        }
    }

    /// SIGSTOP or SIGCONT.
    pub fn signal(&self, name: &str) {
        signal(self.child.as_ref().expect("it runs"), name);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn client(addresses: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    // Brokers that are down are what this is about: their addresses in the log would hide what matters.
    config.set("bootstrap.servers", addresses).set("log_level", "0");
    config.create().expect("plain options")
}

/// A Java program of Kafka's on a broker's properties; it ends when the thread that starts it does.
fn run(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "java", "-Xms128m", HEAP, "-cp"]);
    command.arg(stack_folder().join("jars/kafka/*"));
    let log = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/stack/kafka/log4j2.properties");
    command.arg(format!("-Dlog4j2.configurationFile=file://{}", log.display()));
    command.args(words).arg(home.join("server.properties")).current_dir(home);
    command
}

/// As the real stack's (see `deploy/stack/kafka.sh`), but for how clients find it.
fn properties(home: &Path, id: usize, ports: [u16; 3], way: u16, voters: &str, brokers: usize) -> String {
    let [clients, others, controller] = ports;
    let (replicas, insync) = if brokers < 3 { (brokers, 1) } else { (3, 2) };
    let local = |name: &str, port: u16| format!("{name}://127.0.0.1:{port}");
    let listeners = [local("CLIENT", clients), local("INNER", others), local("CONTROLLER", controller)].join(",");
    let advertised = [local("CLIENT", way), local("INNER", others)].join(",");
    let fixed = [
        ("process.roles", "broker,controller"),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", "CLIENT:PLAINTEXT,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("inter.broker.listener.name", "INNER"),
        ("auto.create.topics.enable", "false"),
        ("offsets.topic.num.partitions", "8"),
        ("transaction.state.log.num.partitions", "4"),
        ("share.coordinator.state.topic.num.partitions", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "1000"),
        ("group.consumer.min.session.timeout.ms", "3000"),
        ("group.consumer.session.timeout.ms", "10000"),
        ("group.consumer.min.heartbeat.interval.ms", "500"),
        ("group.consumer.heartbeat.interval.ms", "1000"),
        ("log.cleaner.dedupe.buffer.size", "16777216"),
        ("log.index.size.max.bytes", "1048576"),
    ];
    let own = [
        ("node.id", id.to_string()),
        ("controller.quorum.voters", voters.to_owned()),
        ("listeners", listeners),
        ("advertised.listeners", advertised),
        ("log.dirs", home.join("data").display().to_string()),
        ("default.replication.factor", replicas.to_string()),
        ("min.insync.replicas", insync.to_string()),
        ("offsets.topic.replication.factor", replicas.to_string()),
        ("transaction.state.log.replication.factor", replicas.to_string()),
        ("transaction.state.log.min.isr", insync.to_string()),
        ("share.coordinator.state.topic.replication.factor", replicas.to_string()),
    ];
    let mut text = String::new();
    for (key, value) in fixed.map(|(key, value)| (key, value.to_owned())).into_iter().chain(own) {
        let _ = writeln!(text, "{key}={value}");
    }
    text
}
