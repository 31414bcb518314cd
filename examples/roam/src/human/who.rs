//! Participants by their names, and notifications in words.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use roamio::owt::{Login, Notification, Participant, Room};
use roamio::payload::Payload;
use serde_json::Value;

use super::paint::Colour;
use super::printer::Printer;

/// The names of everybody who was ever there, by their ids.
#[derive(Default)]
pub(super) struct Who(Mutex<HashMap<String, String>>);

impl Who {
    /// The room at a login.
    pub(super) fn enter(&self, login: &Login) {
        login.room.participants.iter().for_each(|participant| self.learn(participant));
    }

    fn learn(&self, participant: &Participant) {
        let name = participant.user.clone().unwrap_or_else(|| participant.id.clone());
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(participant.id.clone(), name);
    }

    /// The name of a participant, or the id of one who is not known.
    pub(super) fn name(&self, id: &str) -> String {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// Show a notification.
    pub(super) fn tell(&self, printer: &Printer, payload: &Payload, note: &str) {
        let text = match Notification::parse(payload) {
            Some(Notification::Joined(participant)) => {
                self.learn(&participant);
                let role = participant.role.unwrap_or_default();
                format!("{} has joined ({role})", self.name(&participant.id))
            }
            Some(Notification::Left(id)) => format!("{} has left", self.name(&id)),
            Some(Notification::StreamAdded(stream)) => format!("stream {} is there", stream.id),
            Some(Notification::StreamUpdated(update)) => {
                let field = update.field.unwrap_or_default();
                let value = update.value.unwrap_or_default();
                format!("stream {} has changed: {field} {value}", update.id)
            }
            Some(Notification::StreamRemoved(id)) => format!("stream {id} is gone"),
            Some(Notification::Text(text)) => {
                let from = self.name(&text.from.unwrap_or_default());
                format!(
                    "{}: {}",
                    printer.paint.bold(&from),
                    plain(&text.message.unwrap_or_default())
                )
            }
            // Everything else as it came.
            _ => return printer.heard(payload, note),
        };
        let note = printer.paint.colour(Colour::Grey, note);
        printer.marked(Colour::Green, "<", &format!("{text}  {note}"));
    }
}

/// A text without its quotes, anything else as JSON.
fn plain(message: &Value) -> String {
    message.as_str().map_or_else(|| message.to_string(), str::to_owned)
}

impl Printer {
    /// Who is there, and which streams.
    pub(super) fn room(&self, room: &Room) {
        let stale = if room.stale { " (perhaps not as it is now)" } else { "" };
        self.marked(Colour::Blue, " ", &format!("room {}{stale}", room.id));
        for participant in &room.participants {
            let user = participant.user.as_deref().unwrap_or(&participant.id);
            let role = participant.role.as_deref().unwrap_or_default();
            self.marked(Colour::Blue, " ", &format!("  {user} ({role})"));
        }
        for stream in &room.streams {
            self.marked(Colour::Blue, " ", &format!("  stream {}", stream.id));
        }
    }
}
