package io.roamio

import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** Run a test within far more time than it takes, on a busy machine too. */
internal fun test(body: suspend CoroutineScope.() -> Unit) = runBlocking {
    withTimeout(60.seconds) { body() }
    coroutineContext.cancelChildren()
}

/** The next so many elements. */
internal suspend fun <T> ReceiveChannel<T>.next(count: Int): List<T> = List(count) { receive() }

/** Receive until an element is as wanted, and give that. */
internal suspend fun <T> ReceiveChannel<T>.until(isWanted: (T) -> Boolean): T {
    while (true) {
        receive().let { if (isWanted(it)) return it }
    }
}

/** The code of the error that a call throws. */
internal inline fun code(call: () -> Unit): ErrorCode? =
    try {
        call()
        null
    } catch (error: RoamioException) {
        error.code
    }
