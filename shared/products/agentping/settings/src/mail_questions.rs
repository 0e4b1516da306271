//! Which mail addresses a team has had asked for their confirmation within a day. An address is asked once, and a team
//! has so many asked: whoever can set routes cannot fill foreign mailboxes. Pure.

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_kernel::free_json::text_hash_128;
use tidegate_kernel::{SmolStr, Timestamp};

/// The addresses that were asked within [`MailQuestions::DAY_MS`], the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailQuestions {
    asked: Vec<AskedAddress>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AskedAddress {
    /// A hash of the team and the address. Addresses themselves are in sealed documents only.
    address: SmolStr,
    /// The id of the route whose link the question has.
    route: SmolStr,
    #[serde(rename = "at_ms")]
    at: Timestamp,
}

/// Why an address is not asked now. Times are in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailQuestionLimit {
    /// It was asked within a day.
    Address { retry_after_s: u64 },
    /// The team had [`MailQuestions::MOST`] addresses asked within a day.
    Team { retry_after_s: u64 },
}

impl MailQuestions {
    /// Milliseconds within which an address is asked once.
    pub const DAY_MS: i64 = 86_400_000;
    /// Addresses that a team may have asked within them.
    pub const MOST: usize = 20;

    /// Without those that were asked before that day.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.asked.retain(|one| now.millis_since(one.at) < Self::DAY_MS.unsigned_abs());
        self
    }

    /// The id of the route for which the address was asked.
    pub fn asked_for(&self, team: TeamId, address: &str) -> Option<&SmolStr> {
        self.find(&hashed(team, address)).map(|one| &one.route)
    }

    /// Notes that the address is asked for a route.
    ///
    /// # Errors
    /// [`MailQuestionLimit`]: it must not be asked now.
    pub fn ask(&mut self, team: TeamId, address: &str, route: &str, now: Timestamp) -> Result<(), MailQuestionLimit> {
        let address = hashed(team, address);
        if let Some(known) = self.find(&address) {
            return Err(MailQuestionLimit::Address { retry_after_s: known.ends_in_s(now) });
        }
        if let Some(first) = self.asked.first().filter(|_| self.asked.len() >= Self::MOST) {
            return Err(MailQuestionLimit::Team { retry_after_s: first.ends_in_s(now) });
        }
        self.asked.push(AskedAddress { address, route: SmolStr::new(route), at: now });
        Ok(())
    }

    fn find(&self, address: &str) -> Option<&AskedAddress> {
        self.asked.iter().find(|one| one.address == address)
    }
}

impl AskedAddress {
    /// Whole seconds until its day is over.
    fn ends_in_s(&self, now: Timestamp) -> u64 {
        self.at.plus_millis(MailQuestions::DAY_MS).millis_since(now).div_ceil(1_000)
    }
}

/// Mailboxes take their names in capitals and in small letters.
fn hashed(team: TeamId, address: &str) -> SmolStr {
    let address = address.to_ascii_lowercase();
    SmolStr::from(format!("{:032x}", text_hash_128(&[team.text().as_str().as_bytes(), address.as_bytes()])))
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Region;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const TEAM: TeamId = TeamId::from_bits(Region::Eu, 7);

    /// AC-64: within a day, also where it is written otherwise.
    #[test]
    fn ac_64_an_address_is_asked_once_a_day() {
        let mut questions = MailQuestions::default();
        assert_eq!(questions.ask(TEAM, "ops@example.com", "a", NOW), Ok(()));
        let later = NOW.plus_millis(3_600_500);
        let known = Err(MailQuestionLimit::Address { retry_after_s: 82_800 });
        assert_eq!(questions.ask(TEAM, "Ops@Example.com", "b", later), known);
        assert_eq!(questions.asked_for(TEAM, "OPS@example.com"), Some(&SmolStr::new("a")));
        assert_eq!(questions.asked_for(TEAM, "other@example.com"), None);
        assert_eq!(questions.asked_for(TeamId::from_bits(Region::Eu, 8), "ops@example.com"), None);
        let text = serde_json::to_string(&questions).unwrap();
        assert!(!text.contains("example"), "{text}");
        let before = questions.clone().at(NOW.plus_millis(MailQuestions::DAY_MS - 1));
        assert_eq!(before, questions);
        let mut after = questions.at(NOW.plus_millis(MailQuestions::DAY_MS));
        assert_eq!(after, MailQuestions::default());
        assert_eq!(after.ask(TEAM, "ops@example.com", "b", NOW), Ok(()));
    }

    /// AC-64: addresses that are all different have a bound, too.
    #[test]
    fn ac_64_a_team_has_so_many_addresses_asked_in_a_day() {
        let mut questions = MailQuestions::default();
        let address = |number: usize| format!("a{number}@example.com");
        for number in 0..MailQuestions::MOST {
            let at = NOW.plus_millis(number as i64 * 1_000);
            assert_eq!(questions.ask(TEAM, &address(number), "a", at), Ok(()), "{number}");
        }
        let at = NOW.plus_millis(60_000);
        let full = Err(MailQuestionLimit::Team { retry_after_s: 86_340 });
        assert_eq!(questions.ask(TEAM, &address(MailQuestions::MOST), "a", at), full);
        let next_day = NOW.plus_millis(MailQuestions::DAY_MS);
        let mut questions = questions.at(next_day);
        assert_eq!(questions.ask(TEAM, &address(MailQuestions::MOST), "a", next_day), Ok(()));
        assert!(questions.ask(TEAM, &address(0), "a", next_day).is_err(), "one has made room, not all");
    }
}
