//! A link ends: who is told, and what follows.

use crate::config::{Endpoint, Revision};
use crate::error::{Code, Error, Retry};
use crate::proto::engine::connection::Goodbye;
use crate::proto::io::LinkId;
use crate::proto::path::{Path, PathEvent, Role};
use crate::proto::time::Timestamp;

impl Path {
    /// A link does not do what it is for: end it as if it had broken. The server, which may think
    /// otherwise, is told.
    pub fn fail(&mut self, id: LinkId, error: Error, now: Timestamp) {
        self.end(id, error, Goodbye::Close, now);
    }

    pub(super) fn end(&mut self, id: LinkId, error: Error, goodbye: Goodbye, now: Timestamp) {
        if let Some(index) = self.links.iter().position(|link| link.id == id) {
            self.lose(index, error, goodbye, now);
        }
    }

    /// A link is gone: tell, and plan the next one if it is needed.
    pub(super) fn lose(&mut self, index: usize, error: Error, goodbye: Goodbye, now: Timestamp) {
        if !matches!(error.code(), Code::EngineClosed | Code::PingTimeout) {
            self.learn_websocket(self.links[index].id, false);
        }
        let link = self.links.remove(index);
        let receiving = link.partial;
        self.stats.failed_attempts += u64::from(link.role == Role::Fresh);
        for racer in link.racers {
            self.release(racer, Goodbye::Silent, now);
        }
        if let Some(connection) = link.opened {
            self.release(connection, goodbye, now);
        }
        self.events.push_back(PathEvent::Lost {
            link: link.id,
            role: link.role,
            error: error.clone(),
            receiving,
        });
        if link.in_service.is_some_and(|since| self.plan.was_stable(since, now)) {
            self.plan.start_over();
        }
        if link.role == Role::Retiring || self.fresh().is_some() {
            return;
        }
        if self.current().is_some() {
            return self.move_again(&error, now);
        }
        if error.code() == Code::EngineRevision && self.switch_revision(&link.target.endpoint) {
            return self.plan.at(now);
        }
        self.plan_after(error, now);
    }

    /// Plan the next attempt after a failed one.
    pub(super) fn plan_after(&mut self, error: Error, now: Timestamp) {
        if self.target.is_none() {
            return;
        }
        self.last_error = Some(error.clone());
        let final_word = error.code() == Code::Unsupported && error.retry() == Retry::Never;
        let (attempt, delay_ms) = self.plan.after_failure(&error, now);
        if final_word {
            self.plan.clear();
        }
        let delay_ms = delay_ms.filter(|_| !final_word);
        self.events.push_back(PathEvent::Retry { attempt, error, delay_ms });
    }

    /// The server has shown that it speaks the other revision. True: the next attempt does, too.
    fn switch_revision(&mut self, server: &Endpoint) -> bool {
        if self.config.transports.revision != Revision::Auto {
            return false;
        }
        self.memory.learn(server, |known| known.revision_3 = !known.revision_3);
        // A server that refuses both is asked no faster than any other.
        !std::mem::replace(&mut self.switched, true)
    }
}
