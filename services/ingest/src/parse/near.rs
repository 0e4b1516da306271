//! Which known name an unknown one was most likely meant to be.

/// Names that mean one of ours to other services and to people.
const SYNONYMS: [(&str, &str); 11] = [
    ("state", "status"),
    ("result", "status"),
    ("error", "status"),
    ("exit", "exit_code"),
    ("code", "exit_code"),
    ("rc", "exit_code"),
    ("exitstatus", "exit_code"),
    ("returncode", "exit_code"),
    ("cost", "cost_usd"),
    ("duration", "duration_ms"),
    ("runid", "id"),
];
/// No name of ours is longer; a longer one resembles none.
const MAX_BYTES: usize = 32;

/// The known name that `name` is a misspelling of: in other case, with other dashes, with a character or two wrong, or
/// another word for it.
pub fn likely(name: &str, known: &[&'static str]) -> Option<&'static str> {
    if name.len() > MAX_BYTES {
        return None;
    }
    let given = plain(name);
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == given).map(|(_, meant)| *meant);
    let meant = synonym.and_then(|meant| known.iter().find(|known| **known == meant));
    let slip = || known.iter().find(|known| is_slip(&given, &plain(known)));
    meant.or_else(slip).copied()
}

fn plain(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '_' | '-' | '.' | ' ')).map(|char| char.to_ascii_lowercase()).collect()
}

/// Two of the shortest names differ by a character or two anyway.
fn is_slip(given: &str, known: &str) -> bool {
    let letters = match known.len() {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    };
    strsim::osa_distance(given, known) <= letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::ping::KNOWN;

    #[test]
    fn slips_and_synonyms_are_seen_through() {
        for (name, meant) in [
            ("staus", "status"),
            ("Status", "status"),
            ("stats", "status"),
            ("state", "status"),
            ("result", "status"),
            ("error", "status"),
            ("agnet", "agent"),
            ("AGENT", "agent"),
            ("agents", "agent"),
            ("exit", "exit_code"),
            ("code", "exit_code"),
            ("exitCode", "exit_code"),
            ("exit-status", "exit_code"),
            ("costUsd", "cost_usd"),
            ("cost_us", "cost_usd"),
            ("duration", "duration_ms"),
            ("durationms", "duration_ms"),
            ("meta-data", "metadata"),
            ("ID", "id"),
            ("run_id", "id"),
            ("KEY", "key"),
        ] {
            assert_eq!(likely(name, &KNOWN), Some(meant), "{name}");
        }
    }

    #[test]
    fn names_of_others_are_not() {
        let long = "status".repeat(100);
        for name in [
            "utm_source",
            "ts",
            "t",
            "_",
            "",
            "cb",
            "source",
            "msg",
            "name",
            "host",
            "nonce",
            "started_at",
            "ref",
            &long,
        ] {
            assert_eq!(likely(name, &KNOWN), None, "{name}");
        }
        assert_eq!(likely("exit", &["agent"]), None, "there is no such name here");
    }
}
