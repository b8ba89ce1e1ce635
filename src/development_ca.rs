//! A certificate authority for development, and the server certificate it signs. Both are kept in
//! the data folder; the server certificate is made anew when its names change or it grows old.
//!
//! Owns: `tls/` in the data folder. Invariant: the authority, once made, is never replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

use crate::credentials::write_secret;

const AUTHORITY_DAYS: i64 = 3650;
const CERTIFICATE_DAYS: i64 = 365;
/// A certificate older than this is replaced at the next start.
const RENEW_AFTER_DAYS: u64 = 270;

/// TLS as the gateway needs it, and the file that clients are to trust.
pub struct Tls {
    /// Serves the certificate.
    pub server: Arc<rustls::ServerConfig>,
    /// The authority's certificate, PEM.
    pub ca_file: PathBuf,
}

/// Finds or makes the authority and a server certificate for `names`.
pub fn prepare(data: &Path, names: &[String]) -> Result<Tls> {
    let folder = data.join("tls");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let ca_file = folder.join("ca.pem");
    if !ca_file.exists() {
        make_authority(&folder)?;
    }
    if !is_fresh(&folder, names) {
        make_certificate(&folder, names)?;
    }
    let server = server_config(&folder).context("loading the server certificate")?;
    Ok(Tls {
        server: Arc::new(server),
        ca_file,
    })
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Tidegate development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = params.not_before + Duration::days(AUTHORITY_DAYS);
    params
}

fn make_authority(folder: &Path) -> Result<()> {
    let key = KeyPair::generate()?;
    let certificate = authority_params().self_signed(&key)?;
    write_secret(&folder.join("ca.key"), key.serialize_pem().as_bytes())?;
    // The certificate comes last: where it is there, the key is too.
    write_secret(&folder.join("ca.pem"), certificate.pem().as_bytes())
}

fn make_certificate(folder: &Path, names: &[String]) -> Result<()> {
    let authority_key = std::fs::read_to_string(folder.join("ca.key")).context("reading ca.key")?;
    let issuer = Issuer::new(authority_params(), KeyPair::from_pem(&authority_key)?);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Tidegate");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = params.not_before + Duration::days(CERTIFICATE_DAYS);
    let certificate = params.signed_by(&key, &issuer)?;
    write_secret(&folder.join("server.key"), key.serialize_pem().as_bytes())?;
    write_secret(&folder.join("server.pem"), certificate.pem().as_bytes())?;
    write_secret(&folder.join("server.names"), names.join("\n").as_bytes())
}

/// Whether the certificate names all of `names` and is not old. The list of names is written
/// last, so a certificate that was interrupted is made again.
fn is_fresh(folder: &Path, names: &[String]) -> bool {
    let listed = std::fs::read_to_string(folder.join("server.names"));
    let modified = std::fs::metadata(folder.join("server.names")).and_then(|meta| meta.modified());
    let (Ok(listed), Ok(modified)) = (listed, modified) else {
        return false;
    };
    let is_young = modified
        .elapsed()
        .is_ok_and(|age| age.as_secs() < RENEW_AFTER_DAYS * 24 * 60 * 60);
    is_young && listed == names.join("\n")
}

fn server_config(folder: &Path) -> Result<rustls::ServerConfig> {
    let read = |name: &str| std::fs::read(folder.join(name)).with_context(|| name.to_owned());
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&read("server.pem")?).collect();
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(certificates?, key)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_finds_the_same_and_new_names_make_a_new_certificate() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let read =
            |name: &str| std::fs::read(data.path().join("tls").join(name)).expect("is there");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        prepare(data.path(), &names).expect("makes everything");
        let (ca, server) = (read("ca.pem"), read("server.pem"));
        prepare(data.path(), &names).expect("finds everything");
        assert_eq!(
            (read("ca.pem"), read("server.pem")),
            (ca.clone(), server.clone())
        );
        let more = [names, vec!["other.example".to_owned()]].concat();
        prepare(data.path(), &more).expect("makes a new certificate");
        assert_eq!(read("ca.pem"), ca);
        assert_ne!(read("server.pem"), server);
    }
}
