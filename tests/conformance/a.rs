//! Section A: URL and request construction.

use crate::case::items;

items! {
    1 "Default ports, explicit ports, IPv6 literals" asks [Local] {
    }
    2 "Path: default, custom, exactly one trailing slash or none" asks [Local V4] {
    }
    3 "The URL's path is the namespace and never in the HTTP path" asks [Local V2 V3 V4 Uvicorn Aiohttp Oxide] {
    }
    4 "A URL without scheme means https" asks [Local] {
    }
    5 "EIO, transport, sid and `t` on every request" asks [Fake V4] {
    }
    6 "User query arrives decoded, and cannot override reserved keys" asks [V2 V3 V4 Uvicorn Aiohttp] {
    }
    7 "Extra headers on handshake, polls, POSTs and upgrade" asks all {
    }
    8 "Options of one transport touch only that transport" asks [V4] {
    }
    9 "Cookies come back on all later requests" asks [V2 V4 Fake] {
    }
    10 "Changed headers count from the next reconnection" asks [V4] {
    }
}
