//! The samples of a scrape, read back from the text that Prometheus reads.

use std::collections::HashMap;

/// One sample: its labels, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    labels: Vec<(String, String)>,
    pub value: f64,
}

/// All samples of a scrape, by the name of their metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Samples(HashMap<String, Vec<Sample>>);

impl Sample {
    /// The value of a label; empty: it has none of that name.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether each label named has the value named.
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.label(name) == *value)
    }
}

impl Samples {
    /// Lines that cannot be read are left out: there are none in what this process renders.
    pub fn parse(text: &str) -> Self {
        let mut samples: HashMap<String, Vec<Sample>> = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, sample)) = sample(line) {
                samples.entry(name.to_owned()).or_default().push(sample);
            }
        }
        Samples(samples)
    }

    /// The samples of one metric; none: the process does not have it.
    pub fn of(&self, metric: &str) -> &[Sample] {
        self.0.get(metric).map_or(&[], Vec::as_slice)
    }
}

fn sample(line: &str) -> Option<(&str, Sample)> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name, Sample { labels, value }))
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut text: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.push((name.to_owned(), value));
        text = rest;
    }
}

/// A value up to its closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_read_back() {
        let samples = Samples::parse(
            "# HELP a_total Of something {\"x\"}.\n# TYPE a_total counter\n\
             a_total{outcome=\"ok\",cause=\"\"} 3\na_total{outcome=\"bad\",cause=\"a \\\"b\\\" \\\\ c\\nd}\"} 4.5\n\n\
             plain 1e3\nnot a number x\nbroken{a=\"b 1\n",
        );
        let all = samples.of("a_total");
        assert_eq!(all.iter().map(|one| one.value).collect::<Vec<_>>(), [3.0, 4.5]);
        assert_eq!((all[0].label("cause"), all[1].label("cause"), all[1].label("no")), ("", "a \"b\" \\ c\nd}", ""));
        assert!(all[0].has(&[("outcome", "ok")]) && !all[1].has(&[("outcome", "ok")]) && all[0].has(&[]));
        assert_eq!(samples.of("plain").iter().map(|one| one.value).sum::<f64>(), 1_000.0);
        assert!(samples.of("not").is_empty() && samples.of("broken").is_empty() && samples.of("a").is_empty());
    }
}
