import XCTest

@testable import Roamio

final class HintTests: XCTestCase {
    func testOnlyChangesOfTheNetworkAreHints() {
        let follower = PathFollower()
        let steps: [(path: [String], hint: NetworkHint?)] = [
            (["wifi"], nil), (["wifi"], nil), (["cell"], .changed), ([], .lost), ([], nil),
            (["cell"], .available), ([], .lost), (["wifi"], .changed),
        ]
        for step in steps {
            XCTAssertEqual(follower.hint(for: step.path), step.hint)
        }
    }

    func testADeviceThatStartsWithoutNetworkHasLostIt() {
        let follower = PathFollower()
        XCTAssertEqual(follower.hint(for: []), .lost)
        XCTAssertEqual(follower.hint(for: ["wifi"]), .available)
    }
}
