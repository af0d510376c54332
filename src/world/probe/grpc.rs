//! gRPC's health protocol, over HTTP/2 (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client;
use http::{HeaderMap, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::http::Clients;
use super::tls::server_name;
use super::{net, reason, within};
use crate::rules::smoke::config::Grpc;
use crate::rules::smoke::{Look, judge, text};

/// Whether a service says that it is serving.
pub(super) async fn look(clients: &Clients, check: &Grpc, time: Duration) -> Look {
    let started = Instant::now();
    let asked = async {
        let stream = net::connect(&check.address).await?;
        if !check.tls {
            return ask(stream, check).await;
        }
        let (host, _) = text::address(&check.address).map_err(Look::fail)?;
        let mut config = clients.trust().config().map_err(Look::unknown)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TlsConnector::from(Arc::new(config))
            .connect(server_name(host)?, stream)
            .await
            .map_err(|e| Look::fail(format!("no TLS: {}", text::brief(&reason(&e)))))?;
        ask(stream, check).await
    };
    match within(time, asked).await {
        Ok(()) => Look::pass(format!("it is serving, in {}", judge::shown(started.elapsed().as_secs_f64()))),
        Err(look) => look,
    }
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    check: &Grpc,
) -> Result<(), Look> {
    let failed = |e: h2::Error| Look::fail(format!("no answer of gRPC: {}", text::brief(&e.to_string())));
    let (mut sender, connection) = client::handshake(stream).await.map_err(failed)?;
    // It ends with the last handle to it.
    let driver = tokio::spawn(connection);
    let scheme = if check.tls { "https" } else { "http" };
    let request = Request::post(format!("{scheme}://{}/grpc.health.v1.Health/Check", check.address))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", concat!("release-steps/", env!("CARGO_PKG_VERSION")))
        .body(())
        .map_err(|e| Look::unknown(e.to_string()))?;
    let (response, mut body) = sender.send_request(request, false).map_err(failed)?;
    body.send_data(message(&check.service), true).map_err(failed)?;
    let response = response.await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(Look::fail(format!("it answers {}, not as gRPC does", response.status())));
    }
    if let Some(error) = error(response.headers()) {
        return Err(Look::fail(error));
    }
    let mut body = response.into_body();
    let mut answer = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(failed)?;
        // It gives back what the server may send; nothing is lost when that fails.
        let _ = body.flow_control().release_capacity(chunk.len());
        answer.extend_from_slice(&chunk);
        if answer.len() > 4096 {
            return Err(Look::fail("its answer is longer than one of the health protocol"));
        }
    }
    let trailers = body.trailers().await.map_err(failed)?.unwrap_or_default();
    driver.abort();
    if let Some(error) = error(&trailers) {
        return Err(Look::fail(error));
    }
    let status = status(&answer).ok_or_else(|| Look::fail("its answer is not one of the health protocol"))?;
    judge::serving(status).map_err(Look::fail)
}

/// A status other than 0.
fn error(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let status = text("grpc-status").filter(|status| *status != "0")?;
    let message = percent_encoding::percent_decode_str(text("grpc-message").unwrap_or_default());
    Some(judge::grpc_error(status, &message.decode_utf8_lossy()))
}

/// `HealthCheckRequest { string service = 1; }`, with gRPC's prefix: not compressed, so long.
fn message(service: &str) -> Bytes {
    let mut field = BytesMut::new();
    if !service.is_empty() {
        field.put_u8(0x0a);
        varint(&mut field, service.len());
        field.put_slice(service.as_bytes());
    }
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(u32::try_from(field.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(&field);
    out.freeze()
}

fn varint(out: &mut BytesMut, mut number: usize) {
    while number >= 0x80 {
        out.put_u8(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.put_u8(u8::try_from(number).unwrap_or(0));
}

/// `HealthCheckResponse { ServingStatus status = 1; }`: an enum, which is left out when it is 0.
fn status(answer: &[u8]) -> Option<u64> {
    let (&[0, a, b, c, d], message) = answer.split_first_chunk::<5>()? else { return None };
    if u32::from_be_bytes([a, b, c, d]) as usize != message.len() {
        return None;
    }
    match message {
        [] => Some(0),
        [0x08, status @ 0..0x80] => Some(u64::from(*status)),
        _ => None,
    }
}
