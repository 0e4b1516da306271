//! Receivers that mean harm, or are slow.

use tidegate_agentping_alerts::DeliveryState;

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{Rig, eventually, notice};

/// AC-60: receivers that hang, or answer with a gigabyte, delay no other route's messages.
#[tokio::test]
async fn ac_60_a_slow_receiver_delays_no_other() {
    let rig = Rig::new().await;
    let [hanging, flooding, good] =
        [Receiver::start([Reply::Hang]).await, Receiver::start([Reply::Flood]).await, Receiver::start([OK]).await];
    for (number, receiver) in [(1, &hanging), (2, &hanging), (3, &hanging), (4, &flooding), (5, &good)] {
        rig.webhook(number, receiver.url()).await;
    }
    let _running = rig.start();
    let of_hanging = (1..=3).flat_map(|number| (0..30).map(move |key| notice(number, key)));
    rig.put(&of_hanging.collect::<Vec<_>>()).await;
    rig.put(&[notice(4, 1)]).await;
    eventually("eight hang", async || hanging.received().len() == 8).await;
    rig.put(&(0..50).map(|key| notice(5, key)).collect::<Vec<_>>()).await;
    eventually("the others' are sent", async || good.received().len() == 50).await;
    rig.states(4, &["firing sent"]).await;
    let flooded = rig.all(4).await.remove(0).progress.tries.remove(0);
    assert_eq!(flooded.answer.unwrap().len(), 1_024, "no more of it is kept");
    assert_eq!(hanging.received().len(), 8, "of three routes: it is one receiver");
}

/// AC-59: targets that are not allowed are refused at each try before a connection, and the owner sees the rule.
#[tokio::test]
async fn ac_59_what_is_not_allowed_is_refused_on_every_try() {
    let mut rig = Rig::new().await;
    rig.networks = "";
    let receiver = Receiver::start([OK]).await;
    let port = receiver.port;
    let _running = rig.start();
    for (number, (url, rule)) in (1..).zip([
        (format!("http://127.0.0.1:{port}/"), "loopback"),
        (format!("http://2130706433:{port}/"), "loopback"),
        (format!("http://0x7f.1:{port}/"), "loopback"),
        (format!("http://[::1]:{port}/"), "loopback"),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), "IPv4 inside IPv6"),
        (format!("http://localhost:{port}/"), "loopback"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "cloud metadata"),
        ("http://10.0.0.1/".to_owned(), "private"),
        ("http://user:pw@example.com/".to_owned(), "user"),
        ("http://example.com:25/".to_owned(), "port"),
        ("ftp://example.com/".to_owned(), "scheme"),
    ]) {
        rig.webhook(number, url.clone()).await;
        rig.put(&[notice(number, 80)]).await;
        rig.tries(number, 1).await;
        let tried = rig.all(number).await.remove(0).progress;
        let error = tried.tries[0].error.clone().unwrap();
        assert!(error.contains(rule), "{url}: {error}");
        assert!(!error.contains("127.0.0.1") && !error.contains("pw"), "{url}: {error}");
        assert_eq!(tried.state, DeliveryState::Waiting);
    }
    assert!(receiver.received().is_empty());
}

/// AC-72: neither a URL, nor a key, nor a header's value stands in what is stored of a message.
#[tokio::test]
async fn ac_72_no_secret_stands_in_what_is_stored() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([Reply::Status(500, "", "so")]).await);
    rig.webhook(1, receiver.url()).await;
    rig.slack(2, receiver.url()).await;
    let _running = rig.start();
    rig.put(&[notice(1, 80), notice(2, 80)]).await;
    for number in [1, 2] {
        rig.tries(number, 1).await;
        let one = rig.all(number).await.remove(0);
        let text = format!(
            "{one:?}{}{}",
            serde_json::to_string(&one.doc).unwrap(),
            serde_json::to_string(&one.progress).unwrap()
        );
        for secret in ["s3cret", "v4lue", "whsec_", "AAECAw"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
