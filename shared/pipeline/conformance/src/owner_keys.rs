//! The suite of the owner keys port.

use tidegate_ports::OwnerKeys;

use crate::minted::owner;

/// Runs every case.
pub async fn suite(keys: &dyn OwnerKeys) {
    each_owner_has_its_key(keys).await;
    an_erased_key_never_returns(keys).await;
}

async fn each_owner_has_its_key(keys: &dyn OwnerKeys) {
    let [one, other, unknown] = [owner(), owner(), owner()];
    assert_eq!(keys.find(one).await, Ok(None));
    let bytes: Vec<u8> = (0..=255).collect();
    keys.create(one, bytes.clone()).await.expect("created");
    keys.create(other, vec![7; 60]).await.expect("created");
    keys.create(one, bytes.clone()).await.expect("the same again");
    assert_eq!(keys.find(one).await, Ok(Some(bytes)));
    assert_eq!(keys.find(other).await, Ok(Some(vec![7; 60])));
    assert_eq!(keys.find(unknown).await, Ok(None));
}

async fn an_erased_key_never_returns(keys: &dyn OwnerKeys) {
    let [erased, never_had, other] = [owner(), owner(), owner()];
    for owner in [erased, other] {
        keys.create(owner, vec![1; 60]).await.expect("created");
    }
    for _ in 0..2 {
        keys.erase(erased).await.expect("erased");
        keys.erase(never_had).await.expect("erased");
        for owner in [erased, never_had] {
            keys.create(owner, vec![2; 60]).await.expect("changes nothing");
            assert_eq!(keys.find(owner).await, Ok(None));
        }
    }
    assert_eq!(keys.find(other).await, Ok(Some(vec![1; 60])));
}
