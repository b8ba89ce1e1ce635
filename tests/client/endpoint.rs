//! Where a server is reached, and whom the client trusts there.
//!
//! Owns: TCP and TLS towards one address. Does not own: what is said over it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Stream;

/// One way to a server.
#[derive(Clone)]
pub struct Endpoint {
    address: String,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Endpoint {
    /// A listener without TLS at `host:port`.
    #[must_use]
    pub fn plain(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            tls: None,
        }
    }

    /// A listener with TLS at `host:port`, whose certificate must be for `name` and from the authority in `ca_file`.
    ///
    /// # Errors
    /// If the file does not hold a certificate, or `name` is no host name.
    pub fn tls(address: &str, name: &str, ca_file: &Path) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(ca_file)?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(io::Error::other)?;
            roots.add(certificate).map_err(io::Error::other)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        Ok(Self {
            address: address.to_owned(),
            tls: Some((Arc::new(config), name)),
        })
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The same address under another name, which SNI tells the server and the certificate must be for.
    ///
    /// # Errors
    /// If there is no TLS, or `name` is no host name.
    pub fn by_name(&self, name: &str) -> io::Result<Self> {
        let (config, _) = self
            .tls
            .clone()
            .ok_or_else(|| io::Error::other("no TLS here"))?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        Ok(Self {
            address: self.address.clone(),
            tls: Some((config, name)),
        })
    }

    /// The same address without TLS, whatever listens there.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self::plain(&self.address)
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Ok(Box::new(connector.connect(name.clone(), stream).await?))
            }
        }
    }
}
