import Roamio

/// Everything that was seen against the portal's ledger.
struct Accounts {
    private let seen: Seen
    private let issued: [String]
    private let executed: [String]

    init(_ seen: Seen, ledger: [String]) {
        func entries(_ kind: String) -> [(name: String, data: String)] {
            ledger.filter { $0.hasPrefix("\(kind) ") }.map { line in
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                return (words[2], words[3])
            }
        }
        self.seen = seen
        issued = entries("notification").map { "\($0.name) \(canonical($0.data))" }
        executed = entries("request").map(\.data)
    }

    private var lost: Int {
        zip(issued, seen.notifications).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
            + max(0, issued.count - seen.notifications.count)
    }

    private var doubled: Int { max(0, seen.notifications.count - issued.count) }

    private var swallowed: Int { executed.filter { $0.contains("\"swallowed\"") }.count }

    /// The totals, worded as in every language.
    var totals: String {
        """
        resumed \(seen.resumed) of 4, \
        notifications \(seen.notifications.count) of \(issued.count), \
        lost \(lost), doubled \(doubled), requests \(seen.requested): \
        replied \(seen.count(.replied)), unknown \(seen.count(.unknown)), \
        refused \(seen.count(.refused))
        """
    }

    var requests: String {
        "the portal executed \(executed.count) requests, the swallowed one \(swallowed) time(s)"
    }

    var areRight: Bool {
        let answered = seen.count(.replied) + seen.count(.unknown)
        return seen.resumed == 4 && !issued.isEmpty && lost == 0 && doubled == 0 && seen.gaps == 0
            && seen.count(.failed) == 0 && swallowed == 1
            && answered + seen.count(.refused) == seen.requested
            && executed.count == answered && seen.end == .serverRestarted
    }
}
