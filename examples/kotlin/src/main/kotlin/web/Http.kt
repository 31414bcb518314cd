package web

import java.io.IOException
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import kotlinx.coroutines.future.await

private val client: HttpClient = HttpClient.newHttpClient()

/** One HTTP request, as an application's own server would make it; its answer must be a success. */
suspend fun http(method: String, url: String, body: String = ""): String {
    val request = HttpRequest.newBuilder(URI(url))
        .method(method, HttpRequest.BodyPublishers.ofString(body))
        .header("content-type", "application/json")
        .build()
    val answer = client.sendAsync(request, HttpResponse.BodyHandlers.ofString()).await()
    if (answer.statusCode() != 200) throw IOException("$url: ${answer.body()}")
    return answer.body()
}
