//! Who may come in, and how often that is looked up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tidegate_admission::Refusal;
use tidegate_agentping::Scope;
use tidegate_kernel::Region;

use crate::world::{NOW, TEAM, World, slug};

const KEY: &str = "apk_eu_0123456789abcdef0123456789abcdef";
const TOKEN: &str = "ping_eu_0123456789abcdef0123456789abcdef";

fn look_ups(world: &World) -> u32 {
    world.backend.look_ups.load(Ordering::SeqCst)
}

#[tokio::test]
async fn what_is_wrong_with_its_form_or_region_is_refused_before_any_look_up() {
    let world = World::new();
    world.add_credential(KEY, Scope::Team, None);
    let refusal = async |presented: Option<&str>| world.admission.authenticate(presented).await.unwrap_err();
    assert_eq!(refusal(None).await, Refusal::CredentialMissing);
    for malformed in ["", "apk_eu_", "apk_eu_0123456789ABCDEF0123456789abcdef", "key", "ping_eu_xyz"] {
        let refused = refusal(Some(malformed)).await;
        assert!(matches!(refused, Refusal::CredentialMalformed { .. }), "{malformed}: {refused:?}");
    }
    let unknown_region = Refusal::CredentialRegionUnknown { region: "fr".to_owned() };
    assert_eq!(refusal(Some(&KEY.replace("_eu_", "_fr_"))).await, unknown_region);
    for foreign in [KEY, TOKEN] {
        let mismatch = Refusal::RegionMismatch { credential: Region::Us, endpoint: Region::Eu };
        assert_eq!(refusal(Some(&foreign.replace("_eu_", "_us_"))).await, mismatch);
    }
    assert_eq!(look_ups(&world), 0);
}

#[tokio::test]
async fn a_found_credential_is_fresh_for_two_seconds_and_a_missing_one_for_one() {
    let world = World::new();
    world.add_credential(KEY, Scope::Team, None);
    for _ in 0..3 {
        let caller = world.admission.authenticate(Some(KEY)).await.unwrap();
        assert_eq!((caller.team, caller.scope), (TEAM, Scope::Team));
        assert_eq!(world.admission.authenticate(Some(TOKEN)).await, Err(Refusal::CredentialUnknown));
    }
    assert_eq!(look_ups(&world), 2);
    world.add_credential(TOKEN, Scope::Agent(slug("nightly")), None);
    world.clock.advance_ms(999);
    assert_eq!(world.admission.authenticate(Some(TOKEN)).await, Err(Refusal::CredentialUnknown));
    world.clock.advance_ms(1);
    let caller = world.admission.authenticate(Some(TOKEN)).await.unwrap();
    assert_eq!(caller.scope, Scope::Agent(slug("nightly")));
    world.backend.with(|state| state.credentials.clear());
    world.clock.set(NOW.plus_millis(1_999));
    assert!(world.admission.authenticate(Some(KEY)).await.is_ok());
    world.clock.set(NOW.plus_millis(2_000));
    assert_eq!(world.admission.authenticate(Some(KEY)).await, Err(Refusal::CredentialUnknown), "revoked");
}

#[tokio::test]
async fn a_rotated_token_works_for_a_day_less_a_second_and_not_after() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let world = World::new();
    world.add_credential(TOKEN, Scope::Agent(slug("a")), Some(NOW.plus_millis(DAY_MS)));
    for (after_ms, works) in [(0, true), (DAY_MS - 1_000, true), (DAY_MS - 1, true), (DAY_MS, false)] {
        world.clock.set(NOW.plus_millis(after_ms));
        assert_eq!(world.admission.authenticate(Some(TOKEN)).await.is_ok(), works, "{after_ms} ms");
    }
}

#[tokio::test]
async fn many_at_once_share_one_look_up() {
    let world = World::new();
    world.add_credential(KEY, Scope::Team, None);
    let ask = || {
        let admission = Arc::clone(&world.admission);
        tokio::spawn(async move { admission.authenticate(Some(KEY)).await })
    };
    let asking: Vec<_> = (0..50).map(|_| ask()).collect();
    for answer in asking {
        assert!(answer.await.unwrap().is_ok());
    }
    assert_eq!(look_ups(&world), 1);
}

#[tokio::test]
async fn with_the_store_down_a_known_credential_serves_for_fifteen_minutes() {
    const STALE_MS: i64 = 15 * 60_000;
    let world = World::new();
    world.add_credential(KEY, Scope::Team, None);
    assert!(world.admission.authenticate(Some(KEY)).await.is_ok());
    world.store_down(true);
    assert!(matches!(
        world.admission.authenticate(Some(TOKEN)).await,
        Err(Refusal::CredentialUnavailable { retry_after_s: 1.. })
    ));
    for after_ms in [2_000, 60_000, STALE_MS - 1] {
        world.clock.set(NOW.plus_millis(after_ms));
        assert!(world.admission.authenticate(Some(KEY)).await.is_ok(), "{after_ms} ms");
    }
    let before = look_ups(&world);
    assert!(world.admission.authenticate(Some(KEY)).await.is_ok());
    assert_eq!(look_ups(&world), before, "the store is not asked again at once");
    world.clock.set(NOW.plus_millis(STALE_MS + 1_000));
    let refused = world.admission.authenticate(Some(KEY)).await;
    assert!(matches!(refused, Err(Refusal::CredentialUnavailable { .. })), "{refused:?}");
    world.store_down(false);
    assert!(world.admission.authenticate(Some(KEY)).await.is_ok());
}
