//! Parses the script's reply to an entry.

use tidegate_kernel::command::Attempt;
use tidegate_ports::{LimitsEntered, LimitsVerdict, Window};

/// A reply that the script cannot give: another program writes under our keys, or the script is not ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the script's answer cannot be read at '{0}'")]
pub(super) struct UnreadableReply(String);

/// What an entry with so many windows found.
pub(super) fn entered(reply: &[Vec<u8>], windows: usize) -> Result<LimitsEntered, UnreadableReply> {
    let texts = reply.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect::<Vec<_>>();
    let all = || UnreadableReply(texts.join(", "));
    let (first, rest) = texts.split_first().ok_or_else(all)?;
    if rest.len() != windows {
        return Err(all());
    }
    let verdict = verdict(first, windows).ok_or_else(|| UnreadableReply(first.clone()))?;
    let windows = rest.iter().map(|text| window(text).ok_or_else(|| UnreadableReply(text.clone())));
    Ok(LimitsEntered { windows: windows.collect::<Result<_, _>>()?, verdict })
}

fn verdict(text: &str, windows: usize) -> Option<LimitsVerdict> {
    let rest = text.get(1..)?;
    match text.as_bytes()[0] {
        b'A' if rest.is_empty() => Some(LimitsVerdict::Admitted),
        b'E' => rest.parse().ok().filter(|index| *index < windows).map(LimitsVerdict::Exhausted),
        b'F' => u128::from_str_radix(rest, 16).ok().map(|bits| LimitsVerdict::InFlight(Attempt::from_bits(bits))),
        _ => None,
    }
}

fn window(text: &str) -> Option<Window> {
    let (remaining, resets_in_ms) = text.split_once(' ')?;
    Some(Window { remaining: remaining.parse().ok()?, resets_in_ms: resets_in_ms.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reply: &[&str], windows: usize) -> Result<LimitsEntered, UnreadableReply> {
        entered(&reply.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>(), windows)
    }

    #[test]
    fn replies_are_read_and_others_are_refused() {
        let window = |remaining, resets_in_ms| Window { remaining, resets_in_ms };
        let holder = Attempt::from_bits(0xab);
        for (reply, entered) in [
            (&["A"][..], LimitsEntered { windows: vec![], verdict: LimitsVerdict::Admitted }),
            (&["E0", "0 1"], LimitsEntered { windows: vec![window(0, 1)], verdict: LimitsVerdict::Exhausted(0) }),
            (
                &["F000000000000000000000000000000ab", "4294967295 60000"],
                LimitsEntered { windows: vec![window(u32::MAX, 60_000)], verdict: LimitsVerdict::InFlight(holder) },
            ),
        ] {
            assert_eq!(read(reply, entered.windows.len()), Ok(entered));
        }
        for (reply, windows) in [
            (&[][..], 0),
            (&["A"], 1),
            (&["A", "1 1"], 0),
            (&[""], 0),
            (&["é"], 0),
            (&["AA"], 0),
            (&["E1", "1 1"], 1),
            (&["Fsomeone"], 0),
            (&["A", "1"], 1),
            (&["A", "-1 1"], 1),
        ] {
            assert!(read(reply, windows).is_err(), "{reply:?}");
        }
    }
}
