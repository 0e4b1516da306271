//! What requests are counted under.

use reqwest::Method;
use serde_json::json;

use crate::suite::one;

/// A call by a method that its route does not have is counted under the route's endpoint, and refused as a path that is
/// not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_counts_under_its_endpoint() {
    let (world, _, client) = one().await;
    let counted = async |endpoint: &str| {
        let labels = [("endpoint", endpoint), ("outcome", "refused"), ("cause", "path_unknown")];
        world.target().metrics().await.sum("tidegate_agentgate_requests_total", &labels)
    };
    for (method, path, endpoint) in [
        (Method::DELETE, "/v1/runs", "runs"),
        (Method::PUT, "/v1/webhooks/wh_x", "webhook"),
        (Method::OPTIONS, "/v1/work-orders", "submit"),
        (Method::GET, "/worker/v1/leases", "lease"),
    ] {
        let before = counted(endpoint).await;
        let details = client.send(method, path, &[], None).await.refused(404, "RESOURCE_NOT_FOUND");
        assert_eq!(details, json!({ "path": path }));
        assert!(counted(endpoint).await > before, "{path}");
    }
}
