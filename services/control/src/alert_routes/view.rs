//! Routes as they are shown: without what is secret.

use serde::Serialize;
use tidegate_agentping_alerts::{HealthState, RouteHealth};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity};
use tidegate_agentping_settings::RouteDoc;
use tidegate_kernel::timestamp::iso_option;
use tidegate_kernel::{SmolStr, Timestamp};
use utoipa::ToSchema;

/// A page of routes.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteList {
    /// By name.
    pub routes: Vec<RouteView>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A route.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteView {
    #[schema(example = "aroute_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: String,
    #[schema(value_type = String)]
    name: SmolStr,
    #[schema(example = "webhook")]
    kind: &'static str,
    /// The origin of its URL, the masked address, or the last characters of the key. A key that may only read does not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "https://example.com/…")]
    target: Option<String>,
    enabled: bool,
    /// The kinds that it wants; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    alerts: Option<Vec<AlertKind>>,
    #[schema(value_type = String, example = "info")]
    min_severity: AlertSeverity,
    /// Seconds between two messages about slots of one open incident.
    min_interval_s: u32,
    reminders: bool,
    /// Of a mail route that asks for one: `daily` or `weekly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "daily")]
    digest: Option<&'static str>,
    /// With `digest`: the zone whose 08:00 ends its period.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "Europe/Berlin")]
    digest_timezone: Option<String>,
    health: HealthView,
}

/// How a route does.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// `ok`, `failing`, `disabled` or `unconfirmed`.
    #[schema(value_type = String)]
    state: HealthState,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<String>,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    last_success_at: Option<Timestamp>,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    failing_since: Option<Timestamp>,
}

/// A route that was made just now.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteMade {
    #[serde(flatten)]
    pub route: RouteView,
    /// With which a webhook's messages are signed. No other answer shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "whsec_…")]
    pub secret: Option<String>,
}

/// A route to make: the members of its kind, and those of all.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct NewRouteBody {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// `webhook`, `slack`, `email` or `pagerduty`.
    kind: String,
    /// Of a webhook, of Slack, and if it is not PagerDuty's own of PagerDuty.
    url: Option<String>,
    /// Of a webhook: at most 10 names and values.
    headers: Option<std::collections::BTreeMap<String, String>>,
    /// Of a webhook, for whoever moves here: `whsec_` and the base64 of 24 to 64 bytes.
    secret: Option<String>,
    /// Of mail: the address.
    to: Option<String>,
    /// Of mail: `daily`, or `weekly` on Monday; none if absent.
    digest: Option<String>,
    /// Of mail, with `digest`: the time zone whose 08:00 ends its period.
    #[schema(default = "UTC")]
    digest_timezone: Option<String>,
    /// Of PagerDuty.
    routing_key: Option<String>,
    #[serde(flatten)]
    common: RouteWants,
}

/// A change of a route. `null` unsets a member.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct RoutePatchBody {
    name: Option<String>,
    url: Option<String>,
    headers: Option<std::collections::BTreeMap<String, String>>,
    to: Option<String>,
    digest: Option<String>,
    digest_timezone: Option<String>,
    routing_key: Option<String>,
    #[serde(flatten)]
    common: RouteWants,
}

/// What a route wants.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct RouteWants {
    /// The kinds; all if absent.
    alerts: Option<Vec<String>>,
    /// `info`, `warning`, `error` or `critical`.
    #[schema(default = "info")]
    min_severity: Option<String>,
    #[schema(default = 3600, maximum = 2_592_000)]
    min_interval_s: Option<u32>,
    #[schema(default = true)]
    reminders: Option<bool>,
    #[schema(default = true)]
    enabled: Option<bool>,
}

impl RouteView {
    /// `hides_target`: whoever asks may only read.
    pub fn of(id: &str, route: &RouteDoc, health: &RouteHealth, hides_target: bool) -> Self {
        let (state, reason) = health.shown(route);
        let health = HealthView {
            state,
            reason: reason.map(str::to_owned),
            last_success_at: health.last_success_at,
            failing_since: health.failing_since,
        };
        RouteView {
            id: id.to_owned(),
            name: route.name.clone(),
            kind: route.target.kind(),
            target: (!hides_target).then(|| route.target.shown()),
            enabled: route.enabled,
            alerts: route.alerts.clone(),
            min_severity: route.min_severity,
            min_interval_s: route.min_interval_s,
            reminders: route.reminders,
            digest: route.digest.as_ref().map(|digest| digest.every.as_str()),
            digest_timezone: route.digest.as_ref().map(|digest| digest.timezone.name().to_owned()),
            health,
        }
    }
}
