//! What a check of guard takes: a team with 1,000 rules and a month of spend, asked so many times a second over HTTP on the
//! loopback, with all rows in memory. Prints the slowest of a hundred answers, and fails if that is 100 ms or more.
//!
//! `cargo run --release -p tidegate-control --example guard_scale -- 50 20`
#![allow(clippy::unwrap_used, reason = "a measurement ends where it cannot go on")]

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use tidegate_admission::{Caller, Refusal};
use tidegate_agentping::{CredentialHash, KeyAccess, KeyId, Plan, Scope};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::spend_rows::{SPEND_DAYS, SPEND_TOTALS, cursor_key, day_shard, page_row, total_shard};
use tidegate_agentping_ports::{HeldKey, SpendCursor};
use tidegate_agentping_pulse::spend::{SpendChange, SpendPage, SpendPeriod, hour_of};
use tidegate_agentping_testkit::team;
use tidegate_control::{Authenticate, Control, Management};
use tidegate_door::ServeOptions;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, RandomIds, RowKey, RowWrite, Rows, SystemClock};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const RULES: usize = 1_000;
const AGENTS: usize = 200;
const CUSTOMERS: usize = 100;
const DAYS: i64 = 31;
const HOURS_A_DAY: i64 = 24;
const MOST_MS: u128 = 100;

/// Everyone is the team, with a full key.
struct Everyone;

#[async_trait]
impl Authenticate for Everyone {
    async fn authenticate(&self, _: Option<&str>) -> Result<Caller, Refusal> {
        let key = Some(HeldKey { id: KeyId::from_bits(Region::Eu, 1), access: KeyAccess::Full });
        let credential = CredentialHash([1; 32]);
        Ok(Caller { team: team(1), plan: Plan::Team, scope: Scope::Team, key, credential, names: Arc::default() })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let number = |at, usual| std::env::args().nth(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(usual);
    let (a_second, seconds) = (number(1, 50), number(2, 20));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rows = Arc::new(MemoryRows::new(clock.clone()));
    spend(&*rows, clock.now()).await;
    let documents = Arc::new(MemoryDocuments::new(clock.clone()));
    let managed = Management::new(documents, rows, Arc::new(MemoryRegistry::default()), clock.clone());
    let (runs, accounts) = (Arc::new(MemoryRuns::default()), Arc::new(MemoryNotedAccounts::default()));
    let control = Control::new(runs, accounts, managed, Arc::new(Everyone), clock, Arc::new(RandomIds));
    let control = control.with_managed_rate(1_000_000, 1_000_000).with_guard_rate(1_000_000, 1_000_000);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(control.serve(listener, ServeOptions::default(), std::future::pending()));
    let client = reqwest::Client::new();
    make_rules(&client, &base).await;
    // The sums are in memory once the first answer is there.
    let warm = ask(&client, &base, 0).await;
    let mut asked = JoinSet::new();
    let every = Duration::from_secs(1) / u32::try_from(a_second).unwrap();
    let mut tick = tokio::time::interval(every);
    for number in 0..a_second * seconds {
        tick.tick().await;
        let (client, base) = (client.clone(), base.clone());
        asked.spawn(async move { ask(&client, &base, usize::try_from(number).unwrap()).await });
    }
    let mut took: Vec<Duration> = asked.join_all().await;
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    let (half, p99, most) = (at(50), at(99), at(100));
    let mut output = std::io::stdout().lock();
    writeln!(
        output,
        "{RULES} rules, {a_second} checks a second for {seconds} s: half within {half:?}, 99 of 100 within {p99:?}, all within \
         {most:?}; the first one took {warm:?}"
    )
    .unwrap();
    if p99.as_millis() < MOST_MS { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One check; returns how long it took.
async fn ask(client: &reqwest::Client, base: &str, number: usize) -> Duration {
    let agent = format!("agent-{}", number % AGENTS);
    let body =
        json!({"agent": agent, "customer_ref": format!("customer-{}", number % CUSTOMERS), "environment": "prod"});
    let began = Instant::now();
    let request = client.post(format!("{base}/v1/guard/check")).bearer_auth("key").body(body.to_string());
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let took = began.elapsed();
    assert_eq!(answer["decision"], "allow", "{answer}");
    assert!(answer["rules"].as_array().unwrap().len() >= RULES / 4, "most rules apply");
    took
}

async fn make_rules(client: &reqwest::Client, base: &str) {
    let windows = ["day", "week", "month", "hours:24", "hours:744", "total"];
    for number in 0..RULES {
        let spend_of = ["team", "agent", "customer", "agent_and_customer"][number % 4];
        let rule = json!({
            "name": format!("rule {number}"), "match": {"environment": "*"}, "spend_of": spend_of,
            "window": windows[number % windows.len()], "limit_usd": 1_000_000 + number,
        });
        let request = client.post(format!("{base}/v1/guard/rules")).bearer_auth("key").body(rule.to_string());
        assert_eq!(request.send().await.unwrap().status(), 201);
    }
}

/// A month in which each agent has spent for some customers in each hour.
async fn spend(rows: &dyn Rows, now: Timestamp) {
    let today = hour_of(now).div_euclid(HOURS_A_DAY);
    let mut total = SpendPage::default();
    for day in today - DAYS..=today {
        let mut page = SpendPage::default();
        for agent in 0..AGENTS {
            let changes: Vec<SpendChange> = (0..HOURS_A_DAY)
                .map(|hour| SpendChange {
                    agent: format!("agent-{agent}").into(),
                    customer: Some(format!("customer-{}", (agent + usize::try_from(hour).unwrap()) % CUSTOMERS).into()),
                    hour: day * HOURS_A_DAY + hour,
                    nanos: 1_000_000,
                })
                .collect();
            let offset = i64::try_from(agent).unwrap();
            page.count(SpendPeriod::Day(day), offset, changes.iter());
            total.count(SpendPeriod::Total, (day - today + DAYS) * 1_000 + offset, changes.iter());
        }
        put(rows, RowKey { table: &SPEND_DAYS, shard: day_shard(team(1), day), row: page_row(1, 0, 0) }, &page, now)
            .await;
    }
    put(rows, RowKey { table: &SPEND_TOTALS, shard: total_shard(team(1)), row: page_row(1, 0, 0) }, &total, now).await;
    let cursor = SpendCursor { as_of: Some(now), ..SpendCursor::default() };
    let doc = serde_json::to_vec(&cursor).ok();
    rows.put(Arc::new(vec![RowWrite { key: cursor_key(), rank: 1, doc }]), now).await.unwrap();
}

async fn put(rows: &dyn Rows, key: RowKey, page: &SpendPage, now: Timestamp) {
    let write = RowWrite { key, rank: 1, doc: Some(page.encode().unwrap()) };
    rows.put(Arc::new(vec![write]), now).await.unwrap();
}
