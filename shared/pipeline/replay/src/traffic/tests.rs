//! When a replay waits, by readings of a lag that the test sets.

use std::sync::Mutex;

use async_trait::async_trait;
use tidegate_ports::{Account, Lag, LogError};
use tidegate_shedding::Thresholds;

use super::*;
use crate::samples::NOW;

struct SetLag {
    says: Mutex<Result<(u64, i64), LogError>>,
    asked: Mutex<u32>,
    began: Instant,
}

/// Where the log ends.
const END: i64 = 1_000_000;

impl SetLag {
    fn new() -> Arc<Self> {
        Arc::new(SetLag { says: Mutex::new(Ok((0, 0))), asked: Mutex::new(0), began: Instant::now() })
    }

    fn set(&self, says: Result<(u64, i64), LogError>) {
        *self.says.lock().unwrap() = says;
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl ReadLag for SetLag {
    async fn read(&self) -> Result<Lag, LogError> {
        Ok(Lag::over(&self.partitions(&[]).await?, NOW))
    }

    /// What waits here waited before the first reading, so its age is at least the time since then.
    async fn partitions(&self, _: &[Account]) -> Result<Vec<PartitionLag>, LogError> {
        *self.asked.lock().unwrap() += 1;
        let (records, age_ms) = self.says.lock().unwrap().clone()?;
        let (generation, partition, first, accounted, end) = (1, 0, 0, 0, END);
        let committed = END - i64::try_from(records).unwrap();
        let passed_ms = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        let oldest_appended_at = (records > 0).then(|| NOW.plus_millis(passed_ms - age_ms));
        let log_time = Some(NOW);
        let of_all =
            PartitionLag { generation, partition, first, committed, accounted, end, oldest_appended_at, log_time };
        Ok(vec![of_all])
    }
}

fn traffic(lag: &Arc<SetLag>) -> Traffic {
    let thresholds = ShedThresholds {
        records: Thresholds { leave: 10, enter: 20, full: 100 },
        age_ms: Thresholds { leave: 11_000, enter: 12_000, full: 19_000 },
        ..ShedThresholds::default()
    };
    Traffic::new(lag.clone(), thresholds)
}

async fn after(span: Duration, traffic: &mut Traffic) -> Allowed {
    tokio::time::advance(span).await;
    traffic.allowed().await
}

#[tokio::test(start_paused = true)]
async fn it_waits_over_the_threshold_and_goes_on_below_the_lower_one() {
    let lag = SetLag::new();
    let mut traffic = traffic(&lag);
    assert_eq!(traffic.allowed().await, Allowed::Records(20));
    for (says, allowed) in [
        ((15, 1_000), Allowed::Records(5)),
        ((20, 2_000), Allowed::Nothing(Yield::Behind { records: 20, age_ms: 2_000 })),
        ((15, 3_000), Allowed::Nothing(Yield::Behind { records: 15, age_ms: 3_000 })),
        ((9, 4_000), Allowed::Records(11)),
        ((1, 12_000), Allowed::Nothing(Yield::Behind { records: 1, age_ms: 12_000 })),
        ((1, 11_500), Allowed::Nothing(Yield::Behind { records: 1, age_ms: 11_500 })),
        ((1, 10_999), Allowed::Records(19)),
    ] {
        lag.set(Ok(says));
        assert_eq!(after(PERIOD, &mut traffic).await, allowed, "{says:?}");
    }
    lag.set(Err(LogError::Unavailable("no brokers".into())));
    let Allowed::Nothing(Yield::Unknown(why)) = after(PERIOD, &mut traffic).await else { panic!("it goes on blindly") };
    assert!(why.contains("no brokers"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_it_appends_counts_before_it_is_read() {
    let lag = SetLag::new();
    let mut traffic = traffic(&lag);
    assert_eq!(traffic.allowed().await, Allowed::Records(20));
    traffic.used(19);
    assert_eq!((traffic.allowed().await, lag.asked()), (Allowed::Records(1), 1), "a reading is used for a while");
    traffic.used(1);
    assert_eq!(
        (traffic.allowed().await, lag.asked()),
        (Allowed::AskIn(SOON), 1),
        "and for some time also when used up"
    );
    lag.set(Ok((20, 100)));
    assert_eq!(after(SOON, &mut traffic).await, Allowed::Nothing(Yield::Behind { records: 20, age_ms: 100 }));
}
