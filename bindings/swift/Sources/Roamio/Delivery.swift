import Foundation

/// What the objects of one connection share, as they share one thread of the library.
///
/// While that thread waits for slow readers, the outcome of a request cannot pass it. So it never waits
/// while somebody awaits one.
final class Lane: @unchecked Sendable {
    private let changed = NSCondition()
    private var awaited = 0

    /// Run `body`, which makes the streams move, under the lock.
    func change<Result>(_ body: () -> Result) -> Result {
        changed.lock()
        defer { changed.unlock() }
        defer { changed.broadcast() }
        return body()
    }

    /// Wait until `body`, run under the lock, says that it is done.
    func wait(until body: (_ isAwaited: Bool) -> Bool) {
        changed.lock()
        defer { changed.unlock() }
        while !body(awaited > 0) {
            changed.wait()
        }
    }

    /// Await the outcome of a request.
    func outcome<Result>(_ call: () async throws -> Result) async rethrows -> Result {
        change { awaited += 1 }
        defer { change { awaited -= 1 } }
        return try await call()
    }
}

/// Brings the events of one object from the library's thread to its streams, in order.
final class Delivery<Event: Sendable>: @unchecked Sendable {
    /// With so many events that nobody has fetched the library's own queue fills, and when that is full
    /// nothing more is read from the network.
    private let limit = 1_000
    private let lane: Lane
    private let isLast: @Sendable (Event) -> Bool
    private var inboxes: [ObjectIdentifier: Inbox<Event>] = [:]
    private var isFinished = false

    init(_ lane: Lane, isLast: @escaping @Sendable (Event) -> Bool) {
        self.lane = lane
        self.isLast = isLast
    }

    /// Take an event, on a thread of the library; waits while too many are unfetched.
    func post(_ event: Event) {
        lane.wait { isAwaited in
            guard isFinished || isAwaited || inboxes.values.allSatisfy({ $0.count < limit }) else {
                return false
            }
            inboxes.values.forEach { $0.put(event) }
            return true
        }
        if isLast(event) {
            finish()
        }
    }

    /// The events from now on that `pick` makes something of. They end with the object.
    func stream<Element>(
        _ pick: @escaping @Sendable (Event) -> Element?
    ) -> AsyncStream<Element> {
        let subscription = Subscription(self, lane)
        lane.change {
            inboxes[ObjectIdentifier(subscription.inbox)] = subscription.inbox
            if isFinished {
                subscription.inbox.end()
            }
        }
        return AsyncStream(
            unfolding: {
                while let event = await subscription.next() {
                    if let element = pick(event) {
                        return element
                    }
                }
                return nil
            },
            onCancel: { [weak subscription] in subscription?.cancel() }
        )
    }

    /// There are no more events: streams end, and nobody waits for room.
    func finish() {
        lane.change {
            isFinished = true
            inboxes.values.forEach { $0.end() }
        }
    }

    fileprivate func forget(_ inbox: Inbox<Event>) {
        lane.change { inboxes[ObjectIdentifier(inbox)] = nil }
    }
}

/// What a stream holds of its delivery, for as long as somebody has the stream.
private final class Subscription<Event: Sendable>: Sendable {
    let inbox = Inbox<Event>()
    private let delivery: Delivery<Event>
    private let lane: Lane

    init(_ delivery: Delivery<Event>, _ lane: Lane) {
        self.delivery = delivery
        self.lane = lane
    }

    deinit {
        delivery.forget(inbox)
    }

    func next() async -> Event? {
        await withCheckedContinuation { reader in
            lane.change { inbox.fetch(reader) }
        }
    }

    /// The reader's task is cancelled: it hears no more.
    func cancel() {
        lane.change {
            inbox.clear()
            inbox.end()
        }
    }
}

/// The events that a stream has not fetched. Its lane's lock protects it.
private final class Inbox<Event: Sendable>: @unchecked Sendable {
    private var events: ArraySlice<Event> = []
    private var readers: [CheckedContinuation<Event?, Never>] = []
    private var isOver = false

    var count: Int { events.count }

    func put(_ event: Event) {
        guard !isOver else { return }
        if readers.isEmpty {
            events.append(event)
        } else {
            readers.removeFirst().resume(returning: event)
        }
    }

    func fetch(_ reader: CheckedContinuation<Event?, Never>) {
        if let event = events.popFirst() {
            reader.resume(returning: event)
        } else if isOver {
            reader.resume(returning: nil)
        } else {
            readers.append(reader)
        }
    }

    func clear() {
        events = []
    }

    func end() {
        isOver = true
        readers.forEach { $0.resume(returning: nil) }
        readers = []
    }
}
