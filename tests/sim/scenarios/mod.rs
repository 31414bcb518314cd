//! Named behaviours of a conference: the rows of the fault matrix and the numbered requirements
//! of the portal protocol, one function each.

mod hints;
mod hostile;
mod leaving;
mod login;
mod relogin;
mod replay;
mod requests;
mod tickets;
