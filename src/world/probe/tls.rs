//! Certificates: what a server shows, until when it lasts, whether this machine trusts it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use super::http::Clients;
use super::{net, reason, within};
use crate::rules::smoke::config::Tls;
use crate::rules::smoke::{Look, judge, text};

/// The certificates that this machine trusts, read when they are needed first.
#[derive(Default)]
pub struct Trust(OnceLock<Result<Arc<Verifier>, String>>);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn config(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| e.to_string())?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// A configuration that trusts nobody: enough for plain HTTP.
pub(super) fn trusting_none() -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| e.to_string())?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

impl Trust {
    fn verifier(&self) -> Result<Arc<Verifier>, String> {
        let read = || Verifier::new(provider()).map(Arc::new).map_err(|e| e.to_string());
        self.0.get_or_init(read).clone()
    }

    /// A configuration that trusts what this machine trusts.
    pub(super) fn config(&self) -> Result<ClientConfig, String> {
        config(self.verifier()?)
    }
}

/// Takes every certificate, and remembers what it was and what the machine says of it. Nothing is sent over such a
/// connection.
#[derive(Debug)]
struct Witness {
    judge: Result<Arc<Verifier>, String>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Seen>>,
}

#[derive(Debug, Clone)]
struct Seen {
    chain: Vec<CertificateDer<'static>>,
    untrusted: Option<String>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let untrusted = match &self.judge {
            Ok(judge) => judge.verify_server_cert(own, others, name, ocsp, now).err().map(|e| e.to_string()),
            Err(why) => Some(why.clone()),
        };
        let chain = [own].into_iter().chain(others).map(|c| c.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { chain, untrusted });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, Look> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| Look::unknown(format!("`{host}` is no name of a server")))
}

/// Whether a server's certificates are trusted and last.
pub(super) async fn look(clients: &Clients, check: &Tls, time: Duration) -> Look {
    let witness =
        Arc::new(Witness { judge: clients.trust().verifier(), provider: provider(), seen: Mutex::new(None) });
    let shake = async {
        let (host, _) = text::address(&check.address).map_err(Look::fail)?;
        let name = server_name(check.server_name.as_deref().unwrap_or(host))?;
        let config = config(witness.clone()).map_err(Look::unknown)?;
        let stream = net::connect(&check.address).await?;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .map_err(|e| Look::fail(format!("no TLS: {}", text::brief(&reason(&e)))))
    };
    if let Err(look) = within(time, shake).await {
        return look;
    }
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(seen) = seen else { return Look::unknown("it showed no certificate") };
    let ends: Option<Vec<Timestamp>> = seen.chain.iter().map(|der| not_after(der)).collect();
    let Some(ends) = ends else { return Look::unknown("the end of its certificate cannot be read") };
    match judge::tls(check, &ends, seen.untrusted.as_deref(), Timestamp::now()) {
        Ok(why) => Look::pass(why),
        Err(why) => Look::fail(why),
    }
}

/// Until when a certificate lasts: `tbsCertificate.validity.notAfter`
/// (<https://www.rfc-editor.org/rfc/rfc5280#section-4.1>). None when it cannot be read.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    let (_, certificate, _) = element(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut rest, _) = element(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
    if rest.first() == Some(&0xa0) {
        // The version, which is left out for version 1.
        rest = element(rest)?.2;
    }
    // Serial number, signature, issuer; then validity.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, _, after) = element(validity)?;
    let (tag, text, _) = element(after)?;
    let text = std::str::from_utf8(text).ok()?;
    let full = match tag {
        // UTCTime has two digits for the year, of 1950 to 2049.
        0x17 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", &full)
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|z| z.timestamp())
}

/// The first element of DER: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let (bytes, after) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(b, _)| (1..=4).contains(&b.len()))?;
        length = bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}
