#if canImport(Network)
import Dispatch
import Network

/// Passes on what the system knows about the network, as long as somebody has this.
@available(iOS 13, macOS 10.15, tvOS 13, *)
public final class NetworkHints: Sendable {
    private let monitor = NWPathMonitor()

    /// Hints for a conference or a manager, which it does not keep.
    public init(for target: any Hinted) {
        let follower = PathFollower()
        monitor.pathUpdateHandler = { [weak target] path in
            if let hint = follower.hint(for: path.parts) {
                target?.pass(on: hint)
            }
        }
        monitor.start(queue: DispatchQueue(label: "roamio.network"))
    }

    deinit {
        monitor.cancel()
    }
}

@available(iOS 13, macOS 10.15, tvOS 13, *)
extension NWPath {
    /// Another Wi-Fi has the same interface, but another gateway.
    fileprivate var parts: [String] {
        guard status == .satisfied else { return [] }
        return availableInterfaces.map(\.name) + gateways.map(\.debugDescription)
    }
}
#endif
