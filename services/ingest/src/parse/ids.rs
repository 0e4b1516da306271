//! Ids in bodies and paths.

use tidegate_agentping::id::IdKind;
use tidegate_agentping::{Id, IdError};
use tidegate_kernel::Region;

use super::fault::Fault;

/// An id that must be of the endpoint's region: a run lives in its own region (AgentPing: identifiers).
///
/// # Errors
/// [`Fault::IdPattern`], [`Fault::IdRegionUnknown`], [`Fault::IdRegion`].
pub fn of_region<K: IdKind>(text: &str, region: Region, field: impl Fn() -> String) -> Result<Id<K>, Fault> {
    let id = of_any_region(text, &field)?;
    if id.region() == region {
        Ok(id)
    } else {
        Err(Fault::IdRegion { field: field(), prefix: K::PREFIX, endpoint: region })
    }
}

/// An id that only needs its form.
///
/// # Errors
/// [`Fault::IdPattern`], [`Fault::IdRegionUnknown`].
pub fn of_any_region<K: IdKind>(text: &str, field: impl Fn() -> String) -> Result<Id<K>, Fault> {
    Id::parse(text).map_err(|error| match error {
        IdError::Pattern { prefix } => Fault::IdPattern { field: field(), prefix },
        IdError::UnknownRegion { region } => Fault::IdRegionUnknown { field: field(), region },
    })
}
