//! The real binary as a child process: started with a deadline, stopped by its process id, on a folder that outlives it.
//!
//! Owns: the child; it is killed when its [`Server`] is dropped. Does not own: what is sent to it.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use balancer::LimitUse;
use serde::de::DeserializeOwned;
mod access;

pub use access::{Access, Ready, Usage};

/// From the start to the ready file, recovery included.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// For commands that end by themselves.
const END_WITHIN: Duration = Duration::from_secs(30);

/// How often a child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long a page may take.
const PAGE_WITHIN: Duration = Duration::from_secs(10);

/// How the binary is started.
#[derive(Clone, Debug)]
pub struct Launch {
    binary: PathBuf,
    data: PathBuf,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Launch {
    /// On this folder, on a port of its own.
    #[must_use]
    pub fn new(binary: &Path, data: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            flags: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// With one more flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// With one more setting in the environment, e.g. `CLUSTERS__DEMO__PLAN`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment
            .push((format!("TIDEGATE_{name}"), value.to_owned()));
        self
    }

    /// Starts the server and waits until it serves clients.
    ///
    /// # Errors
    /// If it ends before, with its last words; if it takes too long.
    pub fn start(&self) -> Result<Server> {
        let mut server = self.spawn()?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Starts the server and does not wait.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn spawn(&self) -> Result<Server> {
        let ready_file = self.data.join("ready.json");
        let log = self.data.join("server.log");
        std::fs::create_dir_all(&self.data)?;
        // A ready file of an earlier life says nothing about this one.
        let _ = std::fs::remove_file(&ready_file);
        let out = File::options().create(true).append(true).open(&log)?;
        let mut command = self.command();
        command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--ready-file"]);
        command
            .arg(&ready_file)
            .arg("--data")
            .arg(&self.data)
            .args(&self.flags);
        command.stdout(out.try_clone()?).stderr(out);
        let child = command
            .spawn()
            .with_context(|| format!("{}", self.binary.display()))?;
        let launch = self.clone();
        Ok(Server {
            child,
            launch,
            ready_file,
            log,
            ready: None,
        })
    }

    /// Runs `tidegate` with these arguments until it ends by itself.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        // What a command says may not fit into a pipe, so it goes to files.
        let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = self.command();
        command
            .args(arguments)
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?);
        let mut child = command
            .spawn()
            .with_context(|| format!("{}", self.binary.display()))?;
        let status = wait(&mut child, END_WITHIN)?;
        if status.is_none() {
            child.kill()?;
            child.wait()?;
        }
        let (stdout, stderr) = (read_all(&mut stdout)?, read_all(&mut stderr)?);
        let Some(status) = status else {
            let words = String::from_utf8_lossy(&stderr);
            bail!("{arguments:?} does not end: {words}");
        };
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.envs(environment).stdin(Stdio::null());
        command
    }
}

fn read_all(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Waits for the end of a child; none where the time is over.
fn wait(child: &mut Child, within: Duration) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A running server.
pub struct Server {
    child: Child,
    launch: Launch,
    ready_file: PathBuf,
    log: PathBuf,
    ready: Option<Ready>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Waits until the server serves clients.
    ///
    /// # Errors
    /// If it ends before, with its last words; if it takes too long.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            // The file appears whole.
            if let Ok(text) = std::fs::read(&self.ready_file) {
                self.ready = Some(serde_json::from_slice(&text).context("the ready file")?);
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the server ended before it was ready ({status}):\n{}",
                    self.last_words()
                );
            }
            ensure!(
                Instant::now() < deadline,
                "not ready in time:\n{}",
                self.last_words()
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// The ready file.
    ///
    /// # Panics
    /// If the server was not waited for.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        self.ready.as_ref().expect("the server was waited for")
    }

    /// Where the ready file appears.
    #[must_use]
    pub fn ready_file(&self) -> &Path {
        &self.ready_file
    }

    /// How the owner of the first virtual cluster connects.
    ///
    /// # Errors
    /// If the certificate file cannot be read.
    pub fn access(&self) -> Result<Access> {
        Access::first(self.ready())
    }

    /// How the owner of another virtual cluster connects: by its default name, with its own credentials.
    ///
    /// # Errors
    /// If there is no such cluster.
    pub fn access_to(&self, cluster: &str) -> Result<Access> {
        Access::to_cluster(self.ready(), &self.launch.data, cluster)
    }

    /// Ends the process without a word, as a power cut would end it for the process.
    ///
    /// # Errors
    /// If it has ended already.
    pub fn kill9(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "the server ended by itself ({status}):\n{}",
                self.last_words()
            );
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal by name.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()?;
        ensure!(status.success(), "kill -{name} {pid} failed");
        Ok(())
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// If it does not come in time.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let status = wait(&mut self.child, within)?;
        status.with_context(|| format!("the server runs on after {within:?}"))
    }

    /// Tells the server to stop and waits until it has: how long it took.
    ///
    /// # Errors
    /// If it does not stop in time, or not cleanly.
    pub fn terminate(mut self, within: Duration) -> Result<Duration> {
        let begin = Instant::now();
        self.signal("TERM")?;
        let status = self.wait(within)?;
        ensure!(
            status.success(),
            "the server stopped with {status}:\n{}",
            self.last_words()
        );
        Ok(begin.elapsed())
    }

    /// Asks `tidegate usage` about one virtual cluster.
    ///
    /// # Errors
    /// If the command fails, or knows no such cluster.
    pub fn usage(&self, cluster: &str) -> Result<Usage> {
        let rows: Vec<Usage> = self.usage_rows(&[])?;
        let row = rows.into_iter().find(|row| row.cluster == cluster);
        row.with_context(|| format!("no usage of {cluster}"))
    }

    /// Asks `tidegate limits` about one limit of one virtual cluster.
    ///
    /// # Errors
    /// If the command fails, or knows no such cluster or limit.
    pub fn limit(&self, cluster: &str, limit: &str) -> Result<LimitUse> {
        let rows: Vec<LimitUse> = self.ask("limits", &[])?;
        let mut rows = rows.into_iter();
        let row = rows.find(|row| row.cluster == cluster && row.limit == limit);
        row.with_context(|| format!("no limit {limit} of {cluster}"))
    }

    /// Asks `tidegate usage` with further flags for its rows.
    ///
    /// # Errors
    /// If the command fails.
    pub fn usage_rows<T: DeserializeOwned>(&self, flags: &[&str]) -> Result<Vec<T>> {
        self.ask("usage", flags)
    }

    /// What a command says of the running server in JSON.
    fn ask<T: DeserializeOwned>(&self, command: &str, flags: &[&str]) -> Result<T> {
        let data = self
            .launch
            .data
            .to_str()
            .context("the data folder is not UTF-8")?;
        let said = self
            .launch
            .run(&[&[command, "--data", data, "--json"], flags].concat())?;
        let words = String::from_utf8_lossy(&said.stderr);
        ensure!(said.status.success(), "tidegate {command}: {words}");
        Ok(serde_json::from_slice(&said.stdout)?)
    }

    /// One page of the admin address: status line and body.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn page(&self, path: &str) -> Result<(String, String)> {
        self.page_with(path, "")
    }

    /// The same as the owner of the server, who has the token.
    ///
    /// # Errors
    /// If there is no answer, or no token.
    pub fn own_page(&self, path: &str) -> Result<(String, String)> {
        let file = std::fs::read(self.launch.data.join("admin.json"))?;
        let access: serde_json::Value = serde_json::from_slice(&file)?;
        let token = access["token"].as_str().context("admin.json: token")?;
        self.page_with(path, &format!("Authorization: Bearer {token}\r\n"))
    }

    fn page_with(&self, path: &str, header: &str) -> Result<(String, String)> {
        let address = self
            .ready()
            .admin_url
            .trim_start_matches("http://")
            .to_owned();
        let mut stream = TcpStream::connect(&address)?;
        stream.set_read_timeout(Some(PAGE_WITHIN))?;
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {address}\r\n{header}\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .context("the answer is cut off")?;
        let status = head.lines().next().unwrap_or_default();
        Ok((status.to_owned(), body.to_owned()))
    }

    /// Fails unless the server lives and says that it is well.
    ///
    /// # Errors
    /// If it does not.
    pub fn check_health(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "the server ended by itself ({status}):\n{}",
                self.last_words()
            );
        }
        let (status, _) = self.page("/healthz")?;
        ensure!(status.contains(" 200 "), "/healthz: {status}");
        Ok(())
    }

    /// Memory in MiB: now, and at most since the start.
    ///
    /// # Errors
    /// If the process is gone.
    pub fn resident_mib(&self) -> Result<(u64, u64)> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let now = field("VmRSS:").context("no VmRSS")?;
        let most = field("VmHWM:").context("no VmHWM")?;
        Ok((now / 1024, most / 1024))
    }

    /// The end of the server's log.
    #[must_use]
    pub fn last_words(&self) -> String {
        const LINES: usize = 25;
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

/// The binary to be tested: `TIDEGATE_BIN`, or the one beside the running executable.
///
/// # Errors
/// If there is none.
pub fn find_binary() -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("TIDEGATE_BIN") {
        return Ok(binary.into());
    }
    let running = std::env::current_exe()?;
    // Tests lie in deps/, one folder below.
    let folders = running.ancestors().skip(1).take(2);
    let candidates: Vec<PathBuf> = folders.map(|folder| folder.join("tidegate")).collect();
    let found = candidates.iter().find(|binary| binary.is_file()).cloned();
    found.with_context(|| format!("none of {candidates:?} exists: run cargo build first"))
}
