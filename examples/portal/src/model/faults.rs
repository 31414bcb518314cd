//! Answers that are lost or late, and requests that fail, on purpose.

use serde_json::Value;

use super::{ConnId, Millis, Output, Portal, Timer};

/// Which requests a fault is for.
#[derive(Debug)]
struct Aim {
    /// None: of every participant.
    participant: Option<String>,
    request: String,
    remaining: u32,
}

impl Aim {
    fn new(participant: Option<&str>, request: &str, count: u32) -> Self {
        Self {
            participant: participant.map(str::to_owned),
            request: request.into(),
            remaining: count,
        }
    }

    fn hits(&self, participant: Option<&str>, request: &str) -> bool {
        self.remaining > 0
            && self.request == request
            && self.participant.as_deref().is_none_or(|wanted| Some(wanted) == participant)
    }
}

/// What happens to the next answers of a request.
#[derive(Debug)]
pub(super) struct AckFault {
    aim: Aim,
    /// None: the answer is never sent.
    delay: Option<Millis>,
}

/// How the next requests of a name fail.
#[derive(Debug)]
pub(super) struct Failure {
    aim: Aim,
    text: String,
}

impl Portal {
    /// Execute the next `count` requests of this name without answering them.
    ///
    /// `participant` none means any. A login has no participant before it is answered.
    pub fn swallow_acks(&mut self, participant: Option<&str>, request: &str, count: u32) {
        self.ack_faults.push(AckFault { aim: Aim::new(participant, request, count), delay: None });
    }

    /// Answer the next `count` requests of this name `delay` milliseconds late.
    pub fn delay_acks(
        &mut self,
        participant: Option<&str>,
        request: &str,
        count: u32,
        delay: Millis,
    ) {
        let aim = Aim::new(participant, request, count);
        self.ack_faults.push(AckFault { aim, delay: Some(delay) });
    }

    /// Let the next `count` requests of this name fail with a text, such as `Room is full`,
    /// `Joining room failed` or `Timeout to make rpc to conference.join`.
    ///
    /// They have no effect, except that a login has used up its token; what is wrong with a request
    /// itself is found first. `participant` none means any. A login has no participant yet.
    pub fn fail_requests(
        &mut self,
        participant: Option<&str>,
        request: &str,
        count: u32,
        text: &str,
    ) {
        let aim = Aim::new(participant, request, count);
        self.failures.push(Failure { aim, text: text.into() });
    }

    /// Fail if this request is to fail.
    pub(super) fn take_failure(
        &mut self,
        participant: Option<&str>,
        request: &str,
    ) -> Result<(), String> {
        let failure = self.failures.iter_mut().find(|one| one.aim.hits(participant, request));
        let failed = failure.map(|failure| {
            failure.aim.remaining -= 1;
            failure.text.clone()
        });
        self.failures.retain(|failure| failure.aim.remaining > 0);
        failed.map_or(Ok(()), Err)
    }

    /// Answer a request, unless a fault takes the answer.
    pub(super) fn reply(
        &mut self,
        conn: ConnId,
        participant: Option<&str>,
        request: &str,
        ack: Option<u64>,
        args: Vec<Value>,
        now: Millis,
    ) {
        let Some(id) = ack else { return };
        let fault = self.ack_faults.iter_mut().find(|one| one.aim.hits(participant, request));
        match fault.map(|fault| (fault.aim.remaining -= 1, fault.delay)) {
            None => self.outputs.push_back(Output::Ack { conn, id, args }),
            Some((_, Some(delay))) => {
                self.timers.start(now + delay, Timer::Ack { conn, id, args });
            }
            Some((_, None)) => {}
        }
        self.ack_faults.retain(|fault| fault.aim.remaining > 0);
    }

    /// Answer a request with an error. Faults are for requests that had their effect.
    pub(super) fn refuse(&mut self, conn: ConnId, ack: Option<u64>, text: &str) {
        if let Some(id) = ack {
            let args = vec!["error".into(), text.into()];
            self.outputs.push_back(Output::Ack { conn, id, args });
        }
    }
}
