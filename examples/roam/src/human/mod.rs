//! The client for people: what happens, readable and in colours, while one types.

pub(crate) mod connect;
mod editor;
mod gate;
pub(crate) mod login;
pub(crate) mod paint;
mod printer;
mod said;
mod talk;
mod typed;
mod who;

/// What `roam help connect` says beside the options.
pub(crate) const CONNECT: &str = include_str!("connect.txt");

/// What `roam help login` says beside the options.
pub(crate) const LOGIN: &str = include_str!("login.txt");
