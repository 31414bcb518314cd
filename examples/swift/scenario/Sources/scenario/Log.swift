/// Lines that are told by readers and awaited by steps.
actor Log {
    private(set) var lines: [String] = []
    private var step: CheckedContinuation<Void, Never>?

    func tell(_ line: String) {
        lines.append(line)
        wake()
    }

    /// Wait for a line of index `start` or later that begins with these words; its index.
    func wait(from start: Int, for words: String) async throws -> Int {
        let limit = Duration.seconds(20)  // nothing takes longer
        let late = ContinuousClock.now + limit
        let alarm = Task {
            try await Task.sleep(for: limit)
            wake()
        }
        defer { alarm.cancel() }
        while true {
            if let found = lines[start...].firstIndex(where: { $0.begins(with: words) }) {
                return found
            }
            guard ContinuousClock.now < late else { throw Trouble("nobody told \"\(words)\"") }
            await withCheckedContinuation { step = $0 }
        }
    }

    private func wake() {
        step?.resume()
        step = nil
    }
}

extension String {
    /// Whether it begins with whole words.
    func begins(with words: String) -> Bool {
        "\(self) ".hasPrefix("\(words) ")
    }
}
