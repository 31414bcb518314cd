//! Section I: Recovery, parsers, close, threading.

use crate::case::items;

items! {
    86 "Connection state recovery" asks [V4] {
    }
    87 "Offsets" asks [V4] {
    }
    88 "msgpack parser" asks [V4] {
    }
    89 "close() on polling" asks [V2 V4 Uvicorn Aiohttp] {
    }
    90 "Close packet in a poll body" asks [Fake V4] {
    }
    91 "Callbacks: serial, none after close, any call inside" asks [V4] {
    }
    92 "Calls from many threads" asks [V4] {
    }
    93 "TLS" asks [V4] {
    }
    94 "Proxies" asks [V4] {
    }
    95 "Fuzz" asks [Local] {
    }
}
