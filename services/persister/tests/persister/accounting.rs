//! Accounts are exact: however records are batched, wherever a persister ends between two of its steps, whatever is
//! delivered again, and however late a former owner still writes.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tidegate_agentping::{Body, Record, Slug};
use tidegate_agentping_ports::NotedAccounts;
use tidegate_ports::{Accounts, Append, DeadLetters, Fate};

use crate::rig::{Rig, Running, eventually, key, records_of};
use crate::seam::{Seam, Witness, behind, fates, is_caught_up};

/// How long the group waits for a member that stands still: less than eight polls that bring nothing.
const GROUP_WAITS: Duration = Duration::from_secs(2);

/// What the world does next.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Sent>),
    /// The process ends between two steps, for good.
    Crash {
        after: usize,
    },
    /// So it does, and what it had in progress is done later, behind its successor's back.
    CrashAndComeLate {
        after: usize,
    },
    /// The process stands still, is taken for dead, and continues.
    Freeze {
        after: usize,
    },
    /// The power goes, for all of them: of the stores stays what was settled.
    PowerCut {
        after: usize,
    },
    Join,
    Leave,
}

/// One record: of which run, which one of it, and whether it contradicts what is usually sent.
#[derive(Clone, Debug)]
enum Sent {
    Record { run: u128, which: usize, contradicts: bool },
    Poison { run: u128 },
}

fn sent() -> impl Strategy<Value = Sent> {
    let record = (1..7u128, 0..5usize, prop::bool::weighted(0.2)).prop_map(|(run, which, contradicts)| Sent::Record {
        run,
        which,
        contradicts,
    });
    prop_oneof![9 => record, 1 => (1..7u128).prop_map(|run| Sent::Poison { run })]
}

fn step() -> impl Strategy<Value = Step> {
    let after = 0..60usize;
    prop_oneof![
        5 => prop::collection::vec(sent(), 1..20).prop_map(Step::Append),
        3 => after.clone().prop_map(|after| Step::Crash { after }),
        3 => after.clone().prop_map(|after| Step::CrashAndComeLate { after }),
        2 => after.clone().prop_map(|after| Step::Freeze { after }),
        2 => after.prop_map(|after| Step::PowerCut { after }),
        1 => Just(Step::Join),
        1 => Just(Step::Leave),
    ]
}

async fn append(rig: &Rig, sent: &Sent) {
    match sent {
        Sent::Poison { run } => {
            rig.log.append(key(*run).log_key(), Bytes::from_static(b"{\"v\":99}")).await.expect("appended");
        }
        Sent::Record { run, which, contradicts } => {
            let mut record: Record = records_of(*run, 3).swap_remove(*which);
            match &mut record.body {
                Body::Start(start) if *contradicts => start.agent = Slug::parse("other").expect("a slug"),
                Body::Events(events) if *contradicts => events.iter_mut().for_each(|event| event.content_hash = 8),
                _ => {}
            }
            rig.append(&record).await;
        }
    }
}

/// The processes of a group, and what stands still of former ones.
struct Group {
    rig: Rig,
    witness: Witness,
    members: Vec<(Seam, Running)>,
    late: Vec<Seam>,
}

impl Group {
    fn new(poll_bytes: usize) -> Self {
        let mut rig = Rig::waiting_for_drains(GROUP_WAITS);
        rig.config.poll_bytes = poll_bytes;
        let witness = Witness::of(&rig);
        let mut group = Group { rig, witness, members: Vec::new(), late: Vec::new() };
        group.join();
        group
    }

    fn join(&mut self) {
        self.witness.opens();
        let seam = Seam::open();
        let running = self.rig.start_with(behind(&seam, &self.witness, &self.rig));
        self.members.push((seam, running));
    }

    /// The eldest member, stopped between two steps, or idle by now.
    async fn stopped_after(&mut self, passes: usize) -> (Seam, Running) {
        let (seam, running) = self.members.remove(0);
        seam.close_after(passes);
        let there = async || seam.is_closed() || is_caught_up(&self.rig).await;
        eventually("it comes to its end, or to the log's", there).await;
        (seam, running)
    }

    async fn play(&mut self, step: &Step) {
        match step {
            Step::Append(records) => {
                for sent in records {
                    append(&self.rig, sent).await;
                }
            }
            Step::Crash { after } => {
                let (_, running) = self.stopped_after(*after).await;
                running.kill().await;
                self.join();
            }
            Step::CrashAndComeLate { after } => {
                let (seam, running) = self.stopped_after(*after).await;
                running.kill().await;
                self.join();
                self.late.push(seam);
            }
            Step::Freeze { after } => {
                let (seam, running) = self.stopped_after(*after).await;
                self.join();
                let successor = self.members.last().expect("it joined").0.clone();
                // Longer than `GROUP_WAITS`, on the clock of the test.
                eventually("its successor has nothing left to do", async || successor.idle_polls() > 8).await;
                seam.reopen();
                self.members.push((seam, running));
            }
            Step::PowerCut { after } => {
                let first = self.stopped_after(*after).await;
                self.members.iter().for_each(|(seam, _)| seam.close_after(0));
                // Steps in progress end before the power cut, or never do: time passes only while all tasks wait.
                let mut looks = 0;
                let looked_twice = async || {
                    looks += 1;
                    looks > 2
                };
                eventually("all tasks wait", looked_twice).await;
                for (_, running) in self.members.drain(..).chain([first]) {
                    running.kill().await;
                }
                self.late.clear();
                self.witness.cut_power();
                self.join();
            }
            Step::Join => self.join(),
            Step::Leave => {
                self.join();
                self.members.remove(0).1.stop().await;
            }
        }
    }

    /// Everything that was halted continues, everything is read to its end, all tasks stop.
    async fn end(&mut self) {
        eventually("the group reads to the log's end", async || is_caught_up(&self.rig).await).await;
        self.late.iter().for_each(Seam::reopen);
        let polls = self.members[0].0.idle_polls();
        eventually("what came late is done", async || self.members[0].0.idle_polls() > polls + 2).await;
        for (seam, running) in self.members.drain(..) {
            seam.reopen();
            assert_eq!(running.stop().await.uncommitted, 0);
        }
    }

    /// Account, notes and dead letters are what the log says; nothing was ever done too early.
    async fn check(&self) {
        assert_eq!(self.witness.seen(), Vec::<String>::new());
        for partition in 0..4 {
            let records = self.rig.log.records(partition);
            let account = self.rig.accounts.account(1, partition).await.expect("read");
            let end = records.len() as i64;
            assert_eq!(account, (end > 0).then(|| self.witness.account(partition, end)));
            assert_eq!(account.map_or(0, |account| account.missing()), 0);
            for (one, fate) in records.iter().zip(fates(&self.rig.log, partition)) {
                let note = self.rig.accounts.notes(&[one.position]).await.expect("read")[0];
                let key = Record::decode(&one.payload).ok().map(|record| record.key());
                let noted = note.map(|note| (note.fate, note.key, note.appended_at));
                assert_eq!(noted, (fate != Fate::Stored).then_some((fate, key, one.appended_at)), "{:?}", one.position);
                let letter = self.rig.dead_letters.find(one.position).await.expect("read");
                assert_eq!(letter.is_some(), fate == Fate::Dead, "{:?}", one.position);
            }
        }
        for run in 1..7 {
            let (folded, events) = self.rig.folded(key(run));
            let expected = folded.opening().is_some().then_some((folded, events));
            assert_eq!(self.rig.stored(key(run)).await, expected, "run {run}");
        }
    }
}

async fn plays(steps: &[Step], poll_bytes: usize) {
    let mut group = Group::new(poll_bytes);
    for step in steps {
        group.play(step).await;
    }
    group.end().await;
    group.check().await;
}

/// On a clock of its own, which advances at once while all tasks wait.
fn in_its_own_time(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]
    #[test]
    fn accounts_are_exact_whatever_happens(
        steps in prop::collection::vec(step(), 1..12), poll_bytes in prop_oneof![Just(1usize), 200..5_000usize],
    ) {
        in_its_own_time(plays(&steps, poll_bytes));
    }
}

/// Every place where a persister can end while it does a little of everything, one after the other.
#[test]
fn accounts_are_exact_wherever_it_ends() {
    let all = |which: &[usize], contradicts| -> Vec<Sent> {
        which.iter().map(|which| Sent::Record { run: 1, which: *which, contradicts }).collect()
    };
    let mut records = all(&[0, 1, 1, 2], false);
    records.extend(all(&[0, 2, 4], true));
    records.push(Sent::Poison { run: 1 });
    records.extend(all(&[3, 3, 4], false));
    for after in 0..40 {
        let ends =
            [Step::Crash { after }, Step::CrashAndComeLate { after }, Step::Freeze { after }, Step::PowerCut { after }];
        for end in ends {
            in_its_own_time(plays(&[Step::Append(records.clone()), end], 2_000));
        }
        // What the first one wrote and did not sync, the second one builds upon, to its end.
        let cut_later = [Step::Append(records.clone()), Step::Crash { after }, Step::PowerCut { after: 1_000 }];
        in_its_own_time(plays(&cut_later, 2_000));
    }
}
