package survive

import io.roamio.Conference
import io.roamio.ConferenceOptions
import io.roamio.ConnectionOptions
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/**
 * Log in to a conference, lose the network in several ways, and be back every time with nothing lost and nothing
 * twice. At the end everything is compared with the portal's own ledger.
 *
 *     survive PORT [TRACE.jsonl MARKS.jsonl]
 */
fun main(arguments: Array<String>) {
    if (arguments.isEmpty()) {
        println("usage: survive PORT [TRACE.jsonl MARKS.jsonl]")
        exitProcess(2)
    }
    val accounts = runBlocking(Dispatchers.Default) { survive(arguments) }
    println("\n${accounts.totals}\n${accounts.requests}")
    exitProcess(if (accounts.areRight) 0 else 1)
}

private suspend fun survive(arguments: Array<String>): Accounts = coroutineScope {
    val report = Report(marks = arguments.getOrNull(2))
    val portal = Portal(port = arguments[0], report)
    val options = ConferenceOptions(connection = ConnectionOptions(traceFile = arguments.getOrNull(1)))
    val conference = Conference(options)
    val survivor = Survivor(conference, portal, report, this)
    val events = conference.events()
    val listening = launch { events.collect(survivor::hear) }

    conference.login(portal.token())
    survivor.loseTheNetworkAgainAndAgain()
    val ledger = portal.ledger()
    portal.fault("portal restarted", "restart")
    listening.join() // the session ends, and with it the flow
    conference.shutdown() // and the trace
    report.close()
    Accounts(survivor.witness.seen.value, ledger)
}
