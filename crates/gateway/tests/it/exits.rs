//! Exits that a client comes to by no request of its own: a body that never arrives, work that breaks down.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gateway::{Config, Realms};
use realm::{Error, Realm};
use registry::provisioner::Provisioner;
use serde_json::{Value, json};
use testkit::store::HOST;

use crate::people::InMemory;
use crate::served::served_with;

#[test]
fn a_body_that_does_not_arrive_is_408_in_scim() {
    let config = Config { body_within: Duration::from_millis(50), ..Config::default() };
    served_with(config, Arc::new(InMemory::default()), |served| {
        let (address, path) = served.url.trim_start_matches("http://").split_once('/').unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /{path}/Users HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Type: application/scim+json\r\nContent-Length: 20\r\n\r\n{{\"userName\"",
            served.token
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 408 ") && head.contains("application/scim+json"), "{head}");
        let error: Value = serde_json::from_str(body).unwrap();
        assert_eq!(error["status"], "408");
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    });
}

#[test]
fn what_is_answered_for_want_of_time_does_not_begin_afterwards() {
    let config = Config { deadline: Duration::ZERO, ..Config::default() };
    served_with(config, Arc::new(InMemory::default()), |served| {
        for number in 0..20 {
            let (status, _) = served.send("POST", "/Users", Some(&json!({ "userName": format!("u{number}") })));
            assert_eq!(status, 503);
        }
        assert!(served.statements().is_empty(), "{:?}", served.statements());
    });
}

/// A realm whose adapter has a fault.
struct Broken;

#[async_trait]
impl Realms for Broken {
    #[expect(clippy::panic, reason = "that is the fault")]
    async fn of(&self, _provisioner: &Provisioner) -> Result<Realm, Error> {
        panic!("a fault of ours")
    }
}

#[test]
fn work_that_breaks_down_is_500_in_scim_and_the_next_request_is_served() {
    served_with(Config::default(), Arc::new(Broken), |served| {
        let (status, error) = served.send("POST", "/Users", Some(&json!({ "userName": "ada" })));
        assert_eq!((status, &error["status"]), (500, &json!("500")), "{error}");
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert!(!error.to_string().contains("fault"), "nothing of the cause is told: {error}");
        assert_eq!(served.send("GET", "/Users", None).0, 200);
    });
}
