//! A batch in parts. A batch is applied whole, unless it has too many records of one key, or one of its records cannot be
//! folded: then what comes before that record is applied by itself. Folding is pure, so folding again costs only time.

use tidegate_ports::Consumed;

use crate::apply::FoldStop;
use crate::batch::Stopped;
use crate::brake::Tripped;
use crate::halting::Halting;

/// Records that are applied together.
pub(crate) struct Part {
    pub records: Vec<Consumed>,
    /// The brake has counted them already.
    pub is_passed: bool,
}

/// What is not applied yet of a batch.
pub(crate) struct Parts {
    /// The last one comes first on the log.
    waiting: Vec<Part>,
}

impl Parts {
    pub fn of(records: Vec<Consumed>) -> Self {
        Parts { waiting: vec![Part { records, is_passed: false }] }
    }

    /// The part to apply next.
    pub fn next(&mut self) -> Option<Part> {
        self.waiting.pop()
    }

    /// These records come next.
    pub fn put_back(&mut self, records: Vec<Consumed>, is_passed: bool) {
        if !records.is_empty() {
            self.waiting.push(Part { records, is_passed });
        }
    }

    /// Puts the records of a fold that stopped back: those before its record by themselves, or half of them where the
    /// record is not known. `Some`: the first record is the cause, so the partition is halted there.
    pub fn split(&mut self, stopped: Stopped) -> Option<Halting> {
        let Stopped { records: mut first, stop: FoldStop { at, for_good, reason } } = stopped;
        let position = first.first()?.position;
        let at = at.filter(|at| *at < first.len()).unwrap_or(first.len() / 2);
        let rest = first.split_off(at);
        self.put_back(rest, true);
        if at == 0 {
            tracing::error!(%position, reason, "a record cannot be folded; its partition is halted");
            let tripped = if for_good { Tripped::Stopped } else { Tripped::Prevented };
            return Some(Halting { tripped, offset: position.offset });
        }
        self.put_back(first, true);
        None
    }

    /// The records that are not applied, in log order.
    pub fn into_records(self) -> Vec<Consumed> {
        self.waiting.into_iter().rev().flat_map(|part| part.records).collect()
    }
}
