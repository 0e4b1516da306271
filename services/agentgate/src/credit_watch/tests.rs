//! A store in memory whose books and rows are altered.

use tidegate_agentgate::book::Organization;
use tidegate_agentgate::views::BalanceRow;
use tidegate_inproc::books::MemoryBooks;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::views::MemoryViews;
use tidegate_kernel::command::{Rules, ViewChange};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{BookWrite, ViewWrite};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_778_855_521_123);

#[derive(Clone, Default)]
struct Store {
    books: MemoryBooks,
    views: MemoryViews,
}

fn org(number: u128) -> OrgId {
    OrgId::from_bits(number)
}

fn at(offset: i64) -> Position {
    Position { generation: 1, partition: 0, offset }
}

fn book(included_cents: u64) -> Book {
    let mut book = Book { org: Some(Organization::new(NOW)), ..Book::default() };
    book.credits.set(included_cents, 0);
    book
}

impl Store {
    async fn put_book(&self, number: u128, book: Book, offset: i64) {
        let state = BookState { rules: Rules::FIRST, now: NOW, decided_to: Some(at(offset)), book };
        let write = StoredBook { doc: state.encode(), decided_to: at(offset) };
        let owner = Owner::Org(org(number)).log_key();
        self.books.save(Arc::new(vec![BookWrite { owner, book: write }])).await.unwrap();
    }

    async fn put_row(&self, number: u128, included_cents: u64, offset: i64) {
        let row = BalanceRow {
            included_cents,
            purchased_cents: 0,
            held_cents: 0,
            open_runs: 0,
            allowance_cents: 0,
            cycle_started_at_ms: NOW,
            created_at_ms: NOW,
        };
        let rows = [(views::organization(org(number)), b"{}".to_vec()), (views::balance(org(number)), json(&row))];
        let write = |(key, doc)| ViewWrite { change: ViewChange { key, doc: Some(doc) }, position: at(offset) };
        self.views.put(Arc::new(rows.into_iter().map(write).collect())).await.unwrap();
    }

    fn watch(&self) -> CreditWatch {
        let (books, views) = (Arc::new(self.books.clone()), Arc::new(self.views.clone()));
        CreditWatch::new(books, views, Arc::new(TestClock::at(NOW)), Duration::from_secs(5))
    }
}

fn json(row: &BalanceRow) -> Vec<u8> {
    serde_json::to_vec(row).unwrap()
}

fn off(watch: &CreditWatch) -> Vec<(String, String)> {
    let text = |one: &Value, member: &str| one[member].as_str().unwrap().to_owned();
    let shown = watch.shown();
    shown["off"].as_array().unwrap().iter().map(|one| (text(one, "organization"), text(one, "why"))).collect()
}

#[tokio::test]
async fn a_book_that_lost_a_cent_is_found_at_once_and_healed_again() {
    let store = Store::default();
    for number in 1..=3 {
        store.put_row(number, 100, 1).await;
        store.put_book(number, book(100), 1).await;
    }
    let watch = store.watch();
    watch.turn().await.unwrap();
    assert!(!watch.is_off() && watch.shown()["organizations_in_last_round"] == 3, "{}", watch.shown());
    let mut short = book(100);
    short.credits.granted_cents += 1;
    store.put_book(2, short, 2).await;
    watch.turn().await.unwrap();
    let why = "101 cents were granted, 100 are left and 0 were charged".to_owned();
    assert_eq!(off(&watch), [(org(2).to_string(), why)]);
    store.put_book(2, book(100), 3).await;
    watch.turn().await.unwrap();
    assert!(!watch.is_off());
}

#[tokio::test]
async fn a_row_that_is_not_its_books_is_off_once_it_stays_so() {
    let store = Store::default();
    store.put_row(1, 100, 1).await;
    let watch = store.watch();
    // A new organization: its book is not written yet.
    watch.turn().await.unwrap();
    store.put_book(1, book(100), 1).await;
    // A decision is being written: its row is there, and its book follows.
    store.put_row(1, 90, 2).await;
    watch.turn().await.unwrap();
    assert!(!watch.is_off());
    store.put_book(1, book(90), 2).await;
    watch.turn().await.unwrap();
    assert!(!watch.is_off());
    // Its decider died after the row, and another one takes over within a minute.
    store.put_row(1, 91, 3).await;
    for _ in 0..6 {
        watch.turn().await.unwrap();
        assert!(!watch.is_off());
    }
    store.put_book(1, book(91), 3).await;
    watch.turn().await.unwrap();
    store.put_row(1, 92, 4).await;
    for _ in 1..seen::LOOKS {
        watch.turn().await.unwrap();
        assert!(!watch.is_off());
    }
    watch.turn().await.unwrap();
    assert_eq!(off(&watch), [(org(1).to_string(), "the balance row is not that of the book".to_owned())]);
}

#[tokio::test]
async fn every_organization_is_looked_at_in_its_turn() {
    let store = Store::default();
    for number in 0..250 {
        store.put_row(number, 100, 1).await;
        store.put_book(number, book(100), 1).await;
    }
    let watch = store.watch();
    for round in [Value::Null, Value::Null, 250.into(), 250.into()] {
        watch.turn().await.unwrap();
        assert_eq!(watch.shown()["organizations_in_last_round"], round);
    }
}
