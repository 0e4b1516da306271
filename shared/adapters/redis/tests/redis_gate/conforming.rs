//! The conformance suite of the gate port.

use crate::asking::gate;
use crate::server::{clear_away, options, shared_url};

#[tokio::test]
async fn it_does_what_every_gate_does() {
    let url = shared_url().await;
    let options = options(&url);
    tidegate_agentping_conformance::gate::every_case(async || gate(&options)).await;
    clear_away(&url, &options).await;
}
