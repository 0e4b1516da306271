//! The metrics of a port.

tidegate_metric::declare! {
    pub(crate) REQUESTS_IN_FLIGHT: Gauge = "tidegate_requests_in_flight",
        "Requests in progress at the front door, including those whose client has left.";
    pub(crate) REQUESTS_IN_FLIGHT_MAX: Gauge = "tidegate_requests_in_flight_max",
        "The most that may be in progress at once; further ones are refused.";
    pub(crate) BODY_BYTES_IN_FLIGHT: Gauge = "tidegate_body_bytes_in_flight",
        "Bytes of request bodies in flight at the front door, as sent and decoded.";
    pub(crate) BODY_BYTES_IN_FLIGHT_MAX: Gauge = "tidegate_body_bytes_in_flight_max",
        "The most that may be in flight at once; requests with further ones are refused.";
    pub(crate) ANSWER_BYTES_IN_FLIGHT: Gauge = "tidegate_answer_bytes_in_flight",
        "Bytes that the read API's answers in flight take: before the store has answered, the most that they may take.";
    pub(crate) ANSWER_BYTES_IN_FLIGHT_MAX: Gauge = "tidegate_answer_bytes_in_flight_max",
        "The most that may be in flight at once; further answers wait for a second and are then refused.";
    pub(crate) ANSWERS_REFUSED: Counter = "tidegate_answers_refused_total",
        "Reads refused because the answers in flight used the whole byte budget.";

    pub(crate) CONNECTIONS_GAVE_WAY: Counter = "tidegate_connections_gave_way_total" { port },
        "Idle connections closed for new ones at the cap on connections, by port (ingest, control, ops).";
    pub(crate) REQUESTS_UNREADABLE: Counter = "tidegate_requests_unreadable_total" { port, cause },
        "Requests whose head could not be read, by port and cause (head_malformed, target_too_long, head_too_large); they are not among the received.";
}
