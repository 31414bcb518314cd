//! The host's functions: copied in, called with views, told when they are not needed any more.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use smallvec::SmallVec;

use super::error::view;
use super::guard::{boundary, null};
use super::types::{
    roam_bytes, roam_completion, roam_event, roam_post, roam_socket_hook, roam_str, roam_trace,
    roam_wake,
};
use crate::config::{BorrowedSocket, DispatchMode, Executor, Job, SocketHook, TraceSink};
use crate::error::{Code, Error, Result};
use crate::payload::Payload;

/// A struct that a host gives, with its size in it.
///
/// # Safety
/// The type is `repr(C)`, begins with `struct_size: usize`, and zeroed memory is a value of it.
pub(super) unsafe trait HostStruct: Copy {}

/// A table of functions that a host gives.
pub(super) trait HostTable: HostStruct {
    fn user_data(&self) -> *mut c_void;
    fn destroy(&self) -> Option<unsafe extern "C" fn(user_data: *mut c_void)>;
}

/// Copy a struct of the host. Of a longer one (from a newer header) the tail is ignored.
pub(super) unsafe fn copied<T: HostStruct>(from: *const T, what: &str) -> Result<T> {
    if from.is_null() {
        return Err(null(what));
    }
    // SAFETY: `struct_size` is the first member, and the host promises a readable struct.
    let size = unsafe { from.cast::<usize>().read() };
    if size < size_of::<T>() {
        let text = format!("{what}.struct_size: {size}, at least {}", size_of::<T>());
        return Err(Error::new(Code::InvalidArgument, text));
    }
    // SAFETY: the host says that the struct has `size` bytes, which is not less; what it has put
    // there is a value of the type.
    Ok(unsafe { from.read() })
}

/// As [`copied`], with zeros where the host gives none.
pub(super) unsafe fn copied_or_zero<T: HostStruct>(from: *const T, what: &str) -> Result<T> {
    if from.is_null() {
        // SAFETY: zeroed memory is a value of it, as `HostStruct` promises.
        return Ok(unsafe { std::mem::zeroed() });
    }
    // SAFETY: the host's promise, passed on.
    unsafe { copied(from, what) }
}

/// What an object and its table have to know of each other.
#[derive(Debug, Default)]
pub(super) struct Link {
    armed: AtomicBool,
    freed: AtomicBool,
}

impl Link {
    /// The object exists: from now on the host is owed a `destroy`.
    pub(super) fn arm(&self) {
        self.armed.store(true, Ordering::Release);
    }

    /// The object is freed: what is told in several callbacks stops between two of them.
    pub(super) fn free(&self) {
        self.freed.store(true, Ordering::Release);
    }

    pub(super) fn is_freed(&self) -> bool {
        self.freed.load(Ordering::Acquire)
    }
}

/// A host's table, copied. Dropping it calls `destroy`.
pub(super) struct Table<T: HostTable> {
    pub(super) functions: T,
    pub(super) link: Arc<Link>,
}

// SAFETY: the host promises that its functions and their user data may be used on the thread that
// runs callbacks, whichever it is; they are used by one thread at a time.
unsafe impl<T: HostTable> Send for Table<T> {}

impl<T: HostTable> Table<T> {
    /// Copy a table.
    pub(super) unsafe fn read(table: *const T) -> Result<(Self, Arc<Link>)> {
        // SAFETY: the host's promise, passed on.
        let functions = unsafe { copied(table, "events") }?;
        let link = Arc::new(Link::default());
        Ok((Self { functions, link: Arc::clone(&link) }, link))
    }
}

impl<T: HostTable> Drop for Table<T> {
    fn drop(&mut self) {
        if let Some(destroy) = self.functions.destroy()
            && self.link.armed.load(Ordering::Acquire)
        {
            // SAFETY: the host's function with the host's data, once and after all others.
            unsafe { destroy(self.functions.user_data()) };
        }
    }
}

/// A completion that calls the host once.
pub(super) fn completion(
    host: roam_completion,
) -> Result<impl FnOnce(Result<Payload>) + Send + 'static> {
    let call = host.call.ok_or_else(|| null("completion.call"))?;
    let user_data = HostPointer(host.user_data);
    Ok(move |result: Result<Payload>| {
        let user_data = user_data.get();
        match result {
            Ok(reply) => with_event(&reply, 0, |reply| {
                // SAFETY: the host's function with the host's data; the view lives until it
                // returns.
                unsafe { call(user_data, std::ptr::null(), reply) }
            }),
            // SAFETY: as above.
            Err(error) => unsafe { call(user_data, view(&error), std::ptr::null()) },
        }
    })
}

/// A host's data, and what is to be called when nothing uses it any more.
struct Lent {
    user_data: HostPointer,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the host's function with the host's data, once and after all calls.
            unsafe { destroy(self.user_data.get()) };
        }
    }
}

/// What a host gave to wake its loop with.
struct Waker {
    wake: unsafe extern "C" fn(user_data: *mut c_void),
    lent: Lent,
}

/// Hand a closure that wakes the host's loop to `set`. When that fails `destroy` is not called.
pub(super) fn set_waker(
    wake: roam_wake,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    set: impl FnOnce(Box<dyn Fn() + Send>) -> Result<()>,
) -> Result<()> {
    let wake = wake.ok_or_else(|| null("wake"))?;
    let waker = Arc::new(Waker { wake, lent: Lent { user_data: HostPointer(user_data), destroy } });
    let own = Arc::clone(&waker);
    // SAFETY: the host's function with the host's data.
    set(Box::new(move || unsafe { (own.wake)(own.lent.user_data.get()) })).inspect_err(|_| {
        if let Some(mut refused) = Arc::into_inner(waker) {
            refused.lent.destroy = None;
        }
    })
}

/// A trace for a function of the host.
pub(super) fn tracer(
    trace: roam_trace,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> Result<TraceSink> {
    let trace = trace.ok_or_else(|| null("trace"))?;
    let lent = Lent { user_data: HostPointer(user_data), destroy };
    // SAFETY: the host's function with the host's data and a view that outlives it.
    Ok(TraceSink::lines(move |line| unsafe { trace(lent.user_data.get(), roam_str::of(line)) }))
}

/// What a host gave to queue jobs with.
struct Poster {
    post: unsafe extern "C" fn(
        *mut c_void,
        Option<unsafe extern "C" fn(*mut c_void)>,
        *mut c_void,
    ) -> bool,
    lent: Lent,
}

impl Poster {
    fn post(&self, job: Job) -> bool {
        let job = Box::into_raw(Box::new(job)).cast::<c_void>();
        // SAFETY: the host's function with the host's data.
        let posted = unsafe { (self.post)(self.lent.user_data.get(), Some(run_job), job) };
        if !posted {
            // SAFETY: it was made above, and the host promises not to run what it has refused.
            drop(unsafe { Box::from_raw(job.cast::<Job>()) });
        }
        posted
    }
}

/// Dispatch by an executor of the host.
pub(super) fn executor(
    post: roam_post,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> Result<DispatchMode> {
    let post = post.ok_or_else(|| null("post"))?;
    let poster = Poster { post, lent: Lent { user_data: HostPointer(user_data), destroy } };
    Ok(DispatchMode::Executor(Executor::new(move |job| poster.post(job))))
}

/// What the host calls with a job, once.
unsafe extern "C" fn run_job(job: *mut c_void) {
    // SAFETY: it was made by `Poster::post`, and the host runs it once.
    boundary((), || unsafe { Box::from_raw(job.cast::<Job>()) }.run());
}

/// A hook of the host for new sockets.
pub(super) fn socket_hook(
    hook: roam_socket_hook,
    user_data: *mut c_void,
    destroy: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
) -> Result<SocketHook> {
    let look = hook.ok_or_else(|| null("hook"))?;
    let lent = Lent { user_data: HostPointer(user_data), destroy };
    Ok(SocketHook::new(move |socket, purpose| {
        // SAFETY: the host's function with the host's data, while the socket is open.
        unsafe { look(lent.user_data.get(), descriptor(socket), purpose as u32) }
    }))
}

/// A socket as C has it.
fn descriptor(socket: BorrowedSocket<'_>) -> isize {
    #[cfg(unix)]
    let raw = std::os::fd::AsRawFd::as_raw_fd(&socket);
    #[cfg(windows)]
    let raw = std::os::windows::io::AsRawSocket::as_raw_socket(&socket);
    raw as isize
}

/// The host's data on its way to the thread that runs callbacks.
pub(super) struct HostPointer(pub(super) *mut c_void);

// SAFETY: the host promises that its data may be used on the thread that runs callbacks.
unsafe impl Send for HostPointer {}
// SAFETY: as above; the pointer itself is only copied.
unsafe impl Sync for HostPointer {}

impl HostPointer {
    pub(super) const fn get(&self) -> *mut c_void {
        self.0
    }
}

/// Show an event or a reply: views on the stack, nothing copied.
pub(super) fn with_event<R>(
    payload: &Payload,
    ack_token: u64,
    call: impl FnOnce(*const roam_event) -> R,
) -> R {
    with_views(payload, ack_token, 0, call)
}

/// Show a notification.
pub(super) fn with_notification<R>(
    payload: &Payload,
    number: u64,
    call: impl FnOnce(*const roam_event) -> R,
) -> R {
    with_views(payload, 0, number, call)
}

fn with_views<R>(
    payload: &Payload,
    ack_token: u64,
    number: u64,
    call: impl FnOnce(*const roam_event) -> R,
) -> R {
    let args: SmallVec<[roam_str; 8]> = (0..payload.len())
        .filter_map(|index| payload.arg_bytes(index))
        .map(roam_str::of_bytes)
        .collect();
    let attachments: SmallVec<[roam_bytes; 4]> = payload
        .attachments()
        .iter()
        .map(|part| roam_bytes { data: part.as_ptr(), len: part.len() })
        .collect();
    call(&roam_event {
        name: roam_str::of_bytes(payload.name_bytes()),
        args: args.as_ptr(),
        arg_count: args.len(),
        attachments: attachments.as_ptr(),
        attachment_count: attachments.len(),
        ack_token,
        number,
        resent: payload.resent(),
    })
}
