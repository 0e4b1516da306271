//! The limits on real Redis servers: the suite of their port, and what a server does to them.

use std::time::Duration;

use futures_util::future::join_all;
use tidegate_conformance::limits::{LimitsUnderTest, suite};
use tidegate_kernel::command::Attempt;
use tidegate_ports::{Enter, LimitsDown, LimitsVerdict, Mark, RequestLimits, Take};
use tidegate_redis::{RedisLimits, RedisOptions};
use tokio::time::timeout;

use crate::asking::at_once;
use crate::server::{DEADLINE, OwnRedis, options, wait_until};

const MINUTE_MS: u32 = 60_000;

fn entry(name: &str, limit: u32, window_ms: u32) -> Enter {
    Enter { owner: "owner".into(), takes: vec![Take { name: name.into(), limit, window_ms }], mark: None }
}

/// Takes time away from every key of the server, as if it had passed.
fn advance(url: &str, ms: i64) {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    for key in keys {
        let left_ms: i64 = redis::cmd("PTTL").arg(&key).query(&mut connection).unwrap();
        assert_ne!(left_ms, -1, "{key} never expires");
        let _: i64 = redis::cmd("PEXPIRE").arg(&key).arg(left_ms - ms).query(&mut connection).unwrap();
    }
}

async fn conforms(redis: &OwnRedis, options: RedisOptions) {
    let limits = RedisLimits::connect(options).unwrap();
    let url = redis.url();
    let advance_ms = |ms| advance(&url, ms);
    suite(&LimitsUnderTest { limits: &limits, advance_ms: &advance_ms }).await;
}

#[tokio::test]
async fn they_do_what_all_limits_do() {
    let redis = OwnRedis::start(&[]).await;
    conforms(&redis, options(redis.url())).await;
}

#[tokio::test]
async fn they_do_what_all_limits_do_on_a_cluster() {
    let redis = OwnRedis::start_cluster().await;
    conforms(&redis, RedisOptions { cluster: true, ..options(redis.url()) }).await;
}

#[tokio::test]
async fn two_front_doors_share_a_window_and_a_mark() {
    let redis = OwnRedis::start(&[]).await;
    let options = options(redis.url());
    let limits = [(); 2].map(|()| RedisLimits::connect(options.clone()).unwrap());
    let entry = entry("create", 7, MINUTE_MS);
    let entered = join_all((0..60).map(|number| limits[number % 2].enter(&entry))).await;
    let admitted = entered.iter().filter(|entered| entered.as_ref().unwrap().verdict == LimitsVerdict::Admitted);
    assert_eq!(admitted.count(), 7);

    let with_mark = |holder: u128| {
        let mark = Mark { key: "key".into(), holder: Attempt::from_bits(holder), lives_ms: MINUTE_MS };
        Enter { takes: vec![], mark: Some(mark), ..entry.clone() }
    };
    let entries: Vec<Enter> = (0..60).map(with_mark).collect();
    let entered = join_all(entries.iter().enumerate().map(|(number, entry)| limits[number % 2].enter(entry))).await;
    let admitted = entered.iter().filter(|entered| entered.as_ref().unwrap().verdict == LimitsVerdict::Admitted);
    assert_eq!(admitted.count(), 1);
}

/// A setting may change: the window is never longer than it is now.
#[tokio::test]
async fn a_window_that_became_shorter_ends_sooner() {
    let redis = OwnRedis::start(&[]).await;
    let limits = RedisLimits::connect(options(redis.url())).unwrap();
    limits.enter(&entry("create", 1, 60 * MINUTE_MS)).await.unwrap();
    let entered = limits.enter(&entry("create", 1, MINUTE_MS)).await.unwrap();
    assert_eq!((entered.verdict, entered.windows[0].resets_in_ms), (LimitsVerdict::Exhausted(0), MINUTE_MS));
    advance(&redis.url(), i64::from(MINUTE_MS));
    assert_eq!(limits.enter(&entry("create", 1, MINUTE_MS)).await.unwrap().verdict, LimitsVerdict::Admitted);
}

#[tokio::test]
async fn a_key_of_another_program_is_an_error() {
    let redis = OwnRedis::start(&[]).await;
    let options = options(redis.url());
    let limits = RedisLimits::connect(options.clone()).unwrap();
    let mark = Mark { key: "key".into(), holder: Attempt::from_bits(1), lives_ms: MINUTE_MS };
    redis.tell(&["SET", &format!("{}:{{owner}}:m:key", options.key_prefix), "something else"]).await;
    let down = limits.enter(&Enter { mark: Some(mark), ..entry("create", 1, MINUTE_MS) }).await.unwrap_err();
    assert!(down.to_string().contains("something else"), "{down}");
}

async fn cause(limits: &RedisLimits) -> Option<String> {
    let entered = timeout(DEADLINE, Box::pin(limits.enter(&entry("read", u32::MAX, MINUTE_MS)))).await;
    entered.expect("a hang is an error").err().map(|LimitsDown(cause)| cause.to_string())
}

#[tokio::test]
async fn a_redis_that_hangs_or_dies_is_down_until_it_is_back() {
    let mut redis = OwnRedis::start(&[]).await;
    let soon = Duration::from_millis(100);
    let options = RedisOptions { connect_timeout: soon, response_timeout: soon, ..options(redis.url()) };
    let limits = RedisLimits::connect(options).unwrap();
    let entry = entry("read", u32::MAX, MINUTE_MS);
    let is_up = || wait_until("the limits are up", async || cause(&limits).await.is_none());
    let is_known_down = || {
        wait_until("the limits are known to be down", async || matches!(at_once(limits.enter(&entry)), Some(Err(_))))
    };
    is_up().await;
    redis.pause();
    assert!(cause(&limits).await.is_some());
    is_known_down().await;
    redis.resume();
    is_up().await;
    redis.kill();
    is_known_down().await;
    let mark = Mark { key: "key".into(), holder: Attempt::from_bits(1), lives_ms: MINUTE_MS };
    assert!(limits.leave("owner", &mark).await.is_err());
    redis.launch().await;
    is_up().await;
}
