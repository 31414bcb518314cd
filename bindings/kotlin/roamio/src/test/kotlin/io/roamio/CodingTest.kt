package io.roamio

import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

internal class CodingTest {
    @Serializable
    private class Photo(val name: String, val parts: List<Binary>, val note: String? = null)

    private fun payload(args: Arguments, vararg texts: String) =
        Payload("", texts.toList(), args.attachments, false)

    @Test
    fun `bytes become attachments`() {
        val photo = Photo("a/b", listOf(byteArrayOf(1), byteArrayOf(2, 3)))
        val args = argsOf(photo, 7, byteArrayOf())
        val (one, two, three) = List(3) { """{"_placeholder":true,"num":$it}""" }
        val text = """{"name":"a/b","parts":[$one,$two]}"""
        assertEquals("[$text,7,$three]", args.json)
        assertEquals(listOf(1, 2, 0), args.attachments.map { it.size })
        val back = payload(args, text).decode<Photo>()
        assertEquals("a/b", back.name)
        back.parts.zip(photo.parts).forEach { (one, other) -> assertArrayEquals(other, one) }
    }

    @Test
    fun `an attachment that is missing is an error`() {
        val second = """{"_placeholder":true,"num":1}"""
        fun decode(count: Int) = payload(Arguments("[]", List(count) { byteArrayOf(it.toByte()) }), second)
        assertThrows(SerializationException::class.java) { decode(1).decode<ByteArray>() }
        assertArrayEquals(byteArrayOf(1), decode(2).decode<ByteArray>())
        assertThrows(SerializationException::class.java) { decode(2).decode<ByteArray>(1) }
    }

    @Test
    fun `any number of arguments is added`() {
        val args = buildArguments {
            repeat(5) { add(it) }
            add(mapOf("a" to listOf("é")))
        }
        assertEquals("""[0,1,2,3,4,{"a":["é"]}]""", args.json)
        assertEquals("[]", Arguments().json)
    }

    @Test
    fun `bytes in data for the portal are base64`() {
        assertEquals("""{"name":"","parts":["YWJj"]}""", jsonOf(Photo("", listOf("abc".toByteArray()))))
        assertEquals("\"YWJj\"", jsonOf("abc".toByteArray()))
    }
}
