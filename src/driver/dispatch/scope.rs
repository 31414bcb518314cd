//! Knows whether this thread is running the host's code on behalf of the library.

use std::cell::Cell;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, this thread counts as being inside a callback.
#[derive(Debug)]
pub struct Scope(());

impl Scope {
    /// The host's code runs from here on.
    #[must_use = "the scope ends when this is dropped"]
    pub fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(())
    }

    /// Whether this thread is inside a callback: waiting here could wait for itself.
    pub fn is_inside() -> bool {
        DEPTH.get() > 0
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
