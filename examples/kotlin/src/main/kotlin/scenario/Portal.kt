package scenario

import web.http

/** The application's server, which has tokens, and the one who makes the faults. */
class Portal(val url: String) {
    suspend fun post(path: String) {
        http("POST", url + path)
    }

    suspend fun token(user: String): String =
        http("POST", "$url/v1/rooms/room/tokens", """{"user":"$user","role":"presenter"}""")
}
