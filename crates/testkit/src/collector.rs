//! An OpenTelemetry collector inside a test: takes OTLP over HTTP and keeps what came.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// A running collector.
#[derive(Clone)]
pub struct Collector {
    url: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A span as it was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its trace, in hex.
    pub trace_id: String,
    /// Its name.
    pub name: String,
    /// The role of the process it was made in.
    pub role: String,
    /// The names of its attributes, `span.…`, and of its process's, `resource.…`.
    pub attributes: BTreeSet<String>,
}

impl Default for Collector {
    fn default() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let collector = Self { url, bodies: Arc::default() };
        let bodies = collector.bodies.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bodies = bodies.clone();
                std::thread::spawn(move || drop(serve(stream, &bodies)));
            }
        });
        collector
    }
}

impl Collector {
    /// What a program is given as `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that came, as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).concat()
    }

    /// All spans that came.
    pub fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut spans = Vec::new();
        for request in bodies.iter().filter_map(|body| ExportTraceServiceRequest::decode(body.as_slice()).ok()) {
            for group in request.resource_spans {
                let attributes = group.resource.map(|resource| resource.attributes).unwrap_or_default();
                let role = attributes.iter().find(|attribute| attribute.key == "kevra.role");
                let role = role.map(|role| format!("{:?}", role.value)).unwrap_or_default();
                let role = ["control", "gateway", "dispatcher"].into_iter().find(|name| role.contains(name));
                let resource: Vec<String> =
                    attributes.iter().map(|attribute| format!("resource.{}", attribute.key)).collect();
                for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                    let trace_id =
                        format!("{:032x}", u128::from_be_bytes(span.trace_id.try_into().unwrap_or_default()));
                    let own = span.attributes.iter().map(|attribute| format!("span.{}", attribute.key));
                    let attributes = own.chain(resource.iter().cloned()).collect();
                    let role = role.unwrap_or_default().to_owned();
                    spans.push(Span { trace_id, name: span.name, role, attributes });
                }
            }
        }
        spans
    }
}

/// One exporter's connection: every request is read, kept and answered with 200.
fn serve(stream: TcpStream, bodies: &Mutex<Vec<Vec<u8>>>) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        if length == 0 {
            return Ok(());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        bodies.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
}
