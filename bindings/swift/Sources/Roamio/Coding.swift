import Foundation

/// Values as a payload has them: JSON, and `Data` anywhere in it as attachments.
struct Encoded {
    /// A JSON array.
    let json: String
    let attachments: [Data]

    init(_ values: [any Encodable]) throws {
        let collected = Attachments()
        json = try text(Arguments(values: values)) { data, encoder in
            try Placeholder(num: collected.add(data)).encode(to: encoder)
        }
        attachments = collected.list
    }
}

/// A value as JSON. `Data` in it is base64.
func json(_ value: some Encodable) throws -> String {
    try text(value) { data, encoder in
        try data.base64EncodedString().encode(to: encoder)
    }
}

extension Payload {
    /// An argument, the first unless told otherwise. Attachments are `Data`.
    ///
    /// Throws `DecodingError` for an argument that is missing or something else.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, at index: Int = 0
    ) throws -> Value {
        guard args.indices.contains(index) else {
            let context = DecodingError.Context(
                codingPath: [], debugDescription: "there are \(args.count) arguments")
            throw DecodingError.valueNotFound(type, context)
        }
        return try Roamio.decode(type, args[index], attachments)
    }
}

/// A value of JSON text with attachments.
func decode<Value: Decodable>(
    _ type: Value.Type, _ json: String, _ attachments: [Data]
) throws -> Value {
    let decoder = JSONDecoder()
    decoder.dataDecodingStrategy = .custom { decoder in
        let placeholder = try Placeholder(from: decoder)
        guard placeholder._placeholder, attachments.indices.contains(placeholder.num) else {
            let context = DecodingError.Context(
                codingPath: decoder.codingPath, debugDescription: "no attachment")
            throw DecodingError.dataCorrupted(context)
        }
        return attachments[placeholder.num]
    }
    return try decoder.decode(type, from: Data(json.utf8))
}

private func text(
    _ value: some Encodable, data: @escaping @Sendable (Data, Encoder) throws -> Void
) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dataEncodingStrategy = .custom(data)
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// What stands for an attachment.
private struct Placeholder: Codable {
    var _placeholder = true
    let num: Int
}

/// The attachments of one payload; used by one encoder.
private final class Attachments: @unchecked Sendable {
    private(set) var list: [Data] = []

    func add(_ data: Data) -> Int {
        list.append(data)
        return list.count - 1
    }
}

private struct Arguments: Encodable {
    let values: [any Encodable]

    func encode(to encoder: Encoder) throws {
        var container = encoder.unkeyedContainer()
        for value in values {
            try container.encode(value)
        }
    }
}
