import Foundation

/// Any JSON, and data that travels as an attachment.
enum Json: Codable {
    case null
    case bool(Bool)
    case int(Int)
    case number(Double)
    case text(String)
    case data(Data)
    case list([Json])
    case object([String: Json])

    init(from decoder: Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? value.decode(Int.self) {
            self = .int(int)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([Json].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: Json].self))
        }
    }

    func encode(to encoder: Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .int(let int): try value.encode(int)
        case .number(let number): try value.encode(number)
        case .text(let text): try value.encode(text)
        case .data(let data): try value.encode(data)
        case .list(let list): try value.encode(list)
        case .object(let members): try value.encode(members)
        }
    }

    /// With these attachments in the place of what stands for them.
    func with(_ attachments: [Data]) throws -> Json {
        switch self {
        case .list(let list):
            return .list(try list.map { try $0.with(attachments) })
        case .object(let members):
            guard case .bool(true) = members["_placeholder"] else {
                return .object(try members.mapValues { try $0.with(attachments) })
            }
            guard case .int(let number) = members["num"], attachments.indices.contains(number) else {
                throw Trouble("there is no such attachment")
            }
            return .data(attachments[number])
        default:
            return self
        }
    }

    init(parsing text: String) throws {
        self = try JSONDecoder().decode(Json.self, from: Data(text.utf8))
    }

    func text() throws -> String {
        String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
    }
}
