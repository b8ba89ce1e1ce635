//! Handshakes of all kinds, and those that fail.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConnection, Error, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::pair::{NAME, Setup, a_suite_of_each_version, connect_with, setup, sockets, suites};
use crate::TlsAcceptor;

#[tokio::test]
async fn the_name_is_told_and_sessions_are_resumed() {
    for suite in a_suite_of_each_version() {
        let setup = setup(suite);
        let acceptor = TlsAcceptor::new(&setup.server);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let (mut client, mut server) = connect_with(&setup, &acceptor, NAME).await;
            assert_eq!(client.get_ref().1.handshake_kind(), Some(kind));
            assert_eq!(server.server_name(), Some(NAME));
            server.write_all(b"data").await.unwrap();
            server.flush().await.unwrap();
            client.read_exact(&mut [0; 4]).await.unwrap();
            client.write_all(b"data").await.unwrap();
            server.read_exact(&mut [0; 4]).await.unwrap();
        }
        let (_client, server) = connect_with(&setup, &acceptor, "127.0.0.1").await;
        assert_eq!(server.server_name(), None);
    }
}

#[tokio::test]
async fn a_client_that_has_to_say_hello_twice_is_heard() {
    let mut setup = setup(suites()[0]);
    let mut provider = default_provider();
    provider.kx_groups = vec![kx_group::SECP384R1];
    let provider = Arc::new(provider);
    let resolver = Arc::clone(&setup.server.cert_resolver);
    setup.server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    let acceptor = TlsAcceptor::new(&setup.server);
    let (client, server) = connect_with(&setup, &acceptor, NAME).await;
    let kind = client.get_ref().1.handshake_kind();
    assert_eq!(kind, Some(HandshakeKind::FullWithHelloRetryRequest));
    assert_eq!(server.server_name(), Some(NAME));
}

#[tokio::test]
async fn who_has_no_suite_in_common_is_told() {
    let [tls13, tls12] = a_suite_of_each_version();
    for (server, client) in [(tls13, tls12), (tls12, tls13)] {
        let acceptor = TlsAcceptor::new(&setup(server).server);
        let connector = TlsConnector::from(Arc::new(setup(client).client));
        let (client, server) = sockets().await;
        let name = ServerName::try_from(NAME).unwrap();
        let (client, server) =
            tokio::join!(connector.connect(name, client), acceptor.accept(server));
        let told = client.unwrap_err().into_inner().unwrap();
        let told = told.downcast::<Error>().unwrap();
        assert_eq!(
            *told,
            Error::AlertReceived(AlertDescription::ProtocolVersion)
        );
        assert_eq!(server.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_refused_at_once() {
    let acceptor = TlsAcceptor::new(&setup(suites()[0]).server);
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff\0\0\0\0",
    ] {
        let (mut client, server) = sockets().await;
        client.write_all(bytes).await.unwrap();
        let refused = acceptor.accept(server).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidData);
        let mut alert = [0; 7];
        client.read_exact(&mut alert).await.unwrap();
        assert_eq!((alert[0], &alert[3..]), (21, &[0, 2, 2, 50][..]));
    }
    let (client, server) = sockets().await;
    drop(client);
    let gone = acceptor.accept(server).await.unwrap_err();
    assert_eq!(gone.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_refused() {
    let acceptor = TlsAcceptor::new(&setup(suites()[0]).server);
    let (mut client, server) = sockets().await;
    let sending = tokio::spawn(async move {
        // A ClientHello of 65,000 bytes, two bytes a record.
        let mut next = vec![22, 3, 1, 0, 4, 1, 0, 0xfd, 0xe8];
        while client.write_all(&next).await.is_ok() {
            next = [22, 3, 1, 0, 2, 0, 0].repeat(100);
        }
    });
    let refused = acceptor.accept(server).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidData);
    sending.await.unwrap();
}

/// Carries a client's handshake in pieces of this size, and data right behind its last message.
async fn in_pieces(setup: &Setup, piece_bytes: usize) {
    let acceptor = TlsAcceptor::new(&setup.server);
    let (mut socket, server) = sockets().await;
    let server = tokio::spawn(async move {
        let mut server = acceptor.accept(server).await.unwrap();
        let mut data = [0; 5];
        server.read_exact(&mut data).await.unwrap();
        server.write_all(&data).await.unwrap();
        server.shutdown().await.unwrap();
        data
    });
    let config = Arc::new(setup.client.clone());
    let name = ServerName::try_from(NAME).unwrap();
    let mut client = ClientConnection::new(config, name).unwrap();
    // It is kept until it may be sent, then goes with the end of the handshake.
    client.writer().write_all(b"early").unwrap();
    let mut received = Vec::new();
    loop {
        let mut out = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut out).unwrap();
        }
        for piece in out.chunks(piece_bytes) {
            socket.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut bytes = [0; 1000];
        let read = socket.read(&mut bytes).await.unwrap();
        if read == 0 {
            break;
        }
        client.read_tls(&mut &bytes[..read]).unwrap();
        client.process_new_packets().unwrap();
        let _ = client.reader().read_to_end(&mut received);
    }
    assert_eq!(&server.await.unwrap(), b"early");
    assert_eq!(received, b"early");
}

#[tokio::test]
async fn a_handshake_comes_in_any_pieces_with_data_behind_it() {
    for suite in a_suite_of_each_version() {
        let setup = setup(suite);
        // Each time but the first, the session is resumed.
        for piece_bytes in [1, 3, 50, 100_000] {
            in_pieces(&setup, piece_bytes).await;
        }
    }
}
