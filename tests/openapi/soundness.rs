//! A description that tools can work with.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_tests::openapi::Description;

fn parsed() -> Vec<(&'static str, Value)> {
    let all = Description::all();
    all.into_iter().map(|one| (one.file, serde_json::from_str(&one.text).expect("JSON"))).collect()
}

/// Every operation: path, method, and what is said of it.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().expect("paths");
    let methods = |(path, item): (&String, &Value)| {
        let item = item.as_object().expect("an object").clone();
        item.into_iter().map(|(method, operation)| (path.clone(), method, operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                found.insert(target.clone());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for (file, description) in parsed() {
        let mut found = BTreeSet::new();
        references(&description, &mut found);
        assert!(!found.is_empty(), "{file} describes no body");
        for target in found {
            let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{file}: {target} leads out of the file"));
            assert!(description.pointer(pointer).is_some(), "{file}: {target} leads nowhere");
        }
    }
}

#[test]
fn every_schema_is_used() {
    for (file, description) in parsed() {
        let mut found = BTreeSet::new();
        references(&description, &mut found);
        for name in description["components"]["schemas"].as_object().expect("schemas").keys() {
            assert!(found.contains(&format!("#/components/schemas/{name}")), "{file}: nothing uses {name}");
        }
    }
}

#[test]
fn every_operation_is_named_once_and_says_how_it_answers() {
    for (file, description) in parsed() {
        assert!(description["openapi"].as_str().expect("a version").starts_with("3.1."), "{file}");
        let mut names = BTreeSet::new();
        for (path, method, operation) in operations(&description) {
            let name =
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{file}: {method} {path} has no name"));
            assert!(names.insert(name.to_owned()), "{file}: two operations are called {name}");
            let statuses: Vec<&String> = operation["responses"].as_object().expect("responses").keys().collect();
            let has = |class: char| statuses.iter().any(|status| status.starts_with(class));
            assert!(has('2') && has('4') && has('5'), "{file}: {method} {path} answers {statuses:?}");
            for placeholder in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let described = parameters.iter().any(|one| one["in"] == "path" && one["name"] == placeholder);
                assert!(described, "{file}: {method} {path} does not describe {placeholder}");
            }
        }
        assert!(!names.is_empty(), "{file} describes no operation");
    }
}

/// A security scheme that an operation names is there.
#[test]
fn every_named_key_is_described() {
    for (file, description) in parsed() {
        for (path, method, operation) in operations(&description) {
            for name in operation["security"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|one| one.as_object().expect("a map").keys())
            {
                let scheme = &description["components"]["securitySchemes"][name];
                assert!(scheme.is_object(), "{file}: {method} {path} names {name}, which is not described");
            }
        }
    }
}
