use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use downstream::{BaseUrl, Client, Connector, Guard, ProbeCode};
use secrecy::SecretString;

use crate::support::{Canary, on_a_runtime};

/// Answers every request with a redirect, and tells what it was asked.
fn redirecting(status: u16, location: String) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4_096];
            let length = stream.read(&mut bytes).unwrap_or(0);
            drop(tell.send(String::from_utf8_lossy(&bytes[..length]).into_owned()));
            let answer = format!(
                "HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    (port, told)
}

#[test]
fn a_redirect_is_an_answer_and_nothing_follows_it() {
    on_a_runtime(async {
        let guard = Guard { development: true, ..Guard::default() };
        let connector = Connector::new(&guard).unwrap();
        for status in [301, 302, 303, 307, 308] {
            let canary = Canary::default();
            for to in ["127.0.0.1", "localhost", "[::1]"] {
                let (port, told) = redirecting(status, format!("http://{to}:{}/scim/v2/Users", canary.port));
                let base = BaseUrl::parse(&format!("http://127.0.0.1:{port}/scim/v2"), &guard).unwrap();
                let client = Client::new(connector.clone(), base, SecretString::from("s3cret"));
                let failure = client.probe().await.unwrap_err();
                assert_eq!((failure.code, failure.status), (ProbeCode::NotScim, Some(status)), "{to}");
                assert!(told.recv().unwrap().to_lowercase().contains("authorization: bearer s3cret"));
                assert!(told.try_recv().is_err(), "it was asked once");
            }
            assert_eq!(canary.seen(), 0, "{status}");
        }
    });
}

#[test]
fn a_huge_answer_is_not_read() {
    on_a_runtime(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut bytes = [0; 4_096];
                drop(stream.read(&mut bytes));
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\":\""));
                let filler = vec![b'x'; 1 << 16];
                while stream.write_all(&filler).is_ok() {}
            }
        });
        let guard = Guard { development: true, ..Guard::default() };
        let base = BaseUrl::parse(&format!("http://127.0.0.1:{port}/scim/v2"), &guard).unwrap();
        let client = Client::new(Connector::new(&guard).unwrap(), base, SecretString::from("s3cret"));
        let failure = client.probe().await.unwrap_err();
        assert_eq!((failure.code, failure.status), (ProbeCode::NotScim, Some(200)));
    });
}
