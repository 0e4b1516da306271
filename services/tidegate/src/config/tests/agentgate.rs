//! `[agentgate]`: each setting is the one that its name says, in the file and as a variable.

use std::time::Duration;

use tidegate_shedding::ShedThresholds;

use super::*;

/// The settings that are numbers, each with a value for the file and one for its variable. No two values are equal.
const SETTINGS: [(&str, u64, u64); 19] = [
    ("estimate_cents_per_iteration", 31, 41),
    ("lease_s", 32, 42),
    ("max_grants", 33, 43),
    ("run_deadline_s", 34, 44),
    ("wait_ms", 1_035, 1_045),
    ("body_timeout_ms", 1_036, 1_046),
    ("max_in_flight", 37, 47),
    ("max_body_bytes_in_flight", 2_000_038, 2_000_048),
    ("max_answer_bytes_in_flight", 2_000_039, 2_000_049),
    ("store_deadline_ms", 1_040, 1_050),
    ("header_timeout_ms", 1_051, 1_061),
    ("keep_alive_ms", 1_052, 1_062),
    ("idle_timeout_ms", 5_053, 5_063),
    ("max_connections", 54, 64),
    ("drain_grace_ms", 55, 65),
    ("drain_ms", 5_056, 5_066),
    ("shed_age_leave_ms", 57, 67),
    ("shed_age_enter_ms", 68, 78),
    ("shed_age_full_ms", 69, 79),
];

/// What was read, in the same order.
fn found(section: &AgentGateSection) -> [(&'static str, u64); 19] {
    let AgentGateSection { api, shed_age_ms, .. } = section;
    let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap();
    [
        ("estimate_cents_per_iteration", api.estimate_cents_per_iteration.into()),
        ("lease_s", api.lease.as_secs()),
        ("max_grants", api.max_grants.into()),
        ("run_deadline_s", api.run_deadline.as_secs()),
        ("wait_ms", ms(api.wait)),
        ("body_timeout_ms", ms(api.body_read_timeout)),
        ("max_in_flight", api.max_in_flight.into()),
        ("max_body_bytes_in_flight", api.body_bytes as u64),
        ("max_answer_bytes_in_flight", api.answer_bytes as u64),
        ("store_deadline_ms", ms(api.store_deadline)),
        ("header_timeout_ms", ms(api.serve.header_read_timeout)),
        ("keep_alive_ms", ms(api.serve.keep_alive)),
        ("idle_timeout_ms", ms(api.serve.idle)),
        ("max_connections", api.serve.max_connections as u64),
        ("drain_grace_ms", ms(api.serve.drain_grace)),
        ("drain_ms", ms(api.serve.drain_deadline)),
        ("shed_age_leave_ms", shed_age_ms.leave),
        ("shed_age_enter_ms", shed_age_ms.enter),
        ("shed_age_full_ms", shed_age_ms.full),
    ]
}

fn section(file: &str, variables: &[(&str, &str)]) -> AgentGateSection {
    Config::from_layers(layers(file, variables), Purpose::Look).unwrap().agentgate
}

#[test]
fn each_setting_is_the_one_that_its_name_says() {
    let lines = SETTINGS.map(|(name, in_file, _)| format!("{name} = {in_file}\n"));
    let file = format!("[agentgate]\n{}", lines.concat());
    let named = SETTINGS.map(|(name, _, in_variable)| {
        (format!("TIDEGATE_AGENTGATE__{}", name.to_uppercase()), in_variable.to_string())
    });
    let variables: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let of_file = SETTINGS.map(|(name, in_file, _)| (name, in_file));
    let of_variables = SETTINGS.map(|(name, _, in_variable)| (name, in_variable));
    assert_eq!(found(&section(&file, &[])), of_file);
    assert_eq!(found(&section("", &variables)), of_variables);
    assert_eq!(found(&section(&file, &variables)), of_variables, "a variable goes over the file");
}

/// The defaults that operators' scripts rely on, and the thresholds that the tests of shedding have.
#[test]
fn the_defaults_are_the_documented_ones() {
    let usual = section("", &[]);
    let documented =
        [("estimate_cents_per_iteration", 50_u64), ("lease_s", 60), ("max_grants", 3), ("run_deadline_s", 1_800)];
    let numbers = found(&usual);
    assert_eq!(numbers[..4], documented);
    assert_eq!(numbers[4], ("wait_ms", 10_000));
    assert_eq!(usual.shed_age_ms, ShedThresholds::OF_COMMANDS.age_ms);
    assert!(!usual.api.webhook_allow_http && !usual.webhook_allow_targets.contain([127, 0, 0, 1].into()));
}
