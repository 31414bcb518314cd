import Foundation
import Roamio

/// Plays one step after the other, and knows everything that was made by them.
actor Player {
    /// What an object has told, and how much of it was awaited.
    private struct Told {
        let name: String
        let log: Log
        var awaited = 0
    }

    /// A socket with its connection, and what reads its events.
    private struct Connected {
        let manager: Manager
        let socket: Socket
        let reader: Task<Void, Never>
    }

    private let portal: Portal
    private let names = Names()
    private let outcomes = Log()
    /// In the order of their making.
    private var told: [Told] = []
    private var seats: [String: Seat] = [:]
    private var sockets: [String: Connected] = [:]
    private var requests: [String: Task<Void, Never>] = [:]
    private var exports: [String: String] = [:]
    /// The ids of what has an outcome, in the order of the steps.
    private var asked: [String] = []

    init(_ portal: Portal) {
        self.portal = portal
    }

    func play(_ step: Step) async throws {
        let object = step.object
        switch step.action {
        case .conference(let asksToken, let rejoinsOnGap):
            let seat = Seat(object, portal, names)
            try await seat.sit(ConferenceOptions(rejoinOnGap: rejoinsOnGap), asksToken: asksToken)
            seats[object] = seat
            told.append(Told(name: object, log: seat.log))
        case .login(let id, let user):
            let seat = try seat(object), conference = try await seat.conference()
            let token = try await seat.token(user)
            await ask(id, done) { [names] in
                let answer = try await conference.login(token)
                try await names.learn(object, answer)
                return answer
            }
        case .request(let id, let name, let data):
            let conference = try await conference(object)
            let data = try await Json(parsing: names.resolve(data.text()))
            await ask(id, { "done \($0.data)" }) { try await conference.request(name, data) }
        case .cancel(let id):
            guard let request = requests[id] else { throw Trouble("no request \(id)") }
            request.cancel()
        case .hint(let kind):
            try await hint(kind, to: conference(object))
        case .rejoin(let id):
            let conference = try await conference(object)
            await ask(id, done) { try await conference.rejoin() }
        case .logout(let id):
            let conference = try await conference(object)
            await ask(id, done) { try await conference.logout() }
        case .export(let name):
            exports[name] = try await conference(object).export()
        case .restore(let id, let name):
            let conference = try await conference(object)
            guard let exported = exports[name] else { throw Trouble("no export \(name)") }
            await ask(id, done) { try await conference.restore(exported) }
        case .detach:
            try await conference(object).close()
        case .destroyOn(let line):
            try await seat(object).destroy(on: line)
        case .socket(let namespace):
            try connect(object, namespace)
        case .emit(let id, let name, let args, let attachments):
            let attachments = try attachments.map(Data.init(digits:))
            let args = try args.map { try $0.with(attachments) }
            let socket = try socket(object)
            guard let id else { return try socket.emit(name, arguments: args) }
            await ask(id, { "done \($0.all)" }) { try await socket.emitWithAck(name, arguments: args) }
        case .disconnect:
            try socket(object).disconnect()
        case .portal(let path):
            try await portal.post(names.resolve(path))
        case .pause(let ms):
            try await Task.sleep(for: .milliseconds(ms))
        case .awaitOutcome(let id):
            _ = try await outcomes.wait(from: 0, for: id)
        case .awaitLine(let line):
            guard let index = told.firstIndex(where: { $0.name == object }) else {
                throw Trouble("no object \(object)")
            }
            let found = try await told[index].log.wait(from: told[index].awaited, for: line)
            told[index].awaited = found + 1
        }
    }

    /// Nothing is told any more.
    func close() async {
        for seat in seats.values {
            await seat.close()
        }
        for connected in sockets.values {
            await connected.socket.close()
            await connected.manager.close()
            await connected.reader.value
        }
        for request in requests.values {
            await request.value
        }
    }

    /// Everything that was told: per object, then the outcomes.
    func trace() async -> String {
        var lines: [String] = []
        for one in told {
            lines += await one.log.lines.map { "\(one.name) \($0)" }
        }
        let ended = await outcomes.lines
        for id in asked {
            lines.append("outcome \(ended.first { $0.begins(with: id) } ?? "\(id) has none")")
        }
        return await names.hide(lines.map { "\($0)\n" }.joined())
    }

    /// Do something that has an outcome. An error of the call is one too.
    private func ask<Answer>(
        _ id: String, _ show: @escaping @Sendable (Answer) -> String,
        _ call: @escaping @Sendable () async throws -> Answer
    ) async {
        asked.append(id)
        // It is under way before the next step.
        await withCheckedContinuation { begun in
            requests[id] = Task { [outcomes] in
                begun.resume()
                let outcome: String
                do {
                    outcome = show(try await call())
                } catch let error as RoamioError {
                    outcome = error.code.name
                } catch is CancellationError {
                    outcome = ErrorCode.cancelled.name
                } catch {
                    outcome = "\(error)"
                }
                await outcomes.tell("\(id) \(outcome)")
            }
        }
    }

    private func hint(_ kind: Action.Hint, to conference: Conference) {
        switch kind {
        case .networkAvailable: conference.networkAvailable()
        case .networkLost: conference.networkLost()
        case .networkChanged: conference.networkChanged()
        case .suspended: conference.suspended()
        case .resumed: conference.resumed()
        }
    }

    private func connect(_ name: String, _ namespace: String) throws {
        let manager = try Manager(portal.url), log = Log()
        let socket = try manager.socket(namespace)
        let reader = Task { [events = socket.events()] in
            for await event in events {
                guard let line = event.line else { continue }
                await log.tell(line)
            }
        }
        try socket.connect()
        told.append(Told(name: name, log: log))
        sockets[name] = Connected(manager: manager, socket: socket, reader: reader)
    }

    private func seat(_ name: String) throws -> Seat {
        guard let seat = seats[name] else { throw Trouble("no conference \(name)") }
        return seat
    }

    private func conference(_ name: String) async throws -> Conference {
        try await seat(name).conference()
    }

    private func socket(_ name: String) throws -> Socket {
        guard let connected = sockets[name] else { throw Trouble("no socket \(name)") }
        return connected.socket
    }
}

/// An outcome whose answer is empty, or has ids and tickets in it.
@Sendable private func done<Answer>(_: Answer) -> String { "done" }

extension Data {
    /// Of pairs of hexadecimal digits.
    fileprivate init(digits: String) throws {
        self.init()
        var rest = digits[...]
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { throw Trouble("no digits: \(rest)") }
            append(byte)
            rest = rest.dropFirst(2)
        }
    }
}
