//! Doubt of the canary, of dead letters, and of a fall of volume.

use std::time::Duration;

use serde_json::json;
use tidegate_agentping::{FinishStatus, HeartbeatStatus, Slug};
use tidegate_agentping_pulse::{DoubtReason, Watermark, canary_team};
use tidegate_agentping_testkit::{heartbeat, key, record, run_id, team};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Account, Accounts, Append, Clock, DeadLetter, DeadLetters, Fate};

use crate::rig::{Rig, time};

impl Rig {
    /// A judge of a process that sends the canary.
    async fn with_canary() -> Self {
        let mut rig = Rig::without_judge("11:00");
        rig.options.canary = true;
        rig.start().await;
        rig
    }

    /// The canary is received now, and has been tried since then.
    async fn canary(&self, number: u128, trying_since: &str) {
        let key = tidegate_agentping::RunKey { team: canary_team(Region::Eu), run: run_id(number) };
        let mut beat = heartbeat("canary", HeartbeatStatus::Ok);
        beat.started_at = Some(time(trying_since));
        let record = record(key, self.clock.now(), beat);
        self.log.append(record.key().log_key(), record.encode().into()).await.unwrap();
    }

    /// A record that cannot be applied: it is a dead letter, under its own key or another one.
    async fn dead_letter(&self, run: u128, log_key: Option<&str>) {
        let record = record(key(run), self.clock.now(), heartbeat("elsewhere", HeartbeatStatus::Ok));
        self.log.append(record.key().log_key(), record.encode().into()).await.unwrap();
        for partition in 0..crate::rig::PARTITIONS {
            let known = self.accounts.account(1, partition).await.unwrap();
            let mut account = known.unwrap_or_else(|| Account::opened(1, partition, 0));
            for one in self.log.records(partition).into_iter().skip(account.next_offset as usize) {
                account.count(one.position.offset, Fate::Dead);
                let mut provenance = *one.provenance.unwrap_or_default();
                provenance.key = match log_key {
                    Some(text) => text.to_owned().into_bytes().into(),
                    None => record.key().log_key().text().as_bytes().to_vec().into(),
                };
                let (appended_at, reason) = (one.appended_at, "it does not decode".to_owned());
                let (position, payload) = (one.position, one.payload);
                let dead_lettered_at = self.clock.now();
                let dead = DeadLetter { position, appended_at, dead_lettered_at, reason, payload, provenance };
                self.dead_letters.append(dead).await.unwrap();
            }
            self.accounts.settle(account).await.unwrap();
        }
    }

    async fn reasons(&self, agent: &str) -> Vec<Option<DoubtReason>> {
        self.slot_docs(agent).await.iter().map(|slot| slot.reason).collect()
    }

    /// Fifteen days with 50 records in each of the first 15 minutes after noon, over some restarts. It is then a minute
    /// before noon, and the judge has read all of it.
    async fn with_volume() -> Self {
        let mut rig = Rig::without_judge(FIRST_NOON);
        rig.start().await;
        for day in 0..LAST_DAY {
            for minute in 0..15 {
                rig.minute(day, minute, 50).await;
                rig.apply().await;
            }
            rig.turn().await;
            rig.hour_is_over(day).await;
            if day % 5 == 0 {
                rig.start().await;
            }
        }
        rig.clock.set(noon(LAST_DAY).plus_millis(-60_000));
        rig.catch_up().await;
        rig
    }

    /// Turns until everything that is applied is read. After a restart the judge reads the days again since the oldest
    /// of its shards was saved, and a turn reads some hours of them.
    async fn catch_up(&mut self) {
        let caught_up = self.clock.now().plus_millis(-Watermark::CLOCK_DIFFERENCE_MS);
        for _ in 0..=2 * LAST_DAY {
            self.turn().await;
            if self.judge.as_ref().unwrap().watermark().now() >= caught_up {
                return;
            }
        }
        panic!("the judge is still behind");
    }

    /// So many records in a minute after noon, a second after it has begun, of agents without a schedule.
    async fn minute(&self, day: i64, minute: i64, count: u32) {
        self.clock.set(noon(day).plus_millis(minute * 60_000 + 1_000));
        let first = u128::from(self.clock.now().as_millis().unsigned_abs()) * 1_000;
        for number in 0..u128::from(count) {
            self.beat(first + number, &format!("many-{}", number % 50), HeartbeatStatus::Ok).await;
        }
    }

    async fn hour_is_over(&mut self, day: i64) {
        self.clock.set(noon(day).plus_millis(3_600_000));
        self.apply().await;
        self.turn().await;
    }

    /// Agents whose runs may take so long. One that is opened at 12:01:01 is due at 12:02:31, 12:03:21 or 12:04:21.
    async fn with_limited_runs(&mut self) {
        for (agent, max_runtime_s) in LIMITED {
            self.agent(agent, json!({"cron": "0 9 1 1 *", "max_runtime_s": max_runtime_s})).await;
        }
    }

    /// Each of them opens a run now: 1, 2, 3.
    async fn open_limited(&self) {
        for (run, (agent, _)) in (1..).zip(LIMITED) {
            self.open(run, agent).await;
        }
    }
}

const FIRST_NOON: &str = "2026-04-29T12:00:00Z";
/// The day after the fifteen with the usual volume.
const LAST_DAY: i64 = 15;
const LIMITED: [(&str, u32); 3] = [("before", 90), ("abnormal", 140), ("in-the-fall", 200)];

fn noon(day: i64) -> Timestamp {
    time(FIRST_NOON).plus_millis(day * 86_400_000)
}

/// Records of a minute of a day with a fall: the minute before it is abnormal, and no incident of its own.
const fn falling(minute: i64) -> u32 {
    match minute {
        0..3 => 50,
        3 => 30,
        _ => 5,
    }
}

/// A record of the team became a dead letter: its slots without a run are unknown around then, and no others.
#[tokio::test]
async fn a_dead_letter_is_doubt_of_its_team() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:05").await;
    rig.dead_letter(1, None).await;
    rig.to("12:20").await;
    rig.start().await;
    rig.to("13:20").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 unknown", "13:00 missed"]);
    assert_eq!(rig.reasons("hourly").await[0], Some(DoubtReason::DeadLetters));
    assert_eq!(rig.messages(), ["13:10 hourly schedule_missed firing"]);
    rig.to("14:05").await;
    rig.dead_letter(2, Some(&format!("{}/run", team(2)))).await;
    rig.to("14:20").await;
    assert_eq!(rig.slots("hourly").await[2], "14:00 missed", "another team's");
    rig.to("15:05").await;
    rig.dead_letter(3, Some("")).await;
    rig.to("15:20").await;
    assert_eq!(rig.slots("hourly").await[3], "15:00 unknown", "whose it was is not known");
}

/// The first judge of a deployment does not look at what was dead before it.
#[tokio::test]
async fn dead_letters_from_before_are_not_looked_at() {
    let mut rig = Rig::without_judge("11:00");
    rig.dead_letter(1, None).await;
    rig.start().await;
    rig.agent("early", json!({"cron": "5 11 * * *", "tolerance_s": 60})).await;
    rig.to("11:10").await;
    assert_eq!(rig.slots("early").await, ["11:05 missed"]);
}

/// Heartbeats of the canary are missing: unknown for all; and one who watched it is not shown as an agent.
#[tokio::test(start_paused = true)]
async fn a_missing_canary_is_doubt_of_all() {
    let mut rig = Rig::with_canary().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:00").await;
    rig.canary(1, "11:00").await;
    rig.to("12:01").await;
    rig.to("12:15").await;
    assert_eq!(rig.slots("hourly").await, Vec::<String>::new(), "it may come yet");
    tokio::time::advance(Duration::from_secs(46)).await;
    rig.turn().await;
    assert_eq!(rig.slots("hourly").await, ["12:00 unknown"]);
    assert_eq!(rig.reasons("hourly").await, [Some(DoubtReason::Canary)]);
    rig.to("12:30").await;
    rig.canary(2, "12:00").await;
    rig.to("13:15").await;
    rig.canary(3, "13:14:50").await;
    rig.to("13:15:01").await;
    tokio::time::advance(Duration::from_secs(46)).await;
    rig.turn().await;
    assert_eq!(rig.slots("hourly").await.last().unwrap(), "13:00 missed", "no sender ran in between");
    let canary = Slug::parse("canary").unwrap();
    assert!(rig.judge.as_ref().unwrap().agent(canary_team(Region::Eu), &canary).is_none());
}

/// The canary has not come for a moment, and it is not known yet whether it is missing: a slot and a run of that moment
/// wait, though the canary is not waited for any more.
#[tokio::test(start_paused = true)]
async fn the_first_moments_without_a_canary_are_doubt_too() {
    let mut rig = Rig::with_canary().await;
    rig.agent("daily", json!({"cron": "0 12 * * *", "tolerance_s": 60})).await;
    rig.agent("long", json!({"cron": "0 9 1 1 *", "max_runtime_s": 1_200})).await;
    rig.to("11:40:50").await;
    rig.open(1, "long").await;
    rig.canary(2, "11:40:40").await;
    rig.to("12:00:40").await;
    rig.canary(3, "12:00:30").await;
    rig.to("12:00:41").await;
    // Its deadlines are at 12:00:50 and at 12:01.
    rig.to("12:01:36").await;
    assert_eq!((rig.slots("daily").await, rig.messages()), (vec![], vec![]), "it may come yet");
    tokio::time::advance(Duration::from_secs(46)).await;
    rig.turn().await;
    assert_eq!((rig.slots("daily").await, rig.messages()), (vec![], vec![]), "one may be under way");
    rig.to("12:02").await;
    assert_eq!(rig.slots("daily").await, ["12:00 unknown"]);
    assert_eq!(rig.messages(), Vec::<String>::new());
}

/// The canary was missing while a judge ran that has ended, and came as soon as the next one began: that it was missing
/// is known to the next one.
#[tokio::test(start_paused = true)]
async fn a_missing_canary_is_known_over_a_restart() {
    let mut rig = Rig::with_canary().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:00").await;
    rig.canary(1, "11:59:50").await;
    rig.to("12:00:01").await;
    tokio::time::advance(Duration::from_secs(46)).await;
    rig.to("12:04").await;
    rig.start().await;
    rig.clock.set(time("12:10:50"));
    rig.canary(2, "12:10:40").await;
    rig.to("12:10:51").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 unknown"]);
}

/// In a process that sends no canary nothing follows from what others send.
#[tokio::test(start_paused = true)]
async fn without_a_canary_nothing_is_waited_for() {
    let mut rig = Rig::new().await;
    rig.agent("hourly", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    rig.to("12:15").await;
    assert_eq!(rig.slots("hourly").await, ["12:00 missed"]);
}

/// A tenth of the records of the same minutes of 15 days, over a restart too.
#[tokio::test]
async fn a_fall_of_volume_is_doubt_of_all() {
    let mut rig = Rig::with_volume().await;
    rig.agent("daily", json!({"cron": "10 12 * * *", "tolerance_s": 120})).await;
    for minute in 0..15 {
        rig.minute(LAST_DAY, minute, if minute > 3 { 5 } else { 50 }).await;
        rig.apply().await;
        rig.turn().await;
    }
    rig.hour_is_over(LAST_DAY).await;
    rig.start().await;
    assert_eq!(rig.slots("daily").await, ["12:10 unknown"]);
    assert_eq!(rig.reasons("daily").await, [Some(DoubtReason::Volume)]);
}

/// AC-26: a deadline in a minute of a fall that is not judged yet, or in an abnormal minute right before it, waits: the
/// run is unknown then, and not stuck. A run is stuck whose deadline was before.
#[tokio::test]
async fn ac_26_a_run_over_a_fall_of_volume_is_not_stuck() {
    let mut rig = Rig::with_volume().await;
    rig.with_limited_runs().await;
    for minute in 0..15 {
        rig.minute(LAST_DAY, minute, falling(minute)).await;
        if minute == 1 {
            rig.open_limited().await;
        }
        rig.apply().await;
        rig.turn().await;
    }
    assert_eq!(rig.messages(), ["12:02 before run_stuck firing"]);
}

/// AC-26: the same for a judge that reads all of it at once, with further records of each agent in it: what was due
/// before a record is judged before it, by the volume of the minutes until then.
#[tokio::test]
async fn ac_26_a_fall_of_volume_that_is_read_later_is_the_same() {
    let mut rig = Rig::with_volume().await;
    rig.with_limited_runs().await;
    for minute in 0..15 {
        rig.minute(LAST_DAY, minute, falling(minute)).await;
        match minute {
            1 => rig.open_limited().await,
            5 => {
                rig.open(4, "abnormal").await;
                rig.open(5, "in-the-fall").await;
            }
            8 => rig.finish(1, FinishStatus::Success).await,
            _ => {}
        }
        rig.apply().await;
    }
    rig.turn().await;
    assert_eq!(rig.messages(), ["12:02 before run_stuck firing", "12:08 before run_stuck resolved"]);
}

/// AC-33: a run that overruns by 45 seconds, in a minute whose volume is not judged when its end is read, is stuck, and
/// its end resolves; read at once or later. A run that goes on waits for the volume.
#[tokio::test]
async fn ac_33_a_run_whose_end_comes_before_the_verdict_on_the_volume_is_stuck() {
    for is_read_at_once in [true, false] {
        let mut rig = Rig::with_volume().await;
        rig.with_limited_runs().await;
        for minute in 0..4 {
            rig.minute(LAST_DAY, minute, 50).await;
            if minute == 1 {
                rig.open_limited().await;
            }
            rig.apply().await;
            if !is_read_at_once {
                rig.turn().await;
            }
        }
        rig.clock.set(noon(LAST_DAY).plus_millis(151_000 + 45_000));
        rig.finish(1, FinishStatus::Success).await;
        rig.apply().await;
        rig.turn().await;
        let expected = ["12:02 before run_stuck firing", "12:03 before run_stuck resolved"];
        assert_eq!(rig.messages(), expected, "{is_read_at_once}");
        rig.clock.set(noon(LAST_DAY).plus_millis(239_000));
        rig.turn().await;
        assert_eq!(rig.messages(), expected, "{is_read_at_once}: the minute of 12:03:21 is not judged");
    }
}
