//! The promise of exactly one outcome per request, as a type.

use std::fmt;

use crate::error::{Code, Error, Result};
use crate::payload::Payload;

/// What becomes of a request: called exactly once, on the dispatch thread.
///
/// Dropped without having been called it calls itself with [`Code::Closed`], so no path can forget
/// an outcome.
pub struct Completion(Option<Box<dyn FnOnce(Result<Payload>) + Send>>);

impl Completion {
    /// A completion that calls `call`.
    pub fn new(call: impl FnOnce(Result<Payload>) + Send + 'static) -> Self {
        Self(Some(Box::new(call)))
    }

    /// Tell the outcome.
    pub fn complete(mut self, result: Result<Payload>) {
        if let Some(call) = self.0.take() {
            call(result);
        }
    }

    /// Give it up uncalled: the call that would have started the request failed and says so itself.
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call(Err(Error::new(Code::Closed, "closed before there was an outcome")));
        }
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Completion")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_completion_is_called_once_or_says_closed_by_itself() {
        let (tell, told) = mpsc::channel();
        let completion = || {
            let tell = tell.clone();
            Completion::new(move |result| {
                let code = result.err().map(|error: Error| error.code());
                tell.send(code).expect("the receiver lives");
            })
        };
        completion().complete(Ok(Payload::default()));
        completion().complete(Err(Code::AckLost.into()));
        drop(completion());
        completion().disarm();
        drop(tell);
        let codes: Vec<_> = told.iter().collect();
        assert_eq!(codes, [None, Some(Code::AckLost), Some(Code::Closed)]);
    }
}
