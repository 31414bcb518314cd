package io.roamio.android

import io.roamio.Hinted

/** Keeps the hints that it was told. */
internal class Recorder : Hinted {
    val hints = mutableListOf<String>()

    /** What was told since the last time. */
    fun take(): List<String> = hints.toList().also { hints.clear() }

    override fun networkAvailable() { hints += "available" }
    override fun networkLost() { hints += "lost" }
    override fun networkChanged() { hints += "changed" }
    override fun suspended() { hints += "suspended" }
    override fun resumed() { hints += "resumed" }
}
