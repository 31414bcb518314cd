//! Section F: Events, acks, binary.

use crate::case::items;

items! {
    59 "Arguments of every JSON type come back equal" asks all {
    }
    60 "Acks both ways, with zero, one, many arguments and binary" asks all {
    }
    61 "Ack ids; unknown, repeated, doubled and late acks" asks [V4 Fake] {
    }
    62 "Attachments: several, nested, same twice, empty; placeholder-like strings" asks [V2 V3 V4 Uvicorn Aiohttp Oxide] {
    }
    63 "Text, binary, text in order; attachments never interleaved" asks all {
    }
    64 "Decode vectors, parse errors, attachment limits" asks [Local Fake V4] {
    }
    65 "Reserved names are refused locally" asks [Local] {
    }
    66 "Listeners: once, off, during dispatch, panicking" asks [V4] {
    }
    67 "Catch-all listeners, in and out" asks [V4] {
    }
    68 "The compress flag" asks [V4] {
    }
}
