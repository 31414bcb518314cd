use std::sync::Arc;

use super::config::roam_config;
use super::error::{ObjectId, roam_error};
use super::guard::{MAX_TEXT, Shared, boundary, give, last_error_of, on, output, text};
use super::manager::roam_manager;
use super::socket::{Parts, prepare, roam_socket, roam_socket_events, roam_socket_options};
use super::status::roam_status;
use super::types::roam_str;
use crate::client::{Lookup, Registry};

/// Finds the manager that a URL needs, so that sockets of one server share a connection. Any thread.
pub struct roam_registry {
    id: ObjectId,
    client: Arc<Registry>,
}

impl Shared for roam_registry {
    type Client = Arc<Registry>;

    fn id(&self) -> ObjectId {
        self.id
    }
    fn client(&self) -> &Arc<Registry> {
        &self.client
    }
}

/// ---- Functions: sockets by URL -------------------------------------------------------------
///
/// New registry, without managers. Never NULL. There is no other but those that programs make.
#[unsafe(no_mangle)]
pub extern "C" fn roam_registry_new() -> *mut roam_registry {
    give(roam_registry { id: ObjectId::new(), client: Arc::default() })
}

/// Make a socket for a URL: https if it has no scheme, and its path is the namespace. With
/// `multiplex` it shares the manager of its scheme, host, port and HTTP path; that is made if there
/// is none. Without, and when the shared one has a socket on this namespace already, it gets a
/// manager of its own.
///
/// `config` (NULL for the defaults) is what a new manager is made with; a manager that exists keeps
/// what it has. Its URL is not looked at, its HTTP path is. `options` may be NULL; the URL's query
/// is that of the namespace as well unless `options` has one. `events` is copied.
///
/// `socket` becomes yours, as from roam_socket_new. So does `manager` (may be NULL), a handle of its
/// own for each call, for the functions of managers: it tells no events, and freeing it ends only
/// the handle. The manager ends with the last of its handles, once the registry is freed or finds it
/// without sockets. The error is read with roam_registry_last_error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_registry_socket(
    registry: *const roam_registry,
    url: roam_str,
    config: *const roam_config,
    multiplex: bool,
    options: *const roam_socket_options,
    events: *const roam_socket_events,
    manager: *mut *mut roam_manager,
    socket: *mut *mut roam_socket,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        on(registry, |registry| {
            let out = output(socket)?;
            let url = text(url, "url", MAX_TEXT)?;
            let Parts { options, sink, finish } = prepare(options, events)?;
            let mut lookup = Lookup { multiplex, socket: options, ..Lookup::default() };
            if let Some(config) = config.as_ref() {
                lookup.config = config.options.clone();
            }
            let (found, client) = registry.socket(url, lookup, sink)?;
            if let Ok(manager) = output(manager) {
                manager.write(give(roam_manager::shared(found)));
            }
            out.write(give(finish(client)));
            Ok(())
        })
    }
}

/// The error of this thread's last failed call if it was on this registry; NULL otherwise. It lives
/// until this thread's next failed call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_registry_last_error(
    registry: *const roam_registry,
) -> *const roam_error {
    // SAFETY: the host's promise, passed on.
    unsafe { last_error_of(registry) }
}

/// Free a registry; its sockets and their managers go on. Free it before the last of them: then that
/// one's _free_wait waits until the connection is gone. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_registry_free(registry: *mut roam_registry) {
    if !registry.is_null() {
        // SAFETY: the pointer came from `give` above, and the host frees it once.
        boundary((), || drop(unsafe { Box::from_raw(registry) }));
    }
}
