package io.roamio

import java.io.File
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test

internal class LifetimeTest {
    @Test
    fun `a program ends with a live session`() {
        val url = System.getenv("ROAMIO_SERVER_URL").orEmpty()
        assumeTrue(url.isNotEmpty(), "ROAMIO_SERVER_URL says no server")
        val java = File(System.getProperty("java.home"), "bin/java").path
        val classes = System.getProperty("java.class.path")
        val program = ProcessBuilder(java, "-cp", classes, LiveSession::class.java.name, url)
            .redirectErrorStream(true)
            .start()
        val said = program.inputStream.bufferedReader().readText()
        assertTrue(program.waitFor(30, TimeUnit.SECONDS))
        assertEquals("end\n" to 0, said to program.exitValue())
    }
}

/** A program that closes nothing, while events are on their way. */
private object LiveSession {
    @JvmStatic
    @OptIn(DelicateCoroutinesApi::class)
    fun main(arguments: Array<String>) = runBlocking {
        val socket = Manager(arguments[0]).socket()
        val ticks = socket.messages("tick")
        GlobalScope.launch { ticks.collect {} }
        socket.connect()
        socket.state.first { it == SocketState.CONNECTED }
        socket.emit("burst", argsOf(20_000))
        println("end")
    }
}
