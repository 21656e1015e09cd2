//! A rolling restart of every role, one replica after the other, while identity providers and operators go on, under a
//! schema that the next version has already expanded.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};
use testkit::fieldnotes::Fieldnotes;
use testkit::installation::{Installation, Role};
use testkit::{eventually, unique};

use crate::{PROGRAM, front, host_of};

const WRITERS: usize = 3;

/// A load balancer before two replicas. One that is to stop is taken out first and gets no new request, as an endpoint is
/// before its pod is told to stop; one that takes no connection is passed over, as every proxy does.
struct Balancer {
    urls: [String; 2],
    /// Whether a replica is in; held for as long as a request to it lasts.
    replicas: [RwLock<bool>; 2],
    http: Client,
    turn: AtomicUsize,
}

impl Balancer {
    fn new(replicas: [&str; 2]) -> Self {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(30)).pool_max_idle_per_host(0);
        Self {
            urls: replicas.map(str::to_owned),
            replicas: [RwLock::new(true), RwLock::new(true)],
            http: http.build().unwrap(),
            turn: AtomicUsize::new(0),
        }
    }

    fn take_out(&self, replica: usize) {
        *self.replicas[replica].write().unwrap() = false;
    }

    fn put_in(&self, replica: usize) {
        *self.replicas[replica].write().unwrap() = true;
    }

    /// The answer's status and body, or why there was none.
    fn ask(&self, request: impl Fn(&Client, &str) -> RequestBuilder) -> Result<(u16, Value), String> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut why = String::new();
        for replica in [first % 2, (first + 1) % 2] {
            let within = self.replicas[replica].read().unwrap();
            if !*within {
                continue;
            }
            match request(&self.http, &self.urls[replica]).send() {
                Ok(answer) => return Ok((answer.status().as_u16(), answer.json().unwrap_or_default())),
                Err(error) if error.is_connect() => why = format!("{error:?}"),
                Err(error) => return Err(format!("{error:?}")),
            }
        }
        Err(why)
    }
}

/// What a writer did: its users' ids with their last family names, and every request that failed.
type Written = (Vec<(String, String)>, Vec<String>);

/// Creates people and renames them until it is told to stop.
fn write(balancer: &Balancer, (host, token): (&str, &str), stop: &AtomicBool, done: &AtomicUsize) -> Written {
    let (mut people, mut failed): (Vec<(String, String)>, Vec<String>) = (Vec::new(), Vec::new());
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let family = format!("F{number}");
        // Two changes of somebody for each that is new.
        let known = (number % 3 != 1).then(|| number % people.len().max(1)).filter(|at| *at < people.len());
        let answer = balancer.ask(|http, url| {
            let base = format!("{url}/realms/acme/scim/v2/Users");
            let request = match known {
                Some(at) => {
                    let patch =
                        json!({ "Operations": [{ "op": "replace", "path": "name.familyName", "value": family }] });
                    http.patch(format!("{base}/{}", people[at].0)).json(&patch)
                }
                None => http.post(base).json(&json!({ "userName": unique("user"), "name": { "familyName": family } })),
            };
            request.header("host", host).bearer_auth(token)
        });
        match (answer, known) {
            (Ok((201, body)), None) => people.push((body["id"].as_str().unwrap_or_default().to_owned(), family)),
            (Ok((200, _)), Some(at)) => people[at].1 = family,
            (other, _) => failed.push(format!("{other:?}")),
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    (people, failed)
}

/// A request that is under way while its replica is told to stop: its body comes only afterwards.
struct UnderWay {
    connection: TcpStream,
    body: String,
}

impl UnderWay {
    /// Begins to create a user; the gateway has asked for the body.
    fn begin(gateway: &str, (host, token): (&str, &str)) -> Self {
        let mut connection = TcpStream::connect(gateway.strip_prefix("http://").unwrap()).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let body = json!({ "userName": unique("late"), "name": { "familyName": "Late" } }).to_string();
        let head = format!(
            "POST /realms/acme/scim/v2/Users HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/scim+json\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        let mut go_on = [0; 25];
        connection.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { connection, body }
    }

    /// Sends the rest; what came of it: the id and the family name.
    fn end(mut self) -> (String, String) {
        self.connection.write_all(self.body.as_bytes()).unwrap();
        let mut answer = String::new();
        self.connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 201"), "what was under way is finished: {answer}");
        let made: Value = serde_json::from_str(body).unwrap();
        (made["id"].as_str().unwrap().to_owned(), "Late".to_owned())
    }
}

#[test]
fn a_rolling_restart_of_every_role_fails_no_request_and_loses_no_change() {
    let installation = Installation::on_embedded_realms(PROGRAM);
    let downstream = Fieldnotes::default();
    let (console, control, gateway) = front(&installation);
    let host = host_of(&gateway);
    let mut roles = [control, installation.start("control"), gateway, installation.start("gateway")].into_iter();
    let mut roles: Vec<Role> = roles.by_ref().collect();
    roles.extend([installation.start("dispatcher"), installation.start("dispatcher")]);
    console.make_tenant("acme", "acme");
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    let operator = installation.operator_token("acme", "sync:read");
    // The next version's migrations have run.
    installation.database().ask("insert into seaql_migrations (version, applied_at) values ('m9999_next', 1)");
    installation.database().ask("alter table tenant add column of_the_next_version text");

    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let controls = Balancer::new([&roles[0].url, &roles[1].url]);
    let gateways = Balancer::new([&roles[2].url, &roles[3].url]);
    let (written, reads) = std::thread::scope(|scope| {
        let writers: Vec<_> =
            (0..WRITERS).map(|_| scope.spawn(|| write(&gateways, (&host, &token), &stop, &done))).collect();
        let reader = scope.spawn(|| {
            let (mut failed, mut count) = (Vec::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                let path = "/v1/tenants/acme/identity-sync";
                match controls.ask(|http, url| http.get(format!("{url}{path}")).bearer_auth(&operator)) {
                    Ok((200, _)) => count += 1,
                    other => failed.push(format!("{other:?}")),
                }
            }
            (count, failed)
        });
        let restarts = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut late = Vec::new();
            for (number, role) in roles.iter_mut().enumerate() {
                let before = done.load(Ordering::Relaxed);
                let balancer = [&controls, &gateways].into_iter().nth(number / 2);
                balancer.inspect(|balancer| balancer.take_out(number % 2));
                let is_gateway = number / 2 == 1;
                let under_way = is_gateway.then(|| UnderWay::begin(&role.url, (&host, &token)));
                role.process.signal("TERM");
                late.extend(under_way.map(UnderWay::end));
                let status = role.process.wait_until_ended(Duration::from_secs(30));
                assert!(status.success(), "a soft stop is no crash: {status}\n{}", role.process.output());
                role.restart();
                balancer.inspect(|balancer| balancer.put_in(number % 2));
                let onward = || (done.load(Ordering::Relaxed) > before + 10).then_some(());
                assert!(eventually(Duration::from_secs(30), onward).is_some(), "the load goes on");
            }
            late
        }));
        stop.store(true, Ordering::Relaxed);
        let mut written: Vec<Written> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let reads: (usize, Vec<String>) = reader.join().unwrap();
        match restarts {
            Ok(late) => written.push((late, Vec::new())),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        (written, reads)
    });
    let failed: Vec<&String> = written.iter().flat_map(|(_, failed)| failed).chain(&reads.1).collect();
    assert!(
        failed.is_empty(),
        "of {} writes and {} reads, {} failed: {failed:#?}",
        done.into_inner(),
        reads.0,
        failed.len()
    );
    assert!(reads.0 > 20, "{} reads", reads.0);
    let people: Vec<(String, String)> = written.into_iter().flat_map(|(people, _)| people).collect();
    assert!(people.len() > 10, "{} people", people.len());
    let missing = || -> Vec<String> {
        let held = downstream.app().users();
        let arrived = |(id, family): &&(String, String)| {
            held.iter().any(|user| user["externalId"] == json!(id) && user["name"]["familyName"] == json!(family))
        };
        people.iter().filter(|person| !arrived(person)).map(|(id, family)| format!("{id} {family}")).collect()
    };
    let arrived = eventually(Duration::from_mins(1), || missing().is_empty().then_some(()));
    assert!(arrived.is_some(), "not downstream: {:?}\n{}", missing(), installation.logs());
    assert_eq!(downstream.app().users().len(), people.len(), "nobody is there twice");
}
