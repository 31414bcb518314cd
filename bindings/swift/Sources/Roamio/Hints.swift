/// What an application knows about its network and itself, for a `Conference` or a `Manager`. Wrong
/// hints are harmless, and after the end nothing comes of them.
public protocol Hinted: AnyObject, Sendable {
    /// A network is there (again): do not wait for the next attempt.
    func networkAvailable()
    /// There is no network: attempts become rare, the connection is kept.
    func networkLost()
    /// The device moved to another network: go there now.
    func networkChanged()
    /// The application is about to be suspended: no timer, nothing sent until `resumed` or another call.
    func suspended()
    /// The application runs again: find out at once whether the connection has survived.
    func resumed()
}
