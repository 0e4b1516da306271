//! The causes, as metrics and logs label them, and the outcome that each one is.

tidegate_door::causes! {
    /// Why a page was refused.
    NoSession "no_session" Refused;
    KeyRefused "key_refused" Refused;
    TokenNotKey "scope_heartbeats_only" Refused;
    LinkSpent "link_spent" Refused;
    ForeignForm "foreign_form" Refused;
    Form "form" Refused;
    ReadOnly "read_only" Refused;
    Declined "declined" Refused;
    NotFound "not_found" Refused;
    Query "parameter_malformed" Refused;
    WrongMethod "method_not_allowed" Refused;
    Busy "too_many_pages" Refused;
    StoreUnavailable "store_unavailable" Failed;
    StoreBroken "store_broken" Failed;
    Defect "defect" Failed;
    Panicked "panicked" Failed;
}
