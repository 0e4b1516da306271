//! Reads a Prometheus text page.

use std::collections::{BTreeMap, BTreeSet};

/// The samples of one reading.
#[derive(Clone, Debug)]
pub struct Metrics {
    samples: Vec<Sample>,
}

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// # Panics
    /// On a line that is no sample: a page that a scraper refuses is a defect.
    pub fn parse(page: &str) -> Self {
        let lines = page.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Metrics { samples: lines.map(Sample::parse).collect() }
    }

    /// Readings of several instances as one.
    pub fn merged(pages: impl IntoIterator<Item = Metrics>) -> Self {
        Metrics { samples: pages.into_iter().flat_map(|page| page.samples).collect() }
    }

    /// The sum of all samples of `name` that carry these labels, as a whole number; 0 if there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let matching = self.samples.iter().filter(|sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
        });
        let sum: f64 = matching.map(|sample| sample.value).sum();
        assert!(sum >= 0.0 && sum.fract() == 0.0, "{name} counts whole things, and is at {sum}");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
        let count = sum as u64;
        count
    }

    /// The greatest sample of `name` that carries these labels, whole or not; `None` if there is none.
    pub fn greatest(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let carries = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
        };
        self.samples.iter().filter(carries).map(|sample| sample.value).max_by(f64::total_cmp)
    }

    /// The names of all samples.
    pub fn names(&self) -> BTreeSet<&str> {
        self.samples.iter().map(|sample| sample.name.as_str()).collect()
    }

    /// All values that `label` takes in samples of `name`.
    pub fn values(&self, name: &str, label: &str) -> Vec<String> {
        let of_name = self.samples.iter().filter(|sample| sample.name == name);
        let mut values: Vec<String> = of_name.filter_map(|sample| sample.labels.get(label).cloned()).collect();
        values.sort();
        values.dedup();
        values
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let value = value.parse().unwrap_or_else(|error| panic!("no value in '{line}': {error}"));
        let Some((name, rest)) = series.split_once('{') else {
            return Sample { name: series.to_owned(), labels: BTreeMap::new(), value };
        };
        let inner = rest.strip_suffix('}').unwrap_or_else(|| panic!("labels stay open: {line}"));
        // Label values here are words from closed sets: no quotes and no commas inside.
        let labels = inner.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
            let (label, quoted) = pair.split_once('=').unwrap_or_else(|| panic!("no label: {line}"));
            (label.to_owned(), quoted.trim_matches('"').to_owned())
        });
        Sample { name: name.to_owned(), labels: labels.collect(), value }
    }
}
