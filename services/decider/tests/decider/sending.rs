//! Deliveries are sent to receivers outside.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_decider::{DecidingPorts, Sending};
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::{Delivery, OwnerId};
use tidegate_outbound::{
    Compose, Composed, Message, Networks, Outbound, PortRule, RetryPlan, SendLimits, TargetPolicy, Trust,
};
use tidegate_ports::{Clock, Deliveries, SendProgress, SendState, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::{GROUP, Rig, eventually};
use crate::till::{Command, Till};

const TILL: Till = Till(5);
const PLAN: RetryPlan = RetryPlan {
    pauses: &[Duration::from_secs(5), Duration::from_secs(3_600)],
    jitter_percent: 0,
    asked_at_most: Duration::from_secs(1_800),
};

/// A receiver on loopback that answers with this status; 0: it hangs. With 429 it asks to be left alone for a day.
struct Receiver {
    port: u16,
    status: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn start(status: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (status, received) = (Arc::new(AtomicUsize::new(status)), Arc::<Mutex<Vec<String>>>::default());
        let (answers, notes) = (status.clone(), received.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answers, notes) = (answers.clone(), notes.clone());
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.ends_with(b"!") {
                        if !matches!(stream.read_buf(&mut request).await, Ok(1..)) {
                            return;
                        }
                    }
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let id = text.split("\r\n\r\n").nth(1).unwrap_or_default().trim_end_matches('!').to_owned();
                    notes.lock().expect("a list").push(id);
                    match answers.load(Ordering::SeqCst) {
                        0 => std::future::pending().await,
                        status => {
                            let asks = if status == 429 { "retry-after: 86400\r\n" } else { "" };
                            let answer = format!("HTTP/1.1 {status} so\r\n{asks}content-length: 0\r\n\r\n");
                            _ = stream.write_all(answer.as_bytes()).await;
                        }
                    }
                });
            }
        });
        Receiver { port, status, received }
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().expect("a list").clone()
    }
}

/// Sends a till's deliveries to the port of that till.
struct Ports(Vec<(Till, u16)>);

#[async_trait]
impl Compose for Ports {
    fn queue(&self, delivery: &Delivery) -> SmolStr {
        delivery.id.rsplit_once('-').map_or(delivery.id.clone(), |(till, _)| till.into())
    }

    async fn compose(&self, delivery: &Delivery) -> Result<Composed, StoreError> {
        let queue = self.queue(delivery);
        let Some((_, port)) = self.0.iter().find(|(till, _)| till.to_string() == queue) else {
            return Ok(Composed::Drop("it has no receiver"));
        };
        let body = Bytes::from(format!("{}!", delivery.id));
        Ok(Composed::Send(Message { url: format!("http://127.0.0.1:{port}/"), headers: Vec::new(), body }))
    }
}

fn sending(rig: &Rig, ports: &[(Till, u16)]) -> DecidingPorts {
    let policy = TargetPolicy {
        allow_http: true,
        networks: Networks::parse(["127.0.0.1"]).expect("a network"),
        ports: PortRule::Any,
    };
    let limits = SendLimits { whole: Duration::from_secs(600), connect: Duration::from_secs(60), body_bytes: 1_024 };
    let client = Outbound::new(policy, limits, Trust::public()).expect("a client");
    let sending = Sending::new(Arc::new(Ports(ports.to_vec())), client, PLAN);
    DecidingPorts { sending: Some(Arc::new(sending)), ..rig.ports(&rig.stores) }
}

async fn progress(rig: &Rig, till: Till) -> Vec<SendProgress> {
    let kept = rig.stores.deliveries.kept(till.log_key().shard(), None, 100).await.expect("in memory");
    kept.into_iter().filter_map(|one| one.progress).collect()
}

async fn is(rig: &Rig, tries: u32, state: impl Fn(SendState) -> bool) {
    eventually("the progress", async || {
        progress(rig, TILL).await.iter().any(|one| one.tries == tries && state(one.state))
    })
    .await;
}

async fn buy(rig: &Rig, till: Till, count: usize) {
    rig.append(till, Command::Fund { amount: 1_000 }).await;
    for _ in 0..count {
        rig.append(till, Command::Buy { price: 1 }).await;
    }
}

#[tokio::test]
async fn a_delivery_is_tried_by_plan_and_then_given_up() {
    let (rig, receiver) = (Rig::new(2), Receiver::start(500).await);
    let running = rig.start_with(GROUP, sending(&rig, &[(TILL, receiver.port)]), &rig.stores);
    buy(&rig, TILL, 1).await;
    is(&rig, 1, |state| matches!(state, SendState::Retry(_))).await;
    rig.clock.advance_ms(5_000);
    is(&rig, 2, |state| matches!(state, SendState::Retry(_))).await;
    // That far ahead it is in the store alone, until a sweep finds that it is due.
    rig.clock.advance_ms(3_600_000);
    is(&rig, 3, |state| state == SendState::GivenUp).await;
    assert_eq!(receiver.received(), [format!("{TILL}-1"), format!("{TILL}-1"), format!("{TILL}-1")]);
    assert_eq!(progress(&rig, TILL).await[0].last, "status 500");
    running.stop().await;
}

/// A receiver's `Retry-After` holds for all that waits for it, up to the plan's limit, and for no other receiver.
#[tokio::test]
async fn a_receiver_that_asks_to_be_left_alone_is_left_alone() {
    let (rig, receiver, other) = (Rig::new(1), Receiver::start(429).await, Receiver::start(200).await);
    let ports = sending(&rig, &[(TILL, receiver.port), (Till(6), other.port)]);
    let running = rig.start_with(GROUP, ports, &rig.stores);
    let asked_at = rig.clock.now();
    buy(&rig, TILL, 1).await;
    // Appending moves the clock on by some milliseconds.
    let asked = asked_at.plus_millis(1_800_000)..asked_at.plus_millis(1_800_100);
    is(&rig, 1, |state| matches!(state, SendState::Retry(at) if asked.contains(&at))).await;
    receiver.status.store(200, Ordering::SeqCst);
    rig.append(TILL, Command::Buy { price: 1 }).await;
    rig.clock.advance_ms(1_799_000);
    buy(&rig, Till(6), 1).await;
    eventually("the other's is sent", async || other.received().len() == 1).await;
    assert_eq!(receiver.received(), [format!("{TILL}-1")], "the second one waits, too");
    rig.clock.advance_ms(1_000);
    eventually("the second one is sent", async || receiver.received().contains(&format!("{TILL}-2"))).await;
    running.stop().await;
}

#[tokio::test]
async fn what_has_no_receiver_is_dropped_and_what_is_sent_is_noted() {
    let (rig, receiver) = (Rig::new(1), Receiver::start(204).await);
    let running = rig.start_with(GROUP, sending(&rig, &[(Till(6), receiver.port)]), &rig.stores);
    buy(&rig, TILL, 1).await;
    buy(&rig, Till(6), 3).await;
    is(&rig, 0, |state| state == SendState::Dropped).await;
    eventually("all are sent", async || {
        let all = progress(&rig, Till(6)).await;
        all.len() == 3 && all.iter().all(|one| one.state == SendState::Sent && one.tries == 1)
    })
    .await;
    assert_eq!(receiver.received().len(), 3);
    running.stop().await;
}

/// A stop does not wait for a receiver that hangs, and whoever is assigned next sends the same.
#[tokio::test]
async fn the_next_owner_of_the_partition_sends_what_was_cut_off() {
    let (rig, receiver) = (Rig::new(1), Receiver::start(0).await);
    let running = rig.start_with(GROUP, sending(&rig, &[(TILL, receiver.port)]), &rig.stores);
    buy(&rig, TILL, 1).await;
    eventually("a try", async || receiver.received().len() == 1).await;
    running.stop().await;
    receiver.status.store(200, Ordering::SeqCst);
    let running = rig.start_with(GROUP, sending(&rig, &[(TILL, receiver.port)]), &rig.stores);
    is(&rig, 1, |state| state == SendState::Sent).await;
    assert_eq!(receiver.received(), [format!("{TILL}-1"), format!("{TILL}-1")]);
    running.stop().await;
}

/// A receiver that hangs has eight tries at most, however much waits for it, and the others' come through.
#[tokio::test]
async fn a_receiver_that_hangs_delays_no_others() {
    let (rig, hanging, quick) = (Rig::new(1), Receiver::start(0).await, Receiver::start(200).await);
    let ports = [(TILL, hanging.port), (Till(6), quick.port), (Till(7), hanging.port)];
    let running = rig.start_with(GROUP, sending(&rig, &ports), &rig.stores);
    buy(&rig, TILL, 200).await;
    buy(&rig, Till(7), 200).await;
    buy(&rig, Till(6), 100).await;
    eventually("the others' are sent", async || quick.received().len() == 100).await;
    eventually("eight hang", async || hanging.received().len() == 8).await;
    rig.append(Till(6), Command::Buy { price: 1 }).await;
    eventually("one more", async || quick.received().len() == 101).await;
    assert_eq!(hanging.received().len(), 8, "of both tills: it is one receiver");
    running.stop().await;
}

/// While a store is rebuilt nothing is sent.
#[tokio::test]
async fn a_rebuild_sends_nothing() {
    let (rig, receiver) = (Rig::new(1), Receiver::start(200).await);
    buy(&rig, TILL, 2).await;
    let ports = DecidingPorts { append: None, ..sending(&rig, &[(TILL, receiver.port)]) };
    let running = rig.start_with(GROUP, ports, &rig.stores);
    rig.caught_up(GROUP).await;
    running.stop().await;
    assert_eq!(receiver.received(), [""; 0]);
    assert_eq!(progress(&rig, TILL).await, []);
}
