import Foundation
import XCTest

@testable import Roamio

final class CodingTests: XCTestCase {
    private struct Photo: Codable, Equatable {
        let name: String
        let parts: [Data]
    }

    func testDataBecomesAttachments() throws {
        let photo = Photo(name: "a/b", parts: [Data([1]), Data([2, 3])])
        let encoded = try Encoded([photo, 7, "x", Data()])
        XCTAssertEqual(encoded.attachments, photo.parts + [Data()])
        XCTAssertTrue(encoded.json.hasPrefix("["))
        let first = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(encoded.json.utf8)) as? [Any])[0]
        let text = String(decoding: try JSONSerialization.data(withJSONObject: first), as: UTF8.self)
        XCTAssertEqual(try decode(Photo.self, text, encoded.attachments), photo)
    }

    func testAnAttachmentThatIsMissingIsAnError() throws {
        let second = #"{"_placeholder":true,"num":1}"#
        XCTAssertThrowsError(try decode(Data.self, second, [Data()])) { error in
            XCTAssertTrue(error is DecodingError)
        }
        XCTAssertEqual(try decode(Data.self, second, [Data(), Data([1])]), Data([1]))
    }

    func testDataInAnObjectForThePortalIsBase64() throws {
        XCTAssertEqual(try json(["data": Data("abc".utf8)]), #"{"data":"YWJj"}"#)
    }
}
