//! What the turns have found. Pure.

use std::collections::BTreeMap;

use tidegate_agentgate::OrgId;
use tidegate_kernel::{Position, SmolStr, Timestamp};

/// Organizations that are kept in view, and looked at again by each turn.
const KEPT: usize = 100;
/// Looks that must find the same doubt, one after the other, before it counts: two minutes. A decider that dies between
/// the row and the book leaves them apart until another one has its partition and decides the command again.
pub(super) const LOOKS: u32 = 12;

/// A book and a row, by which a later look knows whether they are still the same: what the book is decided to, and the
/// row's document.
pub(super) type Look = (Option<Position>, Option<Vec<u8>>);

/// What one look at an organization found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    AddsUp,
    Off(String),
    /// Book and row do not belong together, or a decision was being written between the two reads.
    Doubtful {
        why: String,
        of: Look,
    },
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Where the next turn goes on; `None`: with a new round.
    pub after: Option<SmolStr>,
    this_round: u64,
    /// Organizations of the last whole round.
    pub last_round: Option<u64>,
    pub checked_at: Option<Timestamp>,
    /// Those that do not add up, and why.
    pub off: BTreeMap<OrgId, String>,
    /// Those that may not, and how many looks have found the same.
    doubtful: BTreeMap<OrgId, (Look, u32)>,
}

impl Seen {
    /// Those to look at again.
    pub fn again(&self) -> Vec<OrgId> {
        self.off.keys().chain(self.doubtful.keys()).copied().collect()
    }

    /// Takes in what a turn found, which had so many organizations of the round and goes on after `last`.
    pub fn take(&mut self, found: Vec<(OrgId, Finding)>, (of_round, last): (u64, Option<SmolStr>), now: Timestamp) {
        self.checked_at = Some(now);
        self.this_round += of_round;
        if last.is_none() {
            self.last_round = Some(std::mem::take(&mut self.this_round));
        }
        self.after = last;
        for (org, finding) in found {
            let before = self.doubtful.remove(&org);
            let looks = |of: &Look| before.as_ref().map_or(1, |(seen, looks)| if seen == of { looks + 1 } else { 1 });
            let has_room = self.off.len() + self.doubtful.len() < KEPT;
            match finding {
                Finding::AddsUp => {
                    self.off.remove(&org);
                }
                Finding::Off(why) if has_room || self.off.contains_key(&org) => {
                    self.off.insert(org, why);
                }
                // Nothing was written for so long.
                Finding::Doubtful { why, of } if looks(&of) >= LOOKS => {
                    self.off.insert(org, why);
                }
                Finding::Doubtful { of, .. } if has_room && !self.off.contains_key(&org) => {
                    let looks = looks(&of);
                    self.doubtful.insert(org, (of, looks));
                }
                Finding::Off(_) | Finding::Doubtful { .. } => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1);

    fn doubtful(offset: i64, row: &[u8]) -> Finding {
        let at = Position { generation: 1, partition: 0, offset };
        Finding::Doubtful { why: "the row".to_owned(), of: (Some(at), Some(row.to_vec())) }
    }

    fn turn(seen: &mut Seen, finding: Finding) -> usize {
        seen.take(vec![(OrgId::from_bits(1), finding)], (1, None), NOW);
        seen.off.len()
    }

    #[test]
    fn what_is_doubtful_is_off_once_nothing_was_written_for_two_minutes() {
        let mut seen = Seen::default();
        // One look less than it takes, and then something was written, or it adds up.
        for (finding, looks) in [
            (doubtful(5, b"{}"), LOOKS - 1),
            (doubtful(6, b"{}"), LOOKS - 1),
            (doubtful(6, b"[]"), LOOKS - 1),
            (Finding::AddsUp, 1),
            (doubtful(6, b"[]"), LOOKS - 1),
        ] {
            for _ in 0..looks {
                assert_eq!(turn(&mut seen, finding.clone()), 0, "{finding:?}");
            }
        }
        for (finding, off) in [
            (doubtful(6, b"[]"), 1),
            // It stays in view until it adds up.
            (doubtful(7, b"[]"), 1),
            (Finding::AddsUp, 0),
            (doubtful(7, b"[]"), 0),
            (Finding::Off("a cent".to_owned()), 1),
            (Finding::AddsUp, 0),
        ] {
            assert_eq!(turn(&mut seen, finding.clone()), off, "{finding:?}");
        }
        assert!(seen.again().is_empty());
    }

    #[test]
    fn a_round_ends_with_a_page_that_is_not_full_and_few_are_kept() {
        let mut seen = Seen::default();
        let off = |from: u128| (from..from + 80).map(|org| (OrgId::from_bits(org), Finding::Off("a cent".to_owned())));
        seen.take(off(0).collect(), (80, Some("org_79".into())), NOW);
        assert_eq!((seen.last_round, seen.after.as_deref()), (None, Some("org_79")));
        seen.take(off(80).collect(), (80, None), NOW);
        assert_eq!((seen.last_round, seen.after.as_deref(), seen.off.len()), (Some(160), None, KEPT));
        seen.take(Vec::new(), (3, None), NOW);
        assert_eq!(seen.last_round, Some(3));
    }
}
