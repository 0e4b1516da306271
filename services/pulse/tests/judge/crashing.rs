//! The judge stops anywhere, and starts again from what is stored: it finds the same.

use std::sync::atomic::Ordering;

use serde_json::json;
use tidegate_agentping::FinishStatus::Success;
use tidegate_agentping::HeartbeatStatus;
use tidegate_agentping_verdicts::{IncidentDoc, SlotDoc};
use tidegate_pulse::judge::JudgeOptions;

use crate::rig::Rig;

/// What a story leaves behind.
#[derive(Debug, PartialEq)]
struct Left {
    slots: Vec<Vec<SlotDoc>>,
    incidents: Vec<IncidentDoc>,
    messages: Vec<String>,
    states: Vec<String>,
}

impl Left {
    /// Each part by itself, so that a difference can be read.
    fn assert_is(&self, expected: &Left, when: &str) {
        assert_eq!(self.messages, expected.messages, "{when}");
        assert_eq!(self.states, expected.states, "{when}");
        for (slots, expected) in self.slots.iter().zip(&expected.slots) {
            let different = slots.iter().zip(expected).find(|(slot, expected)| slot != expected);
            assert_eq!((different, slots.len()), (None, expected.len()), "{when}");
        }
        assert_eq!(self.incidents, expected.incidents, "{when}");
    }
}

/// Two agents over some hours; before each turn `prepare` may do something to the judge.
async fn story(mut prepare: impl AsyncFnMut(&mut Rig, usize)) -> (Rig, Left) {
    let mut rig = Rig::without_judge("11:00");
    rig.options = JudgeOptions { save_every_ms: 1, ..JudgeOptions::default() };
    rig.start().await;
    rig.agent("job", json!({"cron": "0 * * * *", "tolerance_s": 600, "max_runtime_s": 1_200})).await;
    rig.agent("often", json!({"cron": "*/10 * * * *", "tolerance_s": 120, "alert_after": 2})).await;
    let times =
        ["11:31", "12:00:05", "12:10:40", "12:24", "12:33", "12:41", "13:11", "13:30", "14:05", "15:11", "15:40"];
    for (step, at) in times.iter().enumerate() {
        rig.clock.set(crate::rig::time(at));
        match step {
            1 => rig.open(1, "job").await,
            2 => rig.beat(2, "often", HeartbeatStatus::Ok).await,
            4 => rig.beat(3, "often", HeartbeatStatus::Fail).await,
            7 => rig.finish(1, Success).await,
            8 => rig.pause("often", None).await,
            9 => rig.resume("often").await,
            _ => {}
        }
        rig.apply().await;
        prepare(&mut rig, step).await;
        // A turn that fails is taken again, by the same judge or by the next one.
        while rig.judge.as_mut().unwrap().turn().await.is_err() {
            rig.start().await;
        }
    }
    let slots = vec![rig.slot_docs("job").await, rig.slot_docs("often").await];
    let states = vec![rig.state("job").await, rig.state("often").await];
    let left = Left { slots, incidents: rig.incident_docs().await, messages: rig.messages(), states };
    (rig, left)
}

/// AC-22, AC-35: whatever write fails, and the judge starts again there, in the end there are the same slots, incidents and
/// messages with the same ids.
#[tokio::test]
async fn ac_35_a_crash_at_any_write_leaves_the_same() {
    let (rig, expected) = story(async |_, _| {}).await;
    assert!(expected.messages.len() > 5 && expected.slots[1].len() > 20, "{expected:?}");
    let writes = rig.rows.written.load(Ordering::SeqCst);
    let mut repeats = 0;
    for crash in 0..writes {
        let (rig, left) = story(async |rig, step| {
            if step == 0 {
                rig.rows.fail_in.store(crash, Ordering::SeqCst);
            }
        })
        .await;
        left.assert_is(&expected, &format!("the write {crash} failed"));
        repeats += rig.sent.repeats.load(Ordering::SeqCst);
    }
    assert!(repeats > 0, "some message was put again, and was the same");
}

/// The same when it starts again before every turn, with states that are old.
#[tokio::test]
async fn ac_35_restarts_with_old_states_leave_the_same() {
    let (_, expected) = story(async |_, _| {}).await;
    for save_every_ms in [1, 1_000_000_000] {
        let (_, left) = story(async |rig, _| {
            rig.options = JudgeOptions { save_every_ms, ..JudgeOptions::default() };
            rig.start().await;
        })
        .await;
        left.assert_is(&expected, &format!("saved every {save_every_ms} ms"));
    }
}

/// A failed turn is gone on with by the judge itself: nothing is lost, and nothing is found twice.
#[tokio::test]
async fn a_failed_turn_is_gone_on_with() {
    let (rig, expected) = story(async |_, _| {}).await;
    for crash in 0..rig.rows.written.load(Ordering::SeqCst) {
        let (_, left) = story(async |rig, step| {
            if step == 0 {
                rig.rows.fail_in.store(crash, Ordering::SeqCst);
            }
            if rig.judge.as_mut().unwrap().turn().await.is_err() {
                rig.turn().await;
            }
        })
        .await;
        left.assert_is(&expected, &format!("the write {crash} failed"));
    }
}
