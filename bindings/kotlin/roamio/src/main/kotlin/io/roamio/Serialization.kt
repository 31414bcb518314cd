package io.roamio

import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.serializer

/*
 * For programs with kotlinx-serialization, which this package does not bring along: arguments and data as
 * values of serializable types.
 */

/** Members that a type does not know are ignored, and those that are null are left out. */
@PublishedApi
internal val json: Json = Json {
    ignoreUnknownKeys = true
    encodeDefaults = true
    explicitNulls = false
}

/** The JSON text of a [value]. Binary values in it are base64. */
inline fun <reified T> jsonOf(value: T): String = json.encodeToString(binaryAware(serializer<T>()), value)

/**
 * The value of a JSON text, as [jsonOf] writes it.
 *
 * @throws SerializationException if it is something else.
 */
inline fun <reified T> fromJson(text: String): T = json.decodeFromString(binaryAware(serializer<T>()), text)

/** An argument. Binary values, here and in those with more arguments, travel as they are. */
inline fun <reified A> argsOf(a: A): Arguments = buildArguments { add(a) }

/** Two arguments. */
inline fun <reified A, reified B> argsOf(a: A, b: B): Arguments = buildArguments {
    add(a)
    add(b)
}

/** Three arguments; [buildArguments] takes any number. */
inline fun <reified A, reified B, reified C> argsOf(a: A, b: B, c: C): Arguments = buildArguments {
    add(a)
    add(b)
    add(c)
}

/** The arguments that [build] adds. */
inline fun buildArguments(build: ArgumentsBuilder.() -> Unit): Arguments =
    ArgumentsBuilder().apply(build).build()

/** Collects arguments. */
class ArgumentsBuilder {
    private val values = mutableListOf<String>()
    private val attachments = mutableListOf<ByteArray>()
    private val json = Json(io.roamio.json) { serializersModule = attaching(attachments) }

    /** Add an argument. */
    inline fun <reified T> add(value: T) = add(serializer<T>(), value)

    /** Add an argument, with the serializer of its type. */
    fun <T> add(serializer: KSerializer<T>, value: T) {
        values += json.encodeToString(binaryAware(serializer), value)
    }

    /** What was added so far. */
    fun build(): Arguments = Arguments(values.joinToString(",", "[", "]"), attachments.toList())
}

/**
 * An argument, the first unless told otherwise. Attachments are [Binary], or `ByteArray` where one is the whole
 * argument.
 *
 * @throws SerializationException for an argument that is missing or something else.
 */
inline fun <reified T> Payload.decode(index: Int = 0): T = decode(serializer<T>(), index)

/** As the other one, with the serializer of the type. */
fun <T> Payload.decode(serializer: KSerializer<T>, index: Int = 0): T {
    val text = args.getOrNull(index) ?: throw SerializationException("there are ${args.size} arguments")
    val json = Json(json) { serializersModule = attaching(attachments.toMutableList()) }
    return json.decodeFromString(binaryAware(serializer), text)
}

/** As [Payload.decode]. */
inline fun <reified T> Message.decode(index: Int = 0): T = payload.decode(index)

/** Its data, as [Payload.decode]. */
inline fun <reified T> ConferenceNotification.decode(): T = payload.decode()

/**
 * What the server said: the payload of a refused namespace, or a portal's text; null if it said nothing.
 *
 * @throws SerializationException if it is something else.
 */
inline fun <reified T> Failure.server(): T? = serverJson?.let { fromJson<T>(it) }

/** Ask the portal as the member does, with [data] in place of its JSON. */
suspend inline fun <reified T> Conference.request(
    name: String,
    data: T,
    options: RequestOptions = RequestOptions(),
): Payload = request(name, jsonOf(data), options)

/** Join the namespace as the member does, with [auth] in place of its JSON. */
inline fun <reified T> Socket.connect(auth: T) = connect(jsonOf(auth))
