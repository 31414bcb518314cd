//! Which cells of the fault matrix and which requirements of a portal's client have tests.
//!
//! A test is named after what it shows: `f11_p12_...` is fault 11 in phase 12, `w05_...` a row,
//! `req_2_10_...` a requirement; `req_2_7_w05_...` is both. The tables are generated from the
//! sources by `make coverage`.

#[path = "coverage/cells.rs"]
mod cells;
#[path = "coverage/faults.rs"]
mod faults;
#[path = "coverage/found.rs"]
mod found;
#[path = "coverage/label.rs"]
mod label;
#[path = "coverage/numbers.rs"]
mod numbers;
#[path = "coverage/requirements.rs"]
mod requirements;
