//! The protocols, without I/O: machines that take bytes, commands and the time, and give back
//! bytes, events and the next deadline.
//!
//! No clock, socket, thread or random source is used in here. Every machine has the same verbs:
//! `handle_input`, `handle_command`, `handle_timeout`, then `poll_transmit`, `poll_event` and
//! `poll_timeout` until they give nothing. Bad input from the peer is an event, never an `Err` and
//! never a panic.

#![forbid(unsafe_code)]

pub mod backoff;
pub mod conference;
pub mod engine;
pub mod io;
pub mod path;
pub mod rng;
pub mod socket;
pub mod stack;
pub mod stats;
pub mod time;
pub mod track;
