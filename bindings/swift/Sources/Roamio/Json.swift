import Foundation

/// Any JSON. Literals are what they say: `let message: Json = ["n": 1]`.
public struct Json: Sendable, Hashable {
    /// It as text.
    public let text: String

    init(text: String) {
        self.text = text
    }

    /// A value as JSON. `Data` in it is base64.
    ///
    /// Throws `EncodingError`.
    public init(_ value: some Encodable) throws {
        text = try json(value)
    }

    /// It as a value.
    ///
    /// Throws `DecodingError`.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try Roamio.decode(type, text, [])
    }
}

extension Json: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(booleanLiteral value: Bool) {
        text = "\(value)"
    }

    public init(integerLiteral value: Int) {
        text = "\(value)"
    }

    public init(floatLiteral value: Double) {
        text = "\(value)"
    }
}

extension Json: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        text = quoted(value)
    }
}

extension Json: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    public init(arrayLiteral elements: Json...) {
        text = "[\(elements.map(\.text).joined(separator: ","))]"
    }

    public init(dictionaryLiteral members: (String, Json)...) {
        text = "{\(members.map { "\(quoted($0)):\($1.text)" }.joined(separator: ","))}"
    }
}

private func quoted(_ text: String) -> String {
    // A string can always be written.
    (try? json(text)) ?? "\"\""
}
