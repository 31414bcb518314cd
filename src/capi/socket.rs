use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use super::callback::{HostStruct, HostTable, Link, Table, copied_or_zero, with_event};
use super::emit::limit;
use super::error::{ObjectId, optional_view, roam_error, view};
use super::guard::{
    Handle, MAX_TEXT, Shared, free, free_wait, give, last_error_of, on, output, text,
};
use super::manager::{roam_manager, with_transition};
use super::status::roam_status;
use super::types::{ask_token, refusal, roam_event, roam_str, roam_transition};
use crate::client::{Router, Socket, SocketEvent};
use crate::config::{Retries, SocketOptions};
use crate::error::{Code, Error, Result};

/// ---- States of a socket --------------------------------------------------------------------
///
/// Not connected, and not trying.
pub const ROAM_SOCKET_STATE_IDLE: u32 = 0;
/// Wants to join; not yet joined.
pub const ROAM_SOCKET_STATE_JOINING: u32 = 1;
/// Joined.
pub const ROAM_SOCKET_STATE_CONNECTED: u32 = 2;
/// Was joined; joins again when there is a connection.
pub const ROAM_SOCKET_STATE_REJOINING: u32 = 3;
/// Closed for good.
pub const ROAM_SOCKET_STATE_CLOSED: u32 = 4;

/// Why a joined namespace was left: one of ROAM_DISCONNECT_...
pub type roam_disconnect_reason = u32;
/// ---- Why a namespace was left --------------------------------------------------------------
///
/// The server disconnected it ("io server disconnect"); it does not join again by itself.
pub const ROAM_DISCONNECT_SERVER: u32 = 1;
/// roam_socket_disconnect ("io client disconnect").
pub const ROAM_DISCONNECT_CLIENT: u32 = 2;
/// The server's heartbeat did not arrive ("ping timeout").
pub const ROAM_DISCONNECT_PING_TIMEOUT: u32 = 3;
/// The connection was closed ("transport close").
pub const ROAM_DISCONNECT_TRANSPORT_CLOSE: u32 = 4;
/// The connection broke ("transport error").
pub const ROAM_DISCONNECT_TRANSPORT_ERROR: u32 = 5;
/// The server sent something that is no packet ("parse error").
pub const ROAM_DISCONNECT_PARSE_ERROR: u32 = 6;

/// One namespace of a manager. Any thread.
pub struct roam_socket {
    id: ObjectId,
    client: Socket,
    link: Arc<Link>,
    pub(super) router: Router,
}

/// What a socket tells. Zero it, set `struct_size` and what you want to hear.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_socket_events {
    /// sizeof(roam_socket_events).
    pub struct_size: usize,
    /// Passed to every function.
    pub user_data: *mut c_void,
    /// Called once, after every other function and completion: free `user_data` here.
    pub destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// The state is ROAM_SOCKET_STATE_... Comes before on_connect and on_disconnect.
    pub on_state:
        Option<unsafe extern "C" fn(user_data: *mut c_void, step: *const roam_transition)>,
    /// The namespace is joined, under this id of the server. When `recovered` the server has
    /// restored the state of the former connection, and sends what was missed as ordinary events:
    /// before this, as current servers do, or after it.
    pub on_connect:
        Option<unsafe extern "C" fn(user_data: *mut c_void, socket_sid: roam_str, recovered: bool)>,
    /// The joined namespace was left. `cause` may be NULL.
    pub on_disconnect: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            reason: roam_disconnect_reason,
            cause: *const roam_error,
        ),
    >,
    /// The server refused the namespace (roam_error_server_json says why), or joining failed. When
    /// `active` the socket tries again by itself.
    pub on_connect_error: Option<
        unsafe extern "C" fn(user_data: *mut c_void, error: *const roam_error, active: bool),
    >,
    /// An event that nobody listens to by its name (roam_socket_on).
    pub on_event: Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const roam_event)>,
    /// An emitted event without completion is never sent, NOT_SENT, as its ROAM_OFFLINE_... says; or
    /// it was repeated as often as `retries` allows and never confirmed, ACK_TIMEOUT or ACK_LOST.
    pub on_dropped: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            event: *const roam_event,
            error: *const roam_error,
        ),
    >,
    /// Which auth payload? Asked before the namespace is joined, each time, if this function is set
    /// (that of roam_socket_connect is not used then); answer with roam_socket_provide_auth or
    /// roam_socket_refuse_auth. `error` says why joining failed the last time, or is NULL.
    pub on_auth_wanted: Option<
        unsafe extern "C" fn(user_data: *mut c_void, ask_token: u64, error: *const roam_error),
    >,
}

/// Options of a socket. Zero it, set `struct_size` and what you need; zeros are the defaults.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct roam_socket_options {
    /// sizeof(roam_socket_options).
    pub struct_size: usize,
    /// Query of the namespace, percent-encoded and joined with '&': ROAM_REVISION_3 only, where it
    /// is what auth payloads are later.
    pub query: roam_str,
    /// Not 0: deliver every event at least once, volatile ones excepted. Each asks for an ack, and
    /// goes again, this often at most, when none comes in time; after a reconnect all without an ack
    /// go again, in order and before newer ones.
    pub retries: u32,
    /// With `retries`: so many events may be without an ack at the same time, the next ones wait; 1
    /// to 10,000, 0 for 16. First deliveries keep their order.
    pub retry_window: u32,
    /// With `retries`: append one argument to each event, a text that is the same whenever it goes
    /// again and that no other event has, so that the server can tell.
    pub idempotency_key: bool,
    /// Time limit of acks in milliseconds, up to 24 h; 0 for the manager's.
    pub ack_timeout_ms: u32,
}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostStruct for roam_socket_options {}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostStruct for roam_socket_events {}

impl HostTable for roam_socket_events {
    fn user_data(&self) -> *mut c_void {
        self.user_data
    }
    fn destroy(&self) -> Option<unsafe extern "C" fn(user_data: *mut c_void)> {
        self.destroy
    }
}

impl Table<roam_socket_events> {
    fn tell(&self, event: &SocketEvent) {
        let (table, user_data) = (&self.functions, self.functions.user_data);
        match event {
            SocketEvent::State { transition, socket_sid, reason, recovered } => {
                if let Some(on_state) = table.on_state {
                    // SAFETY: the host's function with the host's data and a view that outlives it.
                    with_transition(transition, |step| unsafe { on_state(user_data, step) });
                }
                if self.link.is_freed() {
                    return;
                }
                if let (Some(on_connect), Some(sid)) = (table.on_connect, socket_sid) {
                    // SAFETY: as above.
                    unsafe { on_connect(user_data, roam_str::of(sid), *recovered) };
                }
                if let (Some(on_disconnect), Some(reason)) = (table.on_disconnect, reason) {
                    let cause = optional_view(transition.cause.as_ref());
                    // SAFETY: as above.
                    unsafe { on_disconnect(user_data, *reason as u32, cause) };
                }
            }
            SocketEvent::ConnectError { error, active } => {
                if let Some(on_connect_error) = table.on_connect_error {
                    // SAFETY: as above.
                    unsafe { on_connect_error(user_data, view(error), *active) };
                }
            }
            SocketEvent::Event { payload, ack } => {
                if let Some(on_event) = table.on_event {
                    let ack = ack.map_or(0, |token| token.0);
                    // SAFETY: as above.
                    with_event(payload, ack, |event| unsafe { on_event(user_data, event) });
                }
            }
            SocketEvent::Dropped { payload, error } => {
                if let Some(on_dropped) = table.on_dropped {
                    let error = view(error);
                    // SAFETY: as above.
                    with_event(payload, 0, |event| unsafe { on_dropped(user_data, event, error) });
                }
            }
            SocketEvent::AuthWanted { token, error } => {
                if let Some(on_auth_wanted) = table.on_auth_wanted {
                    let error = optional_view(error.as_ref());
                    // SAFETY: as above.
                    unsafe { on_auth_wanted(user_data, token.0, error) };
                }
            }
            // The listeners of sent events are told (`router`).
            SocketEvent::Sent { .. } => {}
        }
    }
}

/// Everything of the host that is called for a socket. The listeners go before the table.
struct Told {
    table: Table<roam_socket_events>,
    router: Router,
}

impl Told {
    fn tell(&self, event: &SocketEvent) {
        self.table.tell(event);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.router.clear();
    }
}

impl Shared for roam_socket {
    type Client = Socket;

    fn id(&self) -> ObjectId {
        self.id
    }
    fn client(&self) -> &Socket {
        &self.client
    }
}

impl Handle for roam_socket {
    fn link(&self) -> &Link {
        &self.link
    }
    fn close(&self) {
        self.client.close();
    }
    fn close_wait(&self, client: &Socket, timeout: Duration) -> Result<()> {
        client.close_wait(timeout)
    }
}

/// ---- Functions: sockets --------------------------------------------------------------------
///
/// Make a socket on a namespace, "/" or "/...". INVALID_STATE while another socket of this manager
/// uses it. There is no traffic before roam_socket_connect. `options` may be NULL; it and `events`
/// are copied. Its error is read with roam_manager_last_error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_new(
    manager: *const roam_manager,
    nsp: roam_str,
    options: *const roam_socket_options,
    events: *const roam_socket_events,
    out: *mut *mut roam_socket,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            let out = output(out)?;
            let nsp = text(nsp, "nsp", MAX_TEXT)?;
            let Parts { options, sink, finish } = prepare(options, events)?;
            out.write(give(finish(manager.socket_with(nsp, options, sink)?)));
            Ok(())
        })
    }
}

/// Join the namespace, now and after every reconnect. `auth_json` is a JSON object for the server,
/// or empty. When the namespace is wanted already only `auth_json` changes, for the next time.
/// QUEUE_FULL when calls come faster than they can be looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_connect(
    socket: *const roam_socket,
    auth_json: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let auth = text(auth_json, "auth_json", socket.limits().wire_queue_bytes)?;
            socket.connect((!auth.is_empty()).then_some(auth))
        })
    }
}

/// Answer on_auth_wanted, in it or later, from any thread. `auth_json` is as for
/// roam_socket_connect. What is wrong with the call leaves the question open. An answer that comes
/// too late or a second time is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_provide_auth(
    socket: *const roam_socket,
    ask_token: u64,
    auth_json: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let token = self::ask_token(ask_token)?;
            let auth = text(auth_json, "auth_json", socket.limits().wire_queue_bytes)?;
            socket.provide_auth(token, Ok((!auth.is_empty()).then_some(auth)))
        })
    }
}

/// Answer on_auth_wanted with no: the namespace is not joined, on_connect_error gets CANCELLED with
/// this message, and the socket rests until roam_socket_connect. The rest is as with
/// roam_socket_provide_auth.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_refuse_auth(
    socket: *const roam_socket,
    ask_token: u64,
    message: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            socket.provide_auth(self::ask_token(ask_token)?, Err(refusal(message)?))
        })
    }
}

/// Leave the namespace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_disconnect(socket: *const roam_socket) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(socket, Socket::disconnect) }
}

/// The namespace; lives as long as the socket. Empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_nsp(socket: *const roam_socket) -> roam_str {
    // SAFETY: as for `on`.
    let socket = unsafe { socket.as_ref() };
    socket.map_or(roam_str::EMPTY, |socket| roam_str::of(socket.client.namespace()))
}

/// The state as the callbacks have told it: ROAM_SOCKET_STATE_... CLOSED for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_state(socket: *const roam_socket) -> u32 {
    let mut state = ROAM_SOCKET_STATE_CLOSED;
    // SAFETY: the host's promise, passed on.
    unsafe {
        on(socket, |socket| {
            state = socket.state() as u32;
            Ok(())
        })
    };
    state
}

/// Manual dispatch: as roam_manager_dispatch of its manager, also when that is freed already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_dispatch(
    socket: *const roam_socket,
    max_events: usize,
    dispatched: *mut usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let count = socket.dispatch(max_events)?;
            if let Ok(dispatched) = output(dispatched) {
                dispatched.write(count);
            }
            Ok(())
        })
    }
}

/// The error of this thread's last failed call if it was on this socket; NULL otherwise. It lives
/// until this thread's next failed call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_last_error(socket: *const roam_socket) -> *const roam_error {
    // SAFETY: the host's promise, passed on.
    unsafe { last_error_of(socket) }
}

/// Leave the namespace and free the socket; see "End of life" above. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_free(socket: *mut roam_socket) {
    // SAFETY: the host's promise, passed on.
    unsafe { free(socket) }
}

/// Free a socket and wait until `destroy` has run and, if nothing of its manager is left, the
/// connection is gone. WOULD_DEADLOCK inside a callback: nothing is freed. TIMED_OUT after
/// `timeout_ms`: it is closed, but still yours; call this again, or roam_socket_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_free_wait(
    socket: *mut roam_socket,
    timeout_ms: u32,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { free_wait(socket, timeout_ms) }
}

/// What a socket of the host is made with.
pub(super) struct Parts<S, F> {
    pub(super) options: SocketOptions,
    /// Is told its events.
    pub(super) sink: S,
    /// Makes the handle of it.
    pub(super) finish: F,
}

/// Read what the host says about a socket.
pub(super) unsafe fn prepare(
    options: *const roam_socket_options,
    events: *const roam_socket_events,
) -> Result<Parts<impl FnMut(SocketEvent) + Send + 'static, impl FnOnce(Socket) -> roam_socket>> {
    // SAFETY: the host's promises for its arguments, passed on.
    let mut options = unsafe { socket_options(options) }?;
    // SAFETY: as above.
    let (table, link) = unsafe { Table::read(events) }?;
    options.ask_auth = table.functions.on_auth_wanted.is_some();
    let router = Router::new();
    let told = Told { table, router: router.clone() };
    let (sink, attach) = router.clone().serve(move |event| told.tell(&event));
    let finish = move |client: Socket| {
        attach(&client);
        link.arm();
        roam_socket { id: ObjectId::new(), client, link, router }
    };
    Ok(Parts { options, sink, finish })
}

unsafe fn socket_options(host: *const roam_socket_options) -> Result<SocketOptions> {
    // SAFETY: the host's promises for its arguments, passed on.
    let host = unsafe { copied_or_zero(host, "options") }?;
    // SAFETY: as above.
    let query = unsafe { text(host.query, "options.query", MAX_TEXT) }?.to_owned();
    let (times, window, idempotency_key) = (host.retries, host.retry_window, host.idempotency_key);
    if times == 0 && (window > 0 || idempotency_key) {
        let text = "options.retries: 0, and what belongs to it is set";
        return Err(Error::new(Code::InvalidArgument, text));
    }
    let window = if window == 0 { Retries::default().window } else { window };
    let retries = (times > 0).then_some(Retries { times, window, idempotency_key });
    let ack_timeout = limit(host.ack_timeout_ms);
    Ok(SocketOptions { query, ask_auth: false, retries, ack_timeout })
}
