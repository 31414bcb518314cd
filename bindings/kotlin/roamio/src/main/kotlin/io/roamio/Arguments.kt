package io.roamio

/**
 * The arguments of an event, or of an ack. [argsOf] makes them of values.
 *
 * @property json a JSON array. Where a binary value belongs it holds `{"_placeholder":true,"num":i}`, which stands
 * for attachment `i`.
 * @property attachments the binary values.
 */
class Arguments(val json: String = "[]", val attachments: List<ByteArray> = emptyList())
