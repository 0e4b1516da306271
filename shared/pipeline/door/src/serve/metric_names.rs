//! The names of a port's metrics. They stand again, with their descriptions, in the room of telemetry, which this room
//! does not know; a test holds the two together.

pub(crate) const GAVE_WAY: &str = "tidegate_connections_gave_way_total";
pub(crate) const UNREADABLE: &str = "tidegate_requests_unreadable_total";
