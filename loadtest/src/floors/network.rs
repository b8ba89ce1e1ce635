//! The floors of a connection over loopback: plain, and under TLS 1.3.
//!
//! Owns: two threads, one at each end, whose CPU time is told apart.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use super::{Flow, thread_cpu_s};

/// Bytes of one call.
const CALL_BYTES: usize = 256 << 10;
/// How long is sent.
const SEND_TIME: Duration = Duration::from_millis(1_500);

/// One end's work.
struct Moved {
    bytes: u64,
    seconds: f64,
    cpu_s: f64,
}

/// TCP.
///
/// # Errors
/// There is no loopback.
pub fn tcp() -> Result<Flow> {
    let (sender, receiver) = connect()?;
    flow(|| send(sender), || receive(receiver))
}

/// TLS 1.3: the server sends, as when a consumer reads.
///
/// # Errors
/// There is no loopback.
pub fn tls() -> Result<Flow> {
    let (sender, receiver) = connect()?;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(|e| anyhow!(e))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = [&rustls::version::TLS13];
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConnection::new(Arc::new(server))?;
    let client = ClientConnection::new(Arc::new(client), ServerName::try_from("localhost")?)?;
    flow(
        || send(StreamOwned::new(server, sender)),
        || receive(StreamOwned::new(client, ReadAhead::new(receiver))),
    )
}

fn connect() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let receiver = TcpStream::connect(listener.local_addr()?)?;
    let (sender, _) = listener.accept()?;
    sender.set_nodelay(true)?;
    Ok((sender, receiver))
}

/// A connection that is read in large pieces: rustls asks for 4 KiB at a time.
struct ReadAhead(BufReader<TcpStream>);

impl ReadAhead {
    fn new(connection: TcpStream) -> Self {
        Self(BufReader::with_capacity(CALL_BYTES, connection))
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for ReadAhead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}

fn flow(
    send: impl FnOnce() -> Result<Moved> + Send,
    receive: impl FnOnce() -> Result<Moved> + Send,
) -> Result<Flow> {
    let (sent, received) = std::thread::scope(|scope| {
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let sender = named("sender")
            .spawn_scoped(scope, send)
            .expect("a thread can be started");
        let receiver = named("receiver")
            .spawn_scoped(scope, receive)
            .expect("a thread can be started");
        let sent = sender.join().expect("no end panics");
        (sent, receiver.join().expect("no end panics"))
    });
    let (sent, received) = (sent?, received?);
    let gigabytes = received.bytes as f64 / 1e9;
    Ok(Flow {
        mb_per_s: gigabytes * 1e3 / received.seconds,
        send_cpu_s_per_gb: sent.cpu_s / gigabytes,
        receive_cpu_s_per_gb: received.cpu_s / gigabytes,
    })
}

fn send(mut to: impl Write) -> Result<Moved> {
    let buffer = vec![0x5a; CALL_BYTES];
    let (start, cpu_s) = (Instant::now(), thread_cpu_s());
    let mut bytes = 0;
    while start.elapsed() < SEND_TIME {
        to.write_all(&buffer)?;
        bytes += CALL_BYTES as u64;
    }
    to.flush()?;
    Ok(Moved {
        bytes,
        seconds: start.elapsed().as_secs_f64(),
        cpu_s: thread_cpu_s() - cpu_s,
    })
}

fn receive(mut from: impl Read) -> Result<Moved> {
    let mut buffer = vec![0; CALL_BYTES];
    let (start, cpu_s) = (Instant::now(), thread_cpu_s());
    let mut bytes = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => bytes += read as u64,
            // The sender is gone without TLS's own farewell, which nobody needs here.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Moved {
        bytes,
        seconds: start.elapsed().as_secs_f64(),
        cpu_s: thread_cpu_s() - cpu_s,
    })
}
