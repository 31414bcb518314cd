//! Named behaviours of a conference: the rows of the fault matrix and the numbered requirements
//! of the portal protocol, one function each.

mod answers;
mod hints;
mod hostile;
mod leaving;
mod login;
mod moving;
mod patience;
mod relogin;
mod renewing;
mod replay;
mod requests;
mod resending;
mod restoring;
mod room;
mod secrets;
mod storms;
mod tickets;
mod unhinted;
