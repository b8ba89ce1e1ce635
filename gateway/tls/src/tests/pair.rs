//! A server of ours and a client of rustls's, connected.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedCipherSuite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use crate::{TlsAcceptor, TlsStream};

pub(super) const NAME: &str = "boot-1.example";

/// What both ends are configured with.
pub(super) struct Setup {
    pub(super) server: ServerConfig,
    pub(super) client: ClientConfig,
}

/// Every suite that there is.
pub(super) fn suites() -> Vec<SupportedCipherSuite> {
    let suites = default_provider().cipher_suites;
    assert_eq!(suites.len(), 9);
    suites
}

/// One suite of each version.
pub(super) fn a_suite_of_each_version() -> [SupportedCipherSuite; 2] {
    let suites = suites();
    let of = |is_tls13| {
        let mut found = suites.iter().filter(|s| s.tls13().is_some() == is_tls13);
        *found.next().unwrap()
    };
    [of(true), of(false)]
}

/// Ends that can agree on this suite alone.
pub(super) fn setup(suite: SupportedCipherSuite) -> Setup {
    let provider = CryptoProvider {
        cipher_suites: vec![suite],
        ..default_provider()
    };
    let provider = Arc::new(provider);
    let is_rsa = format!("{:?}", suite.suite()).contains("_RSA_");
    let algorithm = if is_rsa {
        &rcgen::PKCS_RSA_SHA256
    } else {
        &rcgen::PKCS_ECDSA_P256_SHA256
    };
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap();
    let certificate = certificate.self_signed(&key).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[suite.version()])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[suite.version()])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Setup { server, client }
}

/// Both ends of a socket: the client's, the server's.
pub(super) async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    (client, server)
}

/// Both ends after the handshake.
pub(super) async fn connect(setup: &Setup) -> (ClientStream<TcpStream>, TlsStream) {
    connect_with(setup, &TlsAcceptor::new(&setup.server), NAME).await
}

pub(super) async fn connect_with(
    setup: &Setup,
    acceptor: &TlsAcceptor,
    name: &'static str,
) -> (ClientStream<TcpStream>, TlsStream) {
    let (client, server) = sockets().await;
    let connector = TlsConnector::from(Arc::new(setup.client.clone()));
    let name = ServerName::try_from(name).unwrap();
    let (client, server) = tokio::join!(connector.connect(name, client), acceptor.accept(server));
    (client.unwrap(), server.unwrap())
}

/// A client whose records can be had before they are sent.
pub(super) struct RawClient {
    pub(super) socket: TcpStream,
    pub(super) connection: ClientConnection,
}

impl RawClient {
    pub(super) async fn connect(setup: &Setup) -> (Self, TlsStream) {
        let (mut client, mut server) = connect(setup).await;
        // The tickets that the server has sent are read, so that what comes is what the test is about.
        server.write_all(b"x").await.unwrap();
        server.flush().await.unwrap();
        client.read_exact(&mut [0]).await.unwrap();
        let (socket, connection) = client.into_inner();
        (Self { socket, connection }, server)
    }

    /// Whatever is to be sent, after this data.
    pub(super) fn seal(&mut self, data: &[u8]) -> Vec<u8> {
        self.connection.writer().write_all(data).unwrap();
        let mut sealed = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut sealed).unwrap();
        }
        sealed
    }

    pub(super) async fn send(&mut self, sealed: &[u8]) {
        self.socket.write_all(sealed).await.unwrap();
    }

    /// Data of the server, or how it ended the connection; nothing where it closed it.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, rustls::Error> {
        loop {
            let mut bytes = [0; 4096];
            let read = self.socket.read(&mut bytes).await.unwrap();
            if read == 0 {
                return Ok(Vec::new());
            }
            let mut bytes = &bytes[..read];
            while !bytes.is_empty() {
                self.connection.read_tls(&mut bytes).unwrap();
                self.connection.process_new_packets()?;
            }
            let mut data = Vec::new();
            let _ = self.connection.reader().read_to_end(&mut data);
            if !data.is_empty() {
                return Ok(data);
            }
        }
    }
}

/// Data that tells where a byte of it belongs.
pub(super) fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect()
}

/// The records of a stream of them.
pub(super) fn records(mut sealed: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some(length) = crate::record::announced_end(sealed) {
        let (record, rest) = sealed.split_at(length);
        records.push(record.to_vec());
        sealed = rest;
    }
    records
}

/// What our server's end makes of bad bytes.
pub(super) fn cause(error: &std::io::Error) -> crate::RecordError {
    let cause = error.get_ref().and_then(|error| error.downcast_ref());
    Option::<&crate::RecordError>::cloned(cause).unwrap()
}
