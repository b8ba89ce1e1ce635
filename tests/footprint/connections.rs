//! What an idle connection over TLS costs.
//!
//! Owns: the connections. Does not own: signing in (`client`).

use anyhow::Result;
use tokio::task::JoinSet;
use wire::messages::api_versions::ApiVersionsRequest;

use super::report::Weight;
use super::{Bar, Gauge, SETTLE, stop};
use crate::client::Client;
use crate::process::Access;

/// Memory of one.
const CONNECTION_BYTES_MAX: u64 = 64 * 1024;

/// Connections before the first look: what the first ones need once is not theirs.
const BEFORE: usize = 50;

/// That many sign in at one time.
const AT_ONCE: usize = 16;

pub(super) async fn measure(bar: &mut Bar) -> Result<()> {
    let data = tempfile::tempdir()?;
    let server = bar.launch(data.path()).start()?;
    let (gauge, access) = (Gauge::of(&server), server.access()?);
    Client::open(&access.endpoint, &access.scram())
        .await?
        .create_topic("seen", 3)
        .await?;
    let mut clients = open(&access, BEFORE).await?;
    tokio::time::sleep(SETTLE).await;
    let before = gauge.memory()?;
    let count = bar.extent.connections;
    clients.extend(open(&access, count).await?);
    tokio::time::sleep(SETTLE).await;
    let after = gauge.memory()?;
    let each = |after: u64, before: u64| after.saturating_sub(before) / count as u64;
    bar.report.at_most(
        &format!("an idle TLS connection, of {count} (resident)"),
        each(after.resident, before.resident),
        CONNECTION_BYTES_MAX,
        Weight::Always,
    );
    let proportional = each(after.proportional, before.proportional);
    let resident = after.resident as f64 / 1e6;
    bar.report.note(&format!(
        "by Pss {proportional} bytes; resident {resident:.1} MB"
    ));
    drop(clients);
    stop(server)
}

/// Connections that have signed in, one half by SCRAM, one by IAM, and know the topics.
async fn open(access: &Access, count: usize) -> Result<Vec<Client>> {
    let (mut opening, mut clients) = (JoinSet::new(), Vec::new());
    for number in 0..count {
        if opening.len() == AT_ONCE
            && let Some(joined) = opening.join_next().await
        {
            clients.push(joined??);
        }
        opening.spawn(open_one(access.clone(), number));
    }
    while let Some(joined) = opening.join_next().await {
        clients.push(joined??);
    }
    Ok(clients)
}

async fn open_one(access: Access, number: usize) -> Result<Client> {
    let credentials = if number.is_multiple_of(2) {
        access.scram()
    } else {
        crate::client::Credentials::MskIam(access.signed())
    };
    let mut client = Client::open(&access.endpoint, &credentials).await?;
    client.call(ApiVersionsRequest::default()).await?;
    client.metadata(None).await?;
    Ok(client)
}
