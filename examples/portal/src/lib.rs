//! A development portal of the Open WebRTC Toolkit (OWT) with fault injection.
//!
//! Two layers:
//!
//! - [`model`]: the portal as a state machine without I/O, for simulations with a virtual clock;
//! - [`Server`]: the model on a real port, with tokens over HTTP and a network that fails on
//!   request, for tests and for developers without an OWT installation.
//!
//! ```
//! use roamio_portal::{Cut, Server, ServerConfig, Target};
//!
//! let server = Server::start_blocking(ServerConfig::default())?;
//! let token = server.mint_token("room", "alice", "presenter");
//! // ... a client logs in at `server.url()` with the token ...
//! server.cut(&Target::All, Cut::Reset);
//! # assert!(!token.is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod model;
mod relay;
mod server;
mod wire;

pub use relay::{Cut, Direction, FreezeMode};
pub use server::{Refusal, Server, ServerConfig, Target, TlsIdentity};

/// The example of the README is compiled and run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
