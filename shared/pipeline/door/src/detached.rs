//! Work that runs on after the client has left.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// A future that runs in the task that awaits it, so that the common case costs no task of its own. Dropped before
/// its end, the rest of it moves to a new task and runs on there. A panic ends it.
pub struct Detached<T: 'static> {
    work: Option<Work<T>>,
}

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T: 'static> Detached<T> {
    pub fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Detached { work: Some(Box::pin(work)) }
    }
}

impl<T: 'static> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // Out of reach of the drop below while it is polled: what has panicked must not be polled again.
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<T: 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and the work ends with it.
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            runtime.spawn(async move { drop(work.await) });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_ends_where_it_is_awaited() {
        assert_eq!(Detached::new(async { 7 }).await, 7);
    }

    #[tokio::test]
    async fn work_goes_on_when_its_waiter_has_left() {
        let (go, gone) = oneshot::channel::<()>();
        let (done, told) = oneshot::channel();
        let mut work = Detached::new(async move {
            let _ = gone.await;
            let _ = done.send("done");
        });
        let begun = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut work).poll(cx))).await;
        assert!(begun.is_pending());
        drop(work);
        go.send(()).expect("it still waits");
        assert_eq!(told.await, Ok("done"));
    }

    #[tokio::test]
    async fn what_has_not_begun_is_begun() {
        let (done, told) = oneshot::channel();
        drop(Detached::new(async move { done.send(()) }));
        assert_eq!(told.await, Ok(()));
    }

    #[tokio::test]
    async fn what_panicked_is_not_polled_again() {
        use futures_util::FutureExt;
        let broken = std::panic::AssertUnwindSafe(Detached::new(async { panic!("a defect") })).catch_unwind();
        assert!(broken.await.is_err());
    }
}
