//! roamio: Socket.IO and Open WebRTC Toolkit conference signalling that survive network changes.
//!
//! Start with [`client`]: [`client::Conference`] is the session at a conference portal; what is said
//! there has types in [`owt`], which `docs/conference.md` shows. Plain Socket.IO is
//! [`client::Manager`] (a connection), [`client::Socket`] (a namespace on it), [`client::Registry`]
//! (sockets by URL) and [`client::Router`] (listeners by event name); `docs/socket-io.md` shows how
//! they are used. [`config`] has the options, [`error`] what can go wrong, [`payload`] what travels. C
//! programs include `roamio.h`, which is generated from [`capi`]; with the feature `bridge` the library
//! also carries what Swift, Kotlin and Python call.
//!
//! Below the API, [`driver`] does the input and output and [`proto`] is the protocols without any:
//! machines for a simulation, or for a driver of your own.

#[cfg(feature = "bridge")]
pub mod bridge;
pub mod capi;
pub mod client;
pub mod config;
pub mod driver;
pub mod error;
pub mod json;
pub mod log;
pub mod owt;
pub mod payload;
pub mod proto;
pub mod secret;
mod watch;

#[cfg(feature = "bridge")]
uniffi::setup_scaffolding!("roamio");

/// The programs of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The programs of the page on plain Socket.IO compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/socket-io.md")]
struct SocketIo;

/// The programs of the page on conferences compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/conference.md")]
struct ConferencePage;

/// The program of the page on traces compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/trace.md")]
struct Trace;
