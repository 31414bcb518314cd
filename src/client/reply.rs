//! Outcomes as futures.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::core::Core;
use crate::driver::dispatch::closed;
use crate::error::Result;
use crate::owt::request::Answer;
use crate::payload::Payload;
use crate::proto::io::{Command, RequestId};

/// The outcome of a request, to be awaited in any runtime.
///
/// The request runs whether this is polled or not. Dropping it cancels the request: if it was not
/// written yet it never is, and if it was, its answer is ignored. (A login, logout or rejoin goes on.)
/// In manual mode it makes progress only while the host dispatches.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Reply {
    outcome: oneshot::Receiver<Result<Payload>>,
    /// None once there is an outcome.
    request: Option<(Arc<Core>, RequestId)>,
}

impl Reply {
    /// Start a request with `submit`, which gets its completion.
    pub(super) fn start(
        core: &Arc<Core>,
        submit: impl FnOnce(Box<dyn FnOnce(Result<Payload>) + Send>) -> Result<RequestId>,
    ) -> Result<Self> {
        let (tell, outcome) = oneshot::channel();
        let request = submit(Box::new(move |result| {
            // Nobody waits any more when the future was dropped.
            let _ = tell.send(result);
        }))?;
        Ok(Self { outcome, request: Some((Arc::clone(core), request)) })
    }
}

impl Future for Reply {
    type Output = Result<Payload>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.outcome).poll(cx));
        self.request = None;
        Poll::Ready(outcome.unwrap_or_else(|_| Err(closed())))
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some((core, request)) = self.request.take() {
            // An error says that it is closed, which settles the request as well.
            let _ = core.driver.submit(Command::Cancel { request });
        }
    }
}

/// The outcome of a typed request: a [`Reply`] that is read.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Call<A> {
    reply: Reply,
    answer: PhantomData<fn() -> A>,
}

impl<A> Call<A> {
    pub(super) const fn new(reply: Reply) -> Self {
        Self { reply, answer: PhantomData }
    }
}

impl<A: Answer> Future for Call<A> {
    type Output = Result<A>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.reply).poll(cx));
        Poll::Ready(outcome.and_then(|payload| A::read(&payload)))
    }
}
