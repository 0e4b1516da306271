//! Secrets that were made and could not be printed: nobody has them, so they are taken back.

use std::fmt::Display;

use tidegate_agentping_ports::RegistryError;

/// What the command says: `what` is "key" or "token", `id` its public id, `why` it could not be printed, `undone` how
/// taking it back went, `way_out` the command that takes it back by hand.
pub fn taken_back(what: &str, id: impl Display, why: &str, undone: Result<(), RegistryError>, way_out: &str) -> String {
    match undone {
        Ok(()) => format!("the {what} could not be printed ({why}): it is revoked again, {id}"),
        Err(error) => format!(
            "the {what} could not be printed ({why}), and it could not be revoked either ({error}): run `tidegate \
             {way_out} {id}`"
        ),
    }
}
