//! What an observer at the client's network interface demands: rules 6 and 7, promise P3.

use std::collections::{BTreeMap, HashMap, VecDeque};

use roamio::proto::io::WireId;

use crate::link::Millis;

/// What was seen on one link.
#[derive(Debug, Default)]
struct Seen {
    /// Calls without an answer, by ack id.
    calls: HashMap<u64, String>,
    /// The portal took the login or relogin on this link.
    admitted: bool,
    login: bool,
}

/// The observer.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    links: BTreeMap<WireId, Seen>,
    dials: VecDeque<Millis>,
    /// How many logins and relogins were answered with ok.
    pub(crate) admissions: u64,
    pub(crate) total_dials: u64,
    /// Names of the calls sent, oldest first, with their links.
    pub(crate) calls: Vec<(String, WireId)>,
}

impl Watch {
    /// A dial starts.
    pub(crate) fn dial(&mut self, link: WireId, now: Millis) {
        let fresh = self.links.values().filter(|seen| !seen.admitted).count();
        assert_eq!(fresh, 0, "rule 7: a dial starts while another attempt is alive");
        if let Some(last) = self.dials.back() {
            assert!(now - last >= 100, "rule 6: two dials within {} ms", now - last);
        }
        self.dials.push_back(now);
        if self.dials.len() > 20 {
            let first = self.dials.pop_front().expect("not empty");
            assert!(now - first >= 10_000, "rule 6: 21 dials within {} ms", now - first);
        }
        self.total_dials += 1;
        self.links.insert(link, Seen::default());
    }

    /// The client sends a text frame.
    pub(crate) fn sent(&mut self, link: WireId, frame: &str) {
        let Some(packet) = frame.strip_prefix("42") else { return };
        let (head, name) = packet.split_once("[\"").expect("an event");
        let name = name.split('"').next().expect("a name");
        if matches!(name, "logout" | "refreshReconnectionTicket") {
            assert_eq!(packet, format!("{head}[\"{name}\"]"), "4.4: {name} has no data");
        }
        let relogging = self.relogin_in_flight();
        let seen = self.links.get_mut(&link).expect("frames go out on live links only");
        match name {
            "login" | "relogin" => {
                assert!(!seen.admitted, "{name} on a link that has a session");
                seen.login |= name == "login";
                assert!(relogging.is_none(), "rule 7: a second {name} is in flight");
            }
            "logout" => assert!(seen.admitted || seen.login, "P3: logout on an unused link"),
            _ => {
                assert!(seen.admitted, "P3: {name} precedes the login or relogin answer");
                assert!(relogging.is_none(), "P3: {name} while a relogin is in flight");
            }
        }
        seen.calls.insert(head.parse().expect("every call wants an ack"), name.to_owned());
        self.calls.push((name.to_owned(), link));
    }

    fn relogin_in_flight(&self) -> Option<WireId> {
        let relogs = |seen: &Seen| seen.calls.values().any(|name| name == "relogin");
        self.links.iter().find(|(_, seen)| relogs(seen)).map(|(link, _)| *link)
    }

    /// The client's process died; another one knows nothing of its dials.
    pub(crate) fn begin_anew(&mut self) {
        self.links.clear();
        self.dials.clear();
    }

    /// A text frame reaches the client.
    pub(crate) fn received(&mut self, link: WireId, frame: &str) {
        let Some(packet) = frame.strip_prefix("43") else { return };
        let Some(seen) = self.links.get_mut(&link) else { return };
        let Some((id, body)) = packet.split_once('[') else { return };
        let call = id.parse().ok().and_then(|id: u64| seen.calls.remove(&id));
        // The second is that of a legacy session.
        let granted = ["\"ok\"", "\"success\""].iter().any(|status| body.starts_with(status));
        if granted && matches!(call.as_deref(), Some("login" | "relogin")) {
            seen.admitted = true;
            self.admissions += 1;
        }
    }

    /// A link is over for the client.
    pub(crate) fn over(&mut self, link: WireId) {
        self.links.remove(&link);
    }

    /// The link that a session was granted on last.
    pub(crate) fn newest_admitted(&self) -> Option<WireId> {
        self.links.iter().rev().find(|(_, seen)| seen.admitted).map(|(link, _)| *link)
    }

    /// How many calls of this name were sent.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.calls.iter().filter(|(call, _)| call == name).count()
    }
}
