//! How rskafka reaches the server and signs in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rskafka::BackoffConfig;
use rskafka::client::{
    Client, ClientBuilder, Credentials as Password, OauthBearerCredentials, SaslConfig,
};
use rust_clients::cluster::{Cluster, Credentials, SignIn};
use rust_clients::token::token;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// How long rskafka tries again, whatever the error; by itself it does so for ever, and a wrong
/// secret would hang.
const RETRIES: Duration = Duration::from_secs(10);

/// A client that has signed in as one user.
pub async fn connect(
    cluster: &Cluster,
    credentials: &Credentials,
    sign_in: SignIn,
) -> Result<Client> {
    let backoff = BackoffConfig {
        deadline: Some(RETRIES),
        ..BackoffConfig::default()
    };
    let client = ClientBuilder::new(vec![cluster.bootstrap.clone()])
        .tls_config(tls(cluster)?)
        .sasl_config(sasl(cluster, credentials.clone(), sign_in))
        .backoff_config(backoff);
    Ok(client.build().await?)
}

fn tls(cluster: &Cluster) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&cluster.ca_file)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn sasl(cluster: &Cluster, credentials: Credentials, sign_in: SignIn) -> SaslConfig {
    if sign_in == SignIn::Scram {
        let Credentials {
            scram_username,
            scram_password,
            ..
        } = credentials;
        return SaslConfig::ScramSha512(Password::new(scram_username, scram_password));
    }
    let region = cluster.region.clone();
    SaslConfig::Oauthbearer(OauthBearerCredentials {
        callback: Arc::new(move || {
            let token = token(&credentials, &region);
            Box::pin(async { Ok(token?.text) })
        }),
        authz_id: None,
        bearer_kvs: Vec::new(),
    })
}
