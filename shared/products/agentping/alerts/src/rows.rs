//! The rows of messages.

use tidegate_ports::{Meeting, RowTable};

/// What is to be sent: written by whoever found it, and never changed.
pub const DELIVERIES: RowTable = RowTable { name: "deliveries", keep_days: 90, meeting: Meeting::First };
