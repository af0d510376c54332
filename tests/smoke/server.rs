//! Small services that behave as they are told.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What was asked: the request line's target, and the headers as they came.
#[derive(Debug, Clone)]
pub struct Ask {
    pub target: String,
    pub headers: String,
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    Say(u16, Vec<(&'static str, String)>, String),
    Later(Duration, Box<Reply>),
    /// The connection is reset.
    Reset,
    /// Half of what was promised.
    Cut,
    /// Nothing, for as long as the other side waits.
    Silent,
}

pub fn say(status: u16, body: impl Into<String>) -> Reply {
    Reply::Say(status, Vec::new(), body.into())
}

/// Serves at an address, a thread a connection, until the process ends.
pub fn serve(at: &str, answer: impl Fn(&Ask) -> Reply + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(at).unwrap_or_else(|e| panic!("{at}: {e}"));
    let address = listener.local_addr().expect("it has an address");
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let reset = stream.try_clone().expect("it can be shared");
                exchange(stream, answer.as_ref(), &|| {
                    // With unread input, closing resets.
                    drop(reset.shutdown(std::net::Shutdown::Read));
                });
            });
        }
    });
    address
}

/// The same behind TLS.
pub fn serve_tls(
    certificate: &Certificate,
    answer: impl Fn(&Ask) -> Reply + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certificate.key.clone()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(certificate.chain.clone(), key)
        .expect("a certificate");
    let (config, answer) = (Arc::new(config), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, answer) = (config.clone(), answer.clone());
            std::thread::spawn(move || {
                let connection = rustls::ServerConnection::new(config).expect("a connection");
                exchange(rustls::StreamOwned::new(connection, stream), answer.as_ref(), &|| {});
            });
        }
    });
    address
}

fn exchange(mut stream: impl Read + Write, answer: &dyn Fn(&Ask) -> Reply, reset: &dyn Fn()) {
    let Some(ask) = read(&mut stream) else { return };
    let mut reply = answer(&ask);
    if let Reply::Later(wait, then) = reply {
        std::thread::sleep(wait);
        reply = *then;
    }
    match reply {
        Reply::Say(status, headers, body) => {
            let mut head =
                format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            // Whoever does not wait for the answer is gone.
            drop(stream.write_all(format!("{head}\r\n{body}").as_bytes()).and_then(|()| stream.flush()));
        }
        Reply::Cut => drop(stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\nhalf")),
        Reply::Reset => reset(),
        Reply::Silent => std::thread::sleep(Duration::from_secs(60)),
        Reply::Later(..) => unreachable!("one wait is enough"),
    }
}

fn read(stream: &mut impl Read) -> Option<Ask> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace();
    let target = parts.nth(1)?.to_owned();
    let mut headers = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Ask { target, headers })
}

/// A certificate for `localhost` with its key, and its authority as PEM.
pub struct Certificate {
    pub chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    pub authority: String,
}

/// A certificate that begins and ends so many days from now.
pub fn certificate(from: i64, to: i64) -> Certificate {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
    let day = |days: i64| {
        let date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let date = date.checked_add(jiff::Span::new().days(days)).expect("a date");
        date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8)
    };
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (authority.not_before, authority.not_after) = (day(-1000), day(1000));
    let root = authority.self_signed(&authority_key).expect("a certificate");
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let mut own = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    (own.not_before, own.not_after) = (day(from), day(to));
    let own = own.signed_by(&key, &issuer).expect("a certificate");
    Certificate { chain: vec![own.der().clone()], key: key.serialize_der(), authority: root.pem() }
}
