//! The routes of the descriptions that the program serves.

use serde_json::Value;
use tidegate_tests::openapi::Description;

/// One method of one path on one port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `ingest`, `control` or `agentgate`.
    pub port: String,
    /// Upper case.
    pub method: String,
    pub path: String,
}

/// AgentPing's. Those of AgentGate are kept apart by its own suite (AG-27, AG-32).
pub fn of_agentping() -> Vec<Route> {
    all().into_iter().filter(|route| route.port != "agentgate").collect()
}

/// Every route that is described to clients.
pub fn all() -> Vec<Route> {
    let mut routes = Vec::new();
    for description in Description::all() {
        let port = description.file.trim_end_matches(".json").to_owned();
        let document: Value = serde_json::from_str(&description.text).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let verbs = methods.as_object().unwrap().keys().filter(|key| {
                ["get", "put", "post", "delete", "patch", "head", "options", "trace"].contains(&key.as_str())
            });
            routes.extend(verbs.map(|method| Route {
                port: port.clone(),
                method: method.to_uppercase(),
                path: path.clone(),
            }));
        }
    }
    routes.sort();
    assert!(routes.len() >= 10, "the descriptions lost their routes: {routes:?}");
    routes
}
