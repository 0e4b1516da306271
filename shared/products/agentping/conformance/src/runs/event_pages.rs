//! A run's events, page by page.

use tidegate_agentping::{Event, EventId, RunKey};
use tidegate_agentping_ports::{EventPage, EventsPage};

use super::StoreUnderTest;
use super::story::{NOON, Story, event, fresh, fresh_key, json, start};

/// Saved in several goes, each of ids from all over, with times that go against the ids.
async fn store_scattered(store: &StoreUnderTest, events: usize) -> (RunKey, Vec<EventId>) {
    let mut ids: Vec<EventId> = (0..events).map(|_| fresh()).collect();
    ids.sort_unstable();
    let of = |place: usize| event(ids[place], NOON.plus_millis(((events - place) % 3) as i64));
    let mut story = Story::of(fresh_key()).tell(NOON, start("a"));
    for go in 0..7 {
        let batch: Vec<Event> = (0..events).filter(|place| place * 5 % 7 == go).map(of).collect();
        story = story.tell(NOON, batch);
        store.save(vec![story.write()]).await;
    }
    store.assert_stored(&story).await;
    (story.key, ids)
}

/// All pages, each checked to be one.
async fn pages(store: &StoreUnderTest, key: RunKey, limit: usize, max_bytes: usize) -> Vec<EventsPage> {
    let mut pages: Vec<EventsPage> = Vec::new();
    let mut after = None;
    loop {
        let page = store.queries.events(key, &EventPage { after, limit, max_bytes }).await.expect("read");
        assert!(page.rows.len() <= limit);
        let ids: Vec<EventId> = after.into_iter().chain(page.rows.iter().map(|row| row.event.id)).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "each after the one before, and after the page before");
        after = ids.last().copied();
        let more = page.more;
        pages.push(page);
        if !more {
            return pages;
        }
    }
}

fn ids(pages: &[EventsPage]) -> Vec<EventId> {
    pages.iter().flat_map(|page| &page.rows).map(|row| row.event.id).collect()
}

pub(super) async fn pages_follow_one_another_by_id(store: &StoreUnderTest) {
    const EVENTS: usize = 70;
    let (key, expected) = store_scattered(store, EVENTS).await;
    for limit in [1, 7, EVENTS - 1, EVENTS, EVENTS + 1] {
        let pages = pages(store, key, limit, usize::MAX).await;
        assert_eq!(ids(&pages), expected, "{limit} a page");
        assert_eq!(pages.len(), EVENTS.div_ceil(limit), "the last one says that it is");
    }
    let page = EventPage { after: expected.last().copied(), ..EventPage::WHOLE };
    assert_eq!(store.queries.events(key, &page).await, Ok(EventsPage::default()));
}

pub(super) async fn a_page_ends_with_its_bytes(store: &StoreUnderTest) {
    let large = json(&format!("\"{}\"", "x".repeat(40_000)));
    let mut events: Vec<Event> = (0..30).map(|_| event(fresh(), NOON)).collect();
    events.iter_mut().step_by(2).for_each(|event| event.data = large.clone());
    let mut expected: Vec<EventId> = events.iter().map(|event| event.id).collect();
    expected.sort_unstable();
    let mut story = Story::of(fresh_key()).tell(NOON, start("a")).tell(NOON, events);
    store.save(vec![story.write()]).await;
    const MAX_BYTES: usize = 100_000;
    let pages = pages(store, story.key, 1_000, MAX_BYTES).await;
    assert_eq!(ids(&pages), expected);
    for (place, page) in pages.iter().enumerate() {
        let all_but_the_last: usize =
            page.rows.iter().rev().skip(1).map(tidegate_agentping_ports::EventRow::bytes).sum();
        let bytes: usize = page.rows.iter().map(tidegate_agentping_ports::EventRow::bytes).sum();
        assert!(all_but_the_last < MAX_BYTES);
        assert!(bytes >= MAX_BYTES || place + 1 == pages.len(), "page {place} ends early with {bytes} bytes");
    }
}

pub(super) async fn there_are_no_events_of_an_unknown_run(store: &StoreUnderTest) {
    assert_eq!(store.queries.events(fresh_key(), &EventPage::WHOLE).await, Ok(EventsPage::default()));
    let mut bare = Story::of(fresh_key()).tell(NOON, start("a"));
    store.save(vec![bare.write()]).await;
    assert_eq!(store.queries.events(bare.key, &EventPage::WHOLE).await, Ok(EventsPage::default()));
}
