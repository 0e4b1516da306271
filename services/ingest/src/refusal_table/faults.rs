//! The rows of what is wrong with a body, a path or a query.

use super::{Cause, Entry};
use crate::parse::Fault;

pub(super) fn fault_entry(fault: &Fault) -> Entry {
    let (code, cause) = match fault {
        Fault::NotJson { .. } => ("invalid_json", Cause::NotJson),
        Fault::Twice { .. } => ("invalid_json", Cause::Twice),
        Fault::UnknownMember { .. } => ("unknown_field", Cause::UnknownMember),
        Fault::Missing { .. } => ("missing_field", Cause::Missing),
        Fault::Malformed { .. } => ("invalid_field", Cause::Malformed),
        Fault::IdPattern { .. } => ("invalid_id", Cause::IdPattern),
        Fault::IdRegion { .. } => ("invalid_id", Cause::IdRegion),
        Fault::IdRegionUnknown { .. } => ("unknown_region", Cause::IdRegionUnknown),
        Fault::TooManyEvents { .. } => ("batch_too_large", Cause::TooManyEvents),
    };
    let entry = Entry::bad_request(code, cause, fault.to_string());
    match fault.field() {
        Some(field) => entry.field(field),
        None => entry,
    }
}
