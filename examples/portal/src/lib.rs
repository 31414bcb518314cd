//! A development portal of the Open WebRTC Toolkit (OWT) with fault injection.
//!
//! Two layers:
//!
//! - [`model`]: the portal as a state machine without I/O, for simulations with a virtual clock;
#![forbid(unsafe_code)]

pub mod model;
