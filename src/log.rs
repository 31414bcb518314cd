//! The process-wide log hook: off until a host sets one, and then the only place text goes.
//!
//! Tokens, tickets, payloads and the queries of URLs are never in a text.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::watch;

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum), uniffi(name = "LogLevel"))]
#[repr(u8)]
pub enum Level {
    /// A bug of roamio, or something that makes a session impossible.
    Error = 1,
    /// Works, but should not stay so.
    Warn = 2,
    /// Changes of state.
    Info = 3,
    /// Every attempt and its result.
    Debug = 4,
}

/// Takes a line: its level, the module that it comes from, and the text.
///
/// It is called on the thread that has something to say, with no lock held, also by several
/// threads at once, and must return soon.
pub type Hook = dyn Fn(Level, &str, &str) + Send + Sync;

static MOST_DETAILED: AtomicU8 = AtomicU8::new(0);
static HOOK: RwLock<Option<Arc<Hook>>> = RwLock::new(None);

/// Set the hook of this process and the most detailed level that it gets; `None` switches logging
/// off. A call of the former hook that has already begun may still be running when this returns.
pub fn set_hook(hook: Option<(Level, Arc<Hook>)>) {
    let mut slot = HOOK.write().unwrap_or_else(PoisonError::into_inner);
    let level = hook.as_ref().map_or(0, |(level, _)| *level as u8);
    MOST_DETAILED.store(level, Ordering::Relaxed);
    let former = std::mem::replace(&mut *slot, hook.map(|(_, hook)| hook));
    drop(slot);
    // The host's code may run in the drop, and may log.
    drop(former);
}

/// Whether anybody wants lines of this level: one relaxed load.
pub fn enabled(level: Level) -> bool {
    level as u8 <= MOST_DETAILED.load(Ordering::Relaxed) || watch::keeps()
}

/// Hand a line over. Use the macro `log!`, which formats only when the level is wanted.
pub(crate) fn write(level: Level, target: &str, text: fmt::Arguments<'_>) {
    let text = text.to_string();
    watch::keep(&format!("{level:?} {target}: {text}\n"));
    // What is kept may be more than the host wants.
    if level as u8 > MOST_DETAILED.load(Ordering::Relaxed) {
        return;
    }
    let hook = HOOK.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(hook) = hook {
        hook(level, target, &text);
    }
}

/// Log a line: `log!(Warn, "text {}", value)`. The target is the module.
macro_rules! log {
    ($level:ident, $($text:tt)+) => {
        if $crate::log::enabled($crate::log::Level::$level) {
            $crate::log::write($crate::log::Level::$level, module_path!(), format_args!($($text)+));
        }
    };
}
pub(crate) use log;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn only_wanted_lines_are_formatted_and_none_after_the_hook_is_gone() {
        struct Counted<'a>(&'a Mutex<u32>);
        impl fmt::Display for Counted<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                *self.0.lock().expect("not poisoned") += 1;
                f.write_str("x")
            }
        }
        let formatted = Mutex::new(0);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        let hook = move |level: Level, target: &str, text: &str| {
            if target.ends_with("log::tests") {
                seen.lock().expect("not poisoned").push((level, text.to_owned()));
            }
        };
        set_hook(Some((Level::Warn, Arc::new(hook))));
        log!(Warn, "{}", Counted(&formatted));
        log!(Debug, "{}", Counted(&formatted));
        set_hook(None);
        log!(Error, "{}", Counted(&formatted));
        assert_eq!(*lines.lock().expect("not poisoned"), [(Level::Warn, "x".to_owned())]);
        let all = if watch::keeps() { 3 } else { 1 };
        assert_eq!(*formatted.lock().expect("not poisoned"), all);
    }
}
