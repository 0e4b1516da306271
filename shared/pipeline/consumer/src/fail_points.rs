//! Where a fault harness ends this process or makes it fail, by name. Only a build with the feature `fail-points` has
//! any of it.

/// The payload as it is read: empty where `persister::decode_fails` is on, as in a release that cannot read any record.
#[cfg(feature = "fail-points")]
pub(crate) fn as_read(payload: &[u8]) -> &[u8] {
    fail::fail_point!("persister::decode_fails", |_| &[]);
    payload
}

/// The payload as it is read.
#[cfg(not(feature = "fail-points"))]
pub(crate) const fn as_read(payload: &[u8]) -> &[u8] {
    payload
}

/// Ends the process between the changes of one batch, once the first half of them is saved.
#[cfg(feature = "fail-points")]
pub(crate) async fn between_items<A: crate::Apply>(apply: &A, changes: &[A::Change], seen: Option<crate::StoreSeen>) {
    if let Some(seen) = seen
        && changes.len() > 1
        && fires("persister::between_items")
    {
        let half = changes[..changes.len() / 2].to_vec();
        let _ = apply.save(std::sync::Arc::new(half), seen).await;
        std::process::abort();
    }
}

#[cfg(feature = "fail-points")]
fn fires(name: &str) -> bool {
    fail::fail_point!(name, |_| true);
    false
}
