//! Section B: Engine.IO handshake and codec.

use crate::case::items;

items! {
    11 "Encoding vectors pass both ways, malformed ones as stated" asks [Local] {
    }
    12 "Packets behind the open packet are processed in order" asks [V2] {
    }
    13 "Handshake: unknown keys, missing maxPayload, missing or bad sid" asks [V3 Fake] {
    }
    14 "Multibyte and astral characters; UTF-16 lengths" asks all {
    }
    15 "Binary of every length and value, mixed with text" asks [V2 V3 V4 Uvicorn Aiohttp Oxide] {
    }
    16 "Revision 3 poll response as octets, and as base64" asks [V2 V4e] {
    }
    17 "Base64 forced on WebSocket" asks [V2 V4] {
    }
    18 "One POST takes what fits maxPayload; 413 is told" asks [V4] {
    }
    19 "Oversized WebSocket message: transport close, 1009" asks [V2 V4] {
    }
    20 "Never two GETs or two POSTs in flight" asks [Fake V4] {
    }
    21 "POSTs have Content-Length" asks [Uvicorn Aiohttp Fake] {
    }
    22 "Unknown sid: status 400, code 1" asks [V4 Oxide Uvicorn Aiohttp] {
    }
    23 "Refusals by version and by the application" asks [V3 V4] {
    }
    24 "The wrong revision fails with an error of its own" asks [V2 V4] {
    }
}
