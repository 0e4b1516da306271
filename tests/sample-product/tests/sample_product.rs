//! A second product on the pipeline: in one process, on a data folder, and on the real stack.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tidegate_sample_product::assemble::{GROUP, Parts};
use tidegate_sample_product::front_door::FrontDoor;
use tidegate_sample_product::mark::{CounterId, Mark};
use tidegate_tests::stack::{Addresses, sweep::sweep};
use tidegate_tests::{eventually, ids};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, spawn};

/// A busy machine, and a group that is joined again.
const SOON: Duration = Duration::from_secs(90);

struct World {
    parts: Parts,
    metrics: PrometheusHandle,
    url: String,
    client: Client,
    _kept: Box<dyn Any>,
}

/// Removes what a test leaves on the stack.
struct Leftovers(String, Addresses);

impl Drop for Leftovers {
    fn drop(&mut self) {
        let Leftovers(name, stack) = self;
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        // The test has its verdict; what stays is only untidy.
        let swept = || _ = runtime().map(|runtime| runtime.block_on(sweep(name, name, stack)));
        std::thread::scope(|scope| _ = scope.spawn(swept));
    }
}

impl World {
    async fn in_process() -> World {
        World::of(Parts::in_process(), Box::new(())).await
    }

    async fn on_a_data_folder() -> World {
        let place = tempfile::tempdir().unwrap();
        World::of(Parts::embedded(place.path()).await.unwrap(), Box::new(place)).await
    }

    async fn on_the_stack() -> World {
        let kept = Leftovers(format!("counters_{}", ids::nonce()), Addresses::found());
        let parts = Parts::distributed(&kept.1.kafka, &kept.1.cql, &kept.0).await.unwrap();
        World::of(parts, Box::new(kept)).await
    }

    async fn of(parts: Parts, kept: Box<dyn Any>) -> World {
        let recorder = PrometheusBuilder::new().build_recorder();
        let new = || FrontDoor::new(parts.append.clone(), parts.counters.clone());
        let front_door = Arc::new(metrics::with_local_recorder(&recorder, new));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        spawn(front_door.serve(listener, std::future::pending()));
        World { parts, metrics: recorder.handle(), url, client: Client::new(), _kept: kept }
    }

    async fn call(&self, method: Method, path: &str, body: impl ToString) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url)).body(body.to_string());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn total(&self, counter: &str) -> (u16, Value) {
        self.call(Method::GET, &format!("/v1/counters/{counter}"), "").await
    }

    async fn post_marks(&self, counters: &[String]) {
        for (add, counter) in (1..=10).flat_map(|add| counters.iter().map(move |counter| (add, counter))) {
            let mark = json!({ "counter": counter, "add": add });
            assert_eq!(self.call(Method::POST, "/v1/marks", &mark).await, (202, mark));
        }
    }

    async fn consume(&self, group: &str) -> AbortHandle {
        spawn(self.parts.consumer(group).await.unwrap().run(std::future::pending())).abort_handle()
    }

    /// Everything on the log is applied and committed.
    async fn caught_up(&self, group: &str) {
        let lag = self.parts.groups.lag(group).unwrap();
        let behind = async || match lag.read().await {
            Ok(lag) if lag.records == 0 => Ok(()),
            lag => Err(format!("{lag:?}")),
        };
        eventually(SOON, &format!("{group} has caught up"), behind).await;
    }

    /// Records that are stored, and dead letters.
    async fn accounted(&self) -> (u64, u64) {
        let accounts = self.parts.accounts.accounts().await.unwrap();
        assert!(accounts.iter().all(|account| account.missing() == 0), "{accounts:?}");
        let sums = accounts.iter().map(|account| (account.stored, account.dead));
        sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// The series of a metric that are not 0, and their sum.
    fn counted(&self, metric: &str) -> (Vec<String>, u64) {
        let page = self.metrics.render();
        let series = page.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{')?.split_once("} "));
        let series: Vec<_> = series.filter(|(_, count)| *count != "0").collect();
        let sum = series.iter().map(|(_, count)| count.parse::<u64>().unwrap()).sum();
        (series.into_iter().map(|(labels, count)| format!("{labels} {count}")).collect(), sum)
    }
}

async fn each_mark_counts_once(world: World) {
    let counters: Vec<String> = (0..3).map(|_| ids::fresh("counter", "eu")).collect();
    world.post_marks(&counters).await;
    let first = world.consume(GROUP).await;
    let seen = async || match world.total(&counters[0]).await {
        (200, _) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    eventually(SOON, "the first marks are counted", seen).await;
    // As a kill would: what it has saved may not be committed, and comes again.
    first.abort();
    world.post_marks(&counters).await;
    world.consume(GROUP).await;
    world.caught_up(GROUP).await;
    // Another group reads all of the log, and applies it to the same table.
    world.consume("again").await;
    world.caught_up("again").await;
    for counter in &counters {
        let expected = json!({ "counter": counter, "total": 110, "marks": 20 });
        assert_eq!(world.total(counter).await, (200, expected));
    }
    assert_eq!(world.accounted().await, (60, 0));
}

async fn each_request_has_one_outcome(world: World) {
    let (counter, marks) = (ids::fresh("counter", "eu"), "/v1/marks");
    let mark = json!({ "counter": counter, "add": 2 });
    let padded = format!("{mark}{}", " ".repeat(2_000));
    for (method, path, body, status, why) in [
        (Method::POST, marks, r#"{"counter":"door-3","add":2}"#, 400, "bad_mark"),
        (Method::POST, marks, &padded, 413, "too_large"),
        (Method::POST, "/v1/mark", "{}", 404, "no_route"),
        (Method::GET, marks, "", 405, "post_only"),
        (Method::GET, &format!("/v1/counters/{counter}"), "", 404, "no_counter"),
    ] {
        let (found, body) = world.call(method, path, body).await;
        assert_eq!((found, &body["refused"]["why"]), (status, &json!(why)), "{path}: {body}");
        assert!(body["refused"]["text"].is_string() && body.get("error").is_none(), "{body}");
    }
    // Nothing of these is on the log: the records are one that is no mark, and a mark.
    let key = Mark { counter: CounterId::parse(&counter).unwrap(), add: 2 }.log_key();
    let poison = Bytes::from_static(br#"{"v":"9"}"#);
    world.parts.append.append(key, poison.clone()).await.unwrap();
    assert_eq!(world.call(Method::POST, marks, &mark).await, (202, mark));
    world.consume(GROUP).await;
    world.caught_up(GROUP).await;
    assert_eq!(world.total(&counter).await.1, json!({ "counter": counter, "total": 2, "marks": 1 }));
    assert_eq!(world.accounted().await, (1, 1));
    let dead_letters = world.parts.dead_letters.list(None, 10).await.unwrap();
    assert!(matches!(&dead_letters[..], [one] if one.payload == poison), "{dead_letters:?}");
    let (mut ended, sum) = world.counted("counters_requests_total");
    ended.sort();
    assert_eq!(
        ended,
        [
            r#"endpoint="counters",outcome="answered",cause="none" 1"#,
            r#"endpoint="counters",outcome="refused",cause="no_counter" 1"#,
            r#"endpoint="marks",outcome="accepted",cause="none" 1"#,
            r#"endpoint="marks",outcome="refused",cause="bad_mark" 1"#,
            r#"endpoint="marks",outcome="refused",cause="post_only" 1"#,
            r#"endpoint="marks",outcome="refused",cause="too_large" 1"#,
            r#"endpoint="other",outcome="refused",cause="no_route" 1"#,
        ]
    );
    assert_eq!(world.counted("counters_requests_received_total").1, sum);
}

macro_rules! on_each {
    ($($setup:ident)+) => {$(
        mod $setup {
            use super::World;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn each_mark_counts_once() {
                super::each_mark_counts_once(World::$setup().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn each_request_has_one_outcome() {
                super::each_request_has_one_outcome(World::$setup().await).await;
            }
        }
    )+};
}

on_each!(in_process on_a_data_folder on_the_stack);
