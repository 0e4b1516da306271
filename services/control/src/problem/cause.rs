//! The causes, as metrics and logs label them, and the outcome that each one is.

tidegate_door::causes! {
    /// Why a read was refused. Where a front door refuses for the same, the label is the same.
    CredentialMissing "credential_missing" Refused;
    CredentialMalformed "credential_malformed" Refused;
    CredentialRegionUnknown "credential_region_unknown" Refused;
    RegionMismatch "region_mismatch" Refused;
    CredentialUnknown "credential_unknown" Refused;
    CredentialUnavailable "credential_unavailable" Failed;
    ScopeHeartbeatsOnly "scope_heartbeats_only" Refused;
    IdPattern "id_pattern" Refused;
    IdRegionUnknown "id_region_unknown" Refused;
    RunUnknown "run_unknown" Refused;
    ReceiptUnknown "receipt_unknown" Refused;
    ReceiptTooOld "receipt_too_old" Refused;
    ReceiptFromBefore "receipt_from_before" Refused;
    ReceiptUncertain "receipt_uncertain" Refused;
    ParameterUnknown "parameter_unknown" Refused;
    ParameterTwice "parameter_twice" Refused;
    ParameterMalformed "parameter_malformed" Refused;
    NotJson "not_json" Refused;
    UnknownMember "member_unknown" Refused;
    Malformed "member_malformed" Refused;
    BodyTooLarge "body_too_large" Refused;
    BodyTimeout "body_timeout" Refused;
    BodyBroken "body_broken" Refused;
    Encoding "encoding" Refused;
    TooManyBytes "too_many_bytes" Refused;
    KeyReadsOnly "key_reads_only" Refused;
    RateLimited "rate" Refused;
    GuardRateLimited "guard_rate" Refused;
    MailLimited "mail_limit" Refused;
    Stale "stale" Refused;
    Unknown "unknown" Refused;
    NameTaken "name_taken" Refused;
    AgentExists "agent_exists" Refused;
    AgentCap "agent_cap" Refused;
    PlanRequired "plan_required" Refused;
    Ended "ended" Refused;
    ConfigInvalid "config_invalid" Refused;
    TooManyChanges "too_many_changes" Refused;
    NotFound "not_found" Refused;
    MethodNotAllowed "method_not_allowed" Refused;
    TooManyAnswers "too_many_answers" Refused;
    StoreUnavailable "store_unavailable" Failed;
    StoreBroken "store_broken" Failed;
    Defect "defect" Failed;
    Panicked "panicked" Failed;
}
