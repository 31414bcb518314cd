//! The application's server, which has tokens, and the one who makes the faults: both are the
//! embedded portal's HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::Result;

/// The portal of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Portal {
    authority: String,
}

impl Portal {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let authority =
            url.strip_prefix("http://").ok_or("the portal's URL begins with http://")?;
        Ok(Self { authority: authority.into() })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// A token for the one room of every scenario.
    pub(crate) fn token(&self, user: &str) -> Result<String> {
        let body = json!({ "user": user, "role": "presenter" }).to_string();
        self.post("/v1/rooms/room/tokens", &body)
    }

    /// Send a request and read the body of its answer, which must be a success.
    pub(crate) fn post(&self, path: &str, body: &str) -> Result<String> {
        let Self { authority, .. } = self;
        let mut stream = TcpStream::connect(authority)?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.into()),
            _ => Err(format!("POST {path}: {answer}").into()),
        }
    }
}
