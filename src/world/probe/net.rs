//! Ports and names.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::within;
use crate::rules::smoke::config::Dns;
use crate::rules::smoke::{Look, judge, text};

/// The addresses of a host and port, each once, in the resolver's order.
pub(super) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Look> {
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|e| Look::fail(format!("{host} does not resolve: {}", text::brief(&e.to_string()))))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// A connection to `host:port`: to the first of its addresses that takes one.
pub(super) async fn connect(address: &str) -> Result<TcpStream, Look> {
    let (host, port) = text::address(address).map_err(Look::fail)?;
    let mut last = None;
    for address in resolve(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(e) => last = Some(format!("{address}: {e}")),
        }
    }
    Err(Look::fail(last.unwrap_or_else(|| format!("{host} has no address"))))
}

/// Whether a port takes connections.
pub(super) async fn tcp(address: &str, time: Duration) -> Look {
    let started = Instant::now();
    match within(time, connect(address)).await {
        Ok(_) => Look::pass(format!("connected in {}", judge::shown(started.elapsed().as_secs_f64()))),
        Err(look) => look,
    }
}

/// Whether a name resolves as expected.
pub(super) async fn dns(check: &Dns, time: Duration) -> Look {
    let found = within(time, resolve(&check.name, 0)).await.map(|found| {
        let mut all: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
        all.dedup();
        all
    });
    match found.map(|all| judge::dns(check, &all)) {
        Ok(Ok(why)) => Look::pass(why),
        Ok(Err(why)) => Look::fail(why),
        Err(look) => look,
    }
}
