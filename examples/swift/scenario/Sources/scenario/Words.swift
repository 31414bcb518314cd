import Foundation
import Roamio

extension ConferenceEvent {
    /// Its line in a trace; none: it is not traced.
    var line: String? {
        switch self {
        case .state(_, let state, let cause, _):
            "state \(state)".caused(by: cause)
        case .resumable(let resumable):
            "resumable \(resumable ? "yes" : "no")"
        case .notification(let payload, let replayed, let number):
            "notification \(number) \(replayed ? "replayed" : "new") \(payload.name) \(payload.data)"
        case .resumed(let complete, let replayed):
            "resumed \(complete ? "complete" : "incomplete") \(replayed)"
        case .gap(let from, let to, let certain):
            "gap \(certain ? "certain" : "uncertain") \(from) \(to)"
        case .migrated:
            "migrated"
        case .tokenWanted(let error):
            "token_wanted".caused(by: error)
        case .rejoined:
            "rejoined"
        case .protocolError(let error):
            "protocol_error".caused(by: error)
        case .retry, .hostSlow:
            nil
        }
    }
}

extension SocketEvent {
    /// Its line in a trace; none: it is not traced.
    var line: String? {
        switch self {
        case .state(_, let state, let cause, _, _, _): "state \(state)".caused(by: cause)
        case .event(let payload, _): "event \(payload.name) \(payload.all)"
        default: nil
        }
    }
}

extension Payload {
    /// The one argument of a notification or an answer of the portal.
    var data: String { args.first ?? "null" }

    /// `ARGS [hex:DIGITS]...`
    var all: String {
        let digits = attachments.map { $0.map { String(format: "%02x", $0) }.joined() }
        return "[\(args.joined(separator: ","))]" + digits.map { " hex:\($0)" }.joined()
    }
}

extension ErrorCode {
    /// As it is spelled in C, without the prefix.
    var name: String {
        "\(self)".map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
    }
}

extension String {
    fileprivate func caused(by cause: Failure?) -> String {
        cause.map { "\(self) \($0.code.name)" } ?? self
    }
}
