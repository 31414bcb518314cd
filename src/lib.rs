//! roamio: Socket.IO and Open WebRTC Toolkit conference signalling that survive network changes.
//!
//! ```no_run
//! use roamio::client::{Conference, ConferenceEvent, RequestOptions};
//! use roamio::config::ConferenceConfig;
//!
//! # fn token_from_my_server() -> String { String::new() }
//! # fn main() -> roamio::error::Result<()> {
//! let conference = Conference::new(ConferenceConfig::default(), |event| match event {
//!     ConferenceEvent::Notification { payload, .. } => println!("{}", payload.name()),
//!     ConferenceEvent::State(step) => println!("{:?}, because {:?}", step.state, step.cause),
//!     _ => {}
//! })?;
//! conference.login(&token_from_my_server(), |answer| println!("in: {}", answer.is_ok()))?;
//! let text = r#"{"to":"all","message":"hello"}"#; // waits for the login, then goes
//! conference.request("text", text, RequestOptions::default(), |outcome| match outcome {
//!     Ok(_) => println!("said"),
//!     Err(error) => println!("{error}; what helps: {:?}", error.retry()),
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! | you want | here | in the guide |
//! | --- | --- | --- |
//! | a session at a conference portal | [`client::Conference`] | `docs/start.md`, `docs/concepts.md` |
//! | its requests, notifications and room with types | [`owt`] | `docs/conference.md` |
//! | plain Socket.IO: a connection, a namespace on it | [`client::Manager`], [`client::Socket`] | `docs/socket-io.md` |
//! | sockets by URL, listeners by event name | [`client::Registry`], [`client::Router`] | `docs/socket-io.md` |
//! | to know on which thread callbacks run, and how objects end | [`client`] | `docs/threading.md` |
//! | what the system says about the network | [`client::Hint`] | `docs/lifecycle.md` |
//! | options, with their defaults | [`config`] | `docs/options.md` |
//! | what can go wrong, and what helps | [`error`] | `docs/errors.md`, `docs/states.md` |
//! | what travels: names, arguments, attachments | [`payload`] | |
//! | to see what happens | [`log`], [`config::TraceSink`] | `docs/trace.md` |
//!
//! C programs include `roamio.h`, which is generated from [`capi`]; with the feature `bridge` the library
//! also carries what Swift, Kotlin and Python call. Below the API, [`driver`] does the input and output
//! and [`proto`] is the protocols without any: machines for a simulation, or for a driver of your own.

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

/// The programs of the pages compile.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($name:ident: $path:literal;)+) => { $(#[doc = include_str!($path)] struct $name;)+ };
    }
    pages! {
        Conference: "../docs/conference.md";
        Errors: "../docs/errors.md";
        Lifecycle: "../docs/lifecycle.md";
        SocketIo: "../docs/socket-io.md";
        Start: "../docs/start.md";
        States: "../docs/states.md";
        Trace: "../docs/trace.md";
    }
}
