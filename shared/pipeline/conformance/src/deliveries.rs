//! The suite of the deliveries port.

use std::sync::Arc;

use tidegate_kernel::command::Delivery;
use tidegate_kernel::{LogKey, SmolStr, Timestamp};
use tidegate_ports::{Clock, Deliveries, DeliveryWrite, SendProgress, SendState, SystemClock, WaitingDelivery};

use crate::minted::{at, name, owner, owner_of_shard};

/// Runs every case.
pub async fn suite(deliveries: &dyn Deliveries) {
    what_waits_is_found_by_shard(deliveries).await;
    the_later_progress_stays(deliveries).await;
    what_is_finished_no_longer_waits(deliveries).await;
    what_waits_is_found_page_by_page(deliveries).await;
    what_waits_is_found_by_its_id(deliveries).await;
}

/// Deliveries with the prefix as the beginning of their ids, so that they are found one after another.
fn write(owner: LogKey, id: &str) -> DeliveryWrite {
    let delivery = Delivery { id: id.into(), body: format!("\u{0}{{\"id\":\"{id}\"}}").into_bytes() };
    DeliveryWrite { owner, delivery, position: at(7) }
}

fn progress(tries: u32, state: SendState, after_ms: i64) -> SendProgress {
    let at = now().plus_millis(after_ms);
    SendProgress { tries, state, last: format!("503 at try {tries}"), at }
}

/// Whole seconds, the same all day: what is written as of one instant is the same.
fn now() -> Timestamp {
    let day_ms = 86_400_000;
    Timestamp::from_millis(SystemClock.now().as_millis() / day_ms * day_ms)
}

async fn put(deliveries: &dyn Deliveries, writes: Vec<DeliveryWrite>) {
    deliveries.put(Arc::new(writes)).await.expect("put");
}

fn waits(write: &DeliveryWrite, progress: Option<SendProgress>) -> WaitingDelivery {
    WaitingDelivery { owner: write.owner.text().into(), delivery: write.delivery.clone(), progress }
}

/// What waits of these owners. Others of the shard are not looked at.
async fn waiting(deliveries: &dyn Deliveries, owners: &[LogKey]) -> Vec<WaitingDelivery> {
    let all = deliveries.waiting(owners[0].shard(), None, 1_000_000).await.expect("read");
    let ids: Vec<&SmolStr> = all.iter().map(|waiting| &waiting.delivery.id).collect();
    assert!(ids.is_sorted(), "by id");
    all.into_iter().filter(|waiting| owners.iter().any(|owner| waiting.owner == owner.text())).collect()
}

async fn what_waits_is_found_by_shard(deliveries: &dyn Deliveries) {
    let one = owner();
    let [same, other] = [owner_of_shard(one.shard()), owner_of_shard((one.shard() + 1) % LogKey::SHARDS)];
    let prefix = name();
    let of_one = [write(one, &format!("{prefix}1")), write(one, &format!("{prefix}3"))];
    let (of_same, of_other) = (write(same, &format!("{prefix}2")), write(other, &format!("{prefix}4")));
    put(deliveries, vec![]).await;
    put(deliveries, vec![of_other.clone(), of_one[1].clone(), of_same.clone(), of_one[0].clone()]).await;
    // The same again changes nothing.
    put(deliveries, of_one.to_vec()).await;
    let expected = [&of_one[0], &of_same, &of_one[1]].map(|write| waits(write, None));
    assert_eq!(waiting(deliveries, &[one, same, other]).await, expected);
    assert_eq!(waiting(deliveries, &[other]).await, [waits(&of_other, None)]);
}

async fn the_later_progress_stays(deliveries: &dyn Deliveries) {
    let owner = owner();
    let write = write(owner, &name());
    put(deliveries, vec![write.clone()]).await;
    let first = progress(1, SendState::Retry(now().plus_millis(5_000)), 1_000);
    let second = progress(2, SendState::Retry(now().plus_millis(60_000)), 5_000);
    for noted in [&first, &second, &first, &second] {
        deliveries.note(owner, &write.delivery.id, noted.clone()).await.expect("noted");
    }
    assert_eq!(waiting(deliveries, &[owner]).await, [waits(&write, Some(second))]);
}

async fn what_is_finished_no_longer_waits(deliveries: &dyn Deliveries) {
    let owner = owner();
    let prefix = name();
    let [sent, given_up, retried, dropped] = ["1", "2", "3", "4"].map(|end| write(owner, &format!("{prefix}{end}")));
    put(deliveries, vec![sent.clone(), given_up.clone(), retried.clone(), dropped.clone()]).await;
    let retry = progress(1, SendState::Retry(now()), 1_000);
    for write in [&sent, &given_up, &retried, &dropped] {
        deliveries.note(owner, &write.delivery.id, retry.clone()).await.expect("noted");
    }
    let finished = [(&sent, SendState::Sent), (&given_up, SendState::GivenUp), (&dropped, SendState::Dropped)];
    for (write, state) in finished {
        deliveries.note(owner, &write.delivery.id, progress(2, state, 2_000)).await.expect("noted");
    }
    let expected = [waits(&retried, Some(retry.clone()))];
    assert_eq!(waiting(deliveries, &[owner]).await, expected);
    // Whoever decides the same again puts the same again; and a late note changes nothing.
    put(deliveries, vec![sent.clone(), given_up.clone()]).await;
    deliveries.note(owner, &sent.delivery.id, retry.clone()).await.expect("noted");
    assert_eq!(waiting(deliveries, &[owner]).await, expected);
    // What is finished is still there for whoever looks.
    let expected = [
        waits(&sent, Some(progress(2, SendState::Sent, 2_000))),
        waits(&given_up, Some(progress(2, SendState::GivenUp, 2_000))),
        waits(&retried, Some(retry)),
        waits(&dropped, Some(progress(2, SendState::Dropped, 2_000))),
    ];
    let after = Some(SmolStr::from(prefix.as_str()));
    let mut kept = deliveries.kept(owner.shard(), after, 1_000_000).await.expect("read");
    kept.retain(|one| one.owner == owner.text());
    assert_eq!(kept, expected);
    let page = deliveries.kept(owner.shard(), Some(given_up.delivery.id), 1).await.expect("read");
    assert_eq!(page.len(), 1);
}

async fn what_waits_is_found_page_by_page(deliveries: &dyn Deliveries) {
    let owner = owner();
    let prefix = name();
    let writes: Vec<DeliveryWrite> = (0..300).map(|number| write(owner, &format!("{prefix}{number:04}"))).collect();
    put(deliveries, writes.clone()).await;
    // What is finished does not count in a page.
    for write in &writes[..100] {
        deliveries.note(owner, &write.delivery.id, progress(1, SendState::Sent, 1_000)).await.expect("noted");
    }
    let mut found = Vec::new();
    let mut after = Some(SmolStr::from(prefix.as_str()));
    while found.len() < 200 {
        let page = deliveries.waiting(owner.shard(), after, 90).await.expect("read");
        let of_case = |waiting: &&WaitingDelivery| waiting.delivery.id.starts_with(&prefix);
        assert_eq!(page.iter().filter(of_case).count(), 90.min(200 - found.len()));
        after = page.last().map(|waiting| waiting.delivery.id.clone());
        found.extend(page.into_iter().filter(|waiting| of_case(&waiting)));
    }
    let expected: Vec<WaitingDelivery> = writes[100..].iter().map(|write| waits(write, None)).collect();
    assert_eq!(found, expected);
}

async fn what_waits_is_found_by_its_id(deliveries: &dyn Deliveries) {
    let owner = owner();
    let other = owner_of_shard((owner.shard() + 1) % LogKey::SHARDS);
    let prefix = name();
    let writes: Vec<DeliveryWrite> = (0..300).map(|number| write(owner, &format!("{prefix}{number:04}"))).collect();
    let elsewhere = write(other, &format!("{prefix}9999"));
    put(deliveries, [&writes[..], std::slice::from_ref(&elsewhere)].concat()).await;
    let retry = progress(1, SendState::Retry(now()), 1_000);
    deliveries.note(owner, &writes[1].delivery.id, retry.clone()).await.expect("noted");
    for (write, state) in [(&writes[2], SendState::Sent), (&writes[3], SendState::GivenUp)] {
        deliveries.note(owner, &write.delivery.id, progress(1, state, 1_000)).await.expect("noted");
    }
    let named = async |ids: &[&str]| {
        let ids: Vec<SmolStr> = ids.iter().copied().map(SmolStr::from).collect();
        deliveries.named(owner.shard(), &ids).await.expect("read")
    };
    assert_eq!(named(&[]).await, []);
    let [untried, retried, sent, given_up, ..] = &writes[..] else { return };
    let [untried_id, retried_id, sent_id, given_up_id, elsewhere_id] =
        [untried, retried, sent, given_up, &elsewhere].map(|write| write.delivery.id.as_str());
    let unknown = name();
    let ids = [retried_id, sent_id, unknown.as_str(), untried_id, given_up_id, elsewhere_id, untried_id];
    assert_eq!(named(&ids).await, [waits(untried, None), waits(retried, Some(retry))]);
    // More than one statement names.
    let ids: Vec<&str> = writes[4..].iter().map(|write| write.delivery.id.as_str()).collect();
    let expected: Vec<WaitingDelivery> = writes[4..].iter().map(|write| waits(write, None)).collect();
    assert_eq!(named(&ids).await, expected);
}
