package io.roamio

/** Flows end, and nobody waits for room, when nobody has this object any more. */
internal fun Any.finishWhenForgotten(delivery: Delivery<*, *>) {
    UniffiLib.CLEANER.register(this, delivery::finish)
}
