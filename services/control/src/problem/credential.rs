//! The lines of the refusals that authentication gives (AgentPing: authentication, errors).

use tidegate_admission::Refusal;
use tidegate_agentping::CredentialMistake;
use tidegate_agentping::credential::refused;

use super::{Cause, Entry, internal, unavailable};

pub(super) fn credential_entry(refusal: &Refusal) -> Entry {
    match refusal {
        Refusal::CredentialMissing => Entry::unauthorized(
            refused::INVALID,
            Cause::CredentialMissing,
            "No credential was sent. Send an API key as 'Authorization: Bearer <key>' or as 'X-AgentPing-Key: <key>'.",
        )
        .challenge(),
        Refusal::CredentialMalformed { mistake: CredentialMistake::Form } => Entry::unauthorized(
            refused::INVALID,
            Cause::CredentialMalformed,
            "The credential is malformed. Send an API key of the form apk_<region>_<32 hex> as 'Authorization: Bearer \
             <key>' or as 'X-AgentPing-Key: <key>'.",
        )
        .challenge(),
        Refusal::CredentialMalformed { mistake } => {
            Entry::unauthorized(refused::INVALID, Cause::CredentialMalformed, mistake.to_string()).challenge()
        }
        Refusal::CredentialUnknown => Entry::unauthorized(
            refused::INVALID,
            Cause::CredentialUnknown,
            "The credential is unknown or was revoked. Use a valid API key.",
        )
        .challenge(),
        Refusal::CredentialRegionUnknown { region } => {
            Entry::bad_request(refused::UNKNOWN_REGION, Cause::CredentialRegionUnknown, refused::unknown_region(region))
        }
        Refusal::RegionMismatch { credential, endpoint } => Entry::unauthorized(
            refused::REGION_MISMATCH,
            Cause::RegionMismatch,
            format!(
                "{} Ask the '{credential}' region's endpoint, or use a credential of region '{endpoint}'.",
                refused::region_mismatch(*credential, *endpoint)
            ),
        )
        .challenge(),
        Refusal::CredentialUnavailable { retry_after_s } => {
            unavailable(Cause::CredentialUnavailable, *retry_after_s).detail("the credential cannot be looked up")
        }
        // Authentication gives none of the others.
        other => internal(Cause::Defect).detail(format!("authentication answered with {other:?}")),
    }
}
