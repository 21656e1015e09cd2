//! The read that proves the token, whatever comes for it.

use std::io::{Read, Write};
use std::net::TcpListener;

use downstream::{BaseUrl, Capabilities, Client, Connector, Guard, ProbeCode, ProbeFailure};
use secrecy::SecretString;

use crate::support::on_a_runtime;

const CONFIG: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\nconnection: close\r\n\r\n\
     {\"patch\":{\"supported\":true},\"filter\":{\"supported\":true}}";

/// A downstream whose configuration anybody may read, and whose users are answered with this; nothing hangs up.
fn answering(users: String) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4_096];
            let length = stream.read(&mut bytes).unwrap_or(0);
            let config = bytes[..length].starts_with(b"GET /scim/v2/ServiceProviderConfig ");
            drop(stream.write_all(if config { CONFIG } else { &users }.as_bytes()));
        }
    });
    port
}

fn answer(status: u16, media: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: {media}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

async fn probe(users: String) -> Result<Capabilities, ProbeFailure> {
    let guard = Guard { development: true, ..Guard::default() };
    let base = format!("http://127.0.0.1:{}/scim/v2", answering(users));
    let base = BaseUrl::parse(&base, &guard).unwrap();
    Client::new(Connector::new(&guard).unwrap(), base, SecretString::from("s3cret")).probe().await
}

#[test]
fn a_list_proves_the_token_and_that_filters_are_taken() {
    on_a_runtime(async {
        let found = probe(answer(200, "application/scim+json", r#"{"totalResults":0}"#)).await.unwrap();
        assert!(found.filter && found.limitations.is_empty(), "{found:?}");
    });
}

#[test]
fn an_application_that_takes_no_filters_is_enabled_with_that_limitation() {
    on_a_runtime(async {
        for status in [400, 404, 501] {
            let found = probe(answer(status, "application/scim+json", "{}")).await.unwrap();
            assert!(!found.filter, "{status}");
            assert_eq!(found.limitations, ["look-ups by externalId are not supported"], "{status}");
        }
    });
}

#[test]
fn an_answer_that_proves_no_token_fails_the_probe_with_its_cause() {
    on_a_runtime(async {
        let json = "application/scim+json";
        for (users, code, status) in [
            (answer(401, json, "{}"), ProbeCode::Unauthorized, Some(401)),
            (answer(403, json, "{}"), ProbeCode::Unauthorized, Some(403)),
            (answer(302, "text/html", ""), ProbeCode::NotScim, Some(302)),
            (answer(405, json, "{}"), ProbeCode::NotScim, Some(405)),
            (answer(429, json, "{}"), ProbeCode::NotScim, Some(429)),
            (answer(500, json, "{}"), ProbeCode::NotScim, Some(500)),
            (answer(503, json, "{}"), ProbeCode::NotScim, Some(503)),
            (answer(200, "text/html", "<html>"), ProbeCode::NotScim, Some(200)),
            (answer(200, json, "{}"), ProbeCode::NotScim, Some(200)),
            (String::new(), ProbeCode::Unreachable, None),
        ] {
            let failure = probe(users.clone()).await.unwrap_err();
            assert_eq!((failure.code, failure.status), (code, status), "{users}");
            assert!(failure.url.contains("/Users?filter=externalId"), "{}", failure.url);
        }
    });
}

#[test]
fn only_what_tls_itself_says_is_called_tls_whatever_stands_in_the_url() {
    on_a_runtime(async {
        let guard = Guard { development: true, ..Guard::default() };
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let (plain, silent) = (answering(CONFIG.to_owned()), hanging_up());
        for (base, code) in [
            (format!("http://127.0.0.1:{free}/tls/handshake/certificate"), ProbeCode::Unreachable),
            (format!("https://127.0.0.1:{free}/tls"), ProbeCode::Unreachable),
            (format!("https://127.0.0.1:{plain}/scim/v2"), ProbeCode::Tls),
            (format!("https://127.0.0.1:{silent}/scim/v2"), ProbeCode::Tls),
        ] {
            let url = BaseUrl::parse(&base, &guard).unwrap();
            let client = Client::new(Connector::new(&guard).unwrap(), url, SecretString::from("s3cret"));
            assert_eq!(client.probe().await.unwrap_err().code, code, "{base}");
        }
    });
}

/// A server that hears the first words and hangs up.
fn hanging_up() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream.unwrap().read(&mut [0; 4_096]));
        }
    });
    port
}
