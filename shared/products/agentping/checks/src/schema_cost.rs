//! What a validation may cost at most, counted before it is done.
//!
//! Subschemas that refer to one another, each twice, make a validation whose time doubles with every level of the output.
//! So the visits of a subschema to a value are counted first. Each pair of the two is looked at once, however often the
//! validation would come by.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Pairs that are looked at.
const MAX_PAIRS: usize = 100_000;
/// References in a row that lead from a schema to itself without a step into the value.
const MAX_DEPTH: usize = 400;

/// Visits of subschemas to values, with what their keywords do to texts and lists; `None`: more than `most`, or the
/// schema refers to itself without end.
pub fn visits(schema: &Value, instance: &Value, most: u64) -> Option<u64> {
    let mut anchors = HashMap::new();
    collect_anchors(schema, &mut anchors);
    let mut counting = Counting { root: schema, anchors, known: HashMap::new(), most };
    counting.of(schema, instance, 0)
}

struct Counting<'s> {
    root: &'s Value,
    anchors: HashMap<&'s str, &'s Value>,
    /// By the addresses of a subschema and a value. `None`: it is being counted.
    known: HashMap<(*const Value, *const Value), Option<u64>>,
    most: u64,
}

impl<'s> Counting<'s> {
    fn of(&mut self, schema: &'s Value, instance: &Value, depth: usize) -> Option<u64> {
        let Some(members) = schema.as_object() else { return Some(1) };
        if depth > MAX_DEPTH || self.known.len() > MAX_PAIRS {
            return None;
        }
        let pair = (std::ptr::from_ref(schema), std::ptr::from_ref(instance));
        if let Some(known) = self.known.get(&pair) {
            return *known;
        }
        self.known.insert(pair, None);
        let mut sum = own_cost(members, instance);
        for (keyword, value) in members {
            sum = sum.checked_add(self.keyword(keyword, value, instance, depth + 1)?)?;
        }
        // These look at their neighbours once more to learn what those have looked at.
        if members.contains_key("unevaluatedProperties") || members.contains_key("unevaluatedItems") {
            sum = sum.checked_mul(2)?;
        }
        if sum > self.most {
            return None;
        }
        self.known.insert(pair, Some(sum));
        Some(sum)
    }

    fn keyword(&mut self, keyword: &str, value: &'s Value, instance: &Value, depth: usize) -> Option<u64> {
        match keyword {
            "$ref" | "$dynamicRef" => {
                let target = self.target(value.as_str()?)?;
                self.of(target, instance, depth)
            }
            "not" | "if" | "then" | "else" => self.of(value, instance, depth),
            "allOf" | "anyOf" | "oneOf" => self.all(value.as_array()?.iter(), instance, depth),
            "dependentSchemas" => self.all(value.as_object()?.values(), instance, depth),
            "properties" => match instance {
                Value::Object(there) => {
                    let pairs = value.as_object()?.iter().filter_map(|(name, below)| Some((below, there.get(name)?)));
                    self.pairs(pairs, depth)
                }
                _ => Some(0),
            },
            "patternProperties" => {
                let below: Vec<&'s Value> = value.as_object()?.values().collect();
                self.each_child(&below, instance, depth)
            }
            "additionalProperties" | "unevaluatedProperties" if instance.is_object() => {
                self.each_child(&[value], instance, depth)
            }
            "items" | "contains" | "unevaluatedItems" if instance.is_array() => {
                self.each_child(&[value], instance, depth)
            }
            "prefixItems" => match instance {
                Value::Array(items) => self.pairs(value.as_array()?.iter().zip(items), depth),
                _ => Some(0),
            },
            "propertyNames" => match instance {
                // Names are texts: nothing below them.
                Value::Object(there) => {
                    let one = self.of(value, &Value::Null, depth)?;
                    one.checked_mul(there.len() as u64)
                }
                _ => Some(0),
            },
            _ => Some(0),
        }
    }

    fn all(&mut self, below: impl Iterator<Item = &'s Value>, instance: &Value, depth: usize) -> Option<u64> {
        below.map(|schema| self.of(schema, instance, depth)).try_fold(0u64, |sum, cost| sum.checked_add(cost?))
    }

    fn pairs<'i>(&mut self, pairs: impl Iterator<Item = (&'s Value, &'i Value)>, depth: usize) -> Option<u64> {
        pairs.map(|(schema, child)| self.of(schema, child, depth)).try_fold(0u64, |sum, cost| sum.checked_add(cost?))
    }

    fn each_child(&mut self, schemas: &[&'s Value], instance: &Value, depth: usize) -> Option<u64> {
        let children: Box<dyn Iterator<Item = &Value>> = match instance {
            Value::Object(members) => Box::new(members.values()),
            Value::Array(items) => Box::new(items.iter()),
            _ => return Some(0),
        };
        let mut sum = 0u64;
        for child in children {
            sum = sum.checked_add(self.pairs(schemas.iter().map(|schema| (*schema, child)), depth)?)?;
        }
        Some(sum)
    }

    /// What a reference within the document leads to. One that is not found costs nothing: the schema did not compile.
    fn target(&self, reference: &str) -> Option<&'s Value> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.root.pointer(&percent_decoded(fragment));
        }
        self.anchors.get(fragment).copied()
    }
}

/// What the keywords of one subschema do to a value without a further visit.
fn own_cost(members: &Map<String, Value>, instance: &Value) -> u64 {
    // A text is read in 64 bytes at a time, as a visit counts.
    let bytes = |text: &str| 1 + text.len() as u64 / 64;
    let of_text = match instance {
        Value::String(text) if members.contains_key("pattern") => 16 * bytes(text),
        Value::String(text) => bytes(text),
        _ => 0,
    };
    let of_names = match (instance, members.get("patternProperties")) {
        (Value::Object(there), Some(Value::Object(patterns))) => there.len() as u64 * patterns.len() as u64 * 16,
        _ => 0,
    };
    let of_lists = match instance {
        Value::Array(items) if members.contains_key("uniqueItems") => items.len() as u64 * 16,
        _ => 0,
    };
    let of_values = ["enum", "const", "required", "dependentRequired"].iter().filter_map(|name| members.get(*name));
    1 + of_text + of_names + of_lists + of_values.map(size).sum::<u64>()
}

/// How many values a value has.
fn size(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(members) => 1 + members.values().map(size).sum::<u64>(),
        _ => 1,
    }
}

fn collect_anchors<'s>(value: &'s Value, anchors: &mut HashMap<&'s str, &'s Value>) {
    match value {
        Value::Object(members) => {
            for name in ["$anchor", "$dynamicAnchor"] {
                if let Some(anchor) = members.get(name).and_then(Value::as_str) {
                    anchors.insert(anchor, value);
                }
            }
            members.values().for_each(|member| collect_anchors(member, anchors));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_anchors(item, anchors)),
        _ => {}
    }
}

/// `%25` and the like as what they stand for.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
