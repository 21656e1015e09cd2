//! Names to addresses, and the guard between the two: only vetted addresses come back, so only they are connected to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::guard::is_public;

const RESOLVE: Duration = Duration::from_secs(5);

/// Where names are looked up.
pub trait Names: Send + Sync {
    /// The addresses of a name now.
    fn look_up(&self, name: String)
    -> std::pin::Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Names for System {
    fn look_up(
        &self,
        name: String,
    ) -> std::pin::Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + '_>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// A name that resolves to an address we do not dial.
#[derive(Debug, thiserror::Error)]
#[error("the address is not allowed")]
pub(crate) struct Blocked;

pub(crate) struct Vetted {
    pub development: bool,
    pub names: Arc<dyn Names>,
}

impl Resolve for Vetted {
    /// Only vetted addresses are returned, so only they are connected to: a name that changes its answer in between gains
    /// nothing. One address that is not public refuses the whole name.
    fn resolve(&self, name: Name) -> Resolving {
        let (development, names) = (self.development, self.names.clone());
        Box::pin(async move {
            let looked_up = tokio::time::timeout(RESOLVE, names.look_up(name.as_str().to_owned())).await;
            let addresses = looked_up.map_err(|_| "the name did not resolve in time")??;
            if !development && addresses.iter().any(|address| !is_public(address.ip())) {
                return Err(Blocked.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
