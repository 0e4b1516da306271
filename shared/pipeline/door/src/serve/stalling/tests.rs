//! What a connection may keep its server waiting for, on a clock that stands still.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{advance, timeout};

use super::*;
use crate::serve::Unreadable;

const PATIENCE: Patience =
    Patience { idle: Duration::from_secs(60), header: Duration::from_secs(30), keep_alive: Duration::from_secs(75) };

/// It knows no resets.
impl Socket for DuplexStream {
    fn poll_reset(&mut self, _: &mut Context<'_>) -> Poll<io::Error> {
        Poll::Pending
    }
}

struct Rig {
    client: DuplexStream,
    server: Stalling<DuplexStream>,
    exchange: Exchange,
    began: Instant,
}

fn rig(patience: Patience) -> Rig {
    let (client, server) = duplex(8);
    let began = Instant::now();
    let exchange = Exchange::new(began, began);
    let server = Stalling::new(server, patience, exchange.clone(), Unreadable::answer);
    Rig { client, server, exchange, began }
}

impl Rig {
    async fn hears_a_byte(&mut self) {
        self.client.write_all(b"x").await.expect("written");
        self.server.read_exact(&mut [0]).await.expect("read");
    }

    /// Seconds after its begin at which waiting for a byte ends in a time-out.
    async fn gives_up_at(&mut self) -> u64 {
        let read = self.server.read(&mut [0]).await;
        assert_eq!(read.expect_err("nothing came").kind(), io::ErrorKind::TimedOut);
        self.began.elapsed().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_comes_byte_by_byte_has_one_deadline() {
    let mut rig = rig(PATIENCE);
    for _ in 0..2 {
        rig.hears_a_byte().await;
        advance(Duration::from_secs(12)).await;
    }
    rig.hears_a_byte().await;
    assert_eq!(rig.gives_up_at().await, 30);
}

#[tokio::test(start_paused = true)]
async fn while_a_request_is_under_way_only_standing_still_counts() {
    let mut rig = rig(PATIENCE);
    let under_way = rig.exchange.begin();
    for _ in 0..3 {
        advance(Duration::from_secs(50)).await;
        rig.hears_a_byte().await;
    }
    assert_eq!(rig.gives_up_at().await, 150 + 60);
    drop(under_way);
}

#[tokio::test(start_paused = true)]
async fn the_next_request_may_begin_as_late_as_connections_are_kept() {
    let mut rig = rig(PATIENCE);
    rig.hears_a_byte().await;
    let under_way = rig.exchange.begin();
    advance(Duration::from_secs(50)).await;
    drop(under_way);
    rig.server.write_all(b"x").await.expect("written");
    assert_eq!(rig.gives_up_at().await, 50 + 75);
}

#[tokio::test(start_paused = true)]
async fn the_next_header_has_its_time_from_its_first_byte_on() {
    let mut rig = rig(PATIENCE);
    rig.hears_a_byte().await;
    drop(rig.exchange.begin());
    rig.server.write_all(b"x").await.expect("written");
    advance(Duration::from_secs(70)).await;
    for _ in 0..2 {
        rig.hears_a_byte().await;
        advance(Duration::from_secs(12)).await;
    }
    assert_eq!(rig.gives_up_at().await, 70 + 30);
}

#[tokio::test(start_paused = true)]
async fn a_connection_waits_for_a_request_once_all_that_it_owed_is_flushed() {
    let mut rig = rig(PATIENCE);
    let waited = |rig: &Rig| rig.exchange.waiting(Instant::now()).map(|waited| waited.as_secs());
    advance(Duration::from_secs(5)).await;
    assert_eq!(waited(&rig), Some(5), "since it was made");
    rig.hears_a_byte().await;
    let under_way = rig.exchange.begin();
    rig.server.write_all(b"x").await.expect("written");
    rig.server.flush().await.expect("flushed");
    assert_eq!(waited(&rig), None, "more of the answer may come");
    drop(under_way);
    assert_eq!(waited(&rig), None, "nor is its end written");
    rig.server.write_all(b"x").await.expect("written");
    assert_eq!(waited(&rig), None);
    rig.server.flush().await.expect("flushed");
    advance(Duration::from_secs(7)).await;
    assert_eq!(waited(&rig), Some(7));
    rig.hears_a_byte().await;
    advance(Duration::from_secs(3)).await;
    assert_eq!(waited(&rig), Some(3), "since the next header began");
}

#[tokio::test(start_paused = true)]
async fn what_was_waited_for_before_does_not_put_a_header_off() {
    let mut rig = rig(Patience { idle: Duration::from_secs(600), ..PATIENCE });
    let under_way = rig.exchange.begin();
    // The alarm rings meanwhile, and is set again for a request in progress.
    let waiting = timeout(Duration::from_secs(35), rig.server.read(&mut [0])).await;
    assert!(waiting.is_err(), "there is still patience: {waiting:?}");
    drop(under_way);
    rig.server.write_all(b"x").await.expect("written");
    rig.hears_a_byte().await;
    assert_eq!(rig.gives_up_at().await, 35 + 30);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_is_given_up_once_it_stands_still_and_no_sooner() {
    let mut rig = rig(PATIENCE);
    let under_way = rig.exchange.begin();
    advance(Duration::from_secs(50)).await;
    drop(under_way);
    rig.server.write_all(&[0; 8]).await.expect("all there is room for");
    let write = rig.server.write_all(b"x");
    let waiting = timeout(Duration::from_secs(45), write).await;
    assert!(waiting.is_err(), "a reader has longer than a header: {waiting:?}");
    // Nor does waiting for the next request meanwhile, as a server does, cut it short.
    assert_eq!(rig.gives_up_at().await, 50 + 60);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sends_meanwhile_does_not_give_it_more_time_to_read() {
    let mut rig = rig(PATIENCE);
    rig.server.write_all(&[0; 8]).await.expect("all there is room for");
    for _ in 0..2 {
        let waiting = timeout(Duration::from_secs(25), rig.server.write_all(b"x")).await;
        assert!(waiting.is_err(), "there is no room: {waiting:?}");
        rig.hears_a_byte().await;
    }
    assert_eq!(rig.gives_up_at().await, 60);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_and_goes_on_has_all_the_time_it_takes() {
    let mut rig = rig(PATIENCE);
    rig.server.write_all(&[0; 8]).await.expect("all there is room for");
    for _ in 0..4 {
        let waiting = timeout(Duration::from_secs(50), rig.server.write_all(b"x")).await;
        assert!(waiting.is_err(), "there is no room: {waiting:?}");
        rig.client.read_exact(&mut [0]).await.expect("read");
        rig.server.write_all(b"x").await.expect("there is room now");
    }
    // And the next request has its time from the answer on.
    assert_eq!(rig.gives_up_at().await, 200 + 75);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_left_at_the_shorter_of_both() {
    assert_eq!(rig(PATIENCE).gives_up_at().await, 30);
    assert_eq!(rig(Patience { idle: Duration::from_secs(5), ..PATIENCE }).gives_up_at().await, 5);
}
