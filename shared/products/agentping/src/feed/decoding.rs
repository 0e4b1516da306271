//! A row's text is read in one pass, each member into its own type.
//!
//! What serde derives for flattened members keeps every member as a generic value first. Each row is read by all who follow
//! the feed, so this is the most frequent decoding of all.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;
use tidegate_kernel::{Timestamp, Usd};

use super::row::{Did, FeedRow, FiledUnder, IdleEnd, ModelSpend};
use crate::{RunId, RunStatus, Slug, TeamId};

/// The members of a row's JSON, all of them at one level. The names are those that [`FeedRow`] is written with.
#[derive(Deserialize)]
struct RowMembers {
    v: u16,
    team: TeamId,
    run: RunId,
    #[serde(rename = "received_at_ms")]
    received_at: Timestamp,
    #[serde(rename = "appended_at_ms")]
    appended_at: Timestamp,
    #[serde(default)]
    opened: bool,
    #[serde(default)]
    ended: bool,
    #[serde(default)]
    reopened: bool,
    #[serde(default)]
    alive: bool,
    #[serde(default)]
    after_end: bool,
    #[serde(default)]
    replayed: bool,
    #[serde(default)]
    recovered: bool,
    agent: Slug,
    #[serde(default)]
    customer_id: Option<SmolStr>,
    #[serde(default)]
    feature: Option<SmolStr>,
    #[serde(rename = "parent_run_id", default)]
    parent: Option<RunId>,
    #[serde(rename = "started_at_ms")]
    started_at: Timestamp,
    #[serde(rename = "listed_at_ms", default)]
    listed_at: Option<Timestamp>,
    status: RunStatus,
    #[serde(rename = "finished_at_ms", default)]
    finished_at: Option<Timestamp>,
    #[serde(default)]
    duration_ms: Option<u64>,
    #[serde(default)]
    idle: Option<IdleEnd>,
    #[serde(rename = "alive_at_ms", default)]
    alive_at: Option<Timestamp>,
    #[serde(rename = "cost_nanos_usd", default)]
    cost: Usd,
    #[serde(rename = "cost_before_nanos_usd", default)]
    cost_before: Usd,
    #[serde(default)]
    moved_from: Option<FiledUnder>,
    #[serde(default)]
    unpriced: Vec<(SmolStr, SmolStr)>,
    #[serde(default)]
    models: Vec<ModelSpend>,
}

impl From<RowMembers> for FeedRow {
    fn from(members: RowMembers) -> Self {
        let RowMembers { opened, ended, reopened, alive, after_end, .. } = members;
        FeedRow {
            v: members.v,
            team: members.team,
            run: members.run,
            received_at: members.received_at,
            appended_at: members.appended_at,
            did: Did { opened, ended, reopened, alive, after_end },
            replayed: members.replayed,
            recovered: members.recovered,
            agent: members.agent,
            customer_id: members.customer_id,
            feature: members.feature,
            parent: members.parent,
            started_at: members.started_at,
            listed_at: members.listed_at,
            status: members.status,
            finished_at: members.finished_at,
            duration_ms: members.duration_ms,
            idle: members.idle,
            alive_at: members.alive_at,
            cost: members.cost,
            cost_before: members.cost_before,
            moved_from: members.moved_from,
            unpriced: members.unpriced,
            models: members.models,
        }
    }
}

/// Takes an object only: a derived struct would also take a list of its members.
struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = FeedRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct FeedRow")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FeedRow, A::Error> {
        RowMembers::deserialize(MapAccessDeserializer::new(map)).map(FeedRow::from)
    }
}

impl<'de> Deserialize<'de> for FeedRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}
