//! The I/O side: runs a [`Stack`] as one task on an I/O thread, and knows no protocol.
//!
//! ```text
//!  client --submit--> inbox --Command--> Stack --Transmit--> wires (DNS, TCP, TLS, HTTP, WebSocket)
//!  client <--Mailbox-- batch <--Event---       <--Input-----
//! ```
//!
//! One task per stack, all tasks on one thread of the process (or on the caller's runtime). Within
//! the task nothing blocks: the name lookup has threads of its own, and building a TLS
//! configuration has a thread for the time that it takes.

#![forbid(unsafe_code)]

pub mod clock;
mod completion;
mod dial;
pub mod dispatch;
mod hangup;
mod http;
mod inbox;
mod journal;
mod lifeline;
mod polling;
pub(crate) mod process;
mod proxy;
mod resolve;
mod runtime;
mod socket;
mod stream;
mod task;
mod timer;
mod tls;
mod trace;
mod wire;
mod ws;

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

pub use self::completion::Completion;
use self::dial::Dialer;
use self::dispatch::Mailbox;
use self::inbox::Inbox;
use self::lifeline::Finish;
use self::resolve::Resolver;
use self::runtime::Runtime;
use self::task::Task;
use self::trace::Recorder;
use crate::config::CommonConfig;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::proto::io::{Command, Event, RequestId};
use crate::proto::stack::Stack;
use crate::proto::stats::Stats;

/// One thing for the host; a mailbox keeps them in order.
pub enum Delivery {
    /// Everything that the stack tells, except outcomes and its end.
    Event(Event),
    /// The one outcome of a request.
    Outcome(Completion, Result<Payload>),
    /// Nothing more comes; why, if nobody has asked for it.
    Finished(Option<Error>),
}

/// A running stack. Cheap to clone; every method may be called from any thread, and none waits for
/// the network.
///
/// When the last clone is dropped the stack is closed, as by [`Command::Close`].
#[derive(Clone, Debug)]
pub struct Driver {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    inbox: Arc<Inbox>,
    finish: Arc<Finish>,
}

impl Driver {
    /// Start `stack` on the I/O thread that all users of this process share; what it tells goes to
    /// `mailbox`, and [`Delivery::Finished`] is the last of it.
    ///
    /// # Errors
    /// [`Code::Unsupported`](crate::error::Code::Unsupported) when the system gives no thread or
    /// no file descriptor, or its TLS library cannot do what is asked;
    /// [`Code::InvalidArgument`](crate::error::Code::InvalidArgument) for a certificate or key that
    /// cannot be used, or a trace file that cannot be written;
    /// [`Code::InvalidState`](crate::error::Code::InvalidState) in a forked child of the process that
    /// has used this library.
    pub fn spawn(stack: Stack, common: CommonConfig, mailbox: Arc<Mailbox>) -> Result<Self> {
        process::check()?;
        tls::check(&common.tls)?;
        Self::start(Runtime::shared()?, Resolver::system(), stack, common, mailbox)
    }

    /// Start `stack` on a runtime of the caller, which has I/O and time enabled. When that runtime
    /// is shut down first, every outstanding request ends `CLOSED`, and so does every object.
    ///
    /// # Errors
    /// As [`Driver::spawn`].
    pub fn spawn_on(
        handle: tokio::runtime::Handle,
        stack: Stack,
        common: CommonConfig,
        mailbox: Arc<Mailbox>,
    ) -> Result<Self> {
        process::check()?;
        tls::check(&common.tls)?;
        let runtime = Runtime::of_caller(handle);
        Self::start(runtime, Resolver::system(), stack, common, mailbox)
    }

    fn start(
        runtime: Runtime,
        resolver: Resolver,
        stack: Stack,
        common: CommonConfig,
        mailbox: Arc<Mailbox>,
    ) -> Result<Self> {
        let recorder = Recorder::start(&common, stack.kind(), clock::now())?;
        let inbox = Arc::new(Inbox::new(&common.limits));
        let finish = Arc::new(Finish::default());
        let weak = Arc::downgrade(&inbox);
        mailbox.on_attention(Box::new(move || {
            if let Some(inbox) = weak.upgrade() {
                inbox.wake();
            }
        }));
        let handle = runtime.handle().clone();
        let lifeline = finish.lifeline(runtime);
        let dialer = Dialer::new(common, resolver);
        let task = Task::new(stack, dialer, Arc::clone(&inbox), mailbox, recorder, lifeline);
        handle.spawn(Box::new(task).run());
        Ok(Self { handle: Arc::new(Handle { inbox, finish }) })
    }

    /// Queue a command that has no packet: one lock, and a wake-up only if the inbox was empty.
    ///
    /// # Errors
    /// [`Code::Closed`](crate::error::Code::Closed) once [`Command::Close`] was submitted.
    pub fn submit(&self, command: Command) -> Result<()> {
        self.handle.inbox.submit(command)
    }

    /// Queue a command with a packet, which `encode` writes straight into the shared frame buffer.
    ///
    /// `encode` gets the number of the request if there is a completion. It runs under the inbox's
    /// lock, so it only encodes. From here until the frame was handed to the socket the packet's
    /// [`weight`](crate::payload::Outgoing::weight) counts against the limits of the queue to the
    /// wire.
    ///
    /// # Errors
    /// What `encode` returns, [`Code::Closed`](crate::error::Code::Closed),
    /// [`Code::QueueFull`](crate::error::Code::QueueFull), or
    /// [`Code::TooLarge`](crate::error::Code::TooLarge) for what could never fit. On an error the
    /// completion is dropped uncalled.
    pub fn submit_packet(
        &self,
        completion: Option<Completion>,
        encode: impl FnOnce(&mut BytesMut, Option<RequestId>) -> Result<Command>,
    ) -> Result<Option<RequestId>> {
        self.handle.inbox.submit_packet(completion, encode)
    }

    /// Queue a command with a completion and no packet.
    ///
    /// # Errors
    /// [`Code::Closed`](crate::error::Code::Closed); the completion is dropped uncalled.
    pub fn submit_request(
        &self,
        completion: Completion,
        build: impl FnOnce(RequestId) -> Command,
    ) -> Result<RequestId> {
        self.handle.inbox.submit_request(completion, build)
    }

    /// What the stack and its task have done, up to the last turn of the task; after the end as it was
    /// then.
    pub fn stats(&self) -> Stats {
        self.handle.inbox.stats()
    }

    /// Wait until the task is gone and its sockets are closed. False when that took longer than
    /// `timeout`. It does not close anything by itself, and it must not be called on the I/O
    /// thread.
    pub fn wait_finished(&self, timeout: Duration) -> bool {
        self.handle.finish.wait(timeout)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // An error says that it is closing already.
        let _ = self.inbox.submit(Command::Close);
    }
}

/// Random enough for the jitter of a backoff, and for nothing secret.
pub fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
