//! Offsets as they are written on a command line: `P:FROM-TO[,…]`.

use std::fmt;
use std::str::FromStr;

use tidegate_kernel::Partition;

/// Offsets `[from, until)` of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OffsetRange {
    pub partition: Partition,
    pub from: i64,
    /// `None`: up to the end.
    pub until: Option<i64>,
}

/// Ranges in the order of partition and offset, without overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetRanges(Vec<OffsetRange>);

impl OffsetRanges {
    pub fn iter(&self) -> impl Iterator<Item = &OffsetRange> {
        self.0.iter()
    }

    /// Those that touch become one: no record is chosen twice.
    fn merged(mut ranges: Vec<OffsetRange>) -> Self {
        ranges.sort_by_key(|range| (range.partition, range.from));
        let mut merged: Vec<OffsetRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if last.partition == range.partition && last.until.is_none_or(|end| range.from <= end) => {
                    last.until = last.until.zip(range.until).map(|(one, other)| one.max(other));
                }
                _ => merged.push(range),
            }
        }
        OffsetRanges(merged)
    }
}

impl FromStr for OffsetRanges {
    type Err = String;

    /// `3:100-200` is the offsets 100 to 199 of partition 3; `3:100-` goes up to the end; `3:100` is one record.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| range(part.trim())).collect::<Result<_, _>>().map(Self::merged)
    }
}

fn range(text: &str) -> Result<OffsetRange, String> {
    let wrong = || format!("'{text}' is no range of offsets: write PARTITION:FROM-TO, for example 3:100-200");
    let (partition, offsets) = text.split_once(':').ok_or_else(wrong)?;
    let partition = partition.parse().map_err(|_| wrong())?;
    let offset = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|_| plain).ok_or_else(wrong)
    };
    let (from, until) = match offsets.split_once('-') {
        None => {
            let only = offset(offsets)?;
            (only, Some(only.saturating_add(1)))
        }
        Some((from, "")) => (offset(from)?, None),
        Some((from, until)) => (offset(from)?, Some(offset(until)?)),
    };
    match until {
        Some(until) if until <= from => {
            Err(format!("'{text}' holds no offset: TO is not included, so it must be above FROM"))
        }
        _ => Ok(OffsetRange { partition, from, until }),
    }
}

impl fmt::Display for OffsetRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, OffsetRange { partition, from, until }) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{partition}:{from}-")?;
            if let Some(until) = until {
                write!(f, "{until}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_sorted_and_joined() {
        for (text, shown) in [
            ("3:100-200", "3:100-200"),
            ("3:100", "3:100-101"),
            ("3:100-", "3:100-"),
            ("3:100-200, 0:5-6", "0:5-6,3:100-200"),
            ("1:5-9,1:7-20,1:20-21,1:30-31", "1:5-21,1:30-31"),
            ("1:5-,1:7-20", "1:5-"),
            ("1:5-9,1:7-", "1:5-"),
            ("0:0-1,1:1-2", "0:0-1,1:1-2"),
        ] {
            assert_eq!(text.parse::<OffsetRanges>().map(|ranges| ranges.to_string()).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_its_text_and_the_way_out() {
        for text in
            ["", "3", "3:", "3:a-b", ":1-2", "3:-5", "3:+1-5", "3:1-2-3", "-1:1-2", "3:1-2,", "3:99999999999999999999-"]
        {
            let error = text.parse::<OffsetRanges>().unwrap_err();
            assert!(error.contains("PARTITION:FROM-TO"), "{text}: {error}");
        }
        for text in ["3:9-9", "3:9-8"] {
            let error = text.parse::<OffsetRanges>().unwrap_err();
            assert!(error.contains(text) && error.contains("above FROM"), "{error}");
        }
    }
}
