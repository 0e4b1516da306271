//! The rules of the protocol. Each can be changed to see what it is for.

/// What a consumer writes after it has decided a batch, and the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Views,
    Facts,
    Effects,
    Book,
    Account,
    Offset,
}

/// Which facts of a command's attempt a decision looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempts {
    All,
    /// Refusals are forgotten.
    Answered,
    None,
}

/// Which rows a batch writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowWrites {
    /// Every row touched once, as it is in the end, at the position of the record that last changed it: the rule.
    Net,
    /// A row that the batch itself made and removed is not written.
    NetWithoutOwnRemovals,
    /// Every row touched once, at the position of the batch's last record.
    AtBatchEnd,
    /// Each change of a row.
    EachChange,
}

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub writes: [Write; 6],
    /// Values as of a position are written at its timestamp, rather than as they come.
    pub timestamps_are_positions: bool,
    pub attempts: Attempts,
    /// Only facts below the own position count.
    pub own_facts_do_not_count: bool,
    /// Facts are never overwritten: their position is part of their key.
    pub facts_are_insert_only: bool,
    /// The book is read before the facts.
    pub book_before_facts: bool,
    /// Decisions read the book, not a view.
    pub decides_by_book: bool,
    /// The rules of a decision are those that the record names, not those of the release that decides.
    pub records_name_rules: bool,
    pub rows: RowWrites,
    /// A repeat names the effects of the decision that it repeats.
    pub repeats_name_effects: bool,
    /// Who does not know the rules of a book decides nothing about it.
    pub stands_at_unknown_books: bool,
    /// A book in memory ends with the assignment.
    pub memory_ends_with_assignment: bool,
}

impl Rules {
    /// The protocol as designed.
    pub const ALL: Rules = Rules {
        writes: [Write::Views, Write::Facts, Write::Effects, Write::Book, Write::Account, Write::Offset],
        timestamps_are_positions: true,
        attempts: Attempts::All,
        own_facts_do_not_count: true,
        facts_are_insert_only: true,
        book_before_facts: true,
        decides_by_book: true,
        records_name_rules: true,
        rows: RowWrites::Net,
        repeats_name_effects: true,
        stands_at_unknown_books: true,
        memory_ends_with_assignment: true,
    };

    /// The same with one write moved to stand before another.
    pub fn moving(self, moved: Write, before: Write) -> Rules {
        let mut writes: Vec<Write> = self.writes.into_iter().filter(|write| *write != moved).collect();
        let at = writes.iter().position(|write| *write == before).unwrap_or(0);
        writes.insert(at, moved);
        Rules { writes: std::array::from_fn(|at| writes[at]), ..self }
    }
}

/// What a model bounds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Records of a poll at most.
    pub max_poll: usize,
    /// Of a write that stores several things any part may be stored.
    pub partial_writes: bool,
}
