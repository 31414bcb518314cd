use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use super::callback::{HostTable, Link, Table, completion, with_event};
use super::error::{ObjectId, optional_view, roam_error, view};
use super::guard::{
    Handle, MAX_TEXT, attachments, free, free_wait, give, last_error_of, on, output, text,
};
use super::manager::{roam_manager, with_transition};
use super::status::roam_status;
use super::types::{roam_bytes, roam_completion, roam_event, roam_str, roam_transition};
use crate::client::{AckToken, EmitOptions, Offline, RequestId, Router, Socket, SocketEvent};
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
    /// The namespace is joined, under this id of the server.
    pub on_connect: Option<unsafe extern "C" fn(user_data: *mut c_void, socket_sid: roam_str)>,
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
}

// SAFETY: `repr(C)`, `struct_size` first; all members may be zero.
unsafe impl HostTable for roam_socket_events {
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
            SocketEvent::State { transition, socket_sid, reason, .. } => {
                if let Some(on_state) = table.on_state {
                    // SAFETY: the host's function with the host's data and a view that outlives it.
                    with_transition(transition, |step| unsafe { on_state(user_data, step) });
                }
                if self.link.is_freed() {
                    return;
                }
                if let (Some(on_connect), Some(sid)) = (table.on_connect, socket_sid) {
                    // SAFETY: as above.
                    unsafe { on_connect(user_data, roam_str::of(sid)) };
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
            SocketEvent::Sent { .. }
            | SocketEvent::Dropped { .. }
            | SocketEvent::AuthWanted { .. } => {}
            SocketEvent::Event { payload, ack } => {
                if let Some(on_event) = table.on_event {
                    let ack = ack.map_or(0, |token| token.0);
                    // SAFETY: as above.
                    with_event(payload, ack, |event| unsafe { on_event(user_data, event) });
                }
            }
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

impl Handle for roam_socket {
    type Client = Socket;

    fn id(&self) -> ObjectId {
        self.id
    }
    fn client(&self) -> &Socket {
        &self.client
    }
    fn link(&self) -> &Link {
        &self.link
    }
    fn close(client: &Socket) {
        client.close();
    }
    fn close_wait(client: &Socket, timeout: Duration) -> Result<()> {
        client.close_wait(timeout)
    }
}

/// ---- Functions: sockets --------------------------------------------------------------------
///
/// Make a socket on a namespace, "/" or "/...". INVALID_STATE while another socket of this manager
/// uses it. There is no traffic before roam_socket_connect. `events` is copied. Its error is read
/// with roam_manager_last_error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_new(
    manager: *const roam_manager,
    nsp: roam_str,
    events: *const roam_socket_events,
    out: *mut *mut roam_socket,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(manager, |manager| {
            let out = output(out)?;
            let nsp = text(nsp, "nsp", MAX_TEXT)?;
            let (table, link) = Table::read(events)?;
            let router = Router::new();
            let told = Told { table, router: router.clone() };
            let client =
                manager.socket_with_router(nsp, &router, move |event| told.tell(&event))?;
            link.arm();
            out.write(give(roam_socket { id: ObjectId::new(), client, link, router }));
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

/// Leave the namespace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_disconnect(socket: *const roam_socket) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(socket, Socket::disconnect) }
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

/// Emit an event. `args_json` is a JSON array of its arguments; where a binary value belongs it
/// holds {"_placeholder":true,"num":i}, which stands for attachment i. While the socket is not
/// connected events wait, in order; QUEUE_FULL when too many do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_emit(
    socket: *const roam_socket,
    name: roam_str,
    args_json: roam_str,
    attachments: *const roam_bytes,
    attachment_count: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let (name, args) = event(socket, name, args_json)?;
            let options = options(socket, attachments, attachment_count, 0)?;
            socket.emit_with(name, args, options)
        })
    }
}

/// As roam_socket_emit, but dropped unless it can be written at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_emit_volatile(
    socket: *const roam_socket,
    name: roam_str,
    args_json: roam_str,
    attachments: *const roam_bytes,
    attachment_count: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let (name, args) = event(socket, name, args_json)?;
            let options = options(socket, attachments, attachment_count, 0)?;
            socket.emit_with(name, args, EmitOptions { offline: Offline::Volatile, ..options })
        })
    }
}

/// As roam_socket_emit, and have the server answer. The completion gets the server's arguments, or
/// ACK_TIMEOUT or ACK_LOST (the server may or may not have acted), NOT_SENT, CANCELLED or CLOSED.
/// `timeout_ms` counts from now, connected or not; 0 means the manager's. `request` (may be NULL)
/// becomes a number for roam_socket_cancel. QUEUE_FULL also while as many completions are outstanding
/// as ROAM_LIMIT_HOST_QUEUE_EVENTS allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_emit_with_ack(
    socket: *const roam_socket,
    name: roam_str,
    args_json: roam_str,
    attachments: *const roam_bytes,
    attachment_count: usize,
    timeout_ms: u32,
    completion: roam_completion,
    request: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            let done = self::completion(completion)?;
            let (name, args) = event(socket, name, args_json)?;
            let options = options(socket, attachments, attachment_count, timeout_ms)?;
            let number = socket.emit_with_ack(name, args, options, done)?;
            if let Ok(request) = output(request) {
                request.write(number.0);
            }
            Ok(())
        })
    }
}

/// Forget a request: its completion gets CANCELLED unless it was called already. What was sent is
/// sent. A number that means nothing (any more) is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_cancel(
    socket: *const roam_socket,
    request: u64,
) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe { on(socket, |socket| socket.cancel(RequestId(request))) }
}

/// Answer an event that has an ack_token, in its callback or later, from any thread. `args_json` is
/// a JSON array. Only the first answer is sent, and only on the connection that the event came
/// from; others are dropped silently.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_ack(
    socket: *const roam_socket,
    ack_token: u64,
    args_json: roam_str,
    attachments: *const roam_bytes,
    attachment_count: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(socket, |socket| {
            if ack_token == 0 {
                return Err(Error::new(Code::InvalidArgument, "ack_token: 0"));
            }
            let args = text(args_json, "args_json", socket.limits().wire_queue_bytes)?;
            let options = options(socket, attachments, attachment_count, 0)?;
            socket.ack_binary(AckToken(ack_token), args, options.attachments)
        })
    }
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

/// The texts of an event.
unsafe fn event<'a>(
    socket: &Socket,
    name: roam_str,
    args_json: roam_str,
) -> Result<(&'a str, &'a str)> {
    let max = socket.limits().wire_queue_bytes;
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { Ok((text(name, "name", max)?, text(args_json, "args_json", max)?)) }
}

/// The other arguments of an event.
unsafe fn options(
    socket: &Socket,
    parts: *const roam_bytes,
    count: usize,
    timeout_ms: u32,
) -> Result<EmitOptions> {
    let limits = socket.limits();
    // SAFETY: the host's promises for its arguments, passed on.
    let attachments =
        unsafe { attachments(parts, count, limits.outbound_attachments, limits.wire_queue_bytes)? };
    let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms.into()));
    Ok(EmitOptions { attachments, offline: Offline::Wait, timeout })
}
