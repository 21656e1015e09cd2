//! Every name of the environment, in one file. Nothing else in the program reads it.
//!
//! Each variable may be given as `NAME_FILE` instead, a path whose content is the value: the form for secrets mounted
//! by an orchestrator. A bad setting is one clear sentence that names the variable, and exit code 64.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;

use secrecy::SecretString;

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Needed and not there.
    #[error("{name} is not set: {purpose}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it is for.
        purpose: &'static str,
    },
    /// There, but not of the right form. Never repeats the value: it may be a secret.
    #[error("{name} is not usable: {reason}")]
    Bad {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file named by `NAME_FILE` cannot be read.
    #[error("{name}_FILE cannot be read: {reason}")]
    File {
        /// The variable.
        name: &'static str,
        /// The operating system's words.
        reason: String,
    },
    /// Both forms are given.
    #[error("{0} and {0}_FILE are both set; keep one")]
    Both(&'static str),
    /// A name of ours that does not exist: a typing error would otherwise be a silent default.
    #[error("{0} is not a setting of kevra-scim; see docs/configuration.md for all names")]
    Unknown(String),
}

/// A variable, as documented.
pub struct Variable {
    /// Its name; `NAME_FILE` works too.
    pub name: &'static str,
    /// Which roles read it.
    pub roles: &'static str,
    /// The default in words, or "none".
    pub default: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

macro_rules! variables {
    ($($constant:ident = $name:literal, $roles:literal, $default:literal, $purpose:literal;)*) => {
        $(
            #[doc = $purpose]
            pub const $constant: &Variable =
                &Variable { name: $name, roles: $roles, default: $default, purpose: $purpose };
        )*
        /// All of them, in the order of the documentation.
        pub const VARIABLES: &[&Variable] = &[$($constant),*];
    };
}

variables! {
    DATABASE_URL = "DATABASE_URL", "all", "none", "the registry and directory, postgres://… (sqlite://… for one process)";
    DATABASE_CONNECTIONS = "DATABASE_MAX_CONNECTIONS", "all", "20", "connections of a process to the database, 1 to 500; in a gateway, its two server threads have half of them for reads, and no pool has less than one";
    AMQP_URL = "AMQP_URL", "all", "none: in-process doorbell", "the broker, amqp://… or amqps://…; without it, what control decides arrives seconds later";
    SEAL_KEYRING = "KEVRA_SEAL_KEYRING", "control dispatcher", "none", "keys that seal downstream tokens: id:base64(32 bytes), comma separated, the first is active";
    REALM_KEYRING = "KEVRA_REALM_KEYRING", "all", "none: embedded realms", "keys that seal the realms' data-path secrets, same form";
    CONTROL_LISTEN = "KEVRA_CONTROL_LISTEN", "control", "127.0.0.1:8080", "where the control API listens";
    GATEWAY_LISTEN = "KEVRA_GATEWAY_LISTEN", "gateway", "127.0.0.1:8081", "where the SCIM gateway listens";
    OPS_LISTEN = "KEVRA_OPS_LISTEN", "all", "127.0.0.1:9464", "where /livez, /readyz and /metrics are served";
    JWT_ISSUER = "KEVRA_JWT_ISSUER", "control", "none", "the console issuer whose tokens are accepted, as in the claim iss";
    JWT_AUDIENCE = "KEVRA_JWT_AUDIENCE", "control", "kevra-scim-control", "the audience tokens must carry";
    JWKS = "KEVRA_JWKS", "control", "none", "the issuer's public keys: an https URL or a file";
    KEYCLOAK_URL = "KEYCLOAK_URL", "control", "none: embedded realms", "the Keycloak of the default cluster";
    KEYCLOAK_CLIENT_ID = "KEYCLOAK_CLIENT_ID", "control", "none", "the cluster-wide client that provisions realms";
    KEYCLOAK_CLIENT_SECRET = "KEYCLOAK_CLIENT_SECRET", "control", "none", "its secret";
    CLUSTER_CREDENTIALS = "KEVRA_CLUSTER_CREDENTIALS", "control", "none", "the same for further clusters: cluster=client_id:secret, comma separated";
    TRUSTED_PROXIES = "KEVRA_TRUSTED_PROXIES", "gateway", "none", "networks whose X-Forwarded-Host is believed, CIDR, comma separated";
    DOWNSTREAM_PORTS = "KEVRA_DOWNSTREAM_PORTS", "control dispatcher", "443,8443", "ports a downstream may use";
    DOWNSTREAM_CA = "KEVRA_DOWNSTREAM_CA", "control dispatcher", "none", "certificates (PEM) of your own authorities that downstreams may be signed by; as a file, KEVRA_DOWNSTREAM_CA_FILE";
    CONSOLE_ORIGINS = "KEVRA_CONSOLE_ORIGINS", "control", "none", "origins (scheme and host) of consoles served elsewhere that may call the control API from a browser, and frame /console/, comma separated";
    CONSOLE_DIR = "KEVRA_CONSOLE_DIR", "control", "console/dist, if it is there", "the built console, served under /console/";
    SUPPORT_URL = "KEVRA_SUPPORT_URL", "control", "none", "where the console sends people who need more, https://… or mailto:…";
    ACTIVITY_DAYS = "KEVRA_ACTIVITY_DAYS", "dispatcher", "30", "how many days activity is kept, 1 to 3650";
    DEVELOPMENT = "KEVRA_DEVELOPMENT", "all", "false", "true allows http and loopback downstreams; never in production";
    LOG = "KEVRA_LOG", "all", "info", "what is logged, as a tracing filter";
    LOG_FORMAT = "KEVRA_LOG_FORMAT", "all", "json", "json or text";
}

/// The environment as given at start.
#[derive(Clone)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn of_process() -> Self {
        Self(std::env::vars().collect())
    }

    /// Any other, for tests.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Adds or replaces a setting: what the demo decides for itself.
    #[must_use]
    pub fn with(mut self, variable: &Variable, value: &str) -> Self {
        self.0.remove(&format!("{}_FILE", variable.name));
        self.0.insert(variable.name.to_owned(), value.to_owned());
        self
    }

    /// Names that begin with `KEVRA_` and are none of ours.
    pub fn check_names(&self) -> Result<(), Fault> {
        for name in self.0.keys().filter(|name| name.starts_with("KEVRA_") && !name.starts_with("KEVRA_TEST_")) {
            let plain = name.strip_suffix("_FILE").unwrap_or(name);
            if !VARIABLES.iter().any(|variable| variable.name == plain) {
                return Err(Fault::Unknown(name.clone()));
            }
        }
        Ok(())
    }

    /// The value, from the variable or its file; empty counts as absent.
    pub fn text(&self, variable: &'static Variable) -> Result<Option<String>, Fault> {
        let name = variable.name;
        let direct = self.0.get(name).filter(|value| !value.is_empty());
        let file = self.0.get(&format!("{name}_FILE")).filter(|value| !value.is_empty());
        match (direct, file) {
            (Some(_), Some(_)) => Err(Fault::Both(name)),
            (Some(value), None) => Ok(Some(value.clone())),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned())),
                Err(error) => Err(Fault::File { name, reason: error.to_string() }),
            },
            (None, None) => Ok(None),
        }
    }

    /// A value that must be there.
    pub fn required(&self, variable: &'static Variable) -> Result<String, Fault> {
        self.text(variable)?.ok_or(Fault::Missing { name: variable.name, purpose: variable.purpose })
    }

    /// A secret that must be there.
    pub fn secret(&self, variable: &'static Variable) -> Result<SecretString, Fault> {
        self.required(variable).map(SecretString::from)
    }

    /// A value of some type, or its default.
    pub fn parsed<T: FromStr>(&self, variable: &'static Variable, default: T, form: &str) -> Result<T, Fault> {
        match self.text(variable)? {
            None => Ok(default),
            Some(text) => text.trim().parse().map_err(|_| bad(variable, format!("it must be {form}"))),
        }
    }

    /// An address to listen on.
    pub fn listen(&self, variable: &'static Variable, default: SocketAddr) -> Result<SocketAddr, Fault> {
        self.parsed(variable, default, "an address and port, such as 0.0.0.0:8080")
    }

    /// A comma-separated list.
    pub fn list<T: FromStr>(&self, variable: &'static Variable, form: &str) -> Result<Option<Vec<T>>, Fault> {
        let Some(text) = self.text(variable)? else { return Ok(None) };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let parsed: Result<Vec<T>, _> =
            items.map(|item| item.parse().map_err(|_| bad(variable, format!("each item must be {form}")))).collect();
        parsed.map(Some)
    }

    /// `true` or `false`.
    pub fn flag(&self, variable: &'static Variable) -> Result<bool, Fault> {
        self.parsed(variable, false, "true or false")
    }

    /// A word: no spaces, no control characters.
    pub fn word(&self, variable: &'static Variable) -> Result<Option<String>, Fault> {
        let text = self.text(variable)?;
        if text.as_ref().is_some_and(|text| text.contains(|c: char| c.is_whitespace() || c.is_control())) {
            return Err(bad(variable, "it must be one word, without spaces"));
        }
        Ok(text)
    }

    /// Whether one of OpenTelemetry's own variables names an OTLP endpoint.
    pub fn names_a_collector(&self) -> bool {
        let named = |name: &str| name.starts_with("OTEL_EXPORTER_OTLP") && name.ends_with("ENDPOINT");
        self.0.iter().any(|(name, value)| named(name) && !value.is_empty())
    }

    /// Whether any value is given.
    pub fn has(&self, variable: &'static Variable) -> bool {
        matches!(self.text(variable), Ok(Some(_)) | Err(_))
    }
}

/// The page of the documentation that lists every variable.
pub fn page() -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    let row = |variable: &&Variable| {
        let Variable { name, roles, default, purpose } = variable;
        format!("| `{name}` | {} | {} | {} |\n", cell(roles), cell(default), cell(purpose))
    };
    let rows: String = VARIABLES.iter().map(row).collect();
    format!("{PAGE}{rows}")
}

const PAGE: &str = "# Configuration

Settings come from the environment. Each variable may be given as `NAME_FILE` instead: a path whose content is the value,
the form for secrets mounted by an orchestrator. A wrong or misspelt setting is one sentence that names the variable, and
exit code 64; `kevra-scim check ROLE` judges the settings of a role without connecting anywhere.

Traces and metrics are pushed where OpenTelemetry's own variables name a collector, such as
`OTEL_EXPORTER_OTLP_ENDPOINT`, by http/protobuf, the one protocol that is built in. Which other `OTEL_*` variables count is on
the page about [traces](operate/traces.md).

| Variable | Roles | Default | Meaning |
|---|---|---|---|
";

/// A setting that is there and of no use.
pub fn bad(variable: &'static Variable, reason: impl Into<String>) -> Fault {
    Fault::Bad { name: variable.name, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_refused() {
        let environment = Environment::from_pairs([("KEVRA_GATEWAY_LISTN", "127.0.0.1:1")]);
        assert_eq!(environment.check_names(), Err(Fault::Unknown("KEVRA_GATEWAY_LISTN".to_owned())));
    }

    #[test]
    fn a_value_and_its_file_exclude_each_other() {
        let environment = Environment::from_pairs([("AMQP_URL", "amqp://x"), ("AMQP_URL_FILE", "/nowhere")]);
        assert_eq!(environment.text(AMQP_URL), Err(Fault::Both("AMQP_URL")));
    }

    #[test]
    fn a_bad_value_is_not_repeated() {
        let environment = Environment::from_pairs([("KEVRA_OPS_LISTEN", "s3cret")]);
        let fault = environment.listen(OPS_LISTEN, SocketAddr::from(([127, 0, 0, 1], 1))).unwrap_err().to_string();
        assert!(fault.starts_with("KEVRA_OPS_LISTEN is not usable"), "{fault}");
        assert!(!fault.contains("s3cret"));
    }
}
