//! Values of the chart, from several files, the later over the earlier.

use serde_json::{Map, Value};

#[derive(Debug, Default)]
pub struct Values(Map<String, Value>);

impl Values {
    /// Lays a file's values over what is there.
    pub fn lay(&mut self, text: &str) {
        let above: Map<String, Value> = serde_saphyr::from_str(text).expect("a values file is a map");
        merge(&mut self.0, above);
    }

    /// The value at a path such as `kafka.partitions`, as JSON, which TOML reads the same where it is no map.
    pub fn json(&self, path: &str) -> String {
        let mut names = path.split('.');
        let first = names.next().and_then(|name| self.0.get(name));
        let found = names.fold(first, |value, name| value?.get(name));
        let value = found.unwrap_or_else(|| panic!("the values have no {path}"));
        assert!(!value.is_object() && !value.is_null(), "{path} is {value}");
        value.to_string()
    }
}

fn merge(below: &mut Map<String, Value>, above: Map<String, Value>) {
    for (name, value) in above {
        match (below.get_mut(&name), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                below.insert(name, value);
            }
        }
    }
}

#[test]
fn a_later_file_wins_and_depth_is_minded() {
    let mut values = Values::default();
    values.lay("region: eu\nkafka:\n  # how many\n  partitions: 12\n  brokers: []\nredis: {urls: []}\n");
    values.lay("kafka:\n  brokers: [\"a:1\", \"b:2\"]\n");
    let told = ["region", "kafka.partitions", "kafka.brokers", "redis.urls"].map(|path| values.json(path));
    assert_eq!(told, ["\"eu\"", "12", "[\"a:1\",\"b:2\"]", "[]"]);
}
