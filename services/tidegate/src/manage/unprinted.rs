//! Secrets that were made and could not be printed: they were shown to no one, so they are revoked again.

use std::fmt::Display;

use tidegate_agentping_ports::RegistryError;

use crate::failure::Failure;

/// The command's failure: `what` is "key" or "token", `id` its public id, `why` it could not be printed, `undone` the
/// result of revoking it, `way_out` the command that revokes it by hand.
pub fn taken_back(
    what: &str,
    id: impl Display,
    why: impl Display,
    undone: Result<(), RegistryError>,
    way_out: &str,
) -> Failure {
    match undone {
        Ok(()) => Failure::unavailable(format!("the {what} could not be printed ({why}): it is revoked again, {id}")),
        Err(error) => Failure::unavailable(format!(
            "the {what} could not be printed ({why}), and it could not be revoked either ({error})"
        ))
        .hint(format!("run `tidegate {way_out} {id}`"))
        .caused_by(error),
    }
}
