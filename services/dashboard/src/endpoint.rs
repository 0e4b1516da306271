//! The pages as they are counted.

use tidegate_door::OutcomeMetrics;

use crate::metrics::{PAGE_REQUESTS, PAGE_REQUESTS_RECEIVED};

/// The dashboard's counters.
pub(crate) const COUNTED: &OutcomeMetrics = &OutcomeMetrics { received: PAGE_REQUESTS_RECEIVED, ended: PAGE_REQUESTS };

tidegate_door::labels! {
    /// The pages, as metrics name them.
    pub enum Endpoint {
        Home "home";
        SignIn "sign_in";
        SignOut "sign_out";
        Overview "overview";
        Agents "agents";
        Agent "agent";
        Token "token";
        Runs "runs";
        Run "run";
        RunJson "run_json";
        Spend "spend";
        Guard "guard";
        Alerts "alerts";
        Incident "incident";
        Routes "routes";
        Route "route";
        Config "config";
        /// A button of a page.
        Change "change";
        Quotas "quotas";
        Rates "rates";
        Keys "keys";
        Start "start";
        Asset "asset";
        /// Everything else below the dashboard's paths.
        Other "other";
    }
}
