use super::guard;
use super::types::roam_str;
use crate::error::Code;

/// What a call, an event or an outcome came to: ROAM_OK or one of ROAM_E_...
/// 1 to 99 are errors of the call itself, returned at once and without side effect. 100 and up
/// happened out there: transport 100, Engine.IO 200, Socket.IO 300, conference 400.
/// Newer libraries may give values that are not listed here.
pub type roam_status = u32;

/// ---- Statuses ------------------------------------------------------------------------------
///
/// Success.
pub const ROAM_OK: u32 = 0;
/// A pointer that must not be NULL was NULL.
pub const ROAM_E_NULL_ARGUMENT: u32 = 1;
/// An argument is outside its range; the message names it.
pub const ROAM_E_INVALID_ARGUMENT: u32 = 2;
/// Text was not UTF-8.
pub const ROAM_E_INVALID_UTF8: u32 = 3;
/// Text was not the JSON that the call takes, or was nested too deeply.
pub const ROAM_E_INVALID_JSON: u32 = 4;
/// The URL cannot be used; the message says which part.
pub const ROAM_E_INVALID_URL: u32 = 5;
/// The call does not fit the state of the object.
pub const ROAM_E_INVALID_STATE: u32 = 6;
/// The object was freed or closed.
pub const ROAM_E_CLOSED: u32 = 7;
/// The call would wait for the thread it was made on.
pub const ROAM_E_WOULD_DEADLOCK: u32 = 8;
/// This build or platform cannot do it.
pub const ROAM_E_UNSUPPORTED: u32 = 9;
/// A payload is larger than the limit.
pub const ROAM_E_TOO_LARGE: u32 = 10;
/// The queue to the wire is full.
pub const ROAM_E_QUEUE_FULL: u32 = 11;
/// The event name is reserved by Socket.IO.
pub const ROAM_E_RESERVED_EVENT: u32 = 12;
/// A call with a time limit ran out of time.
pub const ROAM_E_TIMED_OUT: u32 = 13;
/// The host cancelled it. A request that was already sent may have been executed.
pub const ROAM_E_CANCELLED: u32 = 14;
/// A bug of roamio was stopped at the boundary. The handle is only good for its free function.
pub const ROAM_E_PANIC: u32 = 99;
/// The name could not be resolved.
pub const ROAM_E_DNS: u32 = 100;
/// No address accepted a TCP connection.
pub const ROAM_E_CONNECT: u32 = 101;
/// TLS could not be agreed.
pub const ROAM_E_TLS_HANDSHAKE: u32 = 102;
/// The server's certificate was not accepted.
pub const ROAM_E_TLS_CERTIFICATE: u32 = 103;
/// The proxy refused or failed.
pub const ROAM_E_PROXY: u32 = 104;
/// The server answered with an HTTP status that is not the expected one.
pub const ROAM_E_HTTP_STATUS: u32 = 105;
/// The WebSocket protocol was violated.
pub const ROAM_E_WEBSOCKET: u32 = 106;
/// A phase of connecting took too long.
pub const ROAM_E_CONNECT_TIMEOUT: u32 = 107;
/// The connection broke, or the path below it was lost.
pub const ROAM_E_NETWORK_LOST: u32 = 108;
/// The Engine.IO open packet is missing, malformed or out of range.
pub const ROAM_E_HANDSHAKE: u32 = 200;
/// The server's heartbeat did not arrive in time.
pub const ROAM_E_PING_TIMEOUT: u32 = 201;
/// The server does not know the Engine.IO session.
pub const ROAM_E_UNKNOWN_SID: u32 = 202;
/// The upgrade to WebSocket failed.
pub const ROAM_E_UPGRADE: u32 = 203;
/// An Engine.IO packet could not be decoded.
pub const ROAM_E_ENGINE_PACKET: u32 = 204;
/// The peer sent more than the inbound limit.
pub const ROAM_E_PAYLOAD_LIMIT: u32 = 205;
/// The peer closed the Engine.IO connection.
pub const ROAM_E_ENGINE_CLOSED: u32 = 206;
/// The server speaks another revision of Engine.IO, or none that is wanted.
pub const ROAM_E_ENGINE_REVISION: u32 = 207;
/// The server refused the namespace; the error carries its JSON.
pub const ROAM_E_CONNECT_ERROR: u32 = 300;
/// A Socket.IO packet could not be decoded.
pub const ROAM_E_SOCKET_PACKET: u32 = 301;
/// Binary attachments do not fit their event.
pub const ROAM_E_ATTACHMENTS: u32 = 302;
/// No ack came in time; the server may or may not have acted.
pub const ROAM_E_ACK_TIMEOUT: u32 = 303;
/// The connection was lost after the packet was written; the server may or may not have acted.
pub const ROAM_E_ACK_LOST: u32 = 304;
/// The server disconnected the namespace.
pub const ROAM_E_SERVER_DISCONNECT: u32 = 305;
/// It was never written to a connection.
pub const ROAM_E_NOT_SENT: u32 = 306;
/// The token cannot be used; nothing was sent.
pub const ROAM_E_TOKEN_INVALID: u32 = 400;
/// The portal refused the login. The token is spent.
pub const ROAM_E_LOGIN_REJECTED: u32 = 401;
/// The portal refused the relogin for a reason without a code of its own.
pub const ROAM_E_RELOGIN_REJECTED: u32 = 402;
/// The reconnection ticket is expired.
pub const ROAM_E_TICKET_EXPIRED: u32 = 403;
/// The portal sent a ticket that is none.
pub const ROAM_E_TICKET_MALFORMED: u32 = 404;
/// The portal no longer knows the participant, or the session cannot be resumed.
pub const ROAM_E_SESSION_LOST: u32 = 405;
/// The portal dropped the participant.
pub const ROAM_E_DROPPED: u32 = 406;
/// The portal refused the request; the error carries its text.
pub const ROAM_E_REQUEST_REJECTED: u32 = 407;
/// There is no session.
pub const ROAM_E_NOT_LOGGED_IN: u32 = 408;
/// The portal does not speak the protocol version.
pub const ROAM_E_PROTOCOL_VERSION: u32 = 409;
/// The login got no answer. The token is spent, and a ghost participant may remain.
pub const ROAM_E_LOGIN_UNKNOWN: u32 = 410;
/// The portal was restarted, or it is another one: it does not know the ticket's signature.
pub const ROAM_E_SERVER_RESTARTED: u32 = 411;
/// Somebody else resumes this session again and again.
pub const ROAM_E_SUPERSEDED: u32 = 412;
/// Left without the portal's answer: the participant may stay visible until the portal forgets it.
pub const ROAM_E_LEFT_UNCONFIRMED: u32 = 413;
/// The export of a session was changed or cut.
pub const ROAM_E_EXPORT_DAMAGED: u32 = 414;
/// The text is no export of a session.
pub const ROAM_E_EXPORT_FOREIGN: u32 = 415;
/// The export of a session was made by a newer version of roamio.
pub const ROAM_E_EXPORT_NEWER: u32 = 416;

/// ---- Errors --------------------------------------------------------------------------------
///
/// What helps: fix the call, or give up.
pub const ROAM_RETRY_NEVER: u32 = 0;
/// What helps: nothing to do, the library is on it.
pub const ROAM_RETRY_AUTOMATIC: u32 = 1;
/// What helps: the same call may work later, or on another network.
pub const ROAM_RETRY_LATER: u32 = 2;
/// What helps: obtain a new token and log in; what the server knew is gone.
pub const ROAM_RETRY_LOGIN: u32 = 3;

/// The error comes from the call itself.
pub const ROAM_LAYER_CALL: u32 = 0;
/// The error comes from DNS, TCP, TLS, HTTP or WebSocket.
pub const ROAM_LAYER_TRANSPORT: u32 = 1;
/// The error comes from Engine.IO.
pub const ROAM_LAYER_ENGINE: u32 = 2;
/// The error comes from Socket.IO.
pub const ROAM_LAYER_SOCKET: u32 = 3;
/// The error comes from the conference portal.
pub const ROAM_LAYER_CONFERENCE: u32 = 4;

/// The certificate's time is over.
pub const ROAM_CERTIFICATE_EXPIRED: u32 = 1;
/// The certificate's time has not come: one of the two clocks may be wrong.
pub const ROAM_CERTIFICATE_NOT_YET_VALID: u32 = 2;
/// The certificate vouches for itself, and nobody has said that it is trusted. A library with rustls
/// says ROAM_CERTIFICATE_UNKNOWN_ISSUER of it.
pub const ROAM_CERTIFICATE_SELF_SIGNED: u32 = 3;
/// The certificate was issued by somebody whom this device does not trust, or the server does not
/// send all certificates between.
pub const ROAM_CERTIFICATE_UNKNOWN_ISSUER: u32 = 4;
/// The certificate is for other names than the one that was asked for.
pub const ROAM_CERTIFICATE_WRONG_HOST: u32 = 5;
/// The certificate's issuer has taken it back.
pub const ROAM_CERTIFICATE_REVOKED: u32 = 6;
/// The certificate's public key is none of those that the config allows.
pub const ROAM_CERTIFICATE_NOT_PINNED: u32 = 7;

/// ---- Functions: statuses -------------------------------------------------------------------
///
/// The name of a status without its prefix, such as "ACK_LOST" or "OK"; "UNKNOWN" for a value that
/// this library does not know. Static.
#[unsafe(no_mangle)]
pub extern "C" fn roam_status_name(status: roam_status) -> roam_str {
    guard::boundary(roam_str::of("UNKNOWN"), || {
        let known = Code::ALL.iter().find(|code| **code as u32 == status);
        roam_str::of(match known {
            Some(code) => code.name(),
            None if status == ROAM_OK => "OK",
            None => "UNKNOWN",
        })
    })
}
