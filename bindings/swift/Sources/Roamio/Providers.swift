/// Gives a token that was never used. It is told why the session is lost, or nothing if it lives.
/// Throwing says that there is none.
public typealias TokenSource = @Sendable (Failure?) async throws -> String

/// Gives the payload that a namespace is joined with. It is told why joining failed the last time.
/// Throwing leaves the socket at rest.
public typealias AuthSource = @Sendable (Failure?) async throws -> (any Encodable & Sendable)?

/// Says where to connect to. It is told the failed attempts in a row, and why the last one failed.
/// Throwing counts as a failed attempt.
public typealias TargetSource = @Sendable (UInt32, Failure?) async throws -> Target

/// Asks a `TokenSource`.
final class TokenAsker: TokenProvider {
    private let source: TokenSource

    init(_ source: @escaping TokenSource) {
        self.source = source
    }

    func tokenWanted(request: TokenRequest) {
        answer(request) { [source] in
            try request.answer(token: await source(request.error()))
        }
    }
}

/// Asks an `AuthSource`.
final class AuthAsker: AuthProvider {
    private let source: AuthSource

    init(_ source: @escaping AuthSource) {
        self.source = source
    }

    func authWanted(request: AuthRequest) {
        answer(request) { [source] in
            try request.answer(authJson: await source(request.error()).map { try json($0) })
        }
    }
}

/// Asks a `TargetSource`.
final class TargetAsker: TargetProvider {
    private let source: TargetSource

    init(_ source: @escaping TargetSource) {
        self.source = source
    }

    func targetWanted(request: TargetRequest) {
        answer(request) { [source] in
            try request.answer(target: await source(request.attempt(), request.error()))
        }
    }
}

/// A question of the library.
private protocol Question: Sendable {
    func refuse(reason: String) throws
}

extension TokenRequest: Question {}
extension AuthRequest: Question {}
extension TargetRequest: Question {}

/// Answer a question in a task of its own, because the library's thread must not wait.
private func answer(_ question: any Question, _ answer: @escaping @Sendable () async throws -> Void) {
    Task {
        do {
            try await answer()
        } catch {
            // Only the kind of the error: its text may hold secrets. Who is closed needs no answer.
            try? question.refuse(reason: "the provider threw \(type(of: error))")
        }
    }
}
