package io.roamio

/** What went wrong. */
val RoamioException.failure: Failure
    get() = when (this) {
        is RoamioException.Call -> failure
        is RoamioException.Transport -> failure
        is RoamioException.Engine -> failure
        is RoamioException.Socket -> failure
        is RoamioException.Conference -> failure
    }

/** What happened; what a program acts on. */
val RoamioException.code: ErrorCode get() = failure.code

/** What helps. */
val RoamioException.retry: Retry get() = failure.retry
