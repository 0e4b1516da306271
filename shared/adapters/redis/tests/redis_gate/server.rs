//! The Redis servers of the tests: the stack's, which others use too, and own ones on free ports.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_redis::{GateTime, RedisOptions};
use tokio::net::TcpSocket;

/// What may take long on a busy machine, and never does.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Ports that are tried for an own server.
const TRIES: usize = 5;

/// Waits for a level.
pub async fn wait_until(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while !reached().await {
        assert!(Instant::now() < deadline, "not reached: {what}");
        looks.tick().await;
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.into_string().unwrap())
}

/// Something that no other test uses.
pub fn random_word() -> String {
    use tidegate_ports::Ids;
    tidegate_ports::RandomIds.random().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Options with a key prefix of their own, times that a busy machine keeps, and a gate that goes by the questions'
/// time.
pub fn options(url: impl Into<String>) -> RedisOptions {
    let mut options = RedisOptions::new(url, format!("tidegate-test-{}", random_word()));
    options.connect_timeout = Duration::from_secs(40);
    options.response_timeout = Duration::from_secs(40);
    options.time = GateTime::Asker;
    options
}

/// The stack's Redis.
pub async fn shared_url() -> String {
    let address = variable("TIDEGATE_TEST_REDIS").unwrap_or_else(|| "127.0.0.1:16379".to_owned());
    let there = tokio::net::TcpStream::connect(&address).await;
    assert!(there.is_ok(), "no Redis at {address}: start the real stack: make stack-up");
    format!("redis://{address}")
}

/// Removes a test's keys from the shared Redis.
pub async fn clear_away(url: &str, options: &RedisOptions) {
    let mut connection = admin(url).await;
    let mut cursor = 0;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{}*", options.key_prefix)).arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await.unwrap();
        for key in keys {
            let _: i64 = redis::cmd("UNLINK").arg(key).query_async(&mut connection).await.unwrap();
        }
        cursor = next;
        if cursor == 0 {
            return;
        }
    }
}

async fn admin(url: &str) -> redis::aio::MultiplexedConnection {
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(DEADLINE));
    redis::Client::open(url).unwrap().get_multiplexed_async_connection_with_config(&config).await.unwrap()
}

/// A Redis of the test alone. It ends with the test.
pub struct OwnRedis {
    program: PathBuf,
    arguments: Vec<String>,
    folder: TempDir,
    port: Port,
    /// Of the cluster's nodes among themselves.
    _bus: Option<Port>,
    child: Option<Child>,
}

/// A port that no other test is given, whether the server runs or not.
struct Port {
    number: u16,
    _reserved: TcpSocket,
}

impl Port {
    /// The socket has no listener, so that the server may have one there: both say that the address may be used again.
    fn reserve() -> Self {
        let reserved = TcpSocket::new_v4().unwrap();
        reserved.set_reuseaddr(true).unwrap();
        reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Port { number: reserved.local_addr().unwrap().port(), _reserved: reserved }
    }
}

impl OwnRedis {
    pub async fn start(arguments: &[&str]) -> Self {
        for _ in 0..TRIES {
            let mut redis = OwnRedis::stopped(arguments);
            if redis.launched().await {
                return redis;
            }
        }
        panic!("redis-server did not start on any of {TRIES} ports");
    }

    /// A server that is not running yet, on an unused port.
    pub fn stopped(arguments: &[&str]) -> Self {
        OwnRedis {
            program: program(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            folder: tempfile::tempdir().unwrap(),
            port: Port::reserve(),
            _bus: None,
            child: None,
        }
    }

    /// One node that has all slots of a cluster.
    pub async fn start_cluster() -> Self {
        let bus = Port::reserve();
        let mut redis = OwnRedis::start(&["--cluster-enabled", "yes", "--cluster-port", &bus.number.to_string()]).await;
        redis._bus = Some(bus);
        redis.tell(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
        redis.await_cluster().await;
        redis
    }

    pub async fn await_cluster(&self) {
        wait_until("the cluster has all its slots", async || {
            redis::from_redis_value::<String>(self.tell(&["CLUSTER", "INFO"]).await)
                .unwrap()
                .contains("cluster_state:ok")
        })
        .await;
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port.number)
    }

    /// Starts it again, where it was.
    pub async fn launch(&mut self) {
        assert!(self.launched().await, "redis-server did not start on port {}", self.port.number);
    }

    /// Whether it came up; another program may have taken the port meanwhile.
    async fn launched(&mut self) -> bool {
        let child = Command::new(&self.program)
            .args(["--bind", "127.0.0.1", "--port", &self.port.number.to_string()])
            .args(["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let own_line = format!("process_id:{}", child.id());
        let child = self.child.insert(child);
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port.number)).unwrap();
        let mut came_up = false;
        wait_until("redis-server answers or ends", async || {
            let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
                return child.try_wait().unwrap().is_some();
            };
            let info: Result<String, _> = redis::cmd("INFO").arg("server").query_async(&mut connection).await;
            came_up = match info {
                Ok(info) => info.lines().any(|line| line == own_line),
                // It is there, and wants a password.
                Err(error) => error.code() == Some("NOAUTH"),
            };
            came_up || child.try_wait().unwrap().is_some()
        })
        .await;
        came_up
    }

    /// Ends it at once, with all it knows.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Makes the server hang: it keeps its connections and does not answer.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Tells it something past the gate.
    pub async fn tell(&self, words: &[&str]) -> redis::Value {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| _ = command.arg(*word));
        command.query_async(&mut admin(&self.url()).await).await.unwrap()
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server's program: as configured, or the stack's, or the system's.
fn program() -> PathBuf {
    let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/stack/bin/redis-server");
    let configured = variable("TIDEGATE_TEST_REDIS_SERVER").map(PathBuf::from);
    let on_path = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|program| program.exists())
    };
    let found = configured.or_else(|| Some(stack).filter(|program| program.exists())).or_else(on_path);
    found.expect("no redis-server: start the real stack once, which fetches it: make stack-up")
}
