/// What a change of the system's network is worth.
enum NetworkHint {
    case available, lost, changed
}

/// Makes hints of what the system says about its network, one path after the other. For one queue.
final class PathFollower: @unchecked Sendable {
    private var usable: [String]?
    private var isLost = false

    /// `path` names what makes up the network, as interfaces and gateways, the preferred one first; nothing
    /// says that there is none.
    func hint(for path: [String]) -> NetworkHint? {
        let former = usable, wasLost = isLost
        isLost = path.isEmpty
        if isLost { return wasLost ? nil : .lost }
        usable = path
        if let former, former != path { return .changed }
        return wasLost ? .available : nil
    }
}

extension Hinted {
    func pass(on hint: NetworkHint) {
        switch hint {
        case .available: networkAvailable()
        case .lost: networkLost()
        case .changed: networkChanged()
        }
    }
}
