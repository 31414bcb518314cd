//! The one process that this library works in: a forked child has none of its threads.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Code, Error, Result};

/// Which process made the first object; 0 is no process.
static HOME: AtomicU32 = AtomicU32::new(0);

/// Refuse to work in a child of the process that has used this library.
///
/// # Errors
/// [`Code::InvalidState`].
pub(crate) fn check() -> Result<()> {
    let here = process::id();
    match HOME.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed) {
        Err(home) if home != here => {
            Err(Error::new(Code::InvalidState, "in a forked child of the process that uses it"))
        }
        _ => Ok(()),
    }
}
