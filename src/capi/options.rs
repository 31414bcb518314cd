use std::time::Duration;

use super::guard::{MAX_TEXT, bytes, text, unknown};
use super::types::{roam_bytes, roam_str};
use crate::config::{
    ClientIdentity, CommonConfig, DispatchMode, Limits, Proxy, TlsVersion, TraceSink,
};
use crate::error::{Code, Error, Result};

/// ---- Options: dispatch, TLS, time limits, limits -------------------------------------------
///
/// Callbacks run on threads of the library; the default.
pub const ROAM_DISPATCH_THREAD: u32 = 0;
/// Callbacks run inside roam_manager_dispatch, roam_socket_dispatch or roam_conference_dispatch.
pub const ROAM_DISPATCH_MANUAL: u32 = 1;
/// Callbacks run where the host's own loop or queue runs them; chosen by
/// roam_config_set_executor or roam_conference_config_set_executor.
pub const ROAM_DISPATCH_EXECUTOR: u32 = 2;
/// Callbacks run on the I/O thread, right where something arrives: the lowest latency. They must
/// never block: all traffic of the process waits for them.
pub const ROAM_DISPATCH_INLINE: u32 = 3;

/// A socket is for TCP to the server.
pub const ROAM_SOCKET_PURPOSE_SERVER: u32 = 0;
/// A socket is for TCP to the proxy.
pub const ROAM_SOCKET_PURPOSE_PROXY: u32 = 1;
/// A socket is for UDP, and only to learn which address the system would use: nothing is sent on it.
pub const ROAM_SOCKET_PURPOSE_PROBE: u32 = 2;

/// TLS 1.2; the default.
pub const ROAM_TLS_1_2: u32 = 12;
/// TLS 1.3, where the TLS library has it: not on Apple's.
pub const ROAM_TLS_1_3: u32 = 13;

/// Time limit of a whole attempt to connect; 20 s.
pub const ROAM_TIMEOUT_ATTEMPT: u32 = 0;
/// Time limit of the name lookup; 5 s.
pub const ROAM_TIMEOUT_DNS: u32 = 1;
/// Time limit of all TCP connects of an attempt together; 10 s.
pub const ROAM_TIMEOUT_TCP: u32 = 2;
/// Time limit of the TLS handshake; 10 s.
pub const ROAM_TIMEOUT_TLS: u32 = 3;
/// Time limit of the WebSocket handshake and the Engine.IO open packet; 10 s.
pub const ROAM_TIMEOUT_OPEN: u32 = 4;
/// Time limit of joining a namespace; 10 s.
pub const ROAM_TIMEOUT_NAMESPACE: u32 = 5;
/// Time limit of an ack for which none is given; 30 s. Managers only; 0 for none.
pub const ROAM_TIMEOUT_ACK: u32 = 6;
/// Time limit of the answer to a login; 15 s. This and the following for conferences only.
pub const ROAM_TIMEOUT_LOGIN: u32 = 7;
/// Time limit of the answer to a relogin, counted only while no byte arrives; 15 s.
pub const ROAM_TIMEOUT_RELOGIN: u32 = 8;
/// Time limit of the answer to a refresh of the ticket; 10 s.
pub const ROAM_TIMEOUT_REFRESH: u32 = 9;
/// Time limit of leaving; 3 s.
pub const ROAM_TIMEOUT_LOGOUT: u32 = 10;
/// Time limit of a request for which none is given; 15 s.
pub const ROAM_TIMEOUT_REQUEST: u32 = 11;
/// For how long after a loss the short delays of resuming apply; 120 s.
pub const ROAM_TIMEOUT_FAST_RESUME: u32 = 12;
/// Time limit of an upgrade from polling to WebSocket; 10 s. This and the following for all.
pub const ROAM_TIMEOUT_UPGRADE: u32 = 13;
/// Time limit of the answer to one POST of polling; 20 s.
pub const ROAM_TIMEOUT_POST: u32 = 14;
/// Time limit of the host's answer to on_target_wanted and on_auth_wanted; 20 s.
pub const ROAM_TIMEOUT_PROVIDER: u32 = 15;
/// For how long WebSocket is alone before polling starts beside it (ROAM_OPENING_RACE); 1.5 s, and
/// four times the time of the TCP connect if that is more.
pub const ROAM_TIMEOUT_RACE: u32 = 16;
/// For how long polling goes on after a failed upgrade before the next; 30 s.
pub const ROAM_TIMEOUT_UPGRADE_AGAIN: u32 = 17;

/// Bytes of one inbound message; 16 MiB.
pub const ROAM_LIMIT_INBOUND_MESSAGE: u32 = 0;
/// Attachments of one inbound event; 64.
pub const ROAM_LIMIT_INBOUND_ATTACHMENTS: u32 = 1;
/// Attachments of one outbound event; 10, because current servers close the connection at 11.
pub const ROAM_LIMIT_OUTBOUND_ATTACHMENTS: u32 = 2;
/// Open arrays and objects in JSON; 128, the most.
pub const ROAM_LIMIT_JSON_DEPTH: u32 = 3;
/// Events waiting for the wire; 1,000.
pub const ROAM_LIMIT_WIRE_QUEUE_EVENTS: u32 = 4;
/// Bytes waiting for the wire; 8 MiB. No single text of a call can be longer.
pub const ROAM_LIMIT_WIRE_QUEUE_BYTES: u32 = 5;
/// Events waiting for callbacks; 10,000. When they are reached nothing more is read.
pub const ROAM_LIMIT_HOST_QUEUE_EVENTS: u32 = 6;
/// Bytes waiting for callbacks; 16 MiB.
pub const ROAM_LIMIT_HOST_QUEUE_BYTES: u32 = 7;

/// A certificate file with many authorities in it.
const MAX_PEM: usize = 4 << 20;

/// Change to the mode that a number means.
pub(super) fn set_dispatch(common: &mut CommonConfig, mode: u32) -> Result<()> {
    common.dispatch = match mode {
        ROAM_DISPATCH_THREAD => DispatchMode::Thread,
        ROAM_DISPATCH_MANUAL => DispatchMode::Manual,
        ROAM_DISPATCH_EXECUTOR => {
            let text = "mode: an executor is chosen with the function that gives it";
            return Err(Error::new(Code::InvalidArgument, text));
        }
        ROAM_DISPATCH_INLINE => DispatchMode::Inline,
        _ => return Err(unknown("mode", mode)),
    };
    Ok(())
}

/// Add trust anchors.
pub(super) unsafe fn add_trusted_pem(common: &mut CommonConfig, pem: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    common.tls.add_roots_pem(unsafe { text(pem, "pem", MAX_PEM) }?)
}

/// Set a client certificate of PEM texts.
pub(super) unsafe fn set_client_certificate_pem(
    common: &mut CommonConfig,
    certificates: roam_str,
    key: roam_str,
) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let certificates = unsafe { text(certificates, "certificates", MAX_PEM) }?;
    // SAFETY: as above.
    let key = unsafe { text(key, "key", MAX_PEM) }?;
    common.tls.identity = Some(ClientIdentity::pem(certificates, key)?);
    Ok(())
}

/// Set a client certificate of an archive.
pub(super) unsafe fn set_client_certificate_pkcs12(
    common: &mut CommonConfig,
    archive: roam_bytes,
    password: roam_str,
) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let archive = unsafe { bytes(archive, "archive", MAX_PEM) }?;
    // SAFETY: as above.
    let password = unsafe { text(password, "password", MAX_TEXT) }?;
    common.tls.identity = Some(ClientIdentity::pkcs12(archive, password)?);
    Ok(())
}

/// Add a pin.
pub(super) unsafe fn add_spki_pin(common: &mut CommonConfig, pin: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    common.tls.add_spki_pin_base64(unsafe { text(pin, "pin", MAX_TEXT) }?)
}

/// Set the name to verify; empty for the host's own.
pub(super) unsafe fn set_server_name(common: &mut CommonConfig, name: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let name = unsafe { text(name, "name", MAX_TEXT) }?;
    common.tls.server_name = (!name.is_empty()).then(|| name.to_owned());
    Ok(())
}

/// Set the oldest version of TLS.
pub(super) fn set_min_tls_version(common: &mut CommonConfig, version: u32) -> Result<()> {
    common.tls.min_version = match version {
        ROAM_TLS_1_2 => TlsVersion::V1_2,
        ROAM_TLS_1_3 => TlsVersion::V1_3,
        _ => return Err(unknown("version", version)),
    };
    Ok(())
}

/// Set the proxy; empty for none.
pub(super) unsafe fn set_proxy(common: &mut CommonConfig, url: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let url = unsafe { text(url, "url", MAX_TEXT) }?;
    common.proxy = if url.is_empty() { None } else { Some(Proxy::parse(url)?) };
    Ok(())
}

/// Set the address to connect from; empty for any.
pub(super) unsafe fn set_local_address(common: &mut CommonConfig, address: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let address = unsafe { text(address, "address", MAX_TEXT) }?;
    common.local_address =
        match address {
            "" => None,
            address => Some(address.parse().map_err(|_| {
                Error::new(Code::InvalidArgument, "address: neither IPv4 nor IPv6")
            })?),
        };
    Ok(())
}

/// Set the file of the trace; empty for none.
pub(super) unsafe fn set_trace_file(common: &mut CommonConfig, path: roam_str) -> Result<()> {
    // SAFETY: the host's promises for its arguments, passed on.
    let path = unsafe { text(path, "path", MAX_TEXT) }?;
    common.trace = (!path.is_empty()).then(|| TraceSink::file(path));
    Ok(())
}

/// The time of connecting that a number means.
pub(super) fn timeout(common: &mut CommonConfig, which: u32) -> Option<&mut Duration> {
    let (timeouts, transports) = (&mut common.timeouts, &mut common.transports);
    match which {
        ROAM_TIMEOUT_ATTEMPT => Some(&mut timeouts.attempt),
        ROAM_TIMEOUT_DNS => Some(&mut timeouts.dns),
        ROAM_TIMEOUT_TCP => Some(&mut timeouts.tcp),
        ROAM_TIMEOUT_TLS => Some(&mut timeouts.tls),
        ROAM_TIMEOUT_OPEN => Some(&mut timeouts.open),
        ROAM_TIMEOUT_NAMESPACE => Some(&mut timeouts.namespace),
        ROAM_TIMEOUT_UPGRADE => Some(&mut timeouts.upgrade),
        ROAM_TIMEOUT_POST => Some(&mut timeouts.post),
        ROAM_TIMEOUT_PROVIDER => Some(&mut timeouts.provider),
        ROAM_TIMEOUT_RACE => Some(&mut transports.race_after),
        ROAM_TIMEOUT_UPGRADE_AGAIN => Some(&mut transports.upgrade_again_after),
        _ => None,
    }
}

/// Set the limit that a number means.
pub(super) fn set_limit(common: &mut CommonConfig, which: u32, value: usize) -> Result<()> {
    *limit(&mut common.limits, which).ok_or_else(|| unknown("limit", which))? = value;
    Ok(())
}

fn limit(limits: &mut Limits, which: u32) -> Option<&mut usize> {
    match which {
        ROAM_LIMIT_INBOUND_MESSAGE => Some(&mut limits.inbound_message),
        ROAM_LIMIT_INBOUND_ATTACHMENTS => Some(&mut limits.inbound_attachments),
        ROAM_LIMIT_OUTBOUND_ATTACHMENTS => Some(&mut limits.outbound_attachments),
        ROAM_LIMIT_JSON_DEPTH => Some(&mut limits.json_depth),
        ROAM_LIMIT_WIRE_QUEUE_EVENTS => Some(&mut limits.wire_queue_events),
        ROAM_LIMIT_WIRE_QUEUE_BYTES => Some(&mut limits.wire_queue_bytes),
        ROAM_LIMIT_HOST_QUEUE_EVENTS => Some(&mut limits.host_queue_events),
        ROAM_LIMIT_HOST_QUEUE_BYTES => Some(&mut limits.host_queue_bytes),
        _ => None,
    }
}
