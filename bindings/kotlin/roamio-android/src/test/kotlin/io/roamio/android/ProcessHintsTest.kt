package io.roamio.android

import android.app.Activity
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric.buildActivity
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment

@RunWith(RobolectricTestRunner::class)
class ProcessHintsTest {
    private val target = Recorder()
    private val hints = ProcessHints(RuntimeEnvironment.getApplication(), target) { target.hints += "export" }

    @Test
    fun `an app that leaves and comes back`() {
        val first = buildActivity(Activity::class.java).create().start()
        assertEquals(listOf("resumed"), target.take())
        val second = buildActivity(Activity::class.java).create().start()
        first.stop()
        assertEquals(emptyList<String>(), target.take())
        second.stop()
        assertEquals(listOf("export", "suspended"), target.take())
        second.restart().start()
        assertEquals(listOf("resumed"), target.take())
        hints.close()
        second.stop()
        assertEquals(emptyList<String>(), target.take())
    }

    @Test
    fun `an activity that is made anew stays in the foreground`() {
        val activity = buildActivity(Activity::class.java).setup()
        assertEquals(listOf("resumed"), target.take())
        activity.recreate()
        assertEquals(emptyList<String>(), target.take())
        activity.pause().stop()
        assertEquals(listOf("export", "suspended"), target.take())
    }
}
