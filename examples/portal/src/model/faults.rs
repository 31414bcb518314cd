//! Answers that are lost or late, on purpose.

use serde_json::Value;

use super::{ConnId, Millis, Output, Portal, Timer};

/// What happens to the next answers of a request.
#[derive(Debug)]
pub(super) struct AckFault {
    /// None: of every participant.
    participant: Option<String>,
    request: String,
    remaining: u32,
    /// None: the answer is never sent.
    delay: Option<Millis>,
}

impl Portal {
    /// Execute the next `count` requests of this name without answering them.
    ///
    /// `participant` none means any. A login has no participant before it is answered.
    pub fn swallow_acks(&mut self, participant: Option<&str>, request: &str, count: u32) {
        self.add_ack_fault(participant, request, count, None);
    }

    /// Answer the next `count` requests of this name `delay` milliseconds late.
    pub fn delay_acks(
        &mut self,
        participant: Option<&str>,
        request: &str,
        count: u32,
        delay: Millis,
    ) {
        self.add_ack_fault(participant, request, count, Some(delay));
    }

    fn add_ack_fault(
        &mut self,
        participant: Option<&str>,
        request: &str,
        remaining: u32,
        delay: Option<Millis>,
    ) {
        let participant = participant.map(str::to_owned);
        let fault = AckFault { participant, request: request.into(), remaining, delay };
        self.ack_faults.push(fault);
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
        let fault = self.ack_faults.iter_mut().find(|fault| {
            fault.remaining > 0
                && fault.request == request
                && fault.participant.as_deref().is_none_or(|wanted| Some(wanted) == participant)
        });
        match fault.map(|fault| (fault.remaining -= 1, fault.delay)) {
            None => self.outputs.push_back(Output::Ack { conn, id, args }),
            Some((_, Some(delay))) => {
                self.timers.start(now + delay, Timer::Ack { conn, id, args });
            }
            Some((_, None)) => {}
        }
        self.ack_faults.retain(|fault| fault.remaining > 0);
    }

    /// Answer a request with an error. Faults are for requests that had their effect.
    pub(super) fn refuse(&mut self, conn: ConnId, ack: Option<u64>, text: &str) {
        if let Some(id) = ack {
            let args = vec!["error".into(), text.into()];
            self.outputs.push_back(Output::Ack { conn, id, args });
        }
    }
}
