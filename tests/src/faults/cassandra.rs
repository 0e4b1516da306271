//! A Cassandra of the harness's own, to be killed: one node on free ports, with the local stack's settings.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::free_ports;
use crate::stack::redis_server::stack_folder;
use crate::stack::rows::Rows;
use crate::wait::eventually;

const STARTS: Duration = Duration::from_secs(400);
const HEAP: &str = "-Xmx512m";

/// A node. It ends with this value, and its data with it.
#[derive(Debug)]
pub struct Cassandra {
    clients: u16,
    others: u16,
    child: Option<Child>,
    folder: TempDir,
}

impl Cassandra {
    /// Starts one that acknowledges writes in this mode (`commitlog_sync`), and waits until it answers.
    pub async fn spawn(mode: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-cassandra-").tempdir().expect("a folder for the node");
        std::fs::create_dir(folder.path().join("data")).expect("a folder in a folder of our own");
        let [clients, others] = free_ports();
        let mut node = Cassandra { clients, others, child: None, folder };
        node.start_in(mode).await;
        node
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.clients)
    }

    /// Ends it in order, if it runs, and starts it in this mode on its data.
    pub async fn start_in(&mut self, mode: &str) {
        if let Some(mut child) = self.child.take() {
            crate::process::signal(&child, "TERM");
            child.wait().expect("an own child can be waited for");
        }
        let home = self.folder.path().display().to_string();
        let text = std::fs::read_to_string(settings().join("cassandra.yaml")).expect("the stack's settings are there");
        let mut text = text
            .replace("@cql_port@", &self.clients.to_string())
            .replace("@storage_port@", &self.others.to_string())
            .replace("@home@", &home)
            .replace("@commitlog_sync@", mode);
        if mode == "periodic" {
            text.push_str("commitlog_sync_period: 10s\n");
        }
        std::fs::write(self.folder.path().join("cassandra.yaml"), text).expect("a file in a folder of our own");
        self.start().await;
    }

    /// Starts it (again) on its data, and waits until it answers.
    pub async fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log"));
        let log = log.expect("a file of our own");
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file twice")).stderr(log);
        self.child = Some(command.spawn().expect("java is there"));
        let address = self.address();
        eventually(STARTS, "Cassandra answers", async || Rows::connect(&address).await?.keyspaces().await).await;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("an own child can be killed");
            child.wait().expect("an own child can be waited for");
        }
    }

    /// It ends when the thread that starts it does. As `deploy/stack/cassandra.sh` does it.
    fn command(&self) -> Command {
        let (home, jars) = (self.folder.path(), stack_folder().join("jars/cassandra"));
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "java", "-Xms128m", HEAP, "-XX:MaxDirectMemorySize=256m"]);
        command.arg(format!("-javaagent:{}", agent(&jars).display()));
        command.arg("-cp").arg(jars.join("*"));
        for package in OPENED {
            command.arg(format!("--add-opens={package}=ALL-UNNAMED"));
            command.arg(format!("--add-exports={package}=ALL-UNNAMED"));
        }
        command.args(["-Djdk.attach.allowAttachSelf=true", "-Djava.security.manager=allow"]);
        command.arg(format!("-Dcassandra.config=file://{}", home.join("cassandra.yaml").display()));
        command.arg(format!("-Dcassandra.storagedir={}", home.join("data").display()));
        command.arg(format!("-Dlogback.configurationFile={}", settings().join("logback.xml").display()));
        command.args(["-Dcassandra-foreground=yes", "-Dcassandra.ring_delay_ms=0"]);
        command.args(["-Dcassandra.skip_wait_for_gossip_to_settle=0", "org.apache.cassandra.service.CassandraDaemon"]);
        command.current_dir(home);
        command
    }
}

impl Drop for Cassandra {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Java 17 keeps these packages closed; Cassandra reaches into them.
const OPENED: [&str; 28] = [
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.reflect",
    "java.base/java.lang.module",
    "java.base/java.math",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.nio.channels",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.jar",
    "java.base/java.util.zip",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.perf",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.transport",
    "java.rmi/sun.rmi.transport.tcp",
    "java.management/com.sun.jmx.remote.security",
    "jdk.management/com.sun.management.internal",
    "jdk.compiler/com.sun.tools.javac.file",
];

fn settings() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/stack/cassandra")
}

fn agent(jars: &Path) -> PathBuf {
    let found = std::fs::read_dir(jars).expect("fetch the local stack first: make stack-up");
    let is_agent = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("jamm-"));
    found.filter_map(|entry| Some(entry.ok()?.path())).find(is_agent).expect("Cassandra's jars hold its agent")
}
