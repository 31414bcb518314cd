//! Section H: Reconnection.

use crate::case::items;

items! {
    75 "Server restart: everything comes back" asks all {
    }
    76 "Reconnection delays" asks [Local Fake] {
    }
    77 "Numbering of attempts, and giving up" asks [Local] {
    }
    78 "Reconnection switched off" asks [Local] {
    }
    79 "disconnect() during the loop" asks [Local V4] {
    }
    80 "The first attempt fails, or hangs" asks [Fake] {
    }
    81 "Disconnect and connect by hand, then automatically" asks all {
    }
    82 "Engine closed locally; parse error; no leaks" asks [V4] {
    }
    83 "Network change" asks [V4] {
    }
    84 "Half-open TCP" asks [V4] {
    }
    85 "200 cycles leak nothing" asks [V4] {
    }
}
