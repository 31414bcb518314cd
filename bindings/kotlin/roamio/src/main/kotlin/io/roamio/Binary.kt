package io.roamio

import kotlin.io.encoding.Base64
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.builtins.ByteArraySerializer
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.JsonDecoder
import kotlinx.serialization.json.JsonEncoder
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.intOrNull
import kotlinx.serialization.json.put
import kotlinx.serialization.modules.SerializersModule

/**
 * Bytes in a serializable type. In the arguments of an event they travel as an attachment, in the data of a request
 * as base64; a plain `ByteArray` in a type is an array of numbers.
 */
typealias Binary = @Serializable(with = BinarySerializer::class) ByteArray

/** The serializer of [Binary]. */
@OptIn(ExperimentalSerializationApi::class)
object BinarySerializer : KSerializer<ByteArray> {
    override val descriptor = PrimitiveSerialDescriptor("io.roamio.Binary", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: ByteArray) {
        val attaching = encoder.serializersModule.getContextual(ByteArray::class)
        attaching?.serialize(encoder, value) ?: encoder.encodeString(Base64.encode(value))
    }

    override fun deserialize(decoder: Decoder): ByteArray {
        val attaching = decoder.serializersModule.getContextual(ByteArray::class)
        return attaching?.deserialize(decoder) ?: Base64.decode(decoder.decodeString())
    }
}

/** The same serializer, except that bytes are binary also where they are the whole value. */
@PublishedApi
@Suppress("UNCHECKED_CAST")
internal fun <T> binaryAware(serializer: KSerializer<T>): KSerializer<T> =
    if (serializer.descriptor == ByteArraySerializer().descriptor) BinarySerializer as KSerializer<T> else serializer

/** Binary values are these attachments; those that are written are added to them. */
internal fun attaching(attachments: MutableList<ByteArray>) = SerializersModule {
    contextual(ByteArray::class, Attaching(attachments))
}

private class Attaching(private val attachments: MutableList<ByteArray>) : KSerializer<ByteArray> {
    override val descriptor = BinarySerializer.descriptor

    override fun serialize(encoder: Encoder, value: ByteArray) {
        attachments += value
        val placeholder = buildJsonObject {
            put("_placeholder", true)
            put("num", attachments.lastIndex)
        }
        (encoder as JsonEncoder).encodeJsonElement(placeholder)
    }

    override fun deserialize(decoder: Decoder): ByteArray {
        val placeholder = (decoder as JsonDecoder).decodeJsonElement() as? JsonObject
        val number = placeholder?.get("num") as? JsonPrimitive
        return number?.takeIf { placeholder["_placeholder"] == JsonPrimitive(true) }
            ?.intOrNull
            ?.let(attachments::getOrNull)
            ?: throw SerializationException("no attachment")
    }
}
