//! What may be dialled: a policy over URLs and one over addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The policy of a deployment.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Allows http, loopback and every port. For development and the demo, never in production.
    pub development: bool,
    /// Ports a downstream may use.
    pub ports: Vec<u16>,
    /// Certificates of the deployment's own authorities, PEM, believed beside the public ones.
    pub certificates: Option<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { development: false, ports: vec![443, 8443], certificates: None }
    }
}

impl Guard {
    /// For a URL that was judged when it was enabled: what it may be now is the connector's to say, address by address.
    pub fn judged() -> Self {
        Self { development: true, ports: Vec::new(), certificates: None }
    }
}

/// What is wrong with a base URL; the text names the part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It does not parse.
    #[error("this is not a URL")]
    NotAUrl,
    /// Another scheme than https.
    #[error("the URL must begin with https://")]
    Scheme,
    /// `user:password@`.
    #[error("the URL must not contain a user name or password")]
    UserInfo,
    /// `?…`
    #[error("the URL must not have a query (?…)")]
    Query,
    /// `#…`
    #[error("the URL must not have a fragment (#…)")]
    Fragment,
    /// An address instead of a name.
    #[error("the URL must name a host, not an IP address")]
    IpLiteral,
    /// A port that is not on the list.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// Letters that look like others, or are escaped.
    #[error("the host may have ASCII letters, digits, dots and hyphens only")]
    Host,
    /// `…/Users`: the base is wanted.
    #[error("give the base URL, without /{0} at its end")]
    Endpoint(&'static str),
}

impl UrlFault {
    /// The part that is meant, in a stable word. Nothing of the network is in it.
    pub fn part(&self) -> &'static str {
        match self {
            Self::NotAUrl => "url",
            Self::Scheme => "scheme",
            Self::UserInfo => "userinfo",
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::IpLiteral => "ip",
            Self::Port(_) => "port",
            Self::Host => "host",
            Self::Endpoint(_) => "endpoint",
        }
    }
}

/// A base URL that passed the policy, without trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Judges a URL as a person typed it.
    pub fn parse(text: &str, guard: &Guard) -> Result<Self, UrlFault> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(UrlFault::NotAUrl);
        }
        let raw_host = text.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or("");
        // `https:///name` would take the path's first segment for the host.
        if raw_host.is_empty() {
            return Err(UrlFault::NotAUrl);
        }
        let mut url = Url::parse(text).map_err(|_| UrlFault::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if guard.development => {}
            _ => return Err(UrlFault::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() || raw_host.contains('@') {
            return Err(UrlFault::UserInfo);
        }
        if url.query().is_some() {
            return Err(UrlFault::Query);
        }
        if url.fragment().is_some() {
            return Err(UrlFault::Fragment);
        }
        if !raw_host.is_ascii() || raw_host.contains('%') {
            return Err(UrlFault::Host);
        }
        match url.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_owned();
                if name.is_empty() || name.contains('_') {
                    return Err(UrlFault::Host);
                }
                url.set_host(Some(&name)).map_err(|_| UrlFault::Host)?;
            }
            Some(Host::Ipv4(_) | Host::Ipv6(_)) if guard.development => {}
            Some(_) => return Err(UrlFault::IpLiteral),
            None => return Err(UrlFault::NotAUrl),
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if !guard.development && !guard.ports.contains(&port) {
            return Err(UrlFault::Port(port));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        for endpoint in ["Users", "Groups", "ServiceProviderConfig", "Schemas", "ResourceTypes"] {
            if path.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(endpoint)) {
                return Err(UrlFault::Endpoint(endpoint));
            }
        }
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The URL as text, without trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    pub(crate) fn url(&self) -> Url {
        self.0.clone()
    }
}

/// Whether an address is public unicast: the only kind a downstream may have.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => public_v4(address),
        IpAddr::V6(address) => public_v6(address),
    }
}

/// Everything but the IANA special-purpose registry.
fn public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 31 && c == 196)
        || (a == 192 && b == 52 && c == 193)
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 192 && b == 175 && c == 48)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224)
}

/// 2000::/3 without its special parts; nothing that embeds IPv4, by which a private address could be reached.
fn public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let first = segments[0];
    (0x2000..0x4000).contains(&first)
        && !(first == 0x2001 && segments[1] < 0x0200)
        && !(first == 0x2001 && segments[1] == 0x0db8)
        && first != 0x2002
        && !(first == 0x3fff && segments[1] < 0x1000)
        && !(first == 0x2620 && segments[1] == 0x004f && segments[2] == 0x8000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_bad_url_is_named() {
        let guard = Guard::default();
        let fault = |text: &str| BaseUrl::parse(text, &guard).unwrap_err();
        assert_eq!(fault("http://app.example.com/scim"), UrlFault::Scheme);
        assert_eq!(fault("ftp://app.example.com"), UrlFault::Scheme);
        assert_eq!(fault("nonsense"), UrlFault::NotAUrl);
        assert_eq!(fault("https://a:b@app.example.com"), UrlFault::UserInfo);
        assert_eq!(fault("https://@app.example.com"), UrlFault::UserInfo);
        assert_eq!(fault("https://app.example.com/scim?x=1"), UrlFault::Query);
        assert_eq!(fault("https://app.example.com/scim#x"), UrlFault::Fragment);
        assert_eq!(fault("https://app.example.com:22/scim"), UrlFault::Port(22));
        assert_eq!(fault("https://ex\u{e4}mple.com/scim"), UrlFault::Host);
        assert_eq!(fault("https://app%2eexample.com/scim"), UrlFault::Host);
        assert_eq!(fault("https://app.example.com/scim/v2/Users"), UrlFault::Endpoint("Users"));
        assert_eq!(fault("https://app.example.com/\r\nX: y"), UrlFault::NotAUrl);
        for literal in ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:10.0.0.1]", "10.1", "0177.0.0.1"] {
            assert_eq!(fault(&format!("https://{literal}/scim")), UrlFault::IpLiteral, "{literal}");
        }
        let good = BaseUrl::parse(" https://App.Example.com./scim/v2/ ", &guard).unwrap();
        assert_eq!(good.as_str(), "https://app.example.com/scim/v2");
    }

    #[test]
    fn only_public_unicast_is_public() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1", "2001:4860:4860::8888"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
