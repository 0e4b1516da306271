//! A run as the fold sees it, the write that carries it, and the store's cells.

use super::{Record, Says};

/// How many event ids a run of the model can have.
pub const EVENTS: usize = 2;

/// The status words in the order in which the store compares them, that of their letters.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// No cell yet.
    #[default]
    Absent,
    Failed,
    Running,
}

/// The summary's values.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Summary {
    pub start: u8,
    pub finish: Status,
    pub status: Status,
    pub events: u8,
}

/// A run as folded: its summary, and which contents its events have (0: no such event).
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub summary: Summary,
    pub events: [u8; EVENTS],
}

impl Run {
    /// The fold: the first start, the first finish and the first event of an id win, the rest is derived.
    pub fn fold(mut self, says: Says) -> Run {
        let summary = &mut self.summary;
        match says {
            Says::Start(content) if summary.start == 0 => summary.start = content,
            Says::Finish(status) if summary.finish == Status::Absent => summary.finish = status,
            Says::Event { id, content } if self.events[id] == 0 => {
                self.events[id] = content;
                summary.events += 1;
            }
            Says::Start(_) | Says::Finish(_) | Says::Event { .. } => {}
        }
        summary.status = match summary.finish {
            Status::Absent => Status::Running,
            finished => finished,
        };
        self
    }

    /// The run as all of these records make it.
    pub fn of(run: usize, log: &[Record]) -> Run {
        log.iter().filter(|record| record.run == run).fold(Run::default(), |folded, record| folded.fold(record.says))
    }
}

/// What one poll changes in one run, written at once.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    pub run: usize,
    pub timestamp: u8,
    pub summary: Summary,
    /// Only the events that the loaded run did not have; 0 elsewhere.
    pub new_events: [u8; EVENTS],
}

/// One cell: a value and its write timestamp.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq)]
pub struct Cell<T> {
    pub timestamp: u8,
    pub value: T,
}

impl<T: Copy + Ord> Cell<T> {
    /// Last write wins by timestamp, the greater value at equal ones. True if only the value decided.
    fn put(&mut self, timestamp: u8, value: T) -> bool {
        let disputed = timestamp == self.timestamp && value != self.value;
        if (timestamp, value) > (self.timestamp, self.value) {
            *self = Cell { timestamp, value };
        }
        disputed
    }
}

/// A run's partition in the store.
#[derive(Clone, Copy, Debug, Default, Hash, PartialEq, Eq)]
pub struct StoredRun {
    pub start: Cell<u8>,
    pub finish: Cell<Status>,
    pub status: Cell<Status>,
    pub count: Cell<u8>,
    pub rows: [Cell<u8>; EVENTS],
}

impl StoredRun {
    /// What a reader gets.
    pub fn load(&self) -> Run {
        Run {
            summary: Summary {
                start: self.start.value,
                finish: self.finish.value,
                status: self.status.value,
                events: self.count.value,
            },
            events: self.rows.map(|row| row.value),
        }
    }

    /// Puts the summary's cells. True if, in any of them, only the greater value decided.
    pub fn put_summary(&mut self, write: &Write) -> bool {
        let (at, summary) = (write.timestamp, &write.summary);
        let start = self.start.put(at, summary.start);
        let finish = self.finish.put(at, summary.finish);
        let status = self.status.put(at, summary.status);
        let count = self.count.put(at, summary.events);
        start || finish || status || count
    }

    /// Puts the new events' rows. True as in [`Self::put_summary`].
    pub fn put_events(&mut self, write: &Write) -> bool {
        let mut disputed = false;
        for (row, &content) in self.rows.iter_mut().zip(&write.new_events) {
            if content != 0 {
                disputed |= row.put(write.timestamp, content);
            }
        }
        disputed
    }

    /// Sets the count to what it was before the write plus the write's new events: what absolute values replace.
    pub fn increment_count(&mut self, before: u8, write: &Write) {
        let new = write.new_events.iter().filter(|&&content| content != 0);
        self.count.value = before + new.count() as u8;
    }

    /// Forgets the timestamps, so that whatever comes next wins.
    pub fn let_the_next_win(&mut self) {
        self.start.timestamp = 0;
        self.finish.timestamp = 0;
        self.status.timestamp = 0;
        self.count.timestamp = 0;
        for row in &mut self.rows {
            row.timestamp = 0;
        }
    }
}
