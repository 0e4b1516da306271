//! What a refusal at the agent cap says to help.

use std::fmt::Write as _;

use tidegate_admission::AgentHints;

use super::times::whole_seconds;

/// ` Near it: 'nightly'. Longest unseen: 'nigthly' (never), 'weekly' (2026-05-15T12:00:00Z). …`; empty without names. Slugs
/// hold no control characters, so that the text stays one line.
pub(super) fn slots_taken(hints: &AgentHints) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if !hints.near.is_empty() {
        let near: Vec<String> = hints.near.iter().map(|slug| format!("'{slug}'")).collect();
        let _ = write!(text, " Near it: {}.", near.join(", "));
    }
    if !hints.longest_unseen.is_empty() {
        let seen = |at: &Option<_>| at.map_or_else(|| "never".to_owned(), whole_seconds);
        let unseen: Vec<String> =
            hints.longest_unseen.iter().map(|(slug, at)| format!("'{slug}' ({})", seen(at))).collect();
        let _ = write!(
            text,
            " Longest unseen: {}. `tidegate agents archive` frees the slots of agents that are not used.",
            unseen.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::Slug;
    use tidegate_kernel::Timestamp;

    use super::*;

    #[test]
    fn names_follow_the_refusal_where_there_are_any() {
        let slug = |text: &str| Slug::parse(text).unwrap();
        let seen = Timestamp::from_millis(1_778_846_400_000);
        let hints = AgentHints {
            near: vec![slug("nightly")],
            longest_unseen: vec![(slug("nigthly"), None), (slug("weekly"), Some(seen))],
        };
        assert_eq!(
            slots_taken(&hints),
            " Near it: 'nightly'. Longest unseen: 'nigthly' (never), 'weekly' (2026-05-15T12:00:00Z). \
             `tidegate agents archive` frees the slots of agents that are not used."
        );
        assert_eq!(slots_taken(&AgentHints::default()), "");
    }
}
