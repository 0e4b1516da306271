//! The front door over in-memory ports, request by request.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod answers;
mod counted;
mod elsewhere;
mod house;
mod likely_calls;
mod overload;
mod receipts;
mod repeats;
mod reports;
mod retry_after;
