use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use super::callback::{HostStruct, HostTable, Link, Table, set_waker};
use super::config::{endpoint, roam_config};
use super::error::{ObjectId, optional_view, roam_error, view};
use super::guard::{
    Handle, MAX_TEXT, Shared, array, built, free, free_wait, give, last_error_of, null, on, output,
    text,
};
use super::status::roam_status;
use super::types::{
    UNKNOWN_MS, ask_token, refusal, roam_header, roam_retry, roam_str, roam_transition, roam_wake,
};
use crate::client::{Manager, ManagerEvent, Retry, Transition};
use crate::config::{DEFAULT_PATH, HeaderList, Target};
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

/// More headers than any server takes.
const MAX_HEADERS: usize = 1_000;

/// One connection to a Socket.IO server, its reconnection, and the sockets on it. Any thread.
pub struct roam_manager {
    id: ObjectId,
    client: Manager,
    link: Arc<Link>,
    /// The HTTP path of the targets that it is given.
    path: Arc<str>,
    /// Others may have handles, so that freeing this one ends nothing.
    shared: bool,
}

impl roam_manager {
    /// A handle of a manager of a registry.
    pub(super) fn shared(client: Manager) -> Self {
        let path = DEFAULT_PATH.into();
        Self { id: ObjectId::new(), client, link: Arc::default(), path, shared: true }
    }
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
    /// The connection is carried by this transport from now on, ROAM_TRANSPORT_...: told when it
    /// opens, and when it was `upgraded`.
    pub on_transport:
        Option<unsafe extern "C" fn(user_data: *mut c_void, transport: u32, upgraded: bool)>,
    /// The upgrade to WebSocket failed; the connection goes on with polling.
    pub on_upgrade_failed:
        Option<unsafe extern "C" fn(user_data: *mut c_void, error: *const roam_error)>,
    /// Where to, and with which headers? Asked before every attempt if this function is set; answer
    /// with roam_manager_provide_target or roam_manager_refuse_target. `attempt` counts the failed
    /// attempts in a row, and `error` says why the last one failed, or is NULL. Keep the manager
    /// while its sockets are used: once it is freed nobody answers.
    pub on_target_wanted: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            ask_token: u64,
            attempt: u32,
            error: *const roam_error,
        ),
    >,
}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostStruct for roam_manager_events {}

impl HostTable for roam_manager_events {
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
            ManagerEvent::HostSlow => {
                if let Some(on_host_slow) = table.on_host_slow {
                    // SAFETY: the host's function with the host's data.
                    unsafe { on_host_slow(user_data) };
                }
            }
            ManagerEvent::Transport { transport, upgraded } => {
                if let Some(on_transport) = table.on_transport {
                    // SAFETY: as above.
                    unsafe { on_transport(user_data, *transport as u32, *upgraded) };
                }
            }
            ManagerEvent::UpgradeFailed(error) => {
                if let Some(on_upgrade_failed) = table.on_upgrade_failed {
                    // SAFETY: as above, and a view that outlives it.
                    unsafe { on_upgrade_failed(user_data, view(error)) };
                }
            }
            ManagerEvent::TargetWanted { token, attempt, error } => {
                if let Some(on_target_wanted) = table.on_target_wanted {
                    let error = optional_view(error.as_ref());
                    // SAFETY: as above.
                    unsafe { on_target_wanted(user_data, token.0, *attempt, error) };
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

impl Shared for roam_manager {
    type Client = Manager;

    fn id(&self) -> ObjectId {
        self.id
    }
    fn client(&self) -> &Manager {
        &self.client
    }
}

impl Handle for roam_manager {
    fn link(&self) -> &Link {
        &self.link
    }
    fn close(&self) {
        if !self.shared {
            self.client.close();
        }
    }
    fn close_wait(&self, client: &Manager, timeout: Duration) -> Result<()> {
        // This handle's and the clone.
        if self.shared { client.close_last_wait(2, timeout) } else { client.close_wait(timeout) }
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
            let mut options = config.options.clone();
            options.ask_target = table.functions.on_target_wanted.is_some();
            config.check_url(options.ask_target)?;
            let path = options.endpoint.path.as_str().into();
            let client = Manager::new(options, move |event| table.tell(&event))?;
            link.arm();
            let id = ObjectId::new();
            out.write(give(roam_manager { id, client, link, path, shared: false }));
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

/// Whether a socket uses a namespace. False for NULL and for what is no text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_uses(manager: *const roam_manager, nsp: roam_str) -> bool {
    let mut uses = false;
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            uses = manager.uses(text(nsp, "nsp", MAX_TEXT)?);
            Ok(())
        })
    };
    uses
}

/// Answer on_target_wanted, in it or later, from any thread: the attempt goes to this URL, as
/// roam_config_set_url takes it, at the HTTP path of the config, with these headers (and not those
/// of the config). What is wrong with the call leaves the question open. An answer that comes too
/// late or a second time is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_provide_target(
    manager: *const roam_manager,
    ask_token: u64,
    url: roam_str,
    headers: *const roam_header,
    header_count: usize,
) -> roam_status {
    // SAFETY: as for `on`. A clone, because host code that runs meanwhile may free the manager.
    let path = unsafe { manager.as_ref() }.map(|manager| Arc::clone(&manager.path));
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            let token = self::ask_token(ask_token)?;
            let endpoint = endpoint(url, path.as_deref().unwrap_or(DEFAULT_PATH))?;
            let headers = header_list(headers, header_count)?;
            manager.provide_target(token, Ok(Target { endpoint, headers }))
        })
    }
}

/// Answer on_target_wanted with no: the attempt has failed, CANCELLED with this message, and the
/// next one waits as after any failure. The rest is as with roam_manager_provide_target.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_refuse_target(
    manager: *const roam_manager,
    ask_token: u64,
    message: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            manager.provide_target(self::ask_token(ask_token)?, Err(refusal(message)?))
        })
    }
}

/// Send these headers, in place of those of the config, from the next attempt on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_set_headers(
    manager: *const roam_manager,
    headers: *const roam_header,
    header_count: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { on(manager, |manager| manager.set_headers(header_list(headers, header_count)?)) }
}

/// Reconnect as this config says (its roam_config_set_reconnect... options; the others are not
/// looked at), from the next wait on. Switched off no attempt starts any more, and if one is being
/// waited for the sockets come to rest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_set_reconnect(
    manager: *const roam_manager,
    config: *const roam_config,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            let config = config.as_ref().ok_or_else(|| null("config"))?;
            manager.set_reconnect(config.options.reconnect.clone())
        })
    }
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
/// takes. `destroy` (may be NULL) is called once, on any thread, after the last call of `wake`, also
/// when another takes its place; when this function fails it is not called. INVALID_STATE with another dispatch, WOULD_DEADLOCK inside a `wake`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_set_wake(
    manager: *const roam_manager,
    wake: roam_wake,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe {
        on(manager, |manager| set_waker(wake, user_data, destroy, |wake| manager.set_wake(wake)))
    }
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

/// Free a manager; see "End of life" above. Its sockets go on, with the connection. One that a
/// registry gave goes on as well, while the registry or somebody else has it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_free(manager: *mut roam_manager) {
    // SAFETY: the host's promise, passed on.
    unsafe { free(manager) }
}

/// Free a manager and wait until `destroy` has run and, if no socket is left, the connection is
/// gone; for one that goes on nothing is waited for. WOULD_DEADLOCK inside a callback: nothing is
/// freed. TIMED_OUT after `timeout_ms`: it is closed, but still yours; call this again, or
/// roam_manager_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_manager_free_wait(
    manager: *mut roam_manager,
    timeout_ms: u32,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { free_wait(manager, timeout_ms) }
}

/// Headers of the host, which are checked by who takes them.
unsafe fn header_list(headers: *const roam_header, count: usize) -> Result<HeaderList> {
    // SAFETY: the host's promise, passed on.
    let headers = unsafe { array(headers, count, "headers", MAX_HEADERS) }?;
    let pair = |header: &roam_header| {
        // SAFETY: the host's promises for its arguments, passed on.
        let (name, value) = unsafe {
            (text(header.name, "name", MAX_TEXT)?, text(header.value, "value", MAX_TEXT)?)
        };
        Ok((name.to_owned(), value.to_owned()))
    };
    headers.iter().map(pair).collect::<Result<_>>().map(HeaderList)
}
