//! The causes, as metrics and logs label them, and the outcome that each one is.

tidegate_door::causes! {
    /// Why a request was not taken in: one per kind of [`Problem`](super::Problem).
    CredentialMissing "credential_missing" Refused;
    CredentialMalformed "credential_malformed" Refused;
    CredentialRegionUnknown "credential_region_unknown" Refused;
    RegionMismatch "region_mismatch" Refused;
    CredentialUnknown "credential_unknown" Refused;
    CredentialUnavailable "credential_unavailable" Failed;
    ScopeHeartbeatsOnly "scope_heartbeats_only" Refused;
    ScopeAgent "scope_agent" Refused;
    KeyReadsOnly "key_reads_only" Refused;
    Rate "rate" Refused;
    Quota "quota" Refused;
    AgentCap "agent_cap" Refused;
    StartConflict "start_conflict" Refused;
    EventConflict "event_conflict" Refused;
    Shed "shed" Refused;
    Undecided "undecided" Refused;
    StoreUnavailable "store_unavailable" Failed;
    LogUnavailable "log_unavailable" Failed;
    OutcomeUnknown "outcome_unknown" Unknown;
    RecordTooLarge "record_too_large" Refused;
    NotJson "not_json" Refused;
    Twice "member_twice" Refused;
    UnknownMember "member_unknown" Refused;
    Missing "member_missing" Refused;
    Malformed "member_malformed" Refused;
    IdPattern "id_pattern" Refused;
    IdRegion "id_region" Refused;
    IdRegionUnknown "id_region_unknown" Refused;
    TooManyEvents "too_many_events" Refused;
    NotFound "not_found" Refused;
    MethodNotAllowed "method_not_allowed" Refused;
    BodyTooLarge "body_too_large" Refused;
    BodyTimeout "body_timeout" Refused;
    BodyBroken "body_broken" Refused;
    Encoding "encoding" Refused;
    TooManyInFlight "too_many_in_flight" Refused;
    TooManyBytes "too_many_bytes" Refused;
    Panicked "panicked" Failed;
}
