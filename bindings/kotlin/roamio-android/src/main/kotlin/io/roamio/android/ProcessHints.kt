package io.roamio.android

import android.app.Activity
import android.app.Application
import android.os.Bundle
import io.roamio.Hinted
import java.lang.ref.WeakReference

/**
 * Tells a conference or a manager when the app goes to the background and comes back, until it is closed: all its
 * activities together, and not when one is only made anew in another shape. To be made and closed on the main thread,
 * before the first activity starts: in `Application.onCreate`, for example.
 *
 * Not for apps that a foreground service keeps running: what it keeps may stay connected.
 *
 * @param target a conference or a manager, which this does not keep.
 * @param beforeSuspend called first when the app goes to the background: the moment to export a session.
 */
class ProcessHints(
    private val application: Application,
    target: Hinted,
    beforeSuspend: () -> Unit = {},
) : AutoCloseable {
    private val callbacks = Callbacks(WeakReference(target), beforeSuspend)

    init {
        application.registerActivityLifecycleCallbacks(callbacks)
    }

    /** Tell no more. */
    override fun close() = application.unregisterActivityLifecycleCallbacks(callbacks)

    private class Callbacks(
        private val target: WeakReference<Hinted>,
        private val beforeSuspend: () -> Unit,
    ) : Application.ActivityLifecycleCallbacks {
        private var started = 0
        private var isBeingMadeAnew = false

        override fun onActivityStarted(activity: Activity) {
            started += 1
            if (started == 1 && !isBeingMadeAnew) target.get()?.resumed()
            isBeingMadeAnew = false
        }

        override fun onActivityStopped(activity: Activity) {
            started -= 1
            if (started > 0) return
            isBeingMadeAnew = activity.isChangingConfigurations
            if (isBeingMadeAnew) return
            target.get()?.let {
                beforeSuspend()
                it.suspended()
            }
        }

        override fun onActivityCreated(activity: Activity, state: Bundle?) = Unit
        override fun onActivityResumed(activity: Activity) = Unit
        override fun onActivityPaused(activity: Activity) = Unit
        override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) = Unit
        override fun onActivityDestroyed(activity: Activity) = Unit
    }
}
