//! What Swift, Kotlin and Python call (feature `bridge`): the objects of [`client`](crate::client)
//! in the shape that uniffi can carry. No protocol and no policy: convert, guard, forward.
//!
//! The doc comments of exported items travel to those languages, so they are written for readers
//! there. What holds for all objects:
//!
//! **Calls** may be made on any thread and inside any observer. None waits for the network, except
//! those that are asynchronous. Giving up on one of these (cancelling its task) cancels the request;
//! what was sent already is sent.
//!
//! **Observers** are called by threads of the library, one call at a time per manager with its
//! sockets, or per conference, in order. A slow one delays later events, not heartbeats. An exception
//! that leaves one is logged, and the session goes on.
//!
//! **The end.** An object that the host forgets or collects is closed, on whatever thread that
//! happens. `shutdown` of an object closes it and waits until nothing of it is called any more.
//! [`shutdown`] does so for all objects, for hosts that are about to end themselves.

#![forbid(unsafe_code)]

mod ask;
mod conference;
mod conference_event;
mod conference_options;
mod connection;
mod error;
mod guest;
mod hints;
mod limits;
mod log;
mod manager;
mod manager_event;
mod manager_options;
mod observer;
mod owt;
mod payload;
mod reconnect;
mod registry;
mod room;
mod socket;
mod socket_event;
mod socket_hook;
mod socket_options;
mod timeouts;
mod tls;
mod trace;
mod transports;

pub use self::ask::{
    AuthProvider, AuthRequest, Target, TargetProvider, TargetRequest, TokenProvider, TokenRequest,
};
pub use self::conference::{Conference, RequestOptions};
pub use self::conference_event::{ConferenceEvent, ConferenceObserver};
pub use self::conference_options::ConferenceOptions;
pub use self::connection::ConnectionOptions;
pub use self::error::{Failure, HostError, RoamioError};
pub use self::guest::shutdown;
pub use self::limits::LimitOptions;
pub use self::log::{LogSink, set_log};
pub use self::manager::Manager;
pub use self::manager_event::{ManagerEvent, ManagerObserver};
pub use self::manager_options::ManagerOptions;
pub use self::owt::{LegacyRequest, Login, PortalNotification};
pub use self::payload::Payload;
pub use self::reconnect::ReconnectOptions;
pub use self::registry::Registry;
pub use self::room::{Participant, Room, Stream};
pub use self::socket::Socket;
pub use self::socket_event::{SocketEvent, SocketObserver};
pub use self::socket_hook::SocketHook;
pub use self::socket_options::{EmitOptions, OfflinePolicy, RetriesOptions, SocketOptions};
pub use self::timeouts::TimeoutOptions;
pub use self::tls::{ClientCertificate, TlsOptions};
pub use self::trace::TraceSink;
pub use self::transports::{TransportExtra, TransportOptions};
pub use crate::client::Stats;

/// The version of the library.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
