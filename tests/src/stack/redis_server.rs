//! A Redis of a test's own: to be flushed, killed, and held still.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{free_ports, signal};
use crate::wait::eventually;

const STARTS: Duration = Duration::from_secs(120);

/// A server that keeps nothing on disk. It ends with this value.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one on a free port.
    pub async fn spawn() -> Self {
        let folder = tempfile::Builder::new().prefix("tidegate-redis-").tempdir().expect("a folder for the server");
        let [port] = free_ports();
        let mut server = RedisServer { port, folder, child: None };
        server.start().await;
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it (again), with nothing in it.
    pub async fn start(&mut self) {
        let mut command = Command::new(binary());
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]).arg(self.port.to_string());
        command.arg("--dir").arg(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        self.child = Some(child);
        eventually(STARTS, "Redis listens", async || {
            TcpStream::connect(("127.0.0.1", self.port)).map(drop).map_err(|error| error.to_string())
        })
        .await;
    }

    /// Forgets everything.
    pub async fn flush(&self) {
        let client = redis::Client::open(self.url()).expect("a plain url");
        let mut connection = client.get_multiplexed_async_connection().await.expect("Redis is up");
        let _: String = redis::cmd("FLUSHALL").query_async(&mut connection).await.expect("Redis forgets");
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that is held still dies, too.
            child.kill().expect("an own child can be killed");
            child.wait().expect("an own child can be waited for");
        }
    }

    /// Holds it still: connections stay, answers do not come.
    pub fn hang(&self) {
        signal(self.child.as_ref().expect("it runs"), "STOP");
    }

    /// Lets it continue.
    pub fn go_on(&self) {
        signal(self.child.as_ref().expect("it runs"), "CONT");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The one that `TIDEGATE_TEST_REDIS_SERVER` names, or the stack's, or the path's.
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("TIDEGATE_TEST_REDIS_SERVER") {
        return PathBuf::from(named);
    }
    let fetched = stack_folder().join("bin/redis-server");
    if fetched.exists() { fetched } else { PathBuf::from("redis-server") }
}

/// Where the real stack's programs are: `TIDEGATE_STACK_DIR`, or where its Redis is configured to be, or below the
/// checkout.
pub fn stack_folder() -> PathBuf {
    let given = std::env::var_os("TIDEGATE_STACK_DIR").map(PathBuf::from);
    let redis = std::env::var_os("TIDEGATE_TEST_REDIS_SERVER").map(PathBuf::from);
    let beside = redis.and_then(|redis| Some(redis.parent()?.parent()?.to_owned()));
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/stack");
    given.or(beside.filter(|folder| folder.join("jars").exists())).unwrap_or_else(usual)
}
