//! The mark of a request ends with the request.

use std::sync::Arc;

use tidegate_commands::enter_limits;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::limits::MemoryLimits;
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::Attempt;
use tidegate_ports::{Enter, LimitsVerdict, Mark, RequestLimits, Take};

fn enter(attempt: u128) -> Enter {
    let mark = Mark { key: "key".into(), holder: Attempt::from_bits(attempt), lives_ms: 25_000 };
    let take = Take { name: "rate".into(), limit: 3, window_ms: 60_000 };
    Enter { owner: "owner".into(), takes: vec![take], mark: Some(mark) }
}

async fn until_free(limits: &Arc<dyn RequestLimits>, attempt: u128) -> LimitsVerdict {
    loop {
        let entered = limits.enter(&enter(attempt)).await.expect("in memory");
        match entered.verdict {
            LimitsVerdict::InFlight(_) => tokio::task::yield_now().await,
            verdict => return verdict,
        }
    }
}

#[tokio::test]
async fn a_mark_ends_with_its_request_and_only_its_holder_ends_it() {
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(0)));
    let limits: Arc<dyn RequestLimits> = Arc::new(MemoryLimits::new(clock));
    let (first, guard) = enter_limits(&limits, enter(1)).await.expect("in memory");
    assert_eq!((first.verdict, first.windows[0].remaining), (LimitsVerdict::Admitted, 2));
    let (second, refused) = enter_limits(&limits, enter(2)).await.expect("in memory");
    assert_eq!(second.verdict, LimitsVerdict::InFlight(Attempt::from_bits(1)));
    drop(refused);
    tokio::task::yield_now().await;
    let still = limits.enter(&enter(3)).await.expect("in memory");
    assert_eq!(still.verdict, LimitsVerdict::InFlight(Attempt::from_bits(1)));
    drop(guard);
    assert_eq!(until_free(&limits, 4).await, LimitsVerdict::Admitted);
}
