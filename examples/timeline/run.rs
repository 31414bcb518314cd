//! What a trace tells, as far as the picture shows it.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A line of a trace.
#[derive(Deserialize)]
struct Line {
    t: f64,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum What {
    Trace {
        wall_ms: f64,
    },
    Dropped {
        records: u64,
    },
    Command {
        name: String,
        request: Option<u64>,
        event: Option<String>,
    },
    Hint {
        hint: String,
    },
    State {
        object: String,
        socket: Option<u32>,
        state: String,
    },
    Outcome {
        request: u64,
        name: String,
        result: String,
        took_ms: f64,
    },
    Resumed {},
    Gap {
        from: u64,
        to: u64,
        certain: bool,
    },
    Notification {
        replayed: bool,
    },
    Told {
        name: String,
    },
    Dial {
        wire: u32,
        transport: String,
    },
    Connected {
        wire: u32,
        local: Option<String>,
    },
    EngineOpened {
        wire: u32,
    },
    LocalAddress {
        local: Option<String>,
    },
    Failed {
        wire: u32,
        error: Cause,
    },
    Closed {
        wire: u32,
        error: Cause,
    },
    HttpAnswered {
        wire: u32,
        error: Option<Cause>,
    },
    Hangup {
        wire: u32,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Cause {
    code: String,
}

/// A line of a file with marks.
#[derive(Deserialize)]
struct Fault {
    wall_ms: f64,
    text: String,
}

/// The states of one object, each with the time of its beginning.
pub(crate) struct Band {
    pub(crate) label: String,
    pub(crate) states: Vec<(f64, String)>,
}

/// A wire, from the dial to its end.
pub(crate) struct Wire {
    pub(crate) number: u32,
    pub(crate) transport: String,
    pub(crate) from: f64,
    /// When it was open.
    pub(crate) open: Option<f64>,
    pub(crate) to: Option<f64>,
    /// Why it ended, if not by a hangup.
    pub(crate) lost: Option<String>,
}

/// A request, from the call to its outcome.
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// None when the trace ends before it.
    pub(crate) result: Option<String>,
    /// A login or the like, not a request of the host's own.
    pub(crate) of_session: bool,
}

/// Something that came, for the host.
pub(crate) struct Message {
    pub(crate) t: f64,
    pub(crate) replayed: bool,
}

/// Notifications that are lost.
pub(crate) struct Gap {
    pub(crate) t: f64,
    pub(crate) text: String,
}

/// Whose doing a mark is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Origin {
    /// Somebody broke the network.
    Fault,
    /// The host or the system told of the network.
    Network,
    /// The trace itself.
    Trace,
}

pub(crate) struct Mark {
    pub(crate) t: f64,
    pub(crate) origin: Origin,
    pub(crate) text: String,
}

/// A whole trace.
#[derive(Default)]
pub(crate) struct Run {
    start_wall_ms: f64,
    pub(crate) end: f64,
    pub(crate) bands: Vec<Band>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) requests: Vec<Request>,
    pub(crate) messages: Vec<Message>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) resumed: usize,
}

impl Run {
    /// Read a trace. Records and members that are not known are passed over.
    ///
    /// # Errors
    /// The number of a line that is no record.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader::default();
        for line in lines::<Line>(text)? {
            reader.take(line);
        }
        Ok(reader.finish())
    }

    /// Add the marks of a file of their own.
    ///
    /// # Errors
    /// The number of a line that is no mark.
    pub(crate) fn mark(&mut self, text: &str) -> Result<(), String> {
        for fault in lines::<Fault>(text)? {
            let t = (fault.wall_ms - self.start_wall_ms).max(0.0);
            self.marks.push(Mark { t, origin: Origin::Fault, text: fault.text });
        }
        self.marks.sort_by(|a, b| a.t.total_cmp(&b.t));
        Ok(())
    }

    /// Everything in one line of numbers.
    pub(crate) fn totals(&self) -> String {
        let replayed = self.messages.iter().filter(|message| message.replayed).count();
        let mut results: Vec<(&str, usize)> = Vec::new();
        let own = self.requests.iter().filter(|request| !request.of_session);
        for result in own.map(|request| request.result.as_deref().unwrap_or("without outcome")) {
            match results.iter_mut().find(|(known, _)| *known == result) {
                Some((_, count)) => *count += 1,
                None => results.push((result, 1)),
            }
        }
        let requests: usize = results.iter().map(|(_, count)| count).sum();
        let results: Vec<String> =
            results.iter().map(|(result, count)| format!("{count} {result}")).collect();
        format!(
            "{} connections, resumed {} times; {} notifications, {replayed} of them replayed, \
             {} gaps; {requests} requests: {}",
            self.wires.len(),
            self.resumed,
            self.messages.len(),
            self.gaps.len(),
            if results.is_empty() { "none".into() } else { results.join(", ") },
        )
    }
}

fn lines<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(index, line)| {
        serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))
    });
    parsed.collect()
}

/// Puts the lines of a trace together.
#[derive(Default)]
struct Reader {
    run: Run,
    /// Requests without an outcome: since when, and what they ask.
    pending: HashMap<u64, (f64, String)>,
    /// From where the last connection started.
    address: Option<String>,
}

impl Reader {
    fn take(&mut self, Line { t, what }: Line) {
        self.run.end = self.run.end.max(t);
        match what {
            What::Trace { wall_ms } => self.run.start_wall_ms = wall_ms,
            What::Dropped { records } => {
                self.mark(t, Origin::Trace, format!("{records} records missing"));
            }
            What::Command { name, request: Some(request), event } if name != "cancel" => {
                self.pending.insert(request, (t, event.unwrap_or(name)));
            }
            What::Hint { hint } => self.mark(t, Origin::Network, hint.replace('_', " ")),
            What::State { object, socket, state } => self.state(t, &object, socket, state),
            What::Outcome { request, name, result, took_ms } => {
                self.pending.remove(&request);
                self.request(request, name, (t - took_ms, t), Some(result));
            }
            What::Resumed {} => self.run.resumed += 1,
            What::Gap { from, to, certain } => {
                let text = format!("gap {from} to {to}{}", if certain { "" } else { ", perhaps" });
                self.run.gaps.push(Gap { t, text });
            }
            What::Notification { replayed } => self.run.messages.push(Message { t, replayed }),
            What::Told { name } if name == "event" => {
                self.run.messages.push(Message { t, replayed: false });
            }
            What::Dial { wire, transport } => self.run.wires.push(Wire {
                number: wire,
                transport,
                from: t,
                open: None,
                to: None,
                lost: None,
            }),
            What::Connected { wire, local } => {
                self.opened(wire, t);
                self.address(t, local);
            }
            What::EngineOpened { wire } => self.opened(wire, t),
            What::LocalAddress { local } => self.address(t, local),
            What::Failed { wire, error }
            | What::Closed { wire, error }
            | What::HttpAnswered { wire, error: Some(error) } => {
                self.ended(wire, t, Some(error.code));
            }
            What::Hangup { wire } => self.ended(wire, t, None),
            What::Command { .. } | What::Told { .. } | What::HttpAnswered { .. } | What::Other => {}
        }
    }

    fn finish(mut self) -> Run {
        let end = self.run.end;
        for (number, (from, name)) in std::mem::take(&mut self.pending) {
            self.request(number, name, (from, end), None);
        }
        self.run.requests.sort_by(|a, b| a.from.total_cmp(&b.from).then(a.number.cmp(&b.number)));
        self.run
    }

    fn mark(&mut self, t: f64, origin: Origin, text: String) {
        self.run.marks.push(Mark { t, origin, text });
    }

    fn state(&mut self, t: f64, object: &str, socket: Option<u32>, state: String) {
        let label = match socket {
            Some(socket) => format!("{object} {socket}"),
            None => object.to_owned(),
        };
        let bands = &mut self.run.bands;
        let at = bands.iter().position(|band| band.label == label).unwrap_or_else(|| {
            bands.push(Band { label, states: Vec::new() });
            bands.len() - 1
        });
        bands[at].states.push((t, state));
    }

    fn request(&mut self, number: u64, name: String, span: (f64, f64), result: Option<String>) {
        let of_session = ["login", "rejoin", "logout"].contains(&name.as_str());
        let (from, to) = span;
        self.run.requests.push(Request { number, name, from, to, result, of_session });
    }

    /// The wire with this number that has not ended; the last ones are the likely ones.
    fn wire(&mut self, number: u32) -> Option<&mut Wire> {
        let open = |wire: &&mut Wire| wire.number == number && wire.to.is_none();
        self.run.wires.iter_mut().rev().find(open)
    }

    fn opened(&mut self, wire: u32, t: f64) {
        if let Some(wire) = self.wire(wire) {
            wire.open.get_or_insert(t);
        }
    }

    fn ended(&mut self, wire: u32, t: f64, lost: Option<String>) {
        if let Some(wire) = self.wire(wire) {
            wire.to = Some(t);
            wire.lost = lost;
        }
    }

    /// Only another address than before is worth a mark.
    fn address(&mut self, t: f64, local: Option<String>) {
        let text = match &local {
            Some(local) => format!("now from {local}"),
            None => "no way to the server".into(),
        };
        let former = std::mem::replace(&mut self.address, local);
        if former.is_some() && former != self.address {
            self.mark(t, Origin::Network, text);
        }
    }
}
