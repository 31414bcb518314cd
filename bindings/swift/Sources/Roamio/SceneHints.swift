#if canImport(SwiftUI)
import SwiftUI

/// Tells a conference or a manager when the app goes to the background and comes back.
@available(iOS 14, macOS 11, tvOS 14, *)
private struct SceneHints: ViewModifier {
    let target: any Hinted
    @Environment(\.scenePhase) private var phase

    func body(content: Content) -> some View {
        content.onChange(of: phase) { phase in
            switch phase {
            case .background: target.suspended()
            case .active: target.resumed()
            default: break
            }
        }
    }
}

@available(iOS 14, macOS 11, tvOS 14, *)
extension View {
    /// Suspend `target` while the app is in the background, and let it find out at once on coming back
    /// whether its connection has survived. For the root view of a scene.
    public func roamioScene(_ target: any Hinted) -> some View {
        modifier(SceneHints(target: target))
    }
}
#endif
