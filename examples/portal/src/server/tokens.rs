//! Tokens over HTTP: as the management API gives them to an application server, and as the sample
//! application server of the toolkit gives them to a page.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::json;

use super::hub::Hub;
use crate::model::TokenRequest;

/// The room of a request that names none.
const SAMPLE_ROOM: &str = "sample";

pub(super) fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/v1/rooms/{room}/tokens", post(for_room))
        .route("/tokens", post(for_page))
        .route("/createToken", post(for_page))
}

/// Whom a token is for. `preference` and `domain` of the management API, and whatever else is
/// there, have no meaning here.
#[derive(Deserialize)]
struct Wanted {
    room: Option<String>,
    user: String,
    role: String,
}

async fn for_room(
    State(hub): State<Arc<Hub>>,
    Path(room): Path<String>,
    body: String,
) -> Result<String, Refused> {
    let Wanted { user, role, .. } = read(&body)?;
    Ok(mint(&hub, room, user, role))
}

async fn for_page(State(hub): State<Arc<Hub>>, body: String) -> Result<String, Refused> {
    let Wanted { room, user, role } = read(&body)?;
    let room = room.filter(|room| !room.is_empty()).unwrap_or_else(|| SAMPLE_ROOM.into());
    Ok(mint(&hub, room, user, role))
}

/// The body is read as JSON whatever its content type says: small clients send none.
fn read(body: &str) -> Result<Wanted, Refused> {
    serde_json::from_str(body).map_err(|error| Refused(error.to_string()))
}

fn mint(hub: &Hub, room: String, user: String, role: String) -> String {
    hub.with_model(|model, now| model.mint_token(TokenRequest::new(room, user, role), now))
}

/// Why there is no token.
struct Refused(String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::BAD_REQUEST;
        let error = json!({"code": status.as_u16(), "message": self.0});
        (status, Json(json!({"error": error}))).into_response()
    }
}
