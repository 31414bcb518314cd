import Foundation
import Roamio

/// Log in to a conference, lose the network in several ways, and be back every time with nothing lost
/// and nothing twice. At the end everything is compared with the portal's own ledger.
///
///     survive PORT [TRACE.jsonl MARKS.jsonl]
@main
enum Survive {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else {
            print("usage: survive PORT [TRACE.jsonl MARKS.jsonl]")
            exit(2)
        }
        let port = arguments[1]
        let report = Report(marks: arguments.count > 3 ? arguments[3] : nil)
        let trace = arguments.count > 2 ? arguments[2] : nil
        let options = ConferenceOptions(connection: ConnectionOptions(traceFile: trace))
        let conference = try Conference(options)
        let portal = Portal(port: port, report: report)
        let survivor = Survivor(conference: conference, portal: portal, report: report)
        let listening = Task { [events = conference.events()] in await survivor.listen(to: events) }

        try await conference.login(portal.token())
        try await survivor.loseTheNetworkAgainAndAgain()
        let ledger = try await portal.ledger()
        try await portal.fault("portal restarted", "restart")
        await listening.value  // the session ends, and with it the stream
        await conference.close()  // and the trace

        let accounts = Accounts(await survivor.witness.seen, ledger: ledger)
        print("\n\(accounts.totals)\n\(accounts.requests)")
        exit(accounts.areRight ? 0 : 1)
    }
}
