//! The rows that commands print as JSON.

use serde::Serialize;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{AgentId, KeyAccess, KeyId, KeyLabel, Limits, Slug, TeamId, TokenId};
use tidegate_agentping_ports::{AgentRow, KeyRow, Team, TokenRow};
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::usd::decimal;
use tidegate_kernel::{Timestamp, Usd};

use crate::cli::BatchMultiplier;

/// A team. `id` and `team` are the same.
#[derive(Debug, Serialize)]
pub struct TeamJson<'r> {
    pub id: TeamId,
    pub team: TeamId,
    pub name: &'r str,
    pub plan: &'static str,
    /// `null` is no limit.
    pub limits: Limits,
    #[serde(with = "iso")]
    pub created_at: Timestamp,
    /// `null`: it is not archived.
    #[serde(with = "iso_option")]
    pub archived_at: Option<Timestamp>,
}

impl<'r> From<&'r Team> for TeamJson<'r> {
    fn from(team: &'r Team) -> Self {
        TeamJson {
            id: team.id,
            team: team.id,
            name: &team.name,
            plan: team.plan.name(),
            limits: team.plan.limits(),
            created_at: team.created_at,
            archived_at: team.archived_at,
        }
    }
}

/// An agent. `archived_at` is `null` for one that takes a slot.
#[derive(Debug, Serialize)]
pub struct AgentJson<'r> {
    pub id: AgentId,
    pub agent: &'r Slug,
    pub team: TeamId,
    #[serde(with = "iso")]
    pub first_seen: Timestamp,
    /// When a run of it was last received; `null`: never.
    #[serde(with = "iso_option")]
    pub last_seen: Option<Timestamp>,
    #[serde(with = "iso_option")]
    pub archived_at: Option<Timestamp>,
}

impl<'r> AgentJson<'r> {
    pub fn of(team: TeamId, row: &'r AgentRow) -> Self {
        let archived_at = row.archived_at.filter(|_| row.is_archived());
        let AgentRow { id, slug: agent, first_seen, last_seen, .. } = row;
        AgentJson { id: *id, agent, team, first_seen: *first_seen, last_seen: *last_seen, archived_at }
    }
}

/// A key, without its secret.
#[derive(Debug, Serialize)]
pub struct KeyJson<'r> {
    pub id: KeyId,
    pub team: TeamId,
    pub access: KeyAccess,
    /// `null`: it has none.
    pub label: Option<&'r KeyLabel>,
    #[serde(with = "iso")]
    pub created_at: Timestamp,
    #[serde(with = "iso_option")]
    pub revoked_at: Option<Timestamp>,
}

impl<'r> From<&'r KeyRow> for KeyJson<'r> {
    fn from(row: &'r KeyRow) -> Self {
        let KeyRow { id, team, access, created_at, revoked_at, label } = row;
        let (created_at, revoked_at) = (*created_at, *revoked_at);
        KeyJson { id: *id, team: *team, access: *access, label: label.as_ref(), created_at, revoked_at }
    }
}

/// A token, without its secret.
#[derive(Debug, Serialize)]
pub struct TokenJson<'r> {
    pub id: TokenId,
    pub agent: &'r Slug,
    pub team: TeamId,
    #[serde(with = "iso")]
    pub created_at: Timestamp,
    #[serde(with = "iso_option")]
    pub revoked_at: Option<Timestamp>,
    #[serde(with = "iso_option")]
    pub expires_at: Option<Timestamp>,
}

impl<'r> From<&'r TokenRow> for TokenJson<'r> {
    fn from(row: &'r TokenRow) -> Self {
        TokenJson {
            id: row.id,
            agent: &row.agent,
            team: row.team,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            expires_at: row.expires_at,
        }
    }
}

/// A rate, in US dollars per million tokens. `id` is unique within the team.
#[derive(Debug, Serialize)]
pub struct RateJson<'r> {
    pub id: String,
    pub team: TeamId,
    pub provider: &'r str,
    pub model: &'r str,
    #[serde(serialize_with = "decimal")]
    pub input: Usd,
    #[serde(serialize_with = "decimal")]
    pub cached: Usd,
    #[serde(serialize_with = "decimal")]
    pub output: Usd,
    #[serde(serialize_with = "factor")]
    pub batch_multiplier: BatchMultiplier,
}

fn factor<S: serde::Serializer>(factor: &BatchMultiplier, serializer: S) -> Result<S::Ok, S::Error> {
    let thousandth = Usd::from_nanos(1_000_000).as_nanos();
    decimal(&Usd::from_nanos(u64::from(factor.permille) * thousandth), serializer)
}

impl<'r> RateJson<'r> {
    pub fn of(team: TeamId, row: &'r RateRow) -> Self {
        let rate = &row.rate;
        RateJson {
            id: format!("{}/{}", row.provider, row.model),
            team,
            provider: &row.provider,
            model: &row.model,
            input: rate.input_per_million,
            cached: rate.cached_per_million.unwrap_or(rate.input_per_million),
            output: rate.output_per_million,
            batch_multiplier: BatchMultiplier { permille: rate.batch_permille },
        }
    }
}
