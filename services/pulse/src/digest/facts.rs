//! Reads what a period had: incidents, slots, spend of the agents that a route serves, and the team's messages that were
//! given up.

use std::collections::BTreeMap;

use tidegate_agentping::Slug;
use tidegate_agentping_alerts::Messages;
use tidegate_agentping_alerts::digest::{DigestDelivery, DigestFacts, DigestIncident, DigestSlots, DigestSpend};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::spend_rows::{SPEND_DAYS, day_shard, whole_shard};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::spend::{SpendPage, hour_of};
use tidegate_agentping_pulse::{AlertKind, DoubtReason, SlotOutcome};
use tidegate_agentping_settings::{DigestSpan, ScheduleDoc};
use tidegate_agentping_verdicts::{IncidentDoc, IncidentQuery, SlotDoc, SlotQuery};
use tidegate_kernel::{SmolStr, Timestamp, Usd};
use tidegate_ports::{Rows, StoreError};

use super::Wanted;
use crate::spend::broken;

/// Incidents of a team that are looked at.
const INCIDENTS: usize = 2_000;
/// Slots of an agent that are looked at: more than a week of minutes.
const SLOTS: usize = 12_000;
const SLOTS_PAGE: usize = 2_000;
/// Messages that were given up, of each route.
const GIVEN_UP: usize = 1_000;
const DAY_HOURS: i64 = 24;

/// Reads the facts of one digest.
pub(super) struct PeriodFacts<'r> {
    pub rows: &'r dyn Rows,
    pub messages: &'r Messages,
    pub wanted: &'r Wanted<'r>,
}

/// Slots that came out alike: their number, the first and the last.
type Alike = BTreeMap<(Listed, Option<DoubtReason>), (u32, Timestamp, Timestamp)>;

/// The outcomes that a digest lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Listed {
    Missed,
    Late,
    Unknown,
}

impl PeriodFacts<'_> {
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&self) -> Result<DigestFacts, StoreError> {
        let mut facts = DigestFacts::default();
        self.incidents(&mut facts).await?;
        self.slots(&mut facts).await?;
        facts.spend = self.spend().await?;
        facts.failed_deliveries = self.failed_deliveries().await?;
        Ok(facts)
    }

    /// Whether messages about the agent go to the route.
    fn serves(&self, agent: Option<&Slug>) -> bool {
        self.wanted.settings.routes_of(agent).iter().any(|(id, _)| *id == self.wanted.id)
    }

    /// The same by its name; a name that is no agent's is served by none.
    fn is_served(&self, agent: &str) -> bool {
        Slug::parse(agent).is_ok_and(|agent| self.serves(Some(&agent)))
    }

    async fn incidents(&self, facts: &mut DigestFacts) -> Result<(), StoreError> {
        let span = self.wanted.span;
        let mut all: BTreeMap<(Timestamp, IncidentId), IncidentDoc> = BTreeMap::new();
        // What is open may have been opened long ago, before as many others.
        for is_open in [None, Some(true)] {
            let (team, limit) = (self.wanted.team, INCIDENTS);
            let query = IncidentQuery { team, agent: None, kind: None, is_open, after: None, limit };
            let found = query.read(self.rows, span.to).await?;
            all.extend(found.into_iter().map(|incident| ((incident.opened_at, incident.id), incident)));
        }
        for incident in all.into_values().filter(|incident| was_open(incident, span)) {
            let name = self.wanted.settings.names.name(&incident.agent);
            if !self.serves(Some(name)) {
                continue;
            }
            let list = match incident.kind {
                AlertKind::ScheduleMissed | AlertKind::RunStuck | AlertKind::RunFailed => &mut facts.down,
                AlertKind::CheckFailed => &mut facts.failed_checks,
                _ => continue,
            };
            list.push(DigestIncident {
                agent: name.as_str().into(),
                alert: incident.kind,
                incident_id: incident.id.text().as_str().into(),
                opened_at: incident.opened_at,
                // What came to an end later was open then.
                resolved_at: incident.resolved_at.filter(|at| *at <= span.to),
                count: incident.count,
            });
        }
        Ok(())
    }

    async fn slots(&self, facts: &mut DigestFacts) -> Result<(), StoreError> {
        for (agent, schedule) in &self.wanted.settings.schedules {
            if !self.serves(Some(agent)) {
                continue;
            }
            let list = |(what, reason): (Listed, Option<DoubtReason>), (slots, first, last)| {
                let reason = reason.map(DoubtReason::as_str);
                (what, DigestSlots { agent: agent.as_str().into(), reason, slots, first, last })
            };
            for (what, slots) in self.slots_of(agent, schedule).await?.into_iter().map(|(key, found)| list(key, found))
            {
                match what {
                    Listed::Missed => facts.missed.push(slots),
                    Listed::Late => facts.late.push(slots),
                    Listed::Unknown => facts.unknown.push(slots),
                }
            }
        }
        Ok(())
    }

    /// The slots of an agent that were decided in the period: those whose deadline lies in it.
    async fn slots_of(&self, agent: &Slug, schedule: &ScheduleDoc) -> Result<Alike, StoreError> {
        let DigestSpan { from, to } = self.wanted.span;
        let definitions = schedule.changes.iter().filter_map(|change| change.set.as_ref());
        let Some(tolerance_s) = definitions.map(|definition| definition.tolerance_s).max() else {
            return Ok(Alike::new());
        };
        let agent = agent_id(self.wanted.team, self.wanted.settings.names.key(agent));
        let from = from.plus_millis(-i64::from(tolerance_s) * 1_000);
        let (mut alike, mut before, mut left) = (Alike::new(), None, SLOTS);
        while left > 0 {
            let query = SlotQuery { agent, from, to, before, limit: left.min(SLOTS_PAGE) };
            let page = query.read(self.rows).await?;
            before = page.last().map(|slot| slot.at);
            left -= page.len().min(left);
            let is_last = page.len() < query.limit;
            page.iter().for_each(|slot| self.note(&mut alike, slot));
            if is_last {
                break;
            }
        }
        Ok(alike)
    }

    fn note(&self, alike: &mut Alike, slot: &SlotDoc) {
        let what = match slot.outcome {
            SlotOutcome::Missed => Listed::Missed,
            SlotOutcome::OkLate => Listed::Late,
            SlotOutcome::Unknown => Listed::Unknown,
            _ => return,
        };
        if self.wanted.span.has(slot.deadline) {
            let (slots, first, last) = alike.entry((what, slot.reason)).or_insert((0, slot.at, slot.at));
            (*slots, *first, *last) = (*slots + 1, slot.at.min(*first), slot.at.max(*last));
        }
    }

    /// By whole hours: an hour counts in the period in which it begins.
    async fn spend(&self) -> Result<Vec<DigestSpend>, StoreError> {
        let DigestSpan { from, to } = self.wanted.span;
        let hours = hour_of(from)..hour_of(to);
        let mut nanos: BTreeMap<SmolStr, i64> = BTreeMap::new();
        for day in hours.start.div_euclid(DAY_HOURS)..=hours.end.div_euclid(DAY_HOURS) {
            for row in whole_shard(self.rows, &SPEND_DAYS, day_shard(self.wanted.team, day)).await? {
                let page = SpendPage::decode(&row.doc).map_err(|error| broken(&error))?;
                for (cell, amount) in page.cells() {
                    if hours.contains(&(day * DAY_HOURS + i64::from(cell.hour_of_day))) {
                        let sum = nanos.entry(cell.agent.clone()).or_default();
                        *sum = sum.saturating_add(amount);
                    }
                }
            }
        }
        let amount = |nanos: i64| Usd::from_nanos(u64::try_from(nanos).unwrap_or(0));
        let names = &self.wanted.settings.names;
        let named = nanos.into_iter().map(|(key, nanos)| (SmolStr::new(names.name_of_text(&key)), nanos));
        let spent = named.filter(|(agent, nanos)| *nanos > 0 && self.is_served(agent));
        let mut spend: Vec<DigestSpend> =
            spent.map(|(agent, nanos)| DigestSpend { agent, spent: amount(nanos) }).collect();
        spend.sort_by(|a, b| b.spent.cmp(&a.spent).then_with(|| a.agent.cmp(&b.agent)));
        Ok(spend)
    }

    async fn failed_deliveries(&self) -> Result<Vec<DigestDelivery>, StoreError> {
        let mut failed = Vec::new();
        for (id, route) in &self.wanted.settings.routes {
            for doc in self.messages.given_up(id, self.wanted.span, GIVEN_UP).await? {
                failed.push(DigestDelivery {
                    route: route.name.clone(),
                    alert: doc.alert,
                    agent: doc.agent.map(|agent| self.wanted.settings.names.name(&agent).as_str().into()),
                    delivery_id: doc.id.text().as_str().into(),
                    created_at: doc.made_at,
                });
            }
        }
        failed.sort_by(|a, b| (a.created_at, &a.delivery_id).cmp(&(b.created_at, &b.delivery_id)));
        Ok(failed)
    }
}

/// Whether the incident was open at some time of the period.
fn was_open(incident: &IncidentDoc, span: DigestSpan) -> bool {
    incident.opened_at <= span.to && incident.resolved_at.is_none_or(|at| at > span.from)
}
