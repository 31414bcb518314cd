package scenario

import java.io.File
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json

/**
 * Play a scenario of tests/scenarios and print what a host sees of it. The same program exists in every language
 * of roamio, and all of them print the same.
 *
 *     scenario SCENARIO.json PORTAL_URL
 */
fun main(arguments: Array<String>) {
    if (arguments.size != 2) {
        System.err.println("usage: scenario SCENARIO.json PORTAL_URL")
        exitProcess(1)
    }
    val scenario = json.decodeFromString<Scenario>(File(arguments[0]).readText())
    runBlocking(Dispatchers.Default) {
        val player = Player(Portal(arguments[1]), this)
        scenario.steps.forEach { player.play(it) }
        player.close()
        coroutineContext.cancelChildren()
        player.print()
    }
}

private val json = Json { ignoreUnknownKeys = true }
