//! The load on AgentGate while a fault is done to it, and what is measured.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::agentgate::{Breach, GateLoad};
use crate::durability::Random;
use crate::faults::catalogue::Given;
use crate::faults::report::Sheet;
use crate::servers::Server;
use crate::wait::eventually;

/// How long a process may take to get to a point, or clients to be refused.
const GETS_THERE: Duration = Duration::from_secs(120);
/// In which requests that were under way come to an end, several times if need be.
const SETTLES: Duration = Duration::from_secs(3);
/// More than this in any process is not bounded.
const MEMORY_BYTES: u64 = 1 << 30;

/// As fast as they are answered: for faults that are over at once.
pub const BUSY: Duration = Duration::ZERO;
/// For faults that last.
pub const STEADY: Duration = Duration::from_millis(200);

/// Load under way.
pub struct GateTrial {
    pub random: Random,
    sheet: Sheet,
    pub load: GateLoad,
}

impl GateTrial {
    /// Organizations of its own begin to work; each client takes `turn` for a submission, at least.
    pub async fn begin(given: &Given, turn: Duration) -> Self {
        let load = GateLoad::begin(given.deployment().await, turn).await;
        GateTrial { random: given.random, sheet: given.sheet.clone(), load }
    }

    /// The process of this name.
    pub fn server(&self, name: &str) -> Server {
        self.load.deployment.servers().named(name).clone()
    }

    /// Waits until some more submissions are accepted.
    pub async fn accepts_some(&mut self, range: Range<u64>) {
        let more = self.random.within(range);
        self.load.accepts(more).await;
        self.count();
    }

    /// Lets the fault last so long, while the clients go on as they can: how requests ended meanwhile, by kind.
    pub async fn lasts(&self, long: Duration) -> BTreeMap<String, u64> {
        let (since, before) = (Instant::now(), self.load.ends());
        eventually(4 * long, "time passes", async || {
            self.load.still_going();
            if since.elapsed() >= long { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
        self.count();
        let more = |(kind, count): (String, u64)| {
            let more = count - before.get(&kind).copied().unwrap_or(0);
            (more > 0).then_some((kind, more))
        };
        self.load.ends().into_iter().filter_map(more).collect()
    }

    /// The same, once no submission is accepted any more: what was under way when the fault began may still be.
    ///
    /// # Panics
    /// If submissions go on being accepted.
    pub async fn lasts_without_success(&self, long: Duration) -> BTreeMap<String, u64> {
        for _ in 0..4 {
            let accepted = self.load.accepted();
            self.lasts(SETTLES).await;
            if self.load.accepted() == accepted {
                let ends = self.lasts(long).await;
                assert_eq!(self.load.accepted(), accepted, "a submission was accepted: {ends:?}");
                return ends;
            }
        }
        panic!("submissions go on being accepted: {:?}", self.load.ends());
    }

    /// Waits until some requests more have ended in this way.
    pub async fn ends_in(&self, kind: &str) {
        let so_far = || self.load.ends().get(kind).copied().unwrap_or(0);
        let enough = so_far() + 5;
        eventually(GETS_THERE, &format!("requests end in {kind}"), async || {
            self.load.still_going();
            if so_far() >= enough { Ok(()) } else { Err(format!("{:?}", self.load.ends())) }
        })
        .await;
    }

    /// Stops this process, gives its next life this fail point, some passes ahead, and begins that.
    pub async fn arm(&mut self, name: &str, point: &str, action: &str, passes: Range<u64>) -> Server {
        let victim = self.server(name);
        assert!(victim.stop().await, "{name} did not stop:\n{}", victim.log());
        let passes = self.random.within(passes);
        victim.arm(&[("FAILPOINTS", &format!("{point}={passes}*off->1*{action}"))]);
        victim.begin();
        victim.arm(&[]);
        victim
    }

    /// Waits until it has ended at its point, and starts it again without one.
    pub async fn dies_and_is_started(&self, victim: &Server) {
        self.dies(victim).await;
        victim.kill();
        victim.start().await;
    }

    /// Waits until it has ended at its point.
    pub async fn dies(&self, victim: &Server) {
        eventually(GETS_THERE, &format!("{} ends at its point", victim.name()), async || {
            self.load.still_going();
            if victim.aborted() { Ok(()) } else { Err(format!("it runs; {:?}", self.load.ends())) }
        })
        .await;
    }

    /// The fault is over, once more: waits until every front door serves every organization, and notes how long that
    /// took.
    pub async fn recovers(&mut self) {
        let since = Instant::now();
        self.load.is_served().await;
        self.sheet.recovered(since.elapsed());
        self.sheet.open().times += 1;
        self.count();
    }

    /// All ends, and what is stored is held against the ledgers.
    pub async fn ends(self) {
        self.count();
        let GateTrial { sheet, load, .. } = self;
        let (runs, found) = load.end().await;
        sheet.note(format!("{runs} runs, each charged once"));
        note_breaches(&sheet, &found);
    }

    fn count(&self) {
        let ends = self.load.ends();
        let mut row = self.sheet.open();
        row.requests = ends.values().sum();
        row.acknowledged = ends.get("2xx").copied().unwrap_or(0);
        row.no_answer = ends.get("no answer").copied().unwrap_or(0);
        row.failed_by_kind = ends.into_iter().filter(|(kind, _)| kind.starts_with('5')).collect();
        let servers = self.load.deployment.servers().all();
        let peak = servers.iter().map(Server::peak_bytes).max().unwrap_or(0);
        row.peak_bytes = row.peak_bytes.max(peak);
        assert!(row.peak_bytes < MEMORY_BYTES, "a process held {} MiB", row.peak_bytes >> 20);
    }
}

/// # Panics
/// If a request ended in 5xx or without an answer, in another way than these.
pub fn only(allowed: &[&str], ends: &BTreeMap<String, u64>) {
    let is_trouble = |kind: &&String| kind.starts_with('5') || kind.as_str() == "no answer";
    let strange: Vec<&String> =
        ends.keys().filter(is_trouble).filter(|kind| !allowed.contains(&kind.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?} of {ends:?}");
}

/// Writes down what does not hold.
pub fn note_breaches(sheet: &Sheet, found: &[Breach]) {
    if found.is_empty() {
        return;
    }
    let mut row = sheet.open();
    let lost = found.iter().filter(|breach| matches!(breach, Breach::Lost { .. })).count() as u64;
    row.lost += lost;
    row.doubled += found.len() as u64 - lost;
    row.notes.retain(|note| !note.ends_with("each charged once"));
    row.notes.extend(found.iter().take(3).map(|breach| format!("{breach:?}")));
}
