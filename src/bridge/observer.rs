//! How observers are told.

use std::sync::{Arc, OnceLock, Weak};

use super::error::HostError;
use crate::log::log;

/// An observer's exception is logged, and that is all.
pub(super) fn tell(whom: &str, told: Result<(), HostError>) {
    if let Err(error) = told {
        log!(Error, "{whom} of the host threw {}", error.kind());
    }
}

/// Where a closure finds the object that it belongs to, without keeping it.
pub(super) struct Place<T>(Arc<OnceLock<Weak<T>>>);

impl<T> Place<T> {
    /// A place for an object that is still to be made.
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// The object is made.
    pub(super) fn fill(&self, object: &Arc<T>) {
        // It is made once.
        let _ = self.0.set(Arc::downgrade(object));
    }

    /// The object, unless the host has forgotten it.
    pub(super) fn get(&self) -> Option<Arc<T>> {
        self.0.get()?.upgrade()
    }
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
