//! The configuration that the chart renders is one that the program takes, for the values of every region.

use std::process::{Command, Output};

use tidegate_tests::external::without_own_variables;

use crate::values::Values;
use crate::{BINARY, shipped};

const FILE: &str = "deploy/kubernetes/tidegate/files/tidegate.toml";

/// The file with the values put in: its only templates are `{{ .Values.some.value | toJson }}`.
fn rendered(region: &str) -> String {
    let mut values = Values::default();
    values.lay(&shipped("deploy/kubernetes/tidegate/values.yaml"));
    values.lay(&shipped(&format!("deploy/kubernetes/values-{region}.yaml")));
    let mut text = String::new();
    let template = shipped(FILE);
    let mut parts = template.split("{{");
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (expression, rest) = part.split_once("}}").expect("braces close");
        let path = expression.trim().strip_prefix(".Values.").and_then(|path| path.strip_suffix(" | toJson"));
        text.push_str(&values.json(path.unwrap_or_else(|| panic!("{FILE}: '{expression}' is more than a value"))));
        text.push_str(rest);
    }
    text
}

fn check_config(text: &str) -> (String, Output) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.toml");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new(BINARY);
    command.arg("check-config").arg("--config").arg(&path);
    without_own_variables(&mut command);
    let output = command.output().unwrap_or_else(|error| panic!("{BINARY}: {error}"));
    (path.display().to_string(), output)
}

#[test]
fn the_charts_configuration_is_taken() {
    for region in ["eu", "us"] {
        let text = rendered(region);
        let (path, output) = check_config(&text);
        let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{region}: {wrong}\n{text}");
        // Every key of the file is one that holds.
        let keys = text.lines().filter(|line| !line.starts_with('#') && line.contains(" = ")).count();
        let from_the_file = told.lines().filter(|line| line.contains(&path)).count();
        assert!(keys > 20, "{text}");
        assert_eq!(from_the_file, keys, "{told}");
        assert!(told.contains(&format!("region = \"{region}\"")), "{told}");
    }
}

#[test]
fn a_wrong_value_in_it_is_refused() {
    let text = rendered("eu").replace("group_protocol = \"classic\"", "group_protocol = \"modern\"");
    let (_, output) = check_config(&text);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && wrong.contains("kafka.group_protocol"), "{wrong}");
}
