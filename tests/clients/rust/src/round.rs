//! One round of one library: its bounds, its deadline, and the line that it ends with.

use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::cluster::{Cluster, SignIn};

/// The compressions, by their names in `docs/clients.md`.
pub const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// What is written to be throttled, in records and bytes of each: 12 MB.
pub const THROTTLED: (usize, usize) = (120, 100_000);

/// For how long a client is used while its session lasts 10 s.
pub const SESSIONS: Duration = Duration::from_secs(25);

/// Within what a single wait ends.
pub const WAIT: Duration = Duration::from_secs(30);

/// Within what a round ends.
const DEADLINE: Duration = Duration::from_secs(120);

/// Does a round in time, and says what was checked by which version of `library`, or what failed.
pub async fn run<R>(library: &'static str, round: fn(Cluster, SignIn) -> R) -> ExitCode
where
    R: Future<Output = Result<String>> + Send + 'static,
{
    match checked(library, round).await {
        Ok(line) => {
            println!("checked: {line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FAILED: {library}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn checked<R>(library: &str, round: fn(Cluster, SignIn) -> R) -> Result<String>
where
    R: Future<Output = Result<String>> + Send + 'static,
{
    let sign_in = SignIn::from_environment()?;
    // In a task of its own, since librdkafka has calls that block: the deadline holds for them, too.
    let round = tokio::spawn(round(Cluster::from_arguments()?, sign_in));
    let steps = tokio::time::timeout(DEADLINE, round).await;
    let steps = steps.with_context(|| format!("not done within {DEADLINE:?}"))???;
    Ok(format!(
        "{library} {}, {sign_in}: {steps}",
        version(library)
    ))
}

/// A name for a topic that there is not yet.
#[must_use]
pub fn topic(library: &str) -> String {
    format!("{library}-{:016x}", rand::random::<u64>())
}

/// The time, in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    let since = UNIX_EPOCH.elapsed().expect("the clock is past 1970");
    i64::try_from(since.as_millis()).expect("the clock is before the year 292 million")
}

/// The version of a crate that was built against.
fn version(library: &str) -> &'static str {
    let lock = include_str!("../../../../Cargo.lock");
    let entry = format!("name = \"{library}\"\nversion = \"");
    let found = lock.split_once(&entry);
    let (_, rest) = found.expect("the lock file has every dependency");
    rest.split('"').next().unwrap_or(rest)
}
