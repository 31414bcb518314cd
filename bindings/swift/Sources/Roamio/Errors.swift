import Foundation

extension RoamioError {
    /// What went wrong.
    public var failure: Failure {
        switch self {
        case .Call(let failure), .Transport(let failure), .Engine(let failure),
            .Socket(let failure), .Conference(let failure):
            return failure
        }
    }

    /// What happened; what a program acts on.
    public var code: ErrorCode { failure.code }

    /// What helps.
    public var retry: Retry { failure.retry }
}

extension RoamioError: LocalizedError {
    /// One line for developers, not for users and not to be parsed.
    public var errorDescription: String? { failure.message }
}

extension Failure {
    /// What the server said: the payload of a refused namespace, or a portal's text; none if it said
    /// nothing.
    public func server<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value? {
        guard let serverJson else { return nil }
        return try JSONDecoder().decode(type, from: Data(serverJson.utf8))
    }
}
