//! The OWT conference session: login, relogin, replay, refresh, logout, drop (`owt-portal`).
//!
//! ```text
//!            login                ok               loss, bare 41
//!   Idle ------------> Joining --------> Ready ------------------> Resuming
//!                         |                ^          relogin ok       |
//!                         |                +---------------------------+
//!                         |                |                           |
//!                         |                | logout                    | refused
//!                         |                v                           v
//!                         +-----------> Leaving ------------------> Ended
//!
//!   With a fresh token from the host: Joining again, in place of Ended.
//! ```
//!
//! [`session`] holds the machine and its states; what it does in each of them is in a file of its
//! own: `login`, `relogin`, `refresh`, `leave`, `renew`, `restore`. `inbound` sorts what arrives,
//! `answer` and `reply` read answers. [`replay`] decides what of a relogin answer is new, `requests`
//! keeps the one outcome of every request, `ticket` knows a ticket's life, and [`kept`] is what of a
//! session outlives its process.

mod answer;
mod inbound;
pub mod kept;
mod leave;
mod login;
mod refresh;
mod relogin;
mod renew;
pub mod replay;
mod reply;
mod requests;
mod restore;
pub mod session;
mod ticket;
