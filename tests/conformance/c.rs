//! Section C: Heartbeat.

use crate::case::items;

items! {
    25 "A pong within 100 ms of each ping" asks [V4 Uvicorn Aiohttp Oxide] {
    }
    26 "No ping in time: `ping timeout`, then reconnection" asks [Fake] {
    }
    27 "Never a ping in revision 4, outside the probe" asks [Fake] {
    }
    28 "Revision 3: pings, missing pong, any packet extends life" asks [V2 Fake] {
    }
    29 "20 heartbeat periods without traffic" asks [V2 V4] {
    }
    30 "Suspend past the deadline: one `ping timeout`, the emit arrives" asks [V4 Fake] {
    }
    31 "Absurd intervals cause no busy loop" asks [Fake Uvicorn Aiohttp] {
    }
}
