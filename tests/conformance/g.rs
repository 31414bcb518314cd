//! Section G: Buffering, volatile, timeouts, retries.

use crate::case::items;

items! {
    69 "Events emitted while disconnected come first and in order" asks all {
    }
    70 "The buffer survives failed reconnections, and is limited" asks [V4] {
    }
    71 "Volatile events" asks [V4] {
    }
    72 "Ack timeouts" asks [V4] {
    }
    73 "Pending acks at a disconnection" asks [V4] {
    }
    74 "Retries with window 1 and 16" asks [V4] {
    }
}
