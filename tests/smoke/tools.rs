//! Real servers that `.ci/tools.sh` installs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Says that a test does not run here.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// A folder of the tools; none where it is not installed, which a CI job does not forgive.
fn tool(name: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let folder = target.join("tools").join(name);
    if folder.join("installed").exists() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no {name}: run .ci/tools.sh");
    skipped(&format!("no {name} here; .ci/tools.sh installs it"));
    None
}

/// A process that ends with its test.
pub struct Server {
    child: Child,
    pub address: String,
    _dir: Option<TempDir>,
}

impl Server {
    /// A shell that ends it when this process is gone.
    pub fn end_with_parent(&self) {
        let (own, parent) = (self.child.id(), std::process::id());
        let line = format!("while kill -0 {parent} 2>/dev/null; do sleep 0.2; done; kill {own}");
        let _ = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }

    /// Ends it at once.
    pub fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

const HEALTH: &str = "
import sys, grpc
from concurrent import futures
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
servicer = health.HealthServicer()
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
port = server.add_insecure_port('127.0.0.1:0')
servicer.set('shop.Cart', health_pb2.HealthCheckResponse.SERVING)
servicer.set('shop.Down', health_pb2.HealthCheckResponse.NOT_SERVING)
server.start()
print(port, flush=True)
sys.stdin.read()
";

/// A server of gRPC's own implementation of the health protocol.
pub fn grpc() -> Option<Server> {
    let folder = tool("grpc")?;
    let mut child = Command::new("python3")
        .args(["-c", HEALTH])
        .env("PYTHONPATH", folder.join("lib"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a port");
    Some(Server { address: format!("127.0.0.1:{}", line.trim()), child, _dir: None })
}

/// A Prometheus that scrapes a target five times a second.
pub fn prometheus(target: &str) -> Option<Server> {
    let program = tool("prometheus")?.join("usr/bin/prometheus");
    let dir = tempfile::Builder::new().prefix("release-steps-prometheus-").tempdir().expect("a folder");
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n\
         scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    let file = dir.path().join("prometheus.yml");
    std::fs::write(&file, config).expect("a file");
    let address = free();
    let child = Command::new(program)
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus runs");
    let server = Server { child, address, _dir: Some(dir) };
    let started = Instant::now();
    while !get(&server.address, "/api/v1/query?query=up==1").is_some_and(|body| body.contains("\"value\"")) {
        assert!(started.elapsed() < Duration::from_secs(60), "prometheus does not scrape");
        std::thread::sleep(Duration::from_millis(100));
    }
    Some(server)
}

/// An address whose port was free a moment ago.
fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").to_string()
}

/// An nginx with these locations in its only server.
pub fn nginx(locations: &str) -> Option<Server> {
    let program = tool("nginx")?.join("usr/sbin/nginx");
    let dir = tempfile::Builder::new().prefix("release-steps-nginx-").tempdir().expect("a folder");
    let address = free();
    // Nothing outside of its folder is read or written.
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {name};\n"))
        .concat();
    let config = format!(
        "daemon off; master_process off; pid nginx.pid; error_log error.log;\nevents {{ worker_connections 256; }}\n\
         http {{\naccess_log off;\n{folders}server {{\nlisten {address};\n{locations}\n}}\n}}\n"
    );
    std::fs::write(dir.path().join("nginx.conf"), config).expect("a file");
    let child = Command::new(program)
        .arg("-p")
        .arg(dir.path())
        .args(["-e", "error.log", "-c", "nginx.conf"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx runs");
    let server = Server { child, address, _dir: Some(dir) };
    let started = Instant::now();
    while TcpStream::connect(&server.address).is_err() {
        assert!(started.elapsed() < Duration::from_secs(60), "nginx does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(server)
}

fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}
