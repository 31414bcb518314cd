//! The Rust API.
