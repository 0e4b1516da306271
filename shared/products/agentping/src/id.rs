//! AgentPing's kinds of ids (AgentPing: identifiers).

pub use tidegate_kernel::id::{Id, IdError, IdKind, PublicKind};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}
        impl IdKind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// A run, named by the client, or by the server for a heartbeat without an id.
    RunKind, RunId, "run";
    /// An event of a run, named by the client.
    EventKind, EventId, "evt";
    /// An agent, named by the server on first sight.
    AgentKind, AgentId, "agt";
    /// A team: the unit of isolation and of limits.
    TeamKind, TeamId, "team";
    /// The public handle of an API key, for listing and revoking it.
    KeyHandleKind, KeyId, "key";
    /// The public handle of a ping token, for listing, rotating and revoking it.
    TokenHandleKind, TokenId, "tok";
    /// A team API key: a secret.
    ApiKeyKind, ApiKey, "apk";
    /// A ping token: a secret.
    PingTokenKind, PingToken, "ping";
}

impl PublicKind for RunKind {}
impl PublicKind for EventKind {}
impl PublicKind for AgentKind {}
impl PublicKind for TeamKind {}
impl PublicKind for KeyHandleKind {}
impl PublicKind for TokenHandleKind {}
