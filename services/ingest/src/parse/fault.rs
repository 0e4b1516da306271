//! What can be wrong with a request's body, path or query.

use std::fmt;

use tidegate_kernel::Region;

use super::{diagnosis, encoding};

/// The object that a member is in: the first part of a fault's `field`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentObject {
    Top,
    /// An item of `events`.
    Event(usize),
    /// The `data` of an item of `events`.
    Data(usize),
}

impl ParentObject {
    /// The path of a member here, such as `agent` or `events[3].type`. A name that a client made up is cut at 128
    /// characters.
    pub fn field(self, name: &str) -> String {
        let name: String = name.chars().take(128).collect();
        match self {
            ParentObject::Top => name,
            ParentObject::Event(index) => format!("events[{index}].{name}"),
            ParentObject::Data(index) => format!("events[{index}].data.{name}"),
        }
    }
}

/// The first thing wrong with a request. Its `Display` is the message a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON, or no object where one must be.
    NotJson {
        /// The innermost member that the fault is in.
        field: Option<String>,
        reason: String,
    },
    /// A known member, or one of free JSON, is in an object twice: no reader could say which one counts.
    Twice {
        field: String,
    },
    UnknownMember {
        field: String,
        /// The known name that was most likely meant.
        meant: Option<&'static str>,
    },
    /// Absent, `null` or `""`.
    Missing {
        field: String,
    },
    /// Of the wrong type, or against a rule; `reason` completes "Field '…' ".
    Malformed {
        field: String,
        reason: String,
    },
    /// No id of the kind with this prefix.
    IdPattern {
        field: String,
        prefix: &'static str,
    },
    /// A well-formed id of another region than the endpoint's.
    IdRegion {
        field: String,
        prefix: &'static str,
        endpoint: Region,
    },
    /// A well-formed id of no region at all.
    IdRegionUnknown {
        field: String,
        region: String,
    },
    TooManyEvents {
        limit: usize,
    },
}

impl Fault {
    /// The body as a whole is at fault; `reason` completes "The body ".
    pub(crate) fn whole_body(reason: impl Into<String>) -> Self {
        Fault::NotJson { field: None, reason: reason.into() }
    }

    /// A body whose first `valid` bytes alone are UTF-8.
    pub(crate) fn not_utf8(body: &[u8], valid: usize) -> Self {
        if let Some(name) = encoding::foreign(body) {
            return Fault::whole_body(format!("is {name}: send UTF-8"));
        }
        // Cut off there, it ends in the member that the byte is in.
        let before = std::str::from_utf8(&body[..valid]).unwrap_or_default();
        let path = diagnosis::of(before).map(|found| found.path).filter(|path| !path.is_empty());
        let byte = body.get(valid).copied().unwrap_or_default();
        let reason = format!("is not UTF-8 text: byte {} is 0x{byte:02X}, which stands for no character", valid + 1);
        Fault::NotJson { field: path, reason }
    }

    /// What is wrong with a body that the JSON reader refuses, in words and with the member it is in.
    pub(super) fn not_json(body: &str, error: &serde_json::Error) -> Self {
        if let Some(name) = encoding::foreign(body.as_bytes()) {
            return Fault::whole_body(format!("is {name}: send UTF-8"));
        }
        match diagnosis::of(body) {
            Some(found) => Fault::NotJson {
                reason: format!("{}{}", found.what, found.place(body)),
                field: Some(found.path).filter(|path| !path.is_empty()),
            },
            None => Fault::whole_body(format!("is not valid JSON: {error}")),
        }
    }

    /// Its class in the order of report: form, unknown, missing, malformed.
    pub(super) const fn class(&self) -> u8 {
        match self {
            Fault::NotJson { .. } | Fault::Twice { .. } => 0,
            Fault::UnknownMember { .. } => 1,
            Fault::Missing { .. } => 2,
            Fault::Malformed { .. }
            | Fault::IdPattern { .. }
            | Fault::IdRegion { .. }
            | Fault::IdRegionUnknown { .. }
            | Fault::TooManyEvents { .. } => 3,
        }
    }

    /// The one request field to blame, if there is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Fault::NotJson { field, .. } => field.as_deref(),
            Fault::TooManyEvents { .. } => Some("events"),
            Fault::Twice { field }
            | Fault::UnknownMember { field, .. }
            | Fault::Missing { field }
            | Fault::Malformed { field, .. }
            | Fault::IdPattern { field, .. }
            | Fault::IdRegion { field, .. }
            | Fault::IdRegionUnknown { field, .. } => Some(field),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NotJson { field: None, reason } => write!(f, "The body {reason}."),
            Fault::NotJson { field: Some(field), reason } => write!(f, "Field '{field}' {reason}."),
            Fault::Twice { field } => write!(f, "Field '{field}' is there twice."),
            Fault::UnknownMember { field, meant: None } => write!(f, "Field '{field}' is not known here."),
            Fault::UnknownMember { field, meant: Some(meant) } => {
                write!(f, "Field '{field}' is not known here. Did you mean '{meant}'?")
            }
            Fault::Missing { field } => write!(f, "Field '{field}' is required."),
            Fault::Malformed { field, reason } => write!(f, "Field '{field}' {reason}."),
            Fault::IdPattern { field, prefix } => {
                write!(f, "Field '{field}' must match pattern {prefix}_(eu|us)_[0-9a-f]{{32}}.")
            }
            Fault::IdRegion { field, prefix, endpoint } => {
                write!(f, "Field '{field}' must match pattern {prefix}_{endpoint}_[0-9a-f]{{32}} at this endpoint.")
            }
            Fault::IdRegionUnknown { field, region } => {
                write!(f, "Field '{field}' names region '{region}', which is not one of 'eu', 'us'.")
            }
            Fault::TooManyEvents { limit } => {
                write!(f, "Field 'events' has more than {limit} items. Send them in batches of up to {limit}.")
            }
        }
    }
}
