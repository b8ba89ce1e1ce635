//! TLS over real sockets: the name that the client gives is the one that Metadata advertises.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use wire::Response;
use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::metadata::MetadataRequest;

use super::fake_control::FakeControl;
use super::fake_node::FakeNode;
use super::peer::Peer;
use super::sign_in::sign_in;
use super::world::{ADMIN, CLUSTER, PASSWORD, cluster, parts};
use crate::config::GatewayConfig;
use crate::gateway::{Gateway, GatewayParts};
use crate::listener::{Listener, ListenerKind};

/// A gateway with a certificate for these names, and how its clients trust it.
async fn gateway(names: &[&str]) -> (Gateway, TlsConnector) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let signed = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate: CertificateDer<'static> = signed.cert.der().clone();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let node = FakeNode::new();
    let control = Arc::new(FakeControl::new());
    control.put_cluster(cluster(CLUSTER));
    let parts = GatewayParts {
        listeners: vec![Listener {
            socket: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            kind: ListenerKind::Tls(Arc::new(server)),
        }],
        ..parts(GatewayConfig::default(), &node, &control)
    };
    let gateway = Gateway::start(parts).unwrap();
    (gateway, TlsConnector::from(Arc::new(client)))
}

#[tokio::test]
async fn clients_are_sent_back_to_the_name_they_came_by() {
    let name = "boot-1.example";
    let (gateway, connector) = gateway(&[name, "127.0.0.1"]).await;
    let address = gateway.local_addrs()[0];
    for host in [name, "127.0.0.1"] {
        let socket = TcpStream::connect(address).await.unwrap();
        let server_name = ServerName::try_from(host).unwrap();
        let stream = connector.connect(server_name, socket).await.unwrap();
        let mut peer = Peer::new(stream, tokio::spawn(async {}));
        assert_eq!(sign_in(&mut peer, ADMIN, PASSWORD).await.error_code, 0);
        let Response::Metadata(response) = peer.call(9, MetadataRequest::default()).await else {
            panic!("a metadata answer");
        };
        let broker = &response.brokers[0];
        assert_eq!(
            (broker.host.as_str(), broker.port),
            (host, i32::from(address.port()))
        );
    }
    gateway.shutdown();
    gateway.join().await;
}

#[tokio::test]
async fn bytes_that_are_not_tls_end_the_connection_and_nothing_else() {
    let (gateway, connector) = gateway(&["boot-1.example"]).await;
    let address = gateway.local_addrs()[0];
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff",
    ] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut rest);
        // It ends, with a TLS alert or a reset.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), read)
            .await
            .unwrap();
    }
    // A client that does not trust the certificate.
    let distrustful = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let server_name = ServerName::try_from("boot-1.example").unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    let distrustful = TlsConnector::from(Arc::new(distrustful));
    assert!(
        distrustful
            .connect(server_name.clone(), socket)
            .await
            .is_err()
    );

    let socket = TcpStream::connect(address).await.unwrap();
    let stream = connector.connect(server_name, socket).await.unwrap();
    let mut peer = Peer::new(stream, tokio::spawn(async {}));
    peer.call(2, ApiVersionsRequest::default()).await;
}
