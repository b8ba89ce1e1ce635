//! How long a start takes: from the process to the first answer over TLS.
//!
//! Owns: the clock around it. Does not own: what lies in the folder.

use std::fs::read_dir;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use wire::messages::api_versions::ApiVersionsRequest;

use super::{Bar, Gauge, STOP_WITHIN, report};
use crate::client::Client;
use crate::process::{Launch, Server};

/// How often the ready file is looked for: small beside a start.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Files that wait to become segments.
const SPARES: usize = 2;

/// They are there in this time, on a disk with other work, too.
const SPARES_WITHIN: Duration = Duration::from_secs(20);

/// How the server ended before a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was told to stop.
    Clean,
    /// It was killed.
    Kill9,
}

/// Ends and starts the server several times: the median, and the server that runs now.
pub(super) async fn median_start(
    bar: &Bar,
    (launch, data): (&Launch, &Path),
    mut server: Server,
    end: End,
) -> Result<(Duration, Server)> {
    let mut times = Vec::new();
    let mut work = Vec::new();
    for _ in 0..bar.extent.starts {
        touch(&server, data).await?;
        match end {
            End::Clean => server.terminate(STOP_WITHIN).map(|_| ())?,
            End::Kill9 => server.kill9()?,
        }
        let took;
        (server, took) = start(launch).await?;
        times.push(took);
        work.push(Gauge::of(&server).on_core()?);
    }
    let (work, all) = (report::median(work), times.clone());
    bar.report
        .note(&format!("after {end:?}: {all:.0?}, on a core {work:.0?}"));
    Ok((report::median(times), server))
}

/// Something is written in each life, or the log would be empty at its end. And it lasts until there is a file for the
/// next segment, which a server makes in its first second: only one that is killed again and again has none.
async fn touch(server: &Server, data: &Path) -> Result<()> {
    let access = server.access()?;
    let mut client = Client::open(&access.endpoint, &access.scram()).await?;
    client.create_topic("touched", 1).await?;
    for _ in 0..20 {
        client.produce("touched", 0, super::load::batch(1)).await?;
    }
    let deadline = Instant::now() + SPARES_WITHIN;
    while spares(data)? < SPARES {
        ensure!(Instant::now() < deadline, "no spare segments");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn spares(data: &Path) -> Result<usize> {
    let mut spares = 0;
    for file in read_dir(data.join("wal"))? {
        let is_spare = file?.path().extension().is_some_and(|end| end == "spare");
        spares += usize::from(is_spare);
    }
    Ok(spares)
}

async fn start(launch: &Launch) -> Result<(Server, Duration)> {
    let begin = Instant::now();
    let mut server = launch.spawn()?;
    while !has_ready_file(&server) && begin.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    server.wait_until_ready()?;
    let mut client = Client::connect(&server.access()?.endpoint).await?;
    client.call(ApiVersionsRequest::default()).await?;
    Ok((server, begin.elapsed()))
}

fn has_ready_file(server: &Server) -> bool {
    server.ready_file().exists()
}
