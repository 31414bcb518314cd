use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use super::callback::{HostTable, Link, Table, waker};
use super::config::roam_config;
use super::error::{ObjectId, optional_view, roam_error, view};
use super::guard::{Handle, built, free, free_wait, give, last_error_of, on, output};
use super::status::roam_status;
use super::types::{UNKNOWN_MS, roam_retry, roam_transition, roam_wake};
use crate::client::{Manager, ManagerEvent, Retry, Transition};
use crate::error::Result;

/// ---- States of a manager -------------------------------------------------------------------
///
/// No socket wants a connection.
pub const ROAM_MANAGER_STATE_IDLE: u32 = 0;
/// The first connection is being made.
pub const ROAM_MANAGER_STATE_CONNECTING: u32 = 1;
/// The connection is open.
pub const ROAM_MANAGER_STATE_CONNECTED: u32 = 2;
/// The connection was lost and is being made again.
pub const ROAM_MANAGER_STATE_RECONNECTING: u32 = 3;
/// Closed for good.
pub const ROAM_MANAGER_STATE_CLOSED: u32 = 4;

/// One connection to a Socket.IO server, its reconnection, and the sockets on it. Any thread.
pub struct roam_manager {
    id: ObjectId,
    pub(super) client: Manager,
    link: Arc<Link>,
}

/// What a manager tells. Zero it, set `struct_size` and what you want to hear.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_manager_events {
    /// sizeof(roam_manager_events).
    pub struct_size: usize,
    /// Passed to every function.
    pub user_data: *mut c_void,
    /// Called once, after every other function: free `user_data` here.
    pub destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// The state is ROAM_MANAGER_STATE_...
    pub on_state:
        Option<unsafe extern "C" fn(user_data: *mut c_void, step: *const roam_transition)>,
    /// An attempt to connect has failed.
    pub on_retry: Option<unsafe extern "C" fn(user_data: *mut c_void, retry: *const roam_retry)>,
    /// Callbacks do not keep up; nothing more is read until they do. Nothing is dropped.
    pub on_host_slow: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostTable for roam_manager_events {
    fn user_data(&self) -> *mut c_void {
        self.user_data
    }
    fn destroy(&self) -> Option<unsafe extern "C" fn(user_data: *mut c_void)> {
        self.destroy
    }
}

impl Table<roam_manager_events> {
    fn tell(&self, event: &ManagerEvent) {
        let (table, user_data) = (&self.functions, self.functions.user_data);
        match event {
            ManagerEvent::State(step) => {
                if let Some(on_state) = table.on_state {
                    // SAFETY: the host's function with the host's data and a view that outlives it.
                    with_transition(step, |step| unsafe { on_state(user_data, step) });
                }
            }
            ManagerEvent::Retry(retry) => {
                if let Some(on_retry) = table.on_retry {
                    // SAFETY: as above.
                    with_retry(retry, |retry| unsafe { on_retry(user_data, retry) });
                }
            }
            ManagerEvent::Transport { .. }
            | ManagerEvent::UpgradeFailed(_)
            | ManagerEvent::TargetWanted { .. } => {}
            ManagerEvent::HostSlow => {
                if let Some(on_host_slow) = table.on_host_slow {
                    // SAFETY: the host's function with the host's data.
                    unsafe { on_host_slow(user_data) };
                }
            }
        }
    }
}

/// Show a step as C sees it.
pub(super) fn with_transition<S: Copy + Number>(
    step: &Transition<S>,
    call: impl FnOnce(*const roam_transition),
) {
    call(&roam_transition {
        number: step.number,
        state: step.state.number(),
        cause: optional_view(step.cause.as_ref()),
        grace_ms: step.grace_ms.unwrap_or(UNKNOWN_MS),
    });
}

/// Show a failed attempt as C sees it.
pub(super) fn with_retry(retry: &Retry, call: impl FnOnce(*const roam_retry)) {
    call(&roam_retry {
        attempt: retry.attempt,
        error: view(&retry.error),
        delay_ms: retry.delay_ms.unwrap_or(UNKNOWN_MS),
        grace_ms: retry.grace_ms.unwrap_or(UNKNOWN_MS),
    });
}

/// A state's number, which is the same in every language.
pub(super) trait Number {
    fn number(self) -> u32;
}

impl Number for crate::client::ManagerState {
    fn number(self) -> u32 {
        self as u32
    }
}

impl Number for crate::client::SocketState {
    fn number(self) -> u32 {
        self as u32
    }
}

impl Number for crate::client::ConferenceState {
    fn number(self) -> u32 {
        self as u32
    }
}

impl Handle for roam_manager {
    type Client = Manager;

    fn id(&self) -> ObjectId {
        self.id
    }
    fn client(&self) -> &Manager {
        &self.client
    }
    fn link(&self) -> &Link {
        &self.link
    }
    fn close(client: &Manager) {
        client.close();
    }
    fn close_wait(client: &Manager, timeout: Duration) -> Result<()> {
        client.close_wait(timeout)
    }
}

/// ---- Functions: managers -------------------------------------------------------------------
///
/// Make a manager. There is no traffic before a socket connects. `events` is copied. Its error is
/// read with roam_config_last_error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_new(
    config: *const roam_config,
    events: *const roam_manager_events,
    out: *mut *mut roam_manager,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        built(config, |config| {
            let out = output(out)?;
            let (table, link) = Table::read(events)?;
            config.check_url()?;
            let client = Manager::new(config.options.clone(), move |event| table.tell(&event))?;
            link.arm();
            out.write(give(roam_manager { id: ObjectId::new(), client, link }));
            Ok(())
        })
    }
}

/// The state as the callbacks have told it: ROAM_MANAGER_STATE_... CLOSED for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_state(manager: *const roam_manager) -> u32 {
    let mut state = ROAM_MANAGER_STATE_CLOSED;
    // SAFETY: the host's promise, passed on.
    unsafe {
        on(manager, |manager| {
            state = manager.state() as u32;
            Ok(())
        })
    };
    state
}

/// Hint: a network is there (again). The next attempt is made at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_network_available(
    manager: *const roam_manager,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(manager, Manager::network_available) }
}

/// Hint: there is no network. Attempts become rare; the connection is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_network_lost(manager: *const roam_manager) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(manager, Manager::network_lost) }
}

/// Hint: the device moved to another network, or its addresses changed. Call it from the system's
/// reachability callback; the library connects there at once and moves over if need be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_network_changed(manager: *const roam_manager) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(manager, Manager::network_changed) }
}

/// Hint: the application is about to be suspended. No timer, nothing sent until the next call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_suspended(manager: *const roam_manager) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(manager, Manager::suspended) }
}

/// Hint: the application runs again. Whether the connection survived is found out at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_resumed(manager: *const roam_manager) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(manager, Manager::resumed) }
}

/// Manual dispatch: run up to `max_events` callbacks of this manager and its sockets on this
/// thread. `dispatched` (may be NULL) becomes how many pieces were worked off; fewer than
/// `max_events` means that there is no more, or that another thread is dispatching.
/// INVALID_STATE with another dispatch, WOULD_DEADLOCK inside a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_dispatch(
    manager: *const roam_manager,
    max_events: usize,
    dispatched: *mut usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            let count = manager.dispatch(max_events)?;
            if let Ok(dispatched) = output(dispatched) {
                dispatched.write(count);
            }
            Ok(())
        })
    }
}

/// Manual dispatch: call `wake` when there is something to dispatch after a dispatch has found
/// nothing more, and at once if there is something now. It runs on the I/O thread, or inside this
/// call, and must only wake the host's loop (set a flag, post a message, signal a condition): all
/// traffic of the process waits for it. It is not called any more once the manager and its sockets
/// are freed; the last _free waits for a call that has begun, so hold no lock then that `wake`
/// takes. INVALID_STATE with another dispatch, WOULD_DEADLOCK inside a `wake`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_set_wake(
    manager: *const roam_manager,
    wake: roam_wake,
    user_data: *mut c_void,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(manager, |manager| manager.set_wake(waker(wake, user_data)?)) }
}

/// Manual dispatch: a file descriptor that is readable while there is something to dispatch. Only
/// poll it; the library reads, writes and closes it (when the manager and its sockets are freed).
/// INVALID_STATE with another dispatch, UNSUPPORTED where there are no such descriptors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_wake_fd(
    manager: *const roam_manager,
    out: *mut std::ffi::c_int,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            let out = output(out)?;
            #[cfg(unix)]
            {
                use std::os::fd::AsRawFd;
                out.write(manager.wake_fd()?.as_raw_fd());
                Ok(())
            }
            #[cfg(not(unix))]
            {
                let _ = (out, manager);
                Err(crate::error::Error::new(
                    crate::error::Code::Unsupported,
                    "no descriptors to poll here",
                ))
            }
        })
    }
}

/// The error of this thread's last failed call if it was on this manager (roam_socket_new counts as
/// one); NULL otherwise. It lives until this thread's next failed call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_last_error(
    manager: *const roam_manager,
) -> *const roam_error {
    // SAFETY: the host's promise, passed on.
    unsafe { last_error_of(manager) }
}

/// Free a manager; see "End of life" above. Its sockets go on, with the connection. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_free(manager: *mut roam_manager) {
    // SAFETY: the host's promise, passed on.
    unsafe { free(manager) }
}

/// Free a manager and wait until `destroy` has run and, if no socket is left, the connection is
/// gone. WOULD_DEADLOCK inside a callback: nothing is freed. TIMED_OUT after `timeout_ms`: it is
/// closed, but still yours; call this again, or roam_manager_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_free_wait(
    manager: *mut roam_manager,
    timeout_ms: u32,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { free_wait(manager, timeout_ms) }
}
