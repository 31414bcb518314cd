import Foundation
import Roamio

/// Log in to a conference, lose the network in several ways, and be back every time with nothing lost
/// and nothing twice. At the end everything is compared with the portal's own ledger.
///
///     survive PORT [TRACE.jsonl]
@main
enum Survive {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let port = arguments.first else {
            print("usage: survive PORT [TRACE.jsonl]")
            exit(2)
        }
        let report = Report(trace: arguments.dropFirst().first)
        let conference = try Conference()
        let portal = Portal(port: port, report: report)
        let survivor = Survivor(conference: conference, portal: portal, report: report)
        let listening = Task { [events = conference.events()] in await survivor.listen(to: events) }

        try await conference.login(portal.token())
        try await survivor.loseTheNetworkAgainAndAgain()
        let ledger = try await portal.ledger()
        try await portal.fault("portal restarted", "restart")
        await listening.value  // the session ends, and with it the stream

        let accounts = Accounts(await survivor.witness.seen, ledger: ledger)
        report.record("totals", ["text": accounts.totals])
        print("\n\(accounts.totals)\n\(accounts.requests)")
        exit(accounts.areRight ? 0 : 1)
    }
}
