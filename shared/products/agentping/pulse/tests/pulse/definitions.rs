//! Members of a definition, their bounds and their faults.

use serde_json::{Value, json};
use tidegate_agentping_pulse::Definition;

use crate::samples::*;

#[test]
fn what_is_not_given_has_its_default() {
    let daily = definition(json!({"cron": " 0 2 * * * ", "timezone": "europe/berlin"}));
    let expected = json!({
        "cron": "0 2 * * *", "timezone": "Europe/Berlin", "tolerance_s": 600, "alert_after": 1, "recover_after": 1,
        "unknown_alerts": false, "start_unseen": false, "enabled": true,
    });
    assert_eq!(serde_json::to_value(&daily).unwrap(), expected);
    let period = definition(json!({"every_s": 300, "max_runtime_s": 60, "cron": null}));
    let written = serde_json::to_value(&period).unwrap();
    assert_eq!(
        (&written["every_s"], &written["timezone"], &written["tolerance_s"]),
        (&json!(300), &json!("UTC"), &json!(300))
    );
    assert_eq!(written.get("cron"), None);
}

#[test]
fn a_definition_reads_as_it_was_written() {
    for given in [
        json!({"cron": "@daily"}),
        json!({"every_s": 31_536_000, "tolerance_s": 2_419_200, "max_runtime_s": 2_419_200, "alert_after": 720,
            "recover_after": 720, "unknown_alerts": true, "start_unseen": true, "enabled": false}),
        json!({"cron": "*/5 * * * MON-FRI", "timezone": "America/New_York", "tolerance_s": 60}),
    ] {
        let definition = definition(given);
        let text = serde_json::to_string(&definition).unwrap();
        assert_eq!(serde_json::from_str::<Definition>(&text).unwrap(), definition, "{text}");
    }
}

/// AC-17: each fault names its member.
#[test]
fn ac_17_a_fault_names_its_member() {
    let faults: &[(Value, &str)] = &[
        (json!({}), "cron"),
        (json!({"cron": "0 2 * * *", "every_s": 60}), "cron"),
        (json!({"cron": "0 0 2 * * *"}), "cron"),
        (json!({"cron": 5}), "cron"),
        (json!({"cron": "0 0 30 2 *"}), "cron"),
        (json!({"every_s": 59}), "every_s"),
        (json!({"every_s": 31_536_001}), "every_s"),
        (json!({"every_s": "60"}), "every_s"),
        (json!({"every_s": 60.5}), "every_s"),
        (json!({"every_s": 600, "tolerance_s": 601}), "tolerance_s"),
        (json!({"cron": "@daily", "timezone": "Mars/Base"}), "timezone"),
        (json!({"cron": "@daily", "timezone": "Etc/Unknown"}), "timezone"),
        (json!({"cron": "@daily", "timezone": "UTC+2"}), "timezone"),
        (json!({"cron": "@daily", "timezone": ""}), "timezone"),
        (json!({"cron": "@daily", "timezone": 1}), "timezone"),
        (json!({"cron": "@daily", "tolerance_s": 59}), "tolerance_s"),
        (json!({"cron": "@daily", "tolerance_s": 2_419_201}), "tolerance_s"),
        (json!({"cron": "@daily", "tolerance_s": -600}), "tolerance_s"),
        (json!({"cron": "@daily", "max_runtime_s": 0}), "max_runtime_s"),
        (json!({"cron": "@daily", "alert_after": 0}), "alert_after"),
        (json!({"cron": "@daily", "recover_after": 721}), "recover_after"),
        (json!({"cron": "@daily", "unknown_alerts": "yes"}), "unknown_alerts"),
        (json!({"cron": "@daily", "enabled": 1}), "enabled"),
        (json!({"cron": "@daily", "grace_s": 600}), "grace_s"),
    ];
    for (given, member) in faults {
        let fault = Definition::parse(&members(given.clone())).unwrap_err();
        assert_eq!(&fault.member, member, "{given}: {fault}");
        assert!(fault.to_string().len() < 250, "{fault}");
    }
}
