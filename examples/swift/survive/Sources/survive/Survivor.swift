import Foundation
import Roamio

struct Text: Encodable {
    let to = "all"
    var message = "hello from Swift"
}

/// Plays the scenes and keeps the accounts.
struct Survivor: Sendable {
    let conference: Conference
    let portal: Portal
    let report: Report
    let witness = Witness()

    /// What the conference tells, in order.
    func listen(to events: AsyncStream<ConferenceEvent>) async {
        for await event in events {
            await hear(event)
        }
    }

    private func hear(_ event: ConferenceEvent) async {
        switch event {
        case .state(_, let state, let cause, _):
            report.say("state", "\(state)\(cause.map { ": \($0.message)" } ?? "")")
            guard state == .ended else { return }
            await witness.see { $0.end = cause?.code }
        case .retry(let attempt, _, let delay, _):
            let wait = delay.map { "\(Int($0 * 1e3)) ms" } ?? "never"
            report.say("retry", "attempt \(attempt) in \(wait)")
        case .resumed(let complete, let replayed):
            let doubt = complete ? "" : "; some may be lost"
            report.say("resumed", "\(replayed) missed notifications follow\(doubt)")
            await witness.see { $0.resumed += 1 }
        case .gap(let from, let to, let certain):
            report.say("gap", "\(from) to \(to)\(certain ? "" : ", perhaps")")
            await witness.see { $0.gaps += 1 }
        case .notification(let payload, _, _):
            let text = "\(payload.name) \(canonical(payload.args.first ?? "null"))"
            await witness.see { $0.notifications.append(text) }
        default:
            break
        }
    }

    // MARK: Requests: each has exactly one outcome

    private func request(_ name: String, _ data: some Encodable & Sendable) async {
        await witness.see { $0.requested += 1 }
        Task {
            let outcome: Outcome
            do {
                try await conference.request(name, data)
                outcome = .replied
            } catch {
                outcome = Outcome(error)
                report.say("request", "\(outcome): \(error.localizedDescription)")
            }
            await witness.see { $0.outcomes[outcome, default: 0] += 1 }
        }
    }

    private func text(_ text: Text = Text()) async {
        await witness.see { $0.said += 1 }
        await request("text", text)
    }

    private func texts(_ count: Int) async {
        for _ in 0..<count {
            await text()
        }
        await witness.wait(for: "an answer to every text") { $0.settled == $0.requested }
    }

    // MARK: The scenes

    /// Another participant speaks: 100 texts to the room, 5 ms apart.
    private func othersSpeak() async throws {
        await witness.see { $0.said += 100 }
        try await portal.fault("100 texts", "texts?room=demo&count=100&gap_ms=5")
    }

    private func allHeard() async {
        await witness.wait(for: "everything that was said") { $0.hasHeardAll }
    }

    private func resumed(_ times: Int) async {
        await witness.wait(for: "resume \(times)") { $0.resumed == times }
    }

    func loseTheNetworkAgainAndAgain() async throws {
        await texts(10)
        await allHeard()

        try await portal.fault("RST while idle", "cut?all=true&how=rst")
        try await othersSpeak()
        await resumed(1)
        await allHeard()
        await texts(10)
        await allHeard()

        try await portal.fault("half-open", "freeze?all=true&direction=out&mode=discard")
        try await othersSpeak()
        await text(Text(message: "into the silence"))
        await resumed(2)
        await witness.wait(for: "an outcome") { $0.count(.unknown) == 1 }
        await texts(10)
        await allHeard()

        try await portal.fault("an ack is swallowed", "swallow-ack?request=text")
        await text(Text(message: "swallowed"))
        await allHeard()  // so the portal has executed it
        try await portal.fault("closed by the network", "cut?all=true&how=fin")
        await resumed(3)
        await witness.wait(for: "an outcome") { $0.count(.unknown) == 2 }

        try await portal.fault("silence, then a hint", "freeze?all=true&direction=both&mode=discard")
        try await othersSpeak()
        report.say("hint", "the system says that the network changed")
        conference.networkChanged()
        await resumed(4)

        try await othersSpeak()
        await allHeard()
        await request("unpublish", ["id": "no-such-stream"])
        await witness.wait(for: "a refusal") { $0.count(.refused) == 1 }
        await texts(7)
        await allHeard()
    }
}

/// JSON that is the same text whenever it says the same.
func canonical(_ json: some StringProtocol) -> String {
    guard
        let value = try? JSONSerialization.jsonObject(
            with: Data(json.utf8), options: .fragmentsAllowed),
        let data = try? JSONSerialization.data(
            withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
    else { return String(json) }
    return String(decoding: data, as: UTF8.self)
}
