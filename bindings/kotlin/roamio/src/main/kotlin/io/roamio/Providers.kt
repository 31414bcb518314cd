package io.roamio

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch

/**
 * Gives a token that was never used. It is told why the session is lost, or nothing if it lives. Throwing
 * says that there is none.
 */
typealias TokenSource = suspend (Failure?) -> String

/**
 * Gives the payload that a namespace is joined with, a JSON object, or none. It is told why joining failed
 * the last time. Throwing leaves the socket at rest.
 */
typealias AuthSource = suspend (Failure?) -> String?

/**
 * Says where to connect to. It is told the failed attempts in a row, and why the last one failed. Throwing
 * counts as a failed attempt.
 */
typealias TargetSource = suspend (attempt: UInt, Failure?) -> Target

/** Where the sources of an object run; cancelled when it is closed. */
internal fun sourceScope() = CoroutineScope(SupervisorJob() + Dispatchers.Default)

internal class TokenAsker(
    private val scope: CoroutineScope,
    private val source: TokenSource,
) : TokenProvider {
    override fun tokenWanted(request: TokenRequest) = scope.answer(request, request::refuse) {
        request.answer(source(request.error()))
    }
}

internal class AuthAsker(
    private val scope: CoroutineScope,
    private val source: AuthSource,
) : AuthProvider {
    override fun authWanted(request: AuthRequest) = scope.answer(request, request::refuse) {
        request.answer(source(request.error()))
    }
}

internal class TargetAsker(
    private val scope: CoroutineScope,
    private val source: TargetSource,
) : TargetProvider {
    override fun targetWanted(request: TargetRequest) = scope.answer(request, request::refuse) {
        request.answer(source(request.attempt(), request.error()))
    }
}

/** Answer a question in a coroutine of its own, because the library's thread must not wait. */
private fun CoroutineScope.answer(
    question: AutoCloseable,
    refuse: (String) -> Unit,
    answer: suspend () -> Unit,
) {
    launch {
        question.use {
            try {
                answer()
            } catch (error: Exception) {
                // Only the kind of the error: its text may hold secrets.
                hint { refuse("the provider threw ${error.javaClass.name}") }
            }
        }
    }
}
