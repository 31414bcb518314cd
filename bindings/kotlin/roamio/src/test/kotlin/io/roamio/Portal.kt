package io.roamio

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.util.UUID
import kotlinx.coroutines.future.await
import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assumptions.assumeTrue

/** The embedded portal, which `test.sh` has started, and its control endpoints. */
internal class Portal {
    private val url = System.getenv("ROAMIO_PORTAL_URL").orEmpty()
    private val client = HttpClient.newHttpClient()

    /** A room of this test alone, as all tests have the same portal. */
    val room = UUID.randomUUID().toString()

    init {
        assumeTrue(url.isNotEmpty(), "ROAMIO_PORTAL_URL says no portal")
    }

    /** What an application's own server would obtain. */
    suspend fun token(user: String = "alice"): String =
        call("POST", "/v1/rooms/$room/tokens", """{"user":"$user","role":"presenter"}""")

    /** Ask for a fault, or for something to be said. */
    suspend fun control(path: String, body: String = "") {
        call("POST", "/control/$path", body)
    }

    /** Let somebody speak to the room. */
    suspend fun texts(count: Int) = control("texts?room=$room&count=$count")

    /** Who is in the room. */
    suspend fun participants(): List<String> {
        val text = call("GET", "/control/participants?room=$room")
        return json.decodeFromString<List<Present>>(text).map { it.id }
    }

    @Serializable
    private class Present(val id: String)

    private suspend fun call(method: String, path: String, body: String = ""): String {
        val request = HttpRequest.newBuilder(URI(url + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .header("content-type", "application/json")
            .build()
        val answer = client.sendAsync(request, HttpResponse.BodyHandlers.ofString()).await()
        assertEquals(200, answer.statusCode(), "$path: ${answer.body()}")
        return answer.body()
    }
}
