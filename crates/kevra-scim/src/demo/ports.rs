//! The demo's four ports.

use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use super::Prerequisite;

/// The first ports there can be: three more have to follow.
pub(super) const FIRST: RangeInclusive<i64> = 0..=(u16::MAX as i64 - 3);

/// Where the parts of a demo listen.
pub(super) struct Listeners {
    pub control: TcpListener,
    pub gateway: TcpListener,
    pub downstream: TcpListener,
    pub ops: TcpListener,
}

/// Binds all ports before anything else, so that a conflict is the first thing said. Four in a row; any with 0.
pub(super) fn bind(first: u16) -> anyhow::Result<Listeners> {
    let place = |offset: u16| if first == 0 { 0 } else { first.saturating_add(offset) };
    Ok(Listeners {
        control: listener(place(0))?,
        gateway: listener(place(1))?,
        downstream: listener(place(2))?,
        ops: listener(place(3))?,
    })
}

fn listener(port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).map_err(|error| {
        let trouble = format!("127.0.0.1:{port}: {error}");
        Prerequisite::new("ports", trouble, "stop what is there, or choose others with --port N (0: any free)")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
