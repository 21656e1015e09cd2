//! Requests and replies as bytes: just enough HTTP/1.1 for a proxy whose every exchange has a connection of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::Canned;

/// A request, whole.
pub(super) struct Request {
    pub method: String,
    bytes: Vec<u8>,
}

impl Request {
    /// Reads one; `None` where the client only came and went.
    pub fn read(client: &mut impl Read) -> std::io::Result<Option<Self>> {
        let mut reader = BufReader::new(client);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let begun = head.len();
            if reader.read_line(&mut head)? == 0 {
                return Ok(None);
            }
            let line = head[begun..].trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let method = head.split(' ').next().unwrap_or_default().to_owned();
        let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
        let mut bytes = format!("{first}\r\nconnection: close\r\n{rest}").into_bytes();
        bytes.extend(body);
        Ok(Some(Self { method, bytes }))
    }

    /// Whether a text is in it.
    pub fn has(&self, text: &str) -> bool {
        self.bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes())
    }

    /// The upstream's whole reply.
    pub fn ask(&self, address: &str) -> std::io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(address)?;
        upstream.set_nodelay(true)?;
        upstream.write_all(&self.bytes)?;
        let mut reply = Vec::new();
        upstream.read_to_end(&mut reply)?;
        Ok(reply)
    }
}

/// The record in a reply that says that something was done.
pub(super) fn record(reply: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(reply).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let done = head.split(' ').nth(1)?.starts_with('2');
    done.then(|| serde_json::from_str(body).ok()).flatten()
}

/// Breaks a connection, so that its client sees it reset rather than ended.
pub(super) fn reset(client: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(client).set_linger(Some(std::time::Duration::ZERO))
}

impl Canned {
    pub(super) fn bytes(self) -> Vec<u8> {
        let error = |status: u16| {
            let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
            json!({ "schemas": [schema], "status": status.to_string(), "detail": "not now" }).to_string()
        };
        let (status, media, more, body) = match self {
            Self::Error(status) => (status, "application/scim+json", String::new(), error(status)),
            Self::TooMany(seconds) => (429, "application/scim+json", format!("retry-after: {seconds}\r\n"), error(429)),
            Self::BusyUntil(seconds) => {
                let until = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
                let more = format!("retry-after: {}\r\n", httpdate::fmt_http_date(until));
                (503, "application/scim+json", more, error(503))
            }
            Self::Page(status) => (status, "text/html", String::new(), "<html>Welcome</html>".to_owned()),
            Self::Somebody => {
                let user = json!({ "id": "boss", "externalId": "HR-77", "userName": "boss@acme.test", "active": true });
                (200, "application/scim+json", String::new(), user.to_string())
            }
            Self::Denial(status) => (200, "application/scim+json", String::new(), error(status)),
            Self::Empty(status) => (status, "application/scim+json", String::new(), String::new()),
        };
        let length = body.len();
        format!(
            "HTTP/1.1 {status} Said\r\ncontent-type: {media}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}
