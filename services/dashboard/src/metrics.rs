//! The metrics of the dashboard.

tidegate_metric::declare! {
    pub(crate) PAGE_REQUESTS_RECEIVED: Counter = "tidegate_page_requests_received_total" { endpoint },
        "Requests that reached the dashboard, by page (overview, agents, run and so on, sign_in, asset, other).";
    pub(crate) PAGE_REQUESTS: Counter = "tidegate_page_requests_total" { endpoint, outcome, cause },
        "Requests for pages by page, outcome (answered, refused, failed, abandoned) and cause; their sum over all outcomes is the number received.";
}
