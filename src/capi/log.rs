use std::ffi::c_void;
use std::sync::Arc;

use super::callback::HostPointer;
use super::guard::boundary;
use super::status::{ROAM_E_INVALID_ARGUMENT, ROAM_E_PANIC, ROAM_OK, roam_status};
use super::types::roam_str;
use crate::client::CallbackScope;
use crate::log::{Level, set_hook};

/// ---- Log levels ----------------------------------------------------------------------------
///
/// Nothing is logged; the default.
pub const ROAM_LOG_OFF: u32 = 0;
/// Bugs of the library, and what makes a session impossible.
pub const ROAM_LOG_ERROR: u32 = 1;
/// Works, but should not stay so.
pub const ROAM_LOG_WARN: u32 = 2;
/// Changes of state.
pub const ROAM_LOG_INFO: u32 = 3;
/// Every attempt and its result.
pub const ROAM_LOG_DEBUG: u32 = 4;

/// Takes one line: its level (ROAM_LOG_...), the part of the library that it comes from, the text.
/// The texts are valid until it returns. It is called on any thread, also by several at once, and
/// must return soon. It may call this library, except to wait.
pub type roam_log = Option<
    unsafe extern "C" fn(user_data: *mut c_void, level: u32, target: roam_str, line: roam_str),
>;

/// ---- Functions: log ------------------------------------------------------------------------
///
/// Set the function that gets the log lines of this process up to a level, in place of the former
/// one; NULL or ROAM_LOG_OFF for none. A call of the former that has begun may still be running
/// when this returns, so `user_data` should live as long as the process. Lines hold no token,
/// ticket or payload. INVALID_ARGUMENT for a level that does not exist.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_log_set(
    level: u32,
    log: roam_log,
    user_data: *mut c_void,
) -> roam_status {
    boundary(ROAM_E_PANIC, || {
        let level = match level {
            ROAM_LOG_OFF => None,
            ROAM_LOG_ERROR => Some(Level::Error),
            ROAM_LOG_WARN => Some(Level::Warn),
            ROAM_LOG_INFO => Some(Level::Info),
            ROAM_LOG_DEBUG => Some(Level::Debug),
            _ => return ROAM_E_INVALID_ARGUMENT,
        };
        let user_data = HostPointer(user_data);
        set_hook(level.zip(log).map(|(level, log)| {
            let hook = move |level: Level, target: &str, line: &str| {
                let _scope = CallbackScope::enter();
                let (target, line) = (roam_str::of(target), roam_str::of(line));
                // SAFETY: the host's function with the host's data and views that outlive it.
                unsafe { log(user_data.get(), level as u32, target, line) };
            };
            (level, Arc::new(hook) as Arc<crate::log::Hook>)
        }));
        ROAM_OK
    })
}
