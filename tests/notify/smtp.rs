//! A real SMTP server: aiosmtpd, which `.ci/tools.sh` installs, keeping mail in a folder.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The server.
pub struct Server {
    child: Child,
    port: u16,
    mail: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it; none where it is not installed, which a CI job does not forgive.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub fn start() -> Option<Server> {
        let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent()?.join("tools/aiosmtpd/lib");
        if !library.exists() {
            assert!(std::env::var_os("CI").is_none(), "no SMTP server: run .ci/tools.sh");
            eprintln!("skipped: no SMTP server here; .ci/tools.sh installs it");
            return None;
        }
        let mail = tempfile::tempdir().expect("a temporary folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address")
            .port();
        let child = Command::new("python3")
            .env("PYTHONPATH", library)
            .args([
                "-m",
                "aiosmtpd",
                "-n",
                "-l",
                &format!("127.0.0.1:{port}"),
                "-c",
                "aiosmtpd.handlers.Mailbox",
            ])
            .arg(mail.path().join("box"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python runs");
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "the SMTP server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Server { child, port, mail })
    }

    /// Its address, as a configuration has it.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// The mails that it took.
    pub fn mails(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.mail.path().join("box/new")) else { return Vec::new() };
        entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect()
    }
}
