//! The wanted settings of each topic: one list, used both to create a topic and to check one.

use std::collections::HashMap;
use std::time::Duration;

use tidegate_ports::Retention;

use super::{Mismatch, TopicLayout};
use crate::{KafkaOptions, wire};

/// Dead letters are kept for a year: they are few, and a person has to look at each.
pub const DEAD_LETTER_RETENTION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The wanted state of one topic.
pub struct Wanted {
    pub name: String,
    pub partitions: u32,
    pub replication: u16,
    settings: Vec<Setting>,
}

/// The actual state of one topic.
#[derive(Clone, Debug, Default)]
pub struct Description {
    pub partitions: u32,
    /// The lowest replica count among its partitions.
    pub replication: u16,
    pub settings: HashMap<String, String>,
}

struct Setting {
    name: &'static str,
    value: String,
    need: Need,
}

/// How a setting's actual value is compared with the wanted one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Exactly,
    AtLeast,
    /// Set when the topic is created; the operator may change it afterwards.
    Initially,
}

impl Wanted {
    pub fn all(options: &KafkaOptions, layout: &TopicLayout) -> Vec<Wanted> {
        let dead_letters = Retention { max_age_ms: DEAD_LETTER_RETENTION.as_millis() as u64, max_bytes: u64::MAX };
        let of = |name: &str, partitions: u32, message_bytes: usize, retention: Retention| Wanted {
            name: name.to_owned(),
            partitions,
            replication: layout.replication,
            settings: settings(layout, partitions, message_bytes, retention),
        };
        let max_record_bytes = options.append.max_record_bytes;
        let (record_bytes, dead_letter_bytes) =
            (wire::topic_message_bytes(max_record_bytes), wire::dead_letter_message_bytes(max_record_bytes));
        let mut wanted = vec![of(&options.topics.records, layout.partitions, record_bytes, layout.retention)];
        if !options.topics.dead_letters.is_empty() {
            wanted.push(of(&options.topics.dead_letters, 1, dead_letter_bytes, dead_letters));
        }
        wanted
    }

    /// The settings that a new topic gets.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.settings.iter().map(|setting| (setting.name, setting.value.as_str()))
    }

    /// Every difference between the actual and the wanted state.
    pub fn mismatches(&self, found: &Description) -> Vec<Mismatch> {
        let topic = || self.name.clone();
        let mut mismatches = Vec::new();
        if found.partitions != self.partitions {
            mismatches.push(Mismatch::Partitions { topic: topic(), found: found.partitions, wanted: self.partitions });
        }
        if found.replication != self.replication {
            mismatches.push(Mismatch::Replication {
                topic: topic(),
                found: found.replication,
                wanted: self.replication,
            });
        }
        for setting in &self.settings {
            let value = found.settings.get(setting.name).map_or("unset", String::as_str);
            if !setting.is_met_by(value) {
                mismatches.push(Mismatch::Setting {
                    topic: topic(),
                    name: setting.name,
                    found: value.to_owned(),
                    wanted: setting.wanted(),
                    value: setting.value.clone(),
                });
            }
        }
        mismatches
    }
}

fn settings(layout: &TopicLayout, partitions: u32, message_bytes: usize, retention: Retention) -> Vec<Setting> {
    let setting = |name, value: String, need| Setting { name, value, need };
    let unbounded = |value: u64| i64::try_from(value).map_or_else(|_| "-1".to_owned(), |value| value.to_string());
    vec![
        setting("min.insync.replicas", layout.min_insync_replicas.to_string(), Need::AtLeast),
        setting("max.message.bytes", message_bytes.to_string(), Need::AtLeast),
        // Record ages use the broker's clock, so that clock errors of a front door do not matter.
        setting("message.timestamp.type", "LogAppendTime".to_owned(), Need::Exactly),
        // Compaction would keep one record of each run.
        setting("cleanup.policy", "delete".to_owned(), Need::Exactly),
        // A replica that missed acknowledged records must never lead.
        setting("unclean.leader.election.enable", "false".to_owned(), Need::Exactly),
        setting("retention.ms", unbounded(retention.max_age_ms), Need::Initially),
        // Kafka's limit is per partition.
        setting(
            "retention.bytes",
            match retention.max_bytes {
                u64::MAX => "-1".to_owned(),
                bytes => unbounded((bytes / u64::from(partitions.max(1))).max(1)),
            },
            Need::Initially,
        ),
    ]
}

impl Setting {
    fn is_met_by(&self, found: &str) -> bool {
        match self.need {
            Need::Initially => true,
            Need::Exactly => found == self.value,
            Need::AtLeast => match (found.parse::<u64>(), self.value.parse::<u64>()) {
                (Ok(found), Ok(wanted)) => found >= wanted,
                _ => false,
            },
        }
    }

    fn wanted(&self) -> String {
        match self.need {
            Need::AtLeast => format!("at least {}", self.value),
            Need::Exactly | Need::Initially => self.value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Region;

    use super::*;
    use crate::Topics;

    fn wanted() -> Wanted {
        let options = KafkaOptions::new("broker:9092", Topics::named("tidegate", Region::Eu, 1), 12);
        let retention = Retention { max_age_ms: 60_000, max_bytes: 1_200 };
        let layout = TopicLayout { partitions: 12, replication: 3, min_insync_replicas: 2, retention };
        Wanted::all(&options, &layout).swap_remove(0)
    }

    fn as_wanted() -> Description {
        let wanted = wanted();
        let settings = wanted.settings().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Description { partitions: 12, replication: 3, settings }
    }

    #[test]
    fn a_topic_as_made_is_as_wanted() {
        assert_eq!(wanted().mismatches(&as_wanted()), []);
        assert_eq!(as_wanted().settings["retention.bytes"], "100", "of each of twelve partitions");
    }

    #[test]
    fn everything_that_differs_is_named_with_both_values() {
        let mut found = Description { partitions: 6, replication: 1, ..as_wanted() };
        let differing = [
            ("min.insync.replicas", "1"),
            ("max.message.bytes", "1048588"),
            ("message.timestamp.type", "CreateTime"),
            ("cleanup.policy", "compact"),
            ("unclean.leader.election.enable", "true"),
        ];
        for (name, value) in differing {
            found.settings.insert(name.to_owned(), value.to_owned());
        }
        let mismatches = wanted().mismatches(&found);
        assert_eq!(mismatches.len(), 7);
        let text = super::super::TopicsError::Mismatch(mismatches).to_string();
        for (name, value) in differing {
            let wanted = &as_wanted().settings[name];
            assert!(text.contains(&format!("{name}={value}")) && text.contains(wanted), "{name}: {text}");
        }
        for part in ["has 6 partitions, configured are 12", "has 1 replicas, configured are 3", "kafka-configs --alter"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn more_than_needed_is_fine_and_retention_is_the_operators() {
        let mut found = as_wanted();
        for (name, value) in [("min.insync.replicas", "3"), ("max.message.bytes", "100000000"), ("retention.ms", "1")] {
            found.settings.insert(name.to_owned(), value.to_owned());
        }
        assert_eq!(wanted().mismatches(&found), []);
    }
}
