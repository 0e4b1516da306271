//! Team, run, kind and agent of a record that cannot be applied, as far as they can be read.

use serde::Serialize;
use serde_json::Value;
use tidegate_agentping::{Slug, TeamId};
use tidegate_ports::DeadLetter;

use crate::log_commands::kind::Kind;

/// Words of the record or of its key, as they are: nothing is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct About {
    pub team: Option<String>,
    pub run: Option<String>,
    pub kind: Option<String>,
    pub agent: Option<String>,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub team: Option<TeamId>,
    pub agent: Option<Slug>,
    pub kind: Option<Kind>,
}

impl About {
    /// Reads the record as JSON of any version; where it names neither team nor run, its key does.
    pub fn of(dead_letter: &DeadLetter) -> About {
        let mut about = serde_json::from_slice(&dead_letter.payload).map(|value| in_json(&value)).unwrap_or_default();
        let key = std::str::from_utf8(&dead_letter.provenance.key).ok();
        if let Some((team, run)) = key.and_then(|key| key.split_once('/')) {
            about.team.get_or_insert_with(|| team.to_owned());
            about.run.get_or_insert_with(|| run.to_owned());
        }
        about
    }

    pub fn is(&self, wanted: &Wanted) -> bool {
        let team = |id: TeamId| self.team.as_deref().and_then(|text| TeamId::parse(text).ok()) == Some(id);
        wanted.team.is_none_or(team)
            && wanted.agent.as_ref().is_none_or(|agent| self.agent.as_deref() == Some(agent.as_str()))
            && wanted.kind.is_none_or(|kind| self.kind.as_deref() == Some(kind.name()))
    }
}

fn in_json(value: &Value) -> About {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let body = value.get("body").and_then(Value::as_object).and_then(|body| body.iter().next());
    About {
        team: text(value.get("team")),
        run: text(value.get("run")),
        kind: body.map(|(kind, _)| kind.clone()),
        agent: body.and_then(|(_, said)| text(said.get("agent"))),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidegate_kernel::{Position, Region, Timestamp};
    use tidegate_ports::Provenance;

    use super::*;

    fn about(key: &'static [u8], payload: &'static [u8]) -> About {
        About::of(&DeadLetter {
            position: Position { generation: 1, partition: 2, offset: 3 },
            appended_at: Timestamp::from_millis(0),
            dead_lettered_at: Timestamp::from_millis(0),
            reason: String::new(),
            payload: Bytes::from_static(payload),
            provenance: Provenance { key: Bytes::from_static(key), ..Provenance::default() },
        })
    }

    #[test]
    fn it_says_what_can_be_read_and_no_more() {
        let words = |about: &About| {
            [&about.team, &about.run, &about.kind, &about.agent].map(|word| word.clone().unwrap_or_default())
        };
        for (key, payload, words_read) in [
            (
                &b"t/r"[..],
                &br#"{"v":2,"team":"T","run":"R","body":{"start":{"agent":"a","x":1}}}"#[..],
                ["T", "R", "start", "a"],
            ),
            (b"t/r", br#"{"body":{"events":[{"id":1}]}}"#, ["t", "r", "events", ""]),
            (b"t/r", b"\xff garbage", ["t", "r", "", ""]),
            (b"no key of ours", br#"{"team":7,"body":"start"}"#, ["", "", "", ""]),
            (b"\xff/\xff", b"", ["", "", "", ""]),
            (b"", b"[]", ["", "", "", ""]),
        ] {
            assert_eq!(words(&about(key, payload)), words_read, "{key:?} {payload:?}");
        }
    }

    #[test]
    fn a_filter_finds_what_says_so() {
        let team = TeamId::from_bits(Region::Eu, 7);
        let of_team = About { team: Some(team.to_string()), ..About::default() };
        let wanted = Wanted { team: Some(team), ..Wanted::default() };
        assert!(of_team.is(&wanted) && of_team.is(&Wanted::default()));
        assert!(!About::default().is(&wanted), "who says nothing is found without filters only");
        assert!(!About { team: Some("team_eu_x".to_owned()), ..About::default() }.is(&wanted));
        let start = About { kind: Some("start".to_owned()), agent: Some("a".to_owned()), ..About::default() };
        let agent = |text: &str| Some(Slug::parse(text).expect("a slug"));
        for (kind, agent, found) in [
            (Some(Kind::Start), None, true),
            (Some(Kind::Finish), None, false),
            (None, agent("a"), true),
            (Some(Kind::Start), agent("b"), false),
        ] {
            assert_eq!(start.is(&Wanted { team: None, agent, kind }), found);
        }
    }
}
