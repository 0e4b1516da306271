//! What helps a client whose new agent the plan has no room for: names near the one refused, and the agents that were
//! not seen for longest.

use tidegate_agentping::Slug;
use tidegate_agentping_ports::runs::AgentRow;
use tidegate_kernel::Timestamp;

/// Names of each kind in one refusal, so that its text stays short.
const NAMES_MAX: usize = 3;
/// A team may have more agents than are worth comparing.
const COMPARED_MAX: usize = 1_000;
/// Characters that may differ, in a slug that has at least [`LONG`] of them; in a shorter one, one.
const TYPOS_MAX: usize = 2;
const LONG: usize = 6;

/// What helps at the cap. Empty where the store did not answer in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentHints {
    /// Agents of the team whose slugs are near the refused one, the nearest first.
    pub near: Vec<Slug>,
    /// The agents that were not seen for longest, each with when a run of it was last received.
    pub longest_unseen: Vec<(Slug, Option<Timestamp>)>,
}

impl AgentHints {
    /// From the slug refused and the team's agents that take a slot.
    pub fn of(refused: &Slug, agents: &[AgentRow]) -> Self {
        let allowed = if refused.as_str().chars().count() < LONG { 1 } else { TYPOS_MAX };
        let distance = |row: &AgentRow| strsim::osa_distance(refused.as_str(), row.slug.as_str());
        let mut near: Vec<(usize, &Slug)> = agents
            .iter()
            .take(COMPARED_MAX)
            .map(|row| (distance(row), &row.slug))
            .filter(|(distance, _)| *distance <= allowed)
            .collect();
        near.sort_unstable();
        let mut by_sight: Vec<&AgentRow> = agents.iter().collect();
        by_sight.sort_unstable_by_key(|row| (row.last_seen, row.first_seen, &row.slug));
        AgentHints {
            near: near.into_iter().take(NAMES_MAX).map(|(_, slug)| slug.clone()).collect(),
            longest_unseen: by_sight.iter().take(NAMES_MAX).map(|row| (row.slug.clone(), row.last_seen)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::TeamId;
    use tidegate_agentping_ports::registry::agent_id;
    use tidegate_kernel::Region;

    use super::*;

    fn agent(slug: &str, last_seen_ms: Option<i64>) -> AgentRow {
        let at = Timestamp::from_millis;
        let slug = Slug::parse(slug).unwrap();
        let id = agent_id(TeamId::mint(Region::Eu, at(1_000), &[7; 10]), &slug);
        AgentRow { id, slug, first_seen: at(5), last_seen: last_seen_ms.map(at), archived_at: None }
    }

    fn hints(refused: &str, agents: &[AgentRow]) -> (Vec<String>, Vec<String>) {
        let AgentHints { near, longest_unseen } = AgentHints::of(&Slug::parse(refused).unwrap(), agents);
        let words = |slug: &Slug| slug.to_string();
        (near.iter().map(words).collect(), longest_unseen.iter().map(|(slug, _)| words(slug)).collect())
    }

    #[test]
    fn near_names_come_nearest_first_and_the_others_by_when_they_were_seen() {
        let agents = [
            agent("nightly", Some(90)),
            agent("nightly-2", Some(30)),
            agent("hourly", Some(20)),
            agent("nigthly", None),
            agent("weekly", Some(10)),
        ];
        // Swapped characters are one mistake.
        assert_eq!(hints("nihgtly", &agents).0, ["nightly", "nigthly"]);
        assert_eq!(hints("nightlyy", &agents).0, ["nightly", "nightly-2", "nigthly"]);
        assert_eq!(hints("unlike", &agents), (vec![], vec!["nigthly".into(), "weekly".into(), "hourly".into()]));
        let short = [agent("a", None), agent("ab", None), agent("b", None), agent("abc", None)];
        assert_eq!(hints("abd", &short).0, ["ab", "abc"], "one character of a short one");
        assert_eq!(hints("x", &[]), (vec![], vec![]));
    }
}
