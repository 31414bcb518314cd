import Roamio

/// A conference of a scenario, and what reads its events.
actor Seat {
    nonisolated let log = Log()
    private let name: String
    private let portal: Portal
    private let names: Names
    /// None once it is destroyed.
    private var open: Conference?
    private var reader: Task<Void, Never>?
    private var user = "nobody"
    private var destroyOn: String?

    init(_ name: String, _ portal: Portal, _ names: Names) {
        self.name = name
        self.portal = portal
        self.names = names
    }

    func sit(_ options: ConferenceOptions, asksToken: Bool) throws {
        let tokens: TokenSource = { [weak self, portal] _ in
            try await portal.token(self?.user ?? "nobody")
        }
        let conference = try Conference(options, tokens: asksToken ? tokens : nil)
        open = conference
        reader = Task { [events = conference.events()] in
            for await event in events {
                await observe(event)
            }
        }
    }

    func conference() throws -> Conference {
        guard let open else { throw Trouble("\(name) is destroyed") }
        return open
    }

    /// A token for somebody, who is also meant when the conference asks for another one.
    func token(_ user: String) async throws -> String {
        self.user = user
        return try await portal.token(user)
    }

    func destroy(on line: String) {
        destroyOn = line
    }

    /// Nothing is told any more.
    func close() async {
        await destroy()
        await reader?.value
    }

    private func destroy() async {
        await open?.close()
        open = nil
    }

    private func observe(_ event: ConferenceEvent) async {
        guard let line = event.line else { return }
        if case .rejoined(let answer) = event {
            try? await names.learn(name, answer)
        }
        if let destroyOn, line.begins(with: destroyOn) {
            await destroy()
        }
        await log.tell(line)
    }
}
