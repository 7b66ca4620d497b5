//! The handler calls that run, all within one task.
//!
//! A record costs a call, not a task: most handlers of small work end in their first poll, so a
//! call is polled once where it is made and only joins the waiting ones if it has to wait. Its
//! memory is used again by the next call. A panic is caught around every poll, so that it ends its
//! own call and no other.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::Failure;

/// How a handler call ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The handler returned.
    Returned(Result<(), Failure>),
    /// The handler panicked with this message.
    Panicked(String),
}

/// The calls that run. `T` says what a call is about, and comes back when it ends.
pub(crate) struct Calls<F, T> {
    waiting: FuturesUnordered<Call<F, T>>,
    // As many as ever ran at once, so bounded by `max_in_flight`.
    spare: Vec<Place<F>>,
}

/// Memory for one future; empty between two calls.
type Place<F> = Pin<Box<Option<F>>>;

struct Call<F, T> {
    /// What is lost when the call ends.
    open: Option<(T, Place<F>)>,
}

impl<F, T> Calls<F, T>
where
    F: Future<Output = Result<(), Failure>>,
    T: Unpin,
{
    pub(crate) fn new() -> Self {
        Self { waiting: FuturesUnordered::new(), spare: Vec::new() }
    }

    /// Makes a call and polls it once. Returns its end if it did not have to wait.
    ///
    /// A call that waits is polled again by the next [`Calls::poll_ended`], which must therefore
    /// follow before the task rests.
    pub(crate) fn start(
        &mut self,
        context: &mut Context<'_>,
        about: T,
        call: impl FnOnce() -> F,
    ) -> Option<(T, End)> {
        let mut place = self.spare.pop().unwrap_or_else(|| Box::pin(None));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            place.as_mut().set(Some(call()));
            poll_future(&mut place, context)
        }));
        match ended(polled, &mut place) {
            Poll::Ready(end) => {
                self.spare.push(place);
                Some((about, end))
            }
            Poll::Pending => {
                self.waiting.push(Call { open: Some((about, place)) });
                None
            }
        }
    }

    /// The next call that ended; `None` when none waits.
    pub(crate) fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<Option<(T, End)>> {
        if self.waiting.is_empty() {
            return Poll::Ready(None);
        }
        self.waiting.poll_next_unpin(context).map(|ended| {
            ended.map(|(about, place, end)| {
                self.spare.push(place);
                (about, end)
            })
        })
    }
}

impl<F, T> Future for Call<F, T>
where
    F: Future<Output = Result<(), Failure>>,
    T: Unpin,
{
    type Output = (T, Place<F>, End);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (_, place) = self.open.as_mut().expect("an ended call is not polled again");
        let polled = catch_unwind(AssertUnwindSafe(|| poll_future(place, context)));
        match ended(polled, place) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(end) => {
                let (about, place) = self.open.take().expect("it was there above");
                Poll::Ready((about, place, end))
            }
        }
    }
}

/// Polls the future; once it ended the place is empty.
fn poll_future<F: Future>(place: &mut Place<F>, context: &mut Context<'_>) -> Poll<F::Output> {
    let future = place.as_mut().as_pin_mut().expect("a call has a future until it ends");
    let polled = future.poll(context);
    if polled.is_ready() {
        // Dropping a future runs the handler's own code too, so whoever polls it catches this.
        place.as_mut().set(None);
    }
    polled
}

/// What a poll came to; a place whose future panicked is emptied.
fn ended<F>(
    polled: Result<Poll<Result<(), Failure>>, Box<dyn Any + Send>>,
    place: &mut Place<F>,
) -> Poll<End> {
    match polled {
        Ok(polled) => polled.map(End::Returned),
        Err(panic) => {
            // What a panicking future leaves may panic again when it is dropped; one is enough.
            let _second = catch_unwind(AssertUnwindSafe(|| place.as_mut().set(None)));
            Poll::Ready(End::Panicked(message_of(&*panic)))
        }
    }
}

/// What `panic!` was called with, if it was a text.
fn message_of(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_call_that_need_not_wait_ends_where_it_starts() {
        let mut calls = Calls::new();
        let ended = start(&mut calls, 7, || async { Ok(()) }).await;
        assert!(matches!(ended, Some((7, End::Returned(Ok(()))))), "{ended:?}");
        assert_eq!(next(&mut calls).await, None);
    }

    #[tokio::test]
    async fn calls_end_in_the_order_in_which_they_are_ready() {
        let mut calls = Calls::new();
        let (first_goes, first) = oneshot::channel::<()>();
        let (second_goes, second) = oneshot::channel::<()>();
        let wait = |until: oneshot::Receiver<()>| async move { Ok(until.await?) };
        assert!(start(&mut calls, 1, || wait(first)).await.is_none());
        assert!(start(&mut calls, 2, || wait(second)).await.is_none());
        second_goes.send(()).unwrap();
        assert_eq!(next(&mut calls).await, Some((2, None)));
        first_goes.send(()).unwrap();
        assert_eq!(next(&mut calls).await, Some((1, None)));
        assert_eq!(next(&mut calls).await, None);
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_call_only() {
        let mut calls = Calls::new();
        let (go, gone) = oneshot::channel::<()>();
        assert!(start(&mut calls, 1, || panics_after(gone)).await.is_none());
        let early = start(&mut calls, 2, || -> Panics { panic!("early") }).await;
        assert!(matches!(early, Some((2, End::Panicked(message))) if message == "early"));
        go.send(()).unwrap();
        assert_eq!(next(&mut calls).await, Some((1, Some("late".to_owned()))));
    }

    async fn start<F>(
        calls: &mut Calls<F, u32>,
        about: u32,
        call: impl FnOnce() -> F,
    ) -> Option<(u32, End)>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let mut call = Some(call);
        poll_fn(|context| {
            let call = call.take().expect("polled once");
            Poll::Ready(calls.start(context, about, call))
        })
        .await
    }

    type Panics = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

    fn panics_after(until: oneshot::Receiver<()>) -> Panics {
        Box::pin(async move {
            until.await?;
            panic!("late")
        })
    }

    /// What ended, and the panic's message if it was one.
    async fn next<F>(calls: &mut Calls<F, u32>) -> Option<(u32, Option<String>)>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let ended = poll_fn(|context| calls.poll_ended(context)).await;
        ended.map(|(about, end)| match end {
            End::Returned(_) => (about, None),
            End::Panicked(message) => (about, Some(message)),
        })
    }
}
