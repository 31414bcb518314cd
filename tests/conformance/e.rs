//! Section E: Namespaces and connection.

use crate::case::{Case, items};
use roamio::client::SocketState;

items! {
    41 "Connect to `/`: told once, same id on both sides" asks all {
        test conformance_41_connect_is_told_once_with_the_id_of_the_server on [V2 V3 V4 V4e Uvicorn Aiohttp Oxide] over all;
    }
    42 "Two namespaces share one connection" asks all {
    }
    43 "A further namespace later, and after the first was closed" asks all {
    }
    44 "Lookup: what is shared and what is not" asks [V4 Local] {
    }
    45 "The same socket for the same name, one CONNECT" asks [V4 Fake] {
    }
    46 "Nothing is sent before connect()" asks all {
    }
    47 "Auth payload, static and asked anew" asks [V3 V4 Uvicorn Aiohttp Oxide] {
    }
    48 "Revision 3: namespace query, no CONNECT for `/`" asks [V2 V4e] {
    }
    49 "Refused namespace: message, data, no retry, siblings unaffected" asks [V2 V3 V4 Uvicorn Aiohttp] {
    }
    50 "Unknown namespace" asks [V2 V3 V4 Oxide Uvicorn Aiohttp] {
    }
    51 "CONNECT never answered" asks [Fake] {
    }
    52 "CONNECT reply without sid: version mismatch" asks [Fake V2] {
    }
    53 "Hazard 004: the six rules" asks [V2 V4 V4e Uvicorn Aiohttp Oxide] {
    }
    54 "One of two leaves: engine stays; the last one leaves: engine closes" asks all {
    }
    55 "Revision 3: `/` is detached locally and comes back" asks [V2] {
    }
    56 "Kicked out of one namespace" asks all {
    }
    57 "disconnect() while opening tells nothing" asks all {
    }
    58 "The id is gone after a disconnect, and new after a reconnect" asks all {
    }
}

fn conformance_41_connect_is_told_once_with_the_id_of_the_server(case: Case) {
    let mut host = case.host(case.shared());
    let root = host.socket("/");
    root.connect(None).unwrap();
    let id = host.until_joined("/");
    let told = host.answer(&root, "who", "[]");
    assert_eq!(told[0], id);
    assert_eq!(host.states("/", SocketState::Connected), 1);
}
