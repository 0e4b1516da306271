//! A deployment with two judges, under a clock that only moves on.

use std::time::Duration;

use tidegate_tests::deployment::metrics_of;
use tidegate_tests::faults::{Mode, Proxy};
use tidegate_tests::metrics::Metrics;
use tidegate_tests::receiver::Receiver;
use tidegate_tests::servers::Server;
use tidegate_tests::stack::{Addresses, Settings};
use tidegate_tests::{Target, clock, eventually};

use crate::BINARY;

/// How long a judgement may take after its time has come, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
pub const DOORS: [&str; 2] = ["ingest-0", "ingest-1"];
pub const JUDGES: [&str; 2] = ["pulse-0", "pulse-1"];
pub const PERSISTER: &str = "persist-0";

pub struct World {
    pub target: Target,
    pub receiver: Receiver,
    /// The way to the store.
    pub store: Proxy,
    /// How far the clocks are ahead, in milliseconds.
    offset_ms: i64,
    /// The same when the story began.
    began_ms: i64,
}

impl World {
    /// Two front doors, one persister, control, two judges.
    pub async fn begin() -> Self {
        World::with(Settings::of_schedules()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let store = Proxy::to(&Addresses::found().cql, 0).await;
        let settings = Settings { front_doors: 2, cql: Some(store.address()), ..settings };
        let target = Target::on_the_stack(BINARY, &settings).await;
        let world = World { target, receiver: Receiver::start().await, store, offset_ms: 0, began_ms: 0 };
        world.set_clocks().await;
        world.is_reported(&DOORS).await;
        world
    }

    /// Everything runs, whatever became of the story before, and another one begins.
    pub async fn whole(&mut self) {
        self.store.set(Mode::Pass);
        for server in self.target.servers().all() {
            if server.is_suspended() {
                server.go_on();
            }
            if server.has_ended() {
                server.kill();
                server.arm(&[]);
                server.start().await;
            }
        }
        self.set_clocks().await;
        self.story();
    }

    /// Minutes by which the clocks are ahead.
    pub const fn minute(&self) -> i64 {
        self.offset_ms / clock::MINUTE_MS
    }

    /// Another story begins: its minute 0 is now.
    pub fn story(&mut self) {
        self.began_ms = self.offset_ms;
    }

    pub fn server(&self, name: &str) -> &Server {
        self.target.servers().named(name)
    }

    /// Moves every clock to a minute of the story.
    pub async fn until_minute(&mut self, minute: i64) {
        self.until_second(minute * 60).await;
    }

    /// The same to a second.
    pub async fn until_second(&mut self, second: i64) {
        let to = self.began_ms + second * clock::SECOND_MS;
        assert!(to >= self.offset_ms, "the clocks move on");
        self.offset_ms = to;
        self.set_clocks().await;
    }

    /// Gives processes that were started the time of the others.
    pub async fn set_clocks(&self) {
        self.target.set_clock_at_once(self.offset_ms).await;
    }

    /// Starts what was ended, with these variables, and gives it the time of the others.
    pub async fn start(&self, name: &str, variables: &[(&str, &str)]) {
        let server = self.server(name);
        server.arm(variables);
        server.start().await;
        self.set_clocks().await;
    }

    pub async fn stop(&self, name: &str) {
        let server = self.server(name);
        assert!(server.stop().await, "{name} did not stop:\n{}", server.log());
    }

    /// Waits until each of these front doors has reported until now that it is ready.
    pub async fn is_reported(&self, doors: &[&str]) {
        let now = u64::try_from(clock::now_ms() + self.offset_ms).unwrap();
        let now = Duration::from_millis(now).as_secs_f64();
        for door in doors {
            eventually(PATIENCE, "the front door has reported", async || {
                let metrics = metrics_of(self.server(door).ops()).await;
                match metrics.greatest("tidegate_front_door_reported_until_seconds", &[]) {
                    Some(at) if at >= now => Ok(()),
                    at => Err(format!("{door}: until {at:?}, and it is {now}")),
                }
            })
            .await;
        }
    }

    /// The metrics of the judges that run.
    pub async fn judges(&self) -> Metrics {
        let mut pages = Vec::new();
        for judge in JUDGES.map(|name| self.server(name)) {
            if judge.is_started() && !judge.is_suspended() {
                pages.push(metrics_of(judge.ops()).await);
            }
        }
        Metrics::merged(pages)
    }

    /// The judges that take themselves for the active one.
    pub async fn active(&self) -> Vec<&'static str> {
        let mut active = Vec::new();
        for judge in JUDGES {
            let server = self.server(judge);
            let runs = server.is_started() && !server.is_suspended();
            if runs && metrics_of(server.ops()).await.sum("tidegate_pulse_active", &[]) == 1 {
                active.push(judge);
            }
        }
        active
    }

    /// Waits until the judge has seen that the log is applied no further than so many minutes ago.
    pub async fn is_behind(&self, minutes: u32) {
        let seconds = f64::from(minutes * 60);
        self.judges_show("tidegate_pulse_judged_behind_seconds", |behind| behind >= seconds).await;
    }

    /// Waits until the greatest value of a judges' metric is as asked.
    pub async fn judges_show(&self, metric: &str, is_so: impl Fn(f64) -> bool) {
        eventually(PATIENCE, &format!("{metric} is as expected"), async || {
            match self.judges().await.greatest(metric, &[]) {
                Some(value) if is_so(value) => Ok(()),
                value => Err(format!("{value:?}")),
            }
        })
        .await;
    }
}
