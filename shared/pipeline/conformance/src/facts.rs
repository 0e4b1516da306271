//! The suite of the facts port.

use std::sync::Arc;

use tidegate_kernel::command::{Attempt, FactId, KeyHash};
use tidegate_kernel::{LogKey, Position, Timestamp};
use tidegate_ports::{Clock, FactName, Facts, StoredFact, SystemClock};

use crate::minted::{at, at_in_next, bits, owner};

/// Runs every case.
pub async fn suite(facts: &dyn Facts) {
    facts_are_found_in_the_order_asked(facts).await;
    facts_of_one_name_all_stay_by_position(facts).await;
    a_fact_is_never_overwritten(facts).await;
    names_differ_by_owner_and_by_kind(facts).await;
    many_facts_are_added_at_once(facts).await;
}

/// Whoever waits for a change is woken by a fact that is added after it has begun to wait.
pub async fn a_wait_ends_with_the_next_fact(facts: &dyn Facts) {
    let name = name_of(owner());
    let changed = facts.changed();
    // Found after the wait has begun, so that nothing is missed between both.
    assert_eq!(facts.find(&[name]).await, Ok(vec![vec![]]));
    add(facts, vec![fact(name, at(1), b"now")]).await;
    changed.await;
    assert_eq!(facts.find(&[name]).await, Ok(vec![vec![fact(name, at(1), b"now")]]));
}

fn name_of(owner: LogKey) -> FactName {
    FactName { owner, id: FactId::Attempt(Attempt::from_bits(bits())) }
}

fn fact(name: FactName, position: Position, doc: &[u8]) -> StoredFact {
    StoredFact { name, position, doc: doc.to_vec(), expires_at: None }
}

async fn add(facts: &dyn Facts, added: Vec<StoredFact>) {
    facts.add(Arc::new(added)).await.expect("added");
}

async fn facts_are_found_in_the_order_asked(facts: &dyn Facts) {
    assert_eq!(facts.find(&[]).await, Ok(vec![]));
    add(facts, vec![]).await;
    let owner = owner();
    let [one, two, unknown] = [name_of(owner), name_of(owner), name_of(owner)];
    // An expired fact may be found or not; one that expires later is found with its time.
    let expires_at = Timestamp::from_millis(SystemClock.now().as_millis() / 1_000 * 1_000).plus_millis(86_400_000);
    let of_one = StoredFact { expires_at: Some(expires_at), ..fact(one, at(1), b"\x00one\xff") };
    let of_two = fact(two, at(2), b"{}");
    add(facts, vec![of_one.clone(), of_two.clone()]).await;
    let found = facts.find(&[two, unknown, one, two]).await;
    assert_eq!(found, Ok(vec![vec![of_two.clone()], vec![], vec![of_one], vec![of_two]]));
}

async fn facts_of_one_name_all_stay_by_position(facts: &dyn Facts) {
    let name = name_of(owner());
    let in_order = [
        fact(name, at(3), b"first"),
        fact(name, at(20), b"second"),
        fact(name, at(100), b"third"),
        fact(name, at_in_next(0), b"fourth"),
    ];
    for index in [2, 0, 3, 1, 0] {
        add(facts, vec![in_order[index].clone()]).await;
    }
    assert_eq!(facts.find(&[name]).await, Ok(vec![in_order.to_vec()]));
}

async fn a_fact_is_never_overwritten(facts: &dyn Facts) {
    let name = name_of(owner());
    let added = fact(name, at(8), b"as it was decided");
    for _ in 0..3 {
        add(facts, vec![added.clone(), added.clone()]).await;
    }
    assert_eq!(facts.find(&[name]).await, Ok(vec![vec![added]]));
}

async fn names_differ_by_owner_and_by_kind(facts: &dyn Facts) {
    let bits = bits();
    let (one, other) = (owner(), owner());
    let ids = [FactId::Attempt(Attempt::from_bits(bits)), FactId::Key(KeyHash(bits))];
    let names: Vec<FactName> =
        [one, other].into_iter().flat_map(|owner| ids.map(|id| FactName { owner, id })).collect();
    let added: Vec<StoredFact> = names.iter().zip(*b"1234").map(|(name, doc)| fact(*name, at(1), &[doc])).collect();
    add(facts, added.clone()).await;
    let expected = added.into_iter().map(|fact| vec![fact]).collect();
    assert_eq!(facts.find(&names).await, Ok(expected));
}

async fn many_facts_are_added_at_once(facts: &dyn Facts) {
    let owner = owner();
    let added: Vec<StoredFact> = (0..500).map(|offset| fact(name_of(owner), at(offset), &[b'x'; 300])).collect();
    add(facts, added.clone()).await;
    let names: Vec<FactName> = added.iter().map(|fact| fact.name).collect();
    let expected = added.into_iter().map(|fact| vec![fact]).collect();
    assert_eq!(facts.find(&names).await, Ok(expected));
}
