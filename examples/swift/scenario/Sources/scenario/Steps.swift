import Foundation

/// A scenario as its file has it: see `tests/scenarios/README.md`.
struct Scenario: Decodable {
    let steps: [Step]
}

struct Step: Decodable {
    /// The object.
    let object: String
    let action: Action

    private enum CodingKeys: String, CodingKey {
        case object = "as"
    }

    init(from decoder: Decoder) throws {
        action = try Action(from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        let usual = action.isOfSockets ? "s" : "c"
        object = try members.decodeIfPresent(String.self, forKey: .object) ?? usual
    }
}

enum Action: Decodable {
    case conference(asksToken: Bool, rejoinsOnGap: Bool)
    case login(id: String, user: String)
    case request(id: String, name: String, data: Json)
    case cancel(id: String)
    case hint(kind: Hint)
    case rejoin(id: String)
    case logout(id: String)
    case export(to: String)
    case restore(id: String, from: String)
    case detach
    case destroyOn(line: String)
    case socket(namespace: String)
    case emit(id: String?, name: String, args: [Json], attachments: [String])
    case disconnect
    case portal(path: String)
    case pause(ms: UInt64)
    case awaitLine(String)
    case awaitOutcome(id: String)

    enum Hint: String, Decodable {
        case networkAvailable = "network_available"
        case networkLost = "network_lost"
        case networkChanged = "network_changed"
        case suspended, resumed
    }

    private enum Key: String, CodingKey {
        case action = "do", askToken = "ask_token", rejoinOnGap = "rejoin_on_gap"
        case id, user, name, data, kind, to, from, line, namespace, args, attachments, path, ms
    }

    init(from decoder: Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        func member<Value: Decodable>(_ key: Key) throws -> Value {
            try members.decode(Value.self, forKey: key)
        }
        func member<Value: Decodable>(_ key: Key, else usual: Value) throws -> Value {
            try members.decodeIfPresent(Value.self, forKey: key) ?? usual
        }
        switch try member(.action) as String {
        case "conference":
            self = .conference(
                asksToken: try member(.askToken, else: false),
                rejoinsOnGap: try member(.rejoinOnGap, else: false))
        case "login": self = .login(id: try member(.id), user: try member(.user))
        case "request":
            self = .request(id: try member(.id), name: try member(.name), data: try member(.data))
        case "cancel": self = .cancel(id: try member(.id))
        case "hint": self = .hint(kind: try member(.kind))
        case "rejoin": self = .rejoin(id: try member(.id))
        case "logout": self = .logout(id: try member(.id))
        case "export": self = .export(to: try member(.to))
        case "restore": self = .restore(id: try member(.id), from: try member(.from))
        case "detach": self = .detach
        case "destroy_on": self = .destroyOn(line: try member(.line))
        case "socket": self = .socket(namespace: try member(.namespace, else: "/echo"))
        case "emit":
            self = .emit(
                id: try member(.id, else: nil), name: try member(.name), args: try member(.args),
                attachments: try member(.attachments, else: []))
        case "disconnect": self = .disconnect
        case "portal": self = .portal(path: try member(.path))
        case "pause": self = .pause(ms: try member(.ms))
        case "await" where members.contains(.id): self = .awaitOutcome(id: try member(.id))
        case "await": self = .awaitLine(try member(.line))
        case let unknown: throw Trouble("no runner knows \(unknown)")
        }
    }

    var isOfSockets: Bool {
        switch self {
        case .socket, .emit, .disconnect: true
        default: false
        }
    }
}
