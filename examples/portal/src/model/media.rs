//! The media steps: what follows an offer. No media flow; the descriptions are invented.

use serde_json::{Value, json};

use super::{Millis, Portal, Timer};

impl Portal {
    /// Send an answer and one candidate, and report the transport ready one step later.
    pub(super) fn answer_offer(&mut self, participant: String, transport: String, now: Millis) {
        let answer = json!({
            "type": "answer",
            "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        });
        let candidate = json!({
            "type": "candidate",
            "candidate": {
                "sdpMid": "0",
                "sdpMLineIndex": 0,
                "candidate": "a=candidate:1 1 udp 2013266431 127.0.0.1 50000 typ host",
            },
        });
        for signaling in [answer, candidate] {
            let data = json!({"id": transport, "status": "soac", "data": signaling});
            self.notify(&participant, "progress", Some(&data), now);
        }
        let at = now + self.config.media_step;
        self.timers.start(at, Timer::Ready { participant, transport });
    }

    /// Report a transport and everything on it as ready; publications are announced.
    pub(super) fn report_ready(&mut self, participant: &str, transport: &str, now: Millis) {
        let Some(session) = self.sessions.get(participant) else { return };
        let room_id = session.room.clone();
        let room = &self.rooms[&room_id];
        let published: Vec<String> = room
            .streams
            .iter()
            .filter(|stream| stream.transport == transport && !stream.announced)
            .map(|stream| stream.id.clone())
            .collect();
        let subscribed: Vec<String> = room
            .subscriptions
            .iter()
            .filter(|(_, subscription)| subscription.transport == transport)
            .map(|(id, _)| id.clone())
            .collect();
        if published.is_empty() && subscribed.is_empty() {
            return;
        }
        let ready = |session: Option<&String>| -> Value {
            let mut data = json!({"id": transport, "status": "ready"});
            if let Some(session) = session {
                data["sessionId"] = session.clone().into();
            }
            data
        };
        self.notify(participant, "progress", Some(&ready(None)), now);
        for id in published.iter().chain(&subscribed) {
            self.notify(participant, "progress", Some(&ready(Some(id))), now);
        }
        let at = now + self.config.stream_delay;
        for stream in published {
            self.timers.start(at, Timer::AddStream { room: room_id.clone(), stream });
        }
    }

    pub(super) fn announce_stream(&mut self, room: &str, id: &str, now: Millis) {
        let stream = self.rooms.get_mut(room).and_then(|room| room.stream_mut(id));
        let Some(stream) = stream.filter(|stream| !stream.announced) else { return };
        stream.announced = true;
        let info = stream.described(self.config.stream_media);
        let data = json!({"id": id, "status": "add", "data": info});
        self.notify_room(room, "stream", &data, now);
    }
}
