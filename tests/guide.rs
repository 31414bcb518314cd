//! The guide in `docs/`, the README and the changelog say what is so: links lead somewhere, programs
//! compile, names exist, and tables are those of the code.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

#[path = "../examples/socket_io.rs"]
#[allow(dead_code)]
mod example;
#[path = "guide/links.rs"]
mod links;
#[path = "guide/names.rs"]
mod names;
#[path = "guide/pages.rs"]
mod pages;
#[cfg(target_os = "linux")]
#[path = "guide/programs.rs"]
mod programs;
#[path = "guide/samples.rs"]
mod samples;
#[cfg(target_os = "linux")]
#[path = "capi/echo.rs"]
mod server;
#[path = "guide/symptoms.rs"]
mod symptoms;
#[path = "guide/tables.rs"]
mod tables;
