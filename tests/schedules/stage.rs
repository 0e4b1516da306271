//! One process whose clock goes by times of day, with a receiver of its messages.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tidegate_tests::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, iso, now_ms, read_iso};
use tidegate_tests::process::Extra;
use tidegate_tests::receiver::{self, Received, Receiver};
use tidegate_tests::{Target, eventually};

use crate::{BINARY, PATIENCE};

/// Times are those of the first day that begins after the start, in UTC: `13:05`, and `37:05` on the day after it.
pub struct Stage {
    pub target: Target,
    pub receiver: Receiver,
    midnight_ms: i64,
    /// How far the process's clock is ahead. It never goes back.
    offset_ms: AtomicI64,
}

impl Stage {
    /// At noon.
    pub async fn begin() -> Self {
        let variable = |name: &str, value: &str| (format!("TIDEGATE_ALERTS__{name}"), value.to_owned());
        let trusted = receiver::ca_file().display().to_string();
        let environment = vec![
            variable("ALLOW_TARGETS", "127.0.0.0/8"),
            variable("CA_FILE", &trusted),
            variable("PUBLIC_URL", "https://ping.example"),
        ];
        let target = Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await;
        let now = now_ms();
        let midnight_ms = now - now.rem_euclid(DAY_MS) + DAY_MS;
        let receiver = Receiver::start().await;
        let stage = Stage { target, receiver, midnight_ms, offset_ms: AtomicI64::new(0) };
        // The first move after a start says when the process started; what lies before it is a gap.
        stage.target.set_clock(0).await;
        is_reported(&stage.target).await;
        stage.to("12:00").await;
        stage
    }

    /// Milliseconds since 1970 of a time.
    pub fn at(&self, time: &str) -> i64 {
        let (hours, minutes) = time.split_once(':').unwrap();
        let (hours, minutes): (i64, i64) = (hours.parse().unwrap(), minutes.parse().unwrap());
        self.midnight_ms + hours * HOUR_MS + minutes * MINUTE_MS
    }

    /// The process's time.
    pub fn now(&self) -> i64 {
        now_ms() + self.offset_ms.load(Ordering::Relaxed)
    }

    /// Moves the clock to a time, once all that was sent is stored.
    pub async fn to(&self, time: &str) {
        self.target.at_rest().await;
        self.leap(self.at(time)).await;
    }

    /// Moves the clock to an instant, whatever is on its way.
    pub async fn leap(&self, to_ms: i64) {
        let offset_ms = (to_ms - now_ms()).max(self.offset_ms.load(Ordering::Relaxed));
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
        self.target.set_clock_at_once(offset_ms).await;
    }

    /// Moves the clock past the next try of a message.
    pub async fn to_next_try(&self, delivery: &Value) {
        self.leap(read_iso(delivery["next_try_at"].as_str().unwrap()) + SECOND_MS).await;
    }

    /// What came to a path, in order.
    pub fn messages(&self, path: &str) -> Vec<Value> {
        self.receiver.received(path).iter().map(Received::json).collect()
    }

    /// The types of the messages about an agent that came to a path, in order.
    pub fn types(&self, path: &str, agent: &str) -> Vec<String> {
        let messages = self.messages(path);
        let of_agent = messages.iter().filter(|body| body["agent"] == agent);
        of_agent.map(|body| body["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits for the first message of this type about an agent, or about the team.
    pub async fn message(&self, path: &str, agent: Option<&str>, kind: &str) -> Value {
        self.nth_message(path, agent, kind, 0).await
    }

    /// The same of one that comes after so many others.
    pub async fn nth_message(&self, path: &str, agent: Option<&str>, kind: &str, after: usize) -> Value {
        eventually(PATIENCE, &format!("{kind} of {agent:?} at {path}"), async || {
            let messages = self.messages(path);
            let mut found = messages.iter().filter(|body| body["agent"].as_str() == agent && body["type"] == kind);
            found.nth(after).cloned().ok_or_else(|| format!("{messages:?}"))
        })
        .await
    }

    /// A time as messages write it.
    pub fn iso(&self, time: &str) -> String {
        iso(self.at(time))
    }
}

/// Waits until the front door has reported that it is ready: it is missed only once it was known to be there.
pub async fn is_reported(target: &Target) {
    let now = Duration::from_millis(u64::try_from(now_ms()).unwrap()).as_secs_f64();
    eventually(PATIENCE, "the front door has reported", async || {
        match target.metrics().await.greatest("tidegate_front_door_reported_until_seconds", &[]) {
            Some(at) if at >= now => Ok(()),
            at => Err(format!("until {at:?}, and it is {now}")),
        }
    })
    .await;
}
