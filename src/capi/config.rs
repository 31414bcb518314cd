use std::ffi::c_void;
use std::time::Duration;

use super::callback::{executor, socket_hook, tracer};
use super::error::{ObjectId, roam_error};
use super::guard::{
    Builder, MAX_TEXT, build, free_builder, give, last_error_of_builder, text, unknown,
};
use super::options::{
    ROAM_TIMEOUT_ACK, add_spki_pin, add_trusted_pem, set_client_certificate_pem,
    set_client_certificate_pkcs12, set_dispatch, set_limit, set_local_address, set_min_tls_version,
    set_proxy, set_server_name, set_trace_file, timeout,
};
use super::status::roam_status;
use super::types::{roam_bytes, roam_post, roam_socket_hook, roam_str, roam_trace};
use crate::client::check_manager_options;
use crate::config::{DEFAULT_PATH, Endpoint, ManagerConfig};
use crate::error::{Code, Error, Result};

/// Options of a manager. One thread at a time; a copy is taken by roam_manager_new.
pub struct roam_config {
    id: ObjectId,
    pub(super) options: ManagerConfig,
}

impl Builder for roam_config {
    fn id(&self) -> ObjectId {
        self.id
    }
}

impl roam_config {
    /// Change options; when the result is out of range nothing is changed.
    pub(super) fn change(
        &mut self,
        change: impl FnOnce(&mut ManagerConfig) -> Result<()>,
    ) -> Result<()> {
        let mut options = self.options.clone();
        change(&mut options)?;
        check_manager_options(&options)?;
        self.options = options;
        Ok(())
    }

    /// Whether there is a server to connect to.
    pub(super) fn check_url(&self, asks: bool) -> Result<()> {
        if self.options.endpoint.host.is_empty() && !asks {
            return Err(Error::new(Code::InvalidUrl, "no URL was set"));
        }
        Ok(())
    }
}

/// The server that a URL without a namespace names, at an HTTP path.
pub(super) unsafe fn endpoint(url: roam_str, path: &str) -> Result<Endpoint> {
    // SAFETY: the host's promise, passed on.
    let (endpoint, namespace) = Endpoint::parse(unsafe { text(url, "url", MAX_TEXT) }?)?;
    if namespace != "/" {
        let what = "URL: a path would be a namespace; give it to roam_socket_new";
        return Err(Error::new(Code::InvalidUrl, what));
    }
    Ok(Endpoint { path: path.to_owned(), ..endpoint })
}

/// ---- Functions: options of a manager -------------------------------------------------------
///
/// New options with the defaults. A manager needs a URL in addition, unless it asks for one
/// (on_target_wanted). Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn roam_config_new() -> *mut roam_config {
    let endpoint = Endpoint {
        secure: true,
        host: String::new(),
        port: 443,
        path: DEFAULT_PATH.into(),
        query: String::new(),
    };
    give(roam_config { id: ObjectId::new(), options: ManagerConfig::new(endpoint) })
}

/// The server: http, https, ws or wss, host, port and query. A path other than "/" is refused with
/// INVALID_URL, because in Socket.IO it would be a namespace, which roam_socket_new takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_url(
    config: *mut roam_config,
    url: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.endpoint = endpoint(url, &config.options.endpoint.path)?;
            Ok(())
        })
    }
}

/// The HTTP path of the server, "/socket.io/" by default, percent-encoded. It gets exactly one slash
/// at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_path(
    config: *mut roam_config,
    path: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let path = text(path, "path", MAX_TEXT)?;
            config.change(|options| {
                options.endpoint.set_path(path, true);
                Ok(())
            })
        })
    }
}

/// As roam_config_set_path, without the slash at its end; few servers answer there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_path_without_slash(
    config: *mut roam_config,
    path: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let path = text(path, "path", MAX_TEXT)?;
            config.change(|options| {
                options.endpoint.set_path(path, false);
                Ok(())
            })
        })
    }
}

/// Add a header to every request, the WebSocket handshake included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_add_header(
    config: *mut roam_config,
    name: roam_str,
    value: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let (name, value) = (text(name, "name", MAX_TEXT)?, text(value, "value", MAX_TEXT)?);
            config.options.common.add_header(name, value)
        })
    }
}

/// Trust the certificates of a PEM text beside those of the system.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_add_trusted_pem(
    config: *mut roam_config,
    pem: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| config.change(|options| add_trusted_pem(&mut options.common, pem)))
    }
}

/// Show a certificate to servers that ask for one: PEM, the own certificate first, then those that
/// it needs to be trusted; and its key, PKCS#8 and not encrypted ("BEGIN PRIVATE KEY"). Damaged
/// ones are INVALID_ARGUMENT here or in roam_manager_new, and what the platform does not take (on
/// iOS anything but PKCS#12, on Windows keys other than RSA) is UNSUPPORTED there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_client_certificate_pem(
    config: *mut roam_config,
    certificates: roam_str,
    key: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_client_certificate_pem(&mut options.common, certificates, key)
            })
        })
    }
}

/// Show a certificate to servers that ask for one: a PKCS#12 archive (.p12, .pfx) and its password.
/// A damaged archive and a wrong password are INVALID_ARGUMENT in roam_manager_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_client_certificate_pkcs12(
    config: *mut roam_config,
    archive: roam_bytes,
    password: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                set_client_certificate_pkcs12(&mut options.common, archive, password)
            })
        })
    }
}

/// Accept only servers whose own certificate has one of the pinned public keys: the base64 of the
/// SHA-256 of its SubjectPublicKeyInfo, with "sha256/" before it or not. The certificate is
/// verified as well.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_add_spki_pin(
    config: *mut roam_config,
    pin: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| config.change(|options| add_spki_pin(&mut options.common, pin)))
    }
}

/// The name that is sent to the server (SNI) and that its certificate must have, in place of the
/// host's; empty for the host's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_server_name(
    config: *mut roam_config,
    name: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| config.change(|options| set_server_name(&mut options.common, name)))
    }
}

/// The oldest version of TLS that is spoken: ROAM_TLS_1_2 or ROAM_TLS_1_3. What the platform does
/// not have is UNSUPPORTED in roam_manager_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_min_tls_version(
    config: *mut roam_config,
    version: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_min_tls_version(&mut options.common, version))
        })
    }
}

/// Accept any certificate for any name. For development only; every connect logs a warning.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_dangerously_accept_any_certificate(
    config: *mut roam_config,
    accept: bool,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.tls.dangerously_accept_anything = accept;
            Ok(())
        })
    }
}

/// Reach every server through a proxy: http://user:password@host:port for HTTP CONNECT, or
/// socks5://..., which resolves the server's name; user and password percent-encoded; empty for no
/// proxy, the default. It never sees inside TLS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_proxy(
    config: *mut roam_config,
    url: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { build(config, |config| config.change(|options| set_proxy(&mut options.common, url))) }
}

/// The address of this device that connections are made from, empty for any, the default. Only
/// the server's addresses of its family are tried: "0.0.0.0" means IPv4 only, "::" IPv6 only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_local_address(
    config: *mut roam_config,
    address: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_local_address(&mut options.common, address))
        })
    }
}

/// Look at every new socket before it connects: to bind it to a network, to protect it from a VPN, or
/// to set options of the system. `hook` gets the descriptor (on Windows the SOCKET) and
/// ROAM_SOCKET_PURPOSE_..., and says whether the socket may be used; an attempt whose socket is
/// refused fails with CONNECT, or PROXY.
///
/// It runs on the I/O thread, also at the same time as everything else of yours, and must not wait,
/// close the socket or connect it. What decides about the way of the connections has to be done to
/// sockets of every purpose; otherwise the device seems to be in another network than its
/// connections are.
///
/// `destroy` (may be NULL) is called once, on any thread, when neither a config nor an object uses the
/// hook any more. When this function fails it is not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_socket_hook(
    config: *mut roam_config,
    hook: roam_socket_hook,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.on_socket = Some(socket_hook(hook, user_data, destroy)?);
            Ok(())
        })
    }
}

/// Who runs callbacks: ROAM_DISPATCH_THREAD, _MANUAL or _INLINE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_dispatch(
    config: *mut roam_config,
    mode: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { build(config, |config| set_dispatch(&mut config.options.common, mode)) }
}

/// Have callbacks run where your own loop or queue runs them (a main queue, a looper, a game's
/// loop). When there is something, `post` is called: queue `run` with `job` and return true.
///
/// `post` runs on any thread, inside calls of yours too, and for several managers at once. It must
/// not wait, and should not call `run` itself: callbacks would run inside your own call. _free_wait
/// functions answer WOULD_DEADLOCK in it.
///
/// Call `run(job)` exactly once, on any thread, holding no lock that your callbacks take. Per
/// manager at most one job is out that has not begun; it runs a bounded number of callbacks, and if
/// there are more another job is posted behind what waits in your loop.
///
/// When your loop can run nothing any more return false, and do not call `run`: threads of the
/// library run the callbacks from then on. A job that was accepted and is never run leaks, and no
/// more callbacks come, so run what is queued before the loop ends. _free_wait works all the same:
/// the completions and the `destroy` of what it frees run on the thread that calls it, unless a job
/// is running. So it may be called where jobs run, outside callbacks.
///
/// `destroy` (may be NULL) is called once, on any thread, when neither a config nor an object uses
/// the executor any more and all jobs are over; that may be a moment after the last _free_wait has
/// returned. When this function fails it is not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_executor(
    config: *mut roam_config,
    post: roam_post,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.dispatch = executor(post, user_data, destroy)?;
            Ok(())
        })
    }
}

/// Write a trace of each manager to a file, which is replaced: everything that it does, one JSON
/// object per line, for a bug report or for the timeline tool (docs/trace.md). It holds no token,
/// ticket, header, query or payload. Empty for none, the default. A file that cannot be written, or that
/// another object writes, is INVALID_ARGUMENT in roam_manager_new. _free_wait waits for the last line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_trace_file(
    config: *mut roam_config,
    path: roam_str,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe { build(config, |config| set_trace_file(&mut config.options.common, path)) }
}

/// Have each line of the trace of each manager given to a function: on a thread of the trace, for
/// several managers at once. It may take its time, up to a mebibyte of lines waits for it, and what
/// then has no room is counted in the trace; it must not call functions of this library. `destroy`,
/// which may be NULL, is called once, on any thread, when neither a config nor an object uses the
/// function any more. When this function fails it is not called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_trace(
    config: *mut roam_config,
    trace: roam_trace,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.common.trace = Some(tracer(trace, user_data, destroy)?);
            Ok(())
        })
    }
}

/// Whether to reconnect after a loss; yes by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_reconnect(
    config: *mut roam_config,
    enabled: bool,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.reconnect.enabled = enabled;
            Ok(())
        })
    }
}

/// The wait before the first attempt to reconnect and the longest wait, 1 ms to 24 h each; 1 s and
/// 5 s by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_reconnect_delay_ms(
    config: *mut roam_config,
    min_ms: u32,
    max_ms: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                options.reconnect.min = Duration::from_millis(min_ms.into());
                options.reconnect.max = Duration::from_millis(max_ms.into());
                options.reconnect.floor = options.reconnect.floor.min(options.reconnect.max);
                Ok(())
            })
        })
    }
}

/// How waits grow per failed attempt, 1 to 100, and how far they spread around their middle, 0 to
/// 1; 2 and 0.5 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_reconnect_growth(
    config: *mut roam_config,
    factor: f64,
    jitter: f64,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                options.reconnect.factor = factor;
                options.reconnect.jitter = jitter;
                Ok(())
            })
        })
    }
}

/// Failed attempts before giving up; 0 for no end, the default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_reconnect_attempts(
    config: *mut roam_config,
    attempts: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.options.reconnect.attempts = (attempts > 0).then_some(attempts);
            Ok(())
        })
    }
}

/// How reconnecting is held back in addition: no wait is shorter than `floor_ms`; a connection must
/// have lived `stable_ms` before waits are short again; in any ten seconds at most `dials_per_10s`
/// attempts start. By default 100 ms, 10 s and 20; up to the longest wait, up to 24 h, at least 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_reconnect_pace(
    config: *mut roam_config,
    floor_ms: u32,
    stable_ms: u32,
    dials_per_10s: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| {
                options.reconnect.floor = Duration::from_millis(floor_ms.into());
                options.reconnect.stable_after = Duration::from_millis(stable_ms.into());
                options.reconnect.dials_per_10s = dials_per_10s;
                Ok(())
            })
        })
    }
}

/// A time limit, ROAM_TIMEOUT_...: 1 ms to 24 h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_timeout_ms(
    config: *mut roam_config,
    which: u32,
    ms: u32,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            let limit = Duration::from_millis(ms.into());
            config.change(|options| {
                if which == ROAM_TIMEOUT_ACK {
                    options.ack_timeout = (ms > 0).then_some(limit);
                } else {
                    let slot = timeout(&mut options.common, which);
                    *slot.ok_or_else(|| unknown("timeout", which))? = limit;
                }
                Ok(())
            })
        })
    }
}

/// A limit of sizes and queues, ROAM_LIMIT_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_set_limit(
    config: *mut roam_config,
    which: u32,
    value: usize,
) -> roam_status {
    // SAFETY: the host's promises for its arguments, passed on.
    unsafe {
        build(config, |config| {
            config.change(|options| set_limit(&mut options.common, which, value))
        })
    }
}

/// The error of this thread's last failed call if it was on this config; NULL otherwise. It lives
/// until this thread's next failed call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_last_error(config: *const roam_config) -> *const roam_error {
    // SAFETY: the host's promise, passed on.
    unsafe { last_error_of_builder(config) }
}

/// Free options; managers made from them are not affected. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_config_free(config: *mut roam_config) {
    // SAFETY: the host's promise, passed on.
    unsafe { free_builder(config) }
}
