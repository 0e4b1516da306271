//! The causes, as metrics and logs label them, and the outcome that each one is.

tidegate_door::causes! {
    /// Why a request was refused.
    KeyMissing "key_missing" Refused;
    KeyHeaderMalformed "key_header_malformed" Refused;
    KeyUnknown "key_unknown" Refused;
    KeyRevoked "key_revoked" Refused;
    OrganizationSuspended "organization_suspended" Refused;
    ScopeLacking "scope_lacking" Refused;
    NoScopes "no_scopes" Refused;
    TemplateBuiltIn "template_built_in" Refused;
    Body "body" Refused;
    ContentType "content_type" Refused;
    Json "json" Refused;
    Fields "fields" Refused;
    IdempotencyKeyMalformed "idempotency_key_malformed" Refused;
    IdempotencyKeyReused "idempotency_key_reused" Refused;
    RunEnded "run_ended" Refused;
    TooManyKept "too_many_kept" Refused;
    InsufficientCredits "insufficient_credits" Refused;
    Billing "billing" Refused;
    PathUnknown "path_unknown" Refused;
    RunUnknown "run_unknown" Refused;
    WorkOrderUnknown "work_order_unknown" Refused;
    WebhookUnknown "webhook_unknown" Refused;
    TemplateUnknown "template_unknown" Refused;
    RateLimited "rate_limited" Refused;
    ConcurrentLimit "concurrent_limit" Refused;
    Shed "shed" Refused;
    LogRefused "log_refused" Failed;
    StoreUnavailable "store_unavailable" Failed;
    LimitsUnavailable "limits_unavailable" Failed;
    TooManyInFlight "too_many_in_flight" Refused;
    TooManyBytes "too_many_bytes" Refused;
    TooManyAnswers "too_many_answers" Refused;
    Contended "contended" Refused;
    Undecided "undecided" Unknown;
    Expired "expired" Failed;
    Defect "defect" Failed;
    Panicked "panicked" Failed;
    WorkerKeyInvalid "worker_key_invalid" Refused;
    WorkerBody "worker_body" Refused;
    WorkerRunUnknown "worker_run_unknown" Refused;
    TokenStale "token_stale" Refused;
}
