//! Settings of each role, from the environment. A role reads only its own section.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use downstream::{Connector, Guard};
use realm::keycloak::Admin;
use registry::DbOptions;
use registry::seal::Keyring;
use secrecy::{ExposeSecret, SecretString};

use crate::env::{self, Environment, Fault, bad};

/// What every role needs.
pub(crate) struct Common {
    pub database_url: SecretString,
    pub database: DbOptions,
    pub ops_listen: SocketAddr,
    pub log: String,
    pub json: bool,
    pub otlp: bool,
}

/// How a process's connections are shared: those of the main pool, and of each of the gateway's threads. Of a few, each
/// pool has one.
pub(crate) fn pools(connections: u32, gateway: bool) -> (u32, u32) {
    let threads = u32::try_from(gateway::Config::default().workers).unwrap_or(1);
    let each = (connections / (2 * threads)).max(1);
    (if gateway { connections.saturating_sub(each * threads).max(1) } else { connections }, each)
}

pub(crate) fn common(environment: &Environment) -> Result<Common, Fault> {
    let database_url = environment.secret(env::DATABASE_URL)?;
    let url = database_url.expose_secret();
    if !["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(bad(env::DATABASE_URL, "it must begin with postgres:// or sqlite://"));
    }
    let connections = environment.parsed(env::DATABASE_CONNECTIONS, 20_u32, "a number from 1 to 500")?;
    if !(1..=500).contains(&connections) {
        return Err(bad(env::DATABASE_CONNECTIONS, "it must be a number from 1 to 500"));
    }
    let (log, json) = logging(environment)?;
    Ok(Common {
        database_url,
        database: DbOptions { connections, ..DbOptions::default() },
        ops_listen: environment.listen(env::OPS_LISTEN, local(9464))?,
        log,
        json,
        otlp: environment.names_a_collector(),
    })
}

fn logging(environment: &Environment) -> Result<(String, bool), Fault> {
    let log = environment.text(env::LOG)?.unwrap_or_else(|| "info".to_owned());
    if tracing_subscriber::EnvFilter::try_new(&log).is_err() {
        return Err(bad(env::LOG, "it must be a tracing filter, such as info or info,gateway=debug"));
    }
    let json = match environment.text(env::LOG_FORMAT)?.as_deref() {
        None | Some("json") => true,
        Some("text") => false,
        Some(_) => return Err(bad(env::LOG_FORMAT, "it must be json or text")),
    };
    Ok((log, json))
}

/// The broker, if there is one.
pub(crate) fn amqp(environment: &Environment) -> Result<Option<SecretString>, Fault> {
    match environment.text(env::AMQP_URL)? {
        None => Ok(None),
        Some(url) if url.starts_with("amqp://") || url.starts_with("amqps://") => Ok(Some(SecretString::from(url))),
        Some(_) => Err(bad(env::AMQP_URL, "it must begin with amqp:// or amqps://")),
    }
}

/// A keyring that has to be there.
pub(crate) fn keyring(environment: &Environment, variable: &'static env::Variable) -> Result<Keyring, Fault> {
    let text = environment.secret(variable)?;
    Keyring::parse(&text).map_err(|fault| bad(variable, fault.to_string()))
}

/// The realm keyring, where one is given: embedded realms need none.
pub(crate) fn realm_keyring(environment: &Environment) -> Result<Option<Keyring>, Fault> {
    if environment.has(env::REALM_KEYRING) { keyring(environment, env::REALM_KEYRING).map(Some) } else { Ok(None) }
}

/// Which downstreams may be dialled.
pub(crate) fn guard(environment: &Environment) -> Result<Guard, Fault> {
    let ports = environment.list::<u16>(env::DOWNSTREAM_PORTS, "a port number")?;
    let ports = ports.unwrap_or_else(|| Guard::default().ports);
    let certificates = environment.text(env::DOWNSTREAM_CA)?;
    Ok(Guard { development: environment.flag(env::DEVELOPMENT)?, ports, certificates })
}

/// The client towards downstreams; certificates of no use are a bad setting.
pub(crate) fn connector(guard: &Guard) -> anyhow::Result<Connector> {
    match Connector::new(guard) {
        Err(fault @ downstream::Fault::Certificates) => Err(bad(env::DOWNSTREAM_CA, fault.to_string()).into()),
        made => Ok(made?),
    }
}

/// Origins of consoles served elsewhere: scheme, host and port, nothing behind.
fn origins(environment: &Environment) -> Result<Vec<String>, Fault> {
    let form = "an origin such as https://app.example.com";
    let origins = environment.list::<url::Url>(env::CONSOLE_ORIGINS, form)?.unwrap_or_default();
    let plain = |url: &url::Url| {
        matches!(url.scheme(), "https" | "http")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    };
    if !origins.iter().all(plain) {
        return Err(bad(env::CONSOLE_ORIGINS, format!("each item must be {form}")));
    }
    Ok(origins.iter().map(|url| url.origin().ascii_serialization()).collect())
}

/// What `control` serves under `/console/` and says there.
#[derive(Default)]
pub(crate) struct Console {
    pub origins: Vec<String>,
    pub bundle: Option<control::Bundle>,
    pub support_url: Option<String>,
}

/// The console's settings. A directory that is named has to hold a built console; where none is named there may be none.
pub(crate) fn console(environment: &Environment) -> Result<Console, Fault> {
    let named = environment.text(env::CONSOLE_DIR)?;
    let bundle = control::Bundle::load(Path::new(named.as_deref().unwrap_or("console/dist")))
        .map_err(|error| bad(env::CONSOLE_DIR, format!("it cannot be read: {error}")))?;
    if named.is_some() && bundle.is_none() {
        return Err(bad(env::CONSOLE_DIR, "there is no index.html in it; see console/README.md for how to build it"));
    }
    let support_url = environment.text(env::SUPPORT_URL)?;
    if support_url.as_ref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("mailto:")) {
        return Err(bad(env::SUPPORT_URL, "it must begin with https:// or mailto:"));
    }
    Ok(Console { origins: origins(environment)?, bundle, support_url })
}

/// How long activity is kept.
pub(crate) fn keep_activity(environment: &Environment) -> Result<Duration, Fault> {
    let days = environment.parsed(env::ACTIVITY_DAYS, 30_u64, "a number from 1 to 3650")?;
    if !(1..=3650).contains(&days) {
        return Err(bad(env::ACTIVITY_DAYS, "it must be a number from 1 to 3650"));
    }
    Ok(Duration::from_hours(24 * days))
}

/// Networks of trusted proxies.
pub(crate) fn trusted_proxies(environment: &Environment) -> Result<Vec<gateway::Network>, Fault> {
    Ok(environment.list(env::TRUSTED_PROXIES, "a network such as 10.0.0.0/8")?.unwrap_or_default())
}

/// The Keycloak of the default cluster and the cluster-wide credential: all three, or none for embedded realms.
pub(crate) fn admin(environment: &Environment) -> Result<Option<Admin>, Fault> {
    let Some(url) = environment.text(env::KEYCLOAK_URL)? else { return Ok(None) };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(bad(env::KEYCLOAK_URL, "it must begin with https:// or http://"));
    }
    environment.word(env::KEYCLOAK_CLIENT_ID)?;
    environment.word(env::KEYCLOAK_CLIENT_SECRET)?;
    Ok(Some(Admin {
        base_url: url.trim_end_matches('/').to_owned(),
        client_id: environment.required(env::KEYCLOAK_CLIENT_ID)?,
        client_secret: environment.secret(env::KEYCLOAK_CLIENT_SECRET)?,
    }))
}

/// The cluster-wide credentials of all clusters, by name.
pub(crate) fn admins(environment: &Environment) -> Result<Admins, Fault> {
    let default = admin(environment)?.map(|admin| ("default".to_owned(), (admin.client_id, admin.client_secret)));
    let mut admins: Admins = default.into_iter().collect();
    let form = || bad(env::CLUSTER_CREDENTIALS, "each item must be cluster=client_id:secret");
    for item in environment.list::<String>(env::CLUSTER_CREDENTIALS, "text")?.unwrap_or_default() {
        let (cluster, credential) = item.split_once('=').ok_or_else(form)?;
        let (client_id, secret) = credential.split_once(':').ok_or_else(form)?;
        if cluster.is_empty() || client_id.is_empty() || secret.is_empty() {
            return Err(form());
        }
        admins.insert(cluster.to_owned(), (client_id.to_owned(), SecretString::from(secret)));
    }
    Ok(admins)
}

/// Client id and secret of a cluster's privileged client, by the cluster's name.
pub(crate) type Admins = HashMap<String, (String, SecretString)>;

/// Whose tokens the control API takes.
pub(crate) fn operators(environment: &Environment) -> Result<control::jwks::Expect, Fault> {
    use control::jwks::{Expect, Source};
    let jwks = environment.required(env::JWKS)?;
    let source = if jwks.starts_with("https://") || jwks.starts_with("http://127.0.0.1") {
        Source::Url(jwks)
    } else if std::path::Path::new(&jwks).is_file() {
        Source::File(jwks.into())
    } else {
        return Err(bad(env::JWKS, "it must be an https URL or a file that exists"));
    };
    let audience = environment.word(env::JWT_AUDIENCE)?.unwrap_or_else(|| "kevra-scim-control".to_owned());
    environment.word(env::JWT_ISSUER)?;
    Ok(Expect { issuer: environment.required(env::JWT_ISSUER)?, audience, source })
}

/// Where a role listens.
pub(crate) fn listen(
    environment: &Environment,
    variable: &'static env::Variable,
    port: u16,
) -> Result<SocketAddr, Fault> {
    environment.listen(variable, local(port))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[cfg(test)]
mod tests {
    use super::pools;

    #[test]
    fn a_gateway_shares_its_connections_out_and_other_roles_keep_them_in_one_pool() {
        assert_eq!(pools(20, true), (10, 5));
        assert_eq!(pools(500, true), (250, 125));
        assert_eq!(pools(20, false).0, 20);
        assert_eq!(pools(1, true), (1, 1));
    }
}
