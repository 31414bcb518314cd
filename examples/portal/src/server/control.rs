//! HTTP: tokens for application servers, control and the ledger for tests.
//!
//! Control requests carry everything in the query and have an empty body, so that a client of a
//! few lines can send them. The answer is one line of text, or JSON where said so.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;

use super::{Refusal, Target, hub::Hub};
use crate::{
    model::{Audience, Ledger, Millis, Participant, Portal, TextBurst, TokenRequest},
    relay::{Connection, Cut, Direction, FreezeMode},
};

/// A line of text, or the reason of a bad request.
type Answer = Result<String, (StatusCode, String)>;

pub(super) fn router(hub: Arc<Hub>, with_control: bool) -> Router {
    let tokens = Router::new().route("/v1/rooms/{room}/tokens", post(mint_token));
    let control = if with_control { control() } else { Router::new() };
    tokens.nest("/control", control).with_state(hub)
}

fn control() -> Router<Arc<Hub>> {
    Router::new()
        .route("/cut", post(cut))
        .route("/freeze", post(freeze))
        .route("/thaw", post(thaw))
        .route("/delay", post(delay))
        .route("/refuse", post(refuse))
        .route("/swallow-ack", post(swallow_acks))
        .route("/delay-ack", post(delay_acks))
        .route("/drop", post(drop_participant))
        .route("/kick", post(kick))
        .route("/restart", post(restart))
        .route("/expire-tickets", post(expire_tickets))
        .route("/clock-offset", post(set_clock_offset))
        .route("/texts", post(send_texts))
        .route("/participants", get(participants))
        .route("/ledger", get(ledger))
}

/// Body of a token request, as the management API takes it. Other members are ignored.
#[derive(Deserialize)]
struct TokenBody {
    user: String,
    role: String,
}

/// The body is read as JSON whatever its content type says: small clients send none.
async fn mint_token(State(hub): State<Arc<Hub>>, Path(room): Path<String>, body: String) -> Answer {
    let TokenBody { user, role } =
        serde_json::from_str(&body).map_err(|error| bad(&error.to_string()))?;
    let request = TokenRequest::new(room, user, role);
    Ok(hub.with_model(|model, now| model.mint_token(request, now)))
}

/// Which connections a fault hits: `participant=`, `connection=` or `all=true`.
#[derive(Deserialize)]
struct Aim {
    participant: Option<String>,
    connection: Option<u64>,
    #[serde(default)]
    all: bool,
}

impl Aim {
    /// Hit the target and say how often.
    fn hit(self, hub: &Hub, act: impl Fn(&Connection)) -> Answer {
        let target = match self {
            Self { participant: Some(id), .. } => Target::Participant(id),
            Self { connection: Some(number), .. } => Target::Connection(number),
            Self { all: true, .. } => Target::All,
            _ => return Err(bad("participant=, connection= or all=true is missing")),
        };
        match hub.disturb(&target, act) {
            0 => Err((StatusCode::NOT_FOUND, "no such connection\n".into())),
            hits => Ok(format!("{hits}\n")),
        }
    }
}

async fn cut(
    State(hub): State<Arc<Hub>>,
    Query(aim): Query<Aim>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let how = match query.get("how").map(String::as_str) {
        Some("rst") | None => Cut::Reset,
        Some("fin") => Cut::Close,
        Some(_) => return Err(bad("how= is rst or fin")),
    };
    aim.hit(&hub, |connection| connection.cut(how))
}

async fn freeze(
    State(hub): State<Arc<Hub>>,
    Query(aim): Query<Aim>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let direction = match query.get("direction").map(String::as_str) {
        Some("in") => Direction::ToServer,
        Some("out") => Direction::ToClient,
        Some("both") | None => Direction::Both,
        Some(_) => return Err(bad("direction= is in, out or both")),
    };
    let mode = match query.get("mode").map(String::as_str) {
        Some("hold") | None => FreezeMode::Hold,
        Some("discard") => FreezeMode::Discard,
        Some(_) => return Err(bad("mode= is hold or discard")),
    };
    aim.hit(&hub, |connection| connection.freeze(direction, mode))
}

async fn thaw(State(hub): State<Arc<Hub>>, Query(aim): Query<Aim>) -> Answer {
    aim.hit(&hub, Connection::thaw)
}

#[derive(Deserialize)]
struct Milliseconds<T> {
    ms: T,
}

async fn delay(
    State(hub): State<Arc<Hub>>,
    Query(aim): Query<Aim>,
    Query(one_way): Query<Milliseconds<u64>>,
) -> Answer {
    aim.hit(&hub, |connection| connection.delay(Duration::from_millis(one_way.ms)))
}

#[derive(Deserialize)]
struct Refuse {
    on: bool,
    how: Option<String>,
}

async fn refuse(State(hub): State<Arc<Hub>>, Query(query): Query<Refuse>) -> Answer {
    let refusal = match query.how.as_deref() {
        Some("reset") | None => Refusal::Reset,
        Some("forbidden") => Refusal::Forbidden,
        Some("captive") => Refusal::CaptivePortal,
        Some(_) => return Err(bad("how= is reset, forbidden or captive")),
    };
    hub.refuse(query.on.then_some(refusal));
    done()
}

/// Whose answers to which request, and how many.
#[derive(Deserialize)]
struct Acks {
    participant: Option<String>,
    request: String,
    #[serde(default = "one")]
    count: u32,
}

fn one() -> u32 {
    1
}

async fn swallow_acks(State(hub): State<Arc<Hub>>, Query(acks): Query<Acks>) -> Answer {
    let Acks { participant, request, count } = acks;
    hub.with_model(|model, _| model.swallow_acks(participant.as_deref(), &request, count));
    done()
}

async fn delay_acks(
    State(hub): State<Arc<Hub>>,
    Query(acks): Query<Acks>,
    Query(by): Query<Milliseconds<Millis>>,
) -> Answer {
    let Acks { participant, request, count } = acks;
    hub.with_model(|model, _| model.delay_acks(participant.as_deref(), &request, count, by.ms));
    done()
}

#[derive(Deserialize)]
struct Whom {
    participant: String,
}

async fn drop_participant(State(hub): State<Arc<Hub>>, Query(whom): Query<Whom>) -> Answer {
    found(hub.with_model(|model, now| model.drop_participant(&whom.participant, now)))
}

async fn kick(State(hub): State<Arc<Hub>>, Query(whom): Query<Whom>) -> Answer {
    found(hub.with_model(|model, now| model.kick(&whom.participant, now)))
}

async fn restart(State(hub): State<Arc<Hub>>) -> Answer {
    hub.restart();
    done()
}

async fn expire_tickets(State(hub): State<Arc<Hub>>) -> Answer {
    hub.with_model(Portal::expire_tickets);
    done()
}

async fn set_clock_offset(
    State(hub): State<Arc<Hub>>,
    Query(offset): Query<Milliseconds<i64>>,
) -> Answer {
    hub.with_model(|model, _| model.set_clock_offset(offset.ms));
    done()
}

#[derive(Deserialize)]
struct Texts {
    room: Option<String>,
    participant: Option<String>,
    count: u64,
    #[serde(default)]
    gap_ms: Millis,
    #[serde(default)]
    prefix: String,
    #[serde(default = "first")]
    first: u64,
}

fn first() -> u64 {
    1
}

async fn send_texts(State(hub): State<Arc<Hub>>, Query(texts): Query<Texts>) -> Answer {
    let Texts { room, participant, count, gap_ms: gap, prefix, first } = texts;
    let to = match (room, participant) {
        (Some(room), None) => Audience::Room(room),
        (None, Some(participant)) => Audience::Participant(participant),
        _ => return Err(bad("either room= or participant= is needed")),
    };
    let burst = TextBurst { to, prefix, first, count, gap };
    hub.with_model(|model, now| model.send_texts(burst, now));
    done()
}

#[derive(Deserialize)]
struct InRoom {
    room: String,
}

async fn participants(
    State(hub): State<Arc<Hub>>,
    Query(query): Query<InRoom>,
) -> Json<Vec<Participant>> {
    Json(hub.with_model(|model, _| model.participants(&query.room)))
}

#[derive(Deserialize)]
struct LedgerQuery {
    participant: String,
    format: Option<String>,
}

async fn ledger(State(hub): State<Arc<Hub>>, Query(query): Query<LedgerQuery>) -> Answer {
    let ledger: Option<Ledger> =
        hub.with_model(|model, _| model.ledger(&query.participant).cloned());
    let ledger = ledger.ok_or((StatusCode::NOT_FOUND, String::from("no such participant\n")))?;
    if query.format.as_deref() == Some("text") {
        return Ok(ledger.to_string());
    }
    serde_json::to_string(&ledger)
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn done() -> Answer {
    Ok("ok\n".into())
}

fn found(found: bool) -> Answer {
    if found { done() } else { Err((StatusCode::NOT_FOUND, "no such participant\n".into())) }
}

fn bad(why: &str) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, format!("{why}\n"))
}
