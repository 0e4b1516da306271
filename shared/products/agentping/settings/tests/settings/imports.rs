//! Files of other programs.

use serde_json::{Value, json};
use tidegate_agentping_settings::configuration::ConfigText;
use tidegate_agentping_settings::import::{ImportFault, ImportKind, Imported, import};

fn agents(imported: &Imported) -> Value {
    let whole = ConfigText::parse(&imported.yaml).unwrap().value;
    assert_eq!(whole["version"], json!(1));
    whole["agents"].clone()
}

const CRONTAB: &str = r#"
# m h dom mon dow command
MAILTO="ops@example.com"
SHELL = /bin/sh
0 2 * * *   /opt/jobs/report.sh --all >/dev/null 2>&1
*/5 * * * * cd /srv && FOO=1 nice -n 10 ./bin/report.py
CRON_TZ=Europe/Berlin
30 2 * * 1-5 /usr/bin/python3 /srv/weekly.py
@yearly tidegate exec --agent "year end" -- /srv/year.sh
@hourly tidegate exec --agent=hourly/x -- true
@reboot /srv/once.sh
61 * * * * /srv/never.sh
what is this
"#;

#[test]
fn a_crontab_gives_an_agent_for_each_line() {
    let imported = import(ImportKind::Crontab { is_system: false }, CRONTAB, "UTC").unwrap();
    let berlin = |cron: &str| json!({"schedule": {"cron": cron, "timezone": "Europe/Berlin"}});
    let expected = json!({
        "report": {"schedule": {"cron": "0 2 * * *"}},
        "report-2": {"schedule": {"cron": "*/5 * * * *"}},
        "weekly": berlin("30 2 * * 1-5"),
        "year end": berlin("0 0 1 1 *"),
        "hourly/x": berlin("@hourly"),
        "never": {},
    });
    assert_eq!((agents(&imported), imported.agents), (expected, 6));
    let notes = imported.notes.join("\n");
    for part in [
        "line 6: the agent is 'report-2'",
        "line 11: @reboot",
        "line 12: 'never' has no schedule",
        "line 13: it is no line",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    assert_eq!(imported.notes.len(), 4, "{notes}");
}

#[test]
fn a_systems_crontab_names_users() {
    let text = "17 * * * * root cd / && run-parts --report /etc/cron.hourly\n";
    let imported = import(ImportKind::Crontab { is_system: true }, text, "Asia/Tokyo").unwrap();
    let schedule = json!({"cron": "17 * * * *", "timezone": "Asia/Tokyo"});
    assert_eq!(agents(&imported), json!({"run-parts": {"schedule": schedule}}));
}

#[test]
fn healthchecks_give_slugs_tags_zones_and_grace() {
    let text = json!({"checks": [
        {"name": "Nightly backup", "slug": "nightly-backup", "tags": "prod db", "desc": "Dumps.", "grace": 900,
            "schedule": "30 2 * * *", "tz": "Europe/Riga", "status": "up"},
        {"name": "Poller", "slug": "", "tags": "", "desc": "", "grace": 86_400, "timeout": 3_600, "status": "paused"},
        {"name": "Poller", "slug": "", "tags": "", "desc": "", "grace": 5, "schedule": "Mon *-*-* 00:00:00", "tz": "UTC"},
    ]});
    let imported = import(ImportKind::Healthchecks, &text.to_string(), "UTC").unwrap();
    assert_eq!(
        agents(&imported),
        json!({
            "nightly-backup": {"description": "Dumps.", "tags": ["prod", "db"],
                "schedule": {"cron": "30 2 * * *", "timezone": "Europe/Riga", "tolerance_s": 900}},
            "Poller": {"schedule": {"every_s": 3_600, "tolerance_s": 3_600}},
            "Poller-2": {},
        })
    );
    let notes = imported.notes.join("\n");
    for part in [
        "is paused there",
        "the tolerance is 3600 s, not 86400 s",
        "'Poller-2' has no schedule",
        "the agent is 'Poller-2'",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn cronitor_gives_jobs_and_heartbeats() {
    let list = json!({"monitors": [
        {"key": "backup", "name": "Backup", "type": "job", "schedule": "0 2 * * *", "timezone": "Europe/Berlin",
            "grace_seconds": 600, "tags": ["prod"], "paused": true},
        {"key": "ping", "type": "heartbeat", "schedules": ["every 5 minutes", "0 0 * * *"]},
        {"key": "home", "type": "check"},
    ]});
    let imported = import(ImportKind::Cronitor, &list.to_string(), "UTC").unwrap();
    let backup = json!({"description": "Backup", "tags": ["prod"],
        "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "tolerance_s": 600}});
    assert_eq!(agents(&imported), json!({"backup": backup, "ping": {"schedule": {"every_s": 300}}}));
    assert_eq!(imported.notes.len(), 3, "{:?}", imported.notes);
    let yaml = "jobs:\n  backup:\n    schedule: \"0 2 * * *\"\nsites:\n  home: {}\n";
    let imported = import(ImportKind::Cronitor, yaml, "Europe/Berlin").unwrap();
    let schedule = json!({"cron": "0 2 * * *", "timezone": "Europe/Berlin"});
    assert_eq!(agents(&imported), json!({"backup": {"schedule": schedule}}));
}

#[test]
fn what_is_no_such_file_is_refused() {
    assert_eq!(import(ImportKind::Healthchecks, "{}", "UTC"), Err(ImportFault::Missing("checks")));
    assert_eq!(import(ImportKind::Cronitor, "a: 1", "UTC"), Err(ImportFault::Missing("monitors")));
    assert!(matches!(import(ImportKind::Cronitor, "a: [", "UTC"), Err(ImportFault::Unreadable { .. })));
    let empty = import(ImportKind::Crontab { is_system: false }, "", "UTC").unwrap();
    assert_eq!((empty.agents, empty.notes.len()), (0, 0));
}
