use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::Ordering;

use downstream::{BaseUrl, Guard, ProbeCode, UrlFault};

use crate::support::{Canary, Table, on_a_runtime, probe};

/// First, last and something between of every IPv4 range that is not public unicast.
const INWARD: [&str; 46] = [
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "10.0.0.0",
    "10.0.0.1",
    "10.96.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.0.0.53",
    "127.1.2.3",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",
    "172.16.0.0",
    "172.17.0.1",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.0.255",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.0.1",
    "192.168.1.254",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "233.252.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "250.1.2.3",
    "255.255.255.254",
    "255.255.255.255",
];

/// IPv6 that is not public unicast, beside what embeds IPv4.
const INWARD_6: [&str; 33] = [
    "::",
    "::1",
    "::2",
    "64:ff9b:1::1",
    "64:ff9b:1:ffff::1",
    "100::1",
    "100:0:0:1::1",
    "200::1",
    "1fff::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:1::1",
    "2001:2::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:10::1",
    "2001:1f:ffff::1",
    "2001:20::1",
    "2001:30::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
];

/// What embeds an IPv4 address in IPv6: mapped, compatible, NAT64, 6to4, ISATAP.
fn embedded(address: Ipv4Addr) -> [Ipv6Addr; 5] {
    let [a, b, c, d] = address.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    [
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5efe, high, low),
    ]
}

fn inward() -> Vec<IpAddr> {
    let fourth = INWARD.iter().map(|text| text.parse::<Ipv4Addr>().unwrap());
    let sixth = INWARD_6.iter().map(|text| IpAddr::V6(text.parse().unwrap()));
    fourth
        .flat_map(|address| std::iter::once(IpAddr::V4(address)).chain(embedded(address).map(IpAddr::V6)))
        .chain(sixth)
        .collect()
}

#[test]
fn a_name_that_leads_inward_is_never_dialled() {
    on_a_runtime(async {
        let canary = Canary::default();
        let addresses = inward();
        assert!(addresses.len() >= 300, "{} cases", addresses.len());
        for address in addresses {
            let code = probe(canary.port, Table::new(&[&[address]])).await;
            assert_eq!(code, ProbeCode::AddressBlocked, "{address}");
        }
        assert_eq!(canary.seen(), 0);
    });
}

#[test]
fn one_inward_address_among_public_ones_refuses_the_name() {
    on_a_runtime(async {
        let canary = Canary::default();
        let public: IpAddr = "93.184.215.14".parse().unwrap();
        for inward in ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"] {
            let inward: IpAddr = inward.parse().unwrap();
            for answer in [[public, inward], [inward, public]] {
                let code = probe(canary.port, Table::new(&[&answer])).await;
                assert_eq!(code, ProbeCode::AddressBlocked, "{answer:?}");
            }
        }
        assert_eq!(canary.seen(), 0);
    });
}

#[test]
fn a_name_that_changes_its_answer_gains_nothing() {
    on_a_runtime(async {
        let canary = Canary::default();
        let (public, inward): (IpAddr, IpAddr) = ("93.184.215.14".parse().unwrap(), "127.0.0.1".parse().unwrap());
        // Judged public, and asked no second time before the connection is made: what it says later is not dialled.
        let names = Table::new(&[&[public], &[inward]]);
        let code = probe(canary.port, names.clone()).await;
        assert_ne!(code, ProbeCode::AddressBlocked);
        assert_eq!(names.asked.load(Ordering::SeqCst), 1);
        // The next connection asks again, and is refused.
        assert_eq!(probe(canary.port, names).await, ProbeCode::AddressBlocked);
        assert_eq!(canary.seen(), 0);
    });
}

#[test]
fn an_address_in_any_spelling_is_no_base_url() {
    let guard = Guard::default();
    let literals = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "2130706433",
        "017700000001",
        "0177.1",
        "0177.0.0.01",
        "0",
        "0.0.0.0",
        "10.1",
        "10.0x1",
        "167772161",
        "0xa000001",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
        "192.168.257",
        "192.168.1",
        "172.1048577",
        "127.0.0.1.",
        "0x7f.1.",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[ff02::1]",
        "1.1.1.1",
        "[2606:4700::1111]",
    ];
    for literal in literals {
        for path in ["", "/scim/v2"] {
            let url = format!("https://{literal}{path}");
            assert_eq!(BaseUrl::parse(&url, &guard), Err(UrlFault::IpLiteral), "{url}");
        }
    }
    for url in [
        "https://[fe80::1%25eth0]/",
        "https://127.0.0.1%00.example.com/",
        "https://\u{ff11}27.0.0.1/",
        "https://127\u{3002}0\u{3002}0\u{3002}1/",
        "https://\u{2460}\u{2461}7.0.0.1/",
        "https://app.example.com@127.0.0.1/",
        "https://127.0.0.1:443@app.example.com/",
        "https://app.example.com:22/",
        "https://app.example.com:5672/",
        "https://app.example.com\\@127.0.0.1/",
        "https://app.example.com\t.evil.test/",
        "https://app.exam\r\nple.com/",
        "http://app.example.com/",
        "HTTP://app.example.com/",
        "file:///etc/passwd",
        "gopher://app.example.com/",
        "jar:https://app.example.com/",
        "https:///scim",
        "https://",
        "//app.example.com/",
        "https://app_.example.com/",
        "https://app.example.com/scim?x=http://127.0.0.1/",
        "https://app.example.com/scim#@127.0.0.1",
    ] {
        let judged = BaseUrl::parse(url, &guard);
        assert!(judged.is_err(), "{url} became {judged:?}");
    }
}
