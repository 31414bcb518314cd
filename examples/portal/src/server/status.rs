//! The status page, and the state it shows.

use std::sync::Arc;

use axum::{Json, Router, extract::State, response::Html, routing::get};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::hub::Hub;
use crate::model::{Attendance, JournalLine, ROLES};

/// One file without anything from elsewhere: it works without a network.
const PAGE: &str = include_str!("status.html");

/// Lines of the journal that are shown.
const SHOWN_LINES: usize = 60;

pub(super) fn router() -> Router<Arc<Hub>> {
    let page = || async { Html(PAGE) };
    Router::new().route("/", get(page)).route("/status", get(page))
}

/// A participant with the numbers of its open connections.
#[derive(Serialize)]
struct Attending {
    #[serde(flatten)]
    attendance: Attendance,
    connections: Vec<u64>,
}

/// Everything the page shows.
pub(super) async fn state(State(hub): State<Arc<Hub>>) -> Json<Value> {
    let (now, attendance, rooms, switches, journal) = hub.with_model(|model, now| {
        let mut journal: Vec<JournalLine> = model.journal().cloned().collect();
        journal.drain(..journal.len().saturating_sub(SHOWN_LINES));
        (model.wall(now), model.attendance(), model.rooms(), switches(model.config()), journal)
    });
    let participants: Vec<Attending> = attendance
        .into_iter()
        .map(|attendance| Attending { connections: hub.numbers_of(&attendance.id), attendance })
        .collect();
    Json(json!({
        "now": now,
        "refusing": hub.refusal().map(|refusal| refusal.name()),
        "connections": hub.connections.numbers(),
        "participants": participants,
        "rooms": rooms,
        "roles": ROLES,
        "switches": switches,
        "journal": journal,
    }))
}

/// Names and values of the switches.
pub(super) fn switches(config: &crate::model::ModelConfig) -> Map<String, Value> {
    config.switches().map(|(name, value)| (name.to_owned(), value.into())).collect()
}
