use std::ffi::c_void;

use super::callback::{HostPointer, with_event};
use super::guard::{MAX_TEXT, null, on, output, text};
use super::socket::roam_socket;
use super::status::roam_status;
use super::types::{roam_event, roam_handler, roam_str};
use crate::client::{AckToken, ListenerId, Router, SocketState};
use crate::error::{Code, Error, Result};
use crate::payload::Payload;

/// A host's listener. Dropping it calls `destroy`.
struct Listener {
    call: unsafe extern "C" fn(user_data: *mut c_void, event: *const roam_event),
    user_data: HostPointer,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

impl Listener {
    fn call(&self, payload: &Payload, ack: Option<AckToken>) {
        let ack = ack.map_or(0, |token| token.0);
        // SAFETY: the host's function with the host's data and a view that outlives it.
        with_event(payload, ack, |event| unsafe { (self.call)(self.user_data.get(), event) });
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the host's function with the host's data, once and after all calls.
            unsafe { destroy(self.user_data.get()) };
        }
    }
}

/// ---- Functions: listeners ------------------------------------------------------------------
///
/// Call `handler` with every event of this name, in place of the table's on_event, which is told
/// the events whose name nobody listens to. Several listeners of a name are called in the order in
/// which they came. Listeners may be added and removed at any time, also in a handler; the event
/// that is just being told reaches those that were there before.
///
/// `listener` (may be NULL) becomes a number for roam_socket_off, never 0. `destroy` (may be NULL)
/// is called once, after the last call of `handler`; free `user_data` there. That is inside
/// roam_socket_off and its like, or when the event that is just being told is over, or at the end
/// of the socket, before the `destroy` of its table. When this function fails it is not called.
///
/// RESERVED_EVENT for "connect", "disconnect" and the like, which the table has functions for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_on(
    socket: *const roam_socket,
    name: roam_str,
    handler: roam_handler,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    listener: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        listen(
            socket,
            (handler, user_data, destroy),
            listener,
            || event_name(name),
            |router, name, own| router.on(name, move |payload, ack| own.call(payload, ack)),
        )
    }
}

/// As roam_socket_on, for one event; then the listener is removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_once(
    socket: *const roam_socket,
    name: roam_str,
    handler: roam_handler,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    listener: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        listen(
            socket,
            (handler, user_data, destroy),
            listener,
            || event_name(name),
            |router, name, own| router.once(name, move |payload, ack| own.call(payload, ack)),
        )
    }
}

/// As roam_socket_on, for the events of every name: called before those who listen to the name, and
/// beside them or on_event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_on_any(
    socket: *const roam_socket,
    handler: roam_handler,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    listener: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        listen(
            socket,
            (handler, user_data, destroy),
            listener,
            || Ok(()),
            |router, (), own| Ok(router.on_any(move |payload, ack| own.call(payload, ack))),
        )
    }
}

/// As roam_socket_on_any, before those that are there already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_prepend_any(
    socket: *const roam_socket,
    handler: roam_handler,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    listener: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        listen(
            socket,
            (handler, user_data, destroy),
            listener,
            || Ok(()),
            |router, (), own| Ok(router.prepend_any(move |payload, ack| own.call(payload, ack))),
        )
    }
}

/// Call `handler` with every event that this socket sends, when it is written, also from the queue
/// and again if it is repeated; not with answers. The rest is as with roam_socket_on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_on_any_outgoing(
    socket: *const roam_socket,
    handler: roam_handler,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    listener: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        listen(
            socket,
            (handler, user_data, destroy),
            listener,
            || Ok(()),
            |router, (), own| Ok(router.on_any_outgoing(move |payload| own.call(payload, None))),
        )
    }
}

/// As roam_socket_on_any_outgoing, before those that are there already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_prepend_any_outgoing(
    socket: *const roam_socket,
    handler: roam_handler,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    listener: *mut u64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        listen(
            socket,
            (handler, user_data, destroy),
            listener,
            || Ok(()),
            |router, (), own| {
                Ok(router.prepend_any_outgoing(move |payload| own.call(payload, None)))
            },
        )
    }
}

/// Remove a listener, of whatever kind. A number that means nothing (any more) is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_off(socket: *const roam_socket, listener: u64) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe {
        with_router(socket, |router| {
            router.off(ListenerId(listener));
            Ok(())
        })
    }
}

/// Remove all listeners of a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_off_all(
    socket: *const roam_socket,
    name: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        with_router(socket, |router| {
            router.off_all(text(name, "name", MAX_TEXT)?);
            Ok(())
        })
    }
}

/// Remove all listeners of roam_socket_on_any and roam_socket_prepend_any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_off_any(socket: *const roam_socket) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe {
        with_router(socket, |router| {
            router.off_any();
            Ok(())
        })
    }
}

/// Remove all listeners of roam_socket_on_any_outgoing and roam_socket_prepend_any_outgoing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_socket_off_any_outgoing(socket: *const roam_socket) -> roam_status {
    // SAFETY: the host's promise, passed on.
    unsafe {
        with_router(socket, |router| {
            router.off_any_outgoing();
            Ok(())
        })
    }
}

/// What a host gives for a listener.
type Host = (roam_handler, *mut c_void, Option<unsafe extern "C" fn(user_data: *mut c_void)>);

/// Add a listener. `check` says what is wrong with the call; `add` does not fail any more, because
/// the listener would be destroyed.
unsafe fn listen<P>(
    socket: *const roam_socket,
    (handler, user_data, destroy): Host,
    listener: *mut u64,
    check: impl FnOnce() -> Result<P>,
    add: impl FnOnce(&Router, P, Listener) -> Result<ListenerId>,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        with_router(socket, |router| {
            let call = handler.ok_or_else(|| null("handler"))?;
            let checked = check()?;
            let own = Listener { call, user_data: HostPointer(user_data), destroy };
            let id = add(router, checked, own)?;
            if let Ok(listener) = output(listener) {
                listener.write(id.0);
            }
            Ok(())
        })
    }
}

/// Run a body on the listeners of a socket that is not closed.
unsafe fn with_router(
    socket: *const roam_socket,
    body: impl FnOnce(&Router) -> Result<()>,
) -> roam_status {
    // SAFETY: as for `on`. A clone, because host code that runs meanwhile may free the socket.
    let router = unsafe { socket.as_ref() }.map(|socket| socket.router.clone());
    // SAFETY: the host's promise, passed on.
    unsafe {
        on(socket, |client| match router {
            Some(router) if client.state() != SocketState::Closed => body(&router),
            _ => Err(Error::new(Code::Closed, "closed")),
        })
    }
}

/// The name of an event that somebody can listen to.
unsafe fn event_name<'a>(name: roam_str) -> Result<&'a str> {
    // SAFETY: the host's promise, passed on.
    let name = unsafe { text(name, "name", MAX_TEXT)? };
    Router::check(name)?;
    Ok(name)
}
