//! A front that speaks TLS, before a downstream that does not; and an authority whose certificates nobody knows.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::exchange::Request;
use crate::scratch::Scratch;

/// An authority of a test's own.
pub struct Authority(Scratch);

impl Default for Authority {
    fn default() -> Self {
        let authority = Self(Scratch::default());
        authority.openssl(
            &["req", "-x509", "-days", "2", "-subj", "/CN=Test authority"],
            &["-keyout", "-out"],
            "authority",
        );
        authority
    }
}

impl Authority {
    /// Its certificate, as a file.
    pub fn certificate(&self) -> std::path::PathBuf {
        self.0.file("authority.pem")
    }

    /// A server's identity under a name.
    pub fn identity(&self, name: &str) -> Arc<ServerConfig> {
        let names = format!("subjectAltName=DNS:{name}");
        let (signer, key) = (self.certificate(), self.0.file("authority.key"));
        let (signer, key) = (signer.to_string_lossy().into_owned(), key.to_string_lossy().into_owned());
        let subject = format!("/CN={name}");
        let made = ["req", "-x509", "-days", "1", "-subj", &subject, "-addext", &names, "-CA", &signer, "-CAkey", &key];
        // A leaf, or it would be refused as an authority that serves.
        let made = [&made[..], &["-addext", "basicConstraints=critical,CA:FALSE"]].concat();
        self.openssl(&made, &["-keyout", "-out"], name);
        let chain = CertificateDer::pem_file_iter(self.0.file(&format!("{name}.pem"))).expect("a certificate");
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(self.0.file(&format!("{name}.key"))).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("TLS 1.2 and 1.3").with_no_client_auth().with_single_cert(chain, key);
        Arc::new(config.expect("key and certificate belong together"))
    }

    fn openssl(&self, arguments: &[&str], [key, certificate]: &[&str; 2], name: &str) {
        let mut command = Command::new("openssl");
        command.args(arguments).args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        command
            .arg(key)
            .arg(self.0.file(&format!("{name}.key")))
            .arg(certificate)
            .arg(self.0.file(&format!("{name}.pem")));
        let made = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(made.expect("openssl runs").success(), "openssl made no certificate for {name}");
    }
}

/// A front for one upstream.
pub struct TlsFront {
    port: u16,
    path: String,
    identity: Arc<Mutex<Arc<ServerConfig>>>,
}

impl TlsFront {
    /// In front of an `http://host:port/path` URL.
    pub fn new(upstream: &str, identity: Arc<ServerConfig>) -> Self {
        let rest = upstream.strip_prefix("http://").expect("an http URL");
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let identity = Arc::new(Mutex::new(identity));
        let (address, shown) = (address.to_owned(), identity.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let config = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let address = address.clone();
                std::thread::spawn(move || drop(carry(client, config, &address)));
            }
        });
        Self { port, path: path.to_owned(), identity }
    }

    /// The upstream's URL through the front, under a name that leads to this machine.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/{}", self.port, self.path)
    }

    /// Shows another identity from the next connection on.
    pub fn show(&self, identity: Arc<ServerConfig>) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
    }
}

fn carry(client: TcpStream, config: Arc<ServerConfig>, address: &str) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut client = StreamOwned::new(connection, client);
    let Some(request) = Request::read(&mut client)? else { return Ok(()) };
    client.write_all(&request.ask(address)?)?;
    client.conn.send_close_notify();
    client.flush()
}
