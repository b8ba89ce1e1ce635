//! `tidegate usage`: asks the running server what each tenant has used.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use balancer::{UsageRecordRow, UsageRow, UsageWindow};
use comfy_table::Table;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

mod shown;

use shown::Shown;

use crate::standard_output::print;

/// The flags of `tidegate limits`, and some of those of `tidegate usage`.
#[derive(clap::Args)]
pub struct UsageArgs {
    /// Data folder of the running server.
    #[arg(long, value_name = "DIR", default_value = "./tidegate-data")]
    data: PathBuf,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// The flags of `tidegate usage`.
#[derive(clap::Args)]
pub struct UsageFlags {
    #[command(flatten)]
    args: UsageArgs,
    /// Prints comma-separated values instead of a table.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// One row a period, instead of one for all time: minute, hour or day (of UTC).
    #[arg(long, value_name = "PERIOD")]
    by: Option<String>,
    /// Only what was used from this moment on: 2026-01-31T10:00:00Z, 2026-01-31, or 90m, 24h, 7d ago.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what was used before this moment.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this virtual cluster.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The sealed records with their ids, as they are billed.
    #[arg(long, conflicts_with = "by")]
    records: bool,
}

/// Prints what each virtual cluster has used.
pub fn usage(flags: &UsageFlags) -> Result<()> {
    let args = &flags.args;
    if flags.records {
        let rows: Vec<UsageRecordRow> = fetch(args, &flags.page("/v1/usage/records", None))?;
        return flags.print(&rows);
    }
    let is_about_time = flags.by.is_some() || flags.since.is_some() || flags.until.is_some();
    if !is_about_time {
        let mut rows: Vec<UsageRow> = fetch(args, "/v1/usage")?;
        if let Some(cluster) = &flags.cluster {
            rows.retain(|row| row.cluster == *cluster);
        }
        return flags.print(&rows);
    }
    let by = flags.by.as_deref().unwrap_or("day");
    let mut rows: Vec<UsageWindow> = fetch(args, &flags.page("/v1/usage/windows", Some(by)))?;
    if flags.by.is_none() {
        rows = shown::joined(rows);
    }
    flags.print(&rows)
}

impl UsageFlags {
    fn page(&self, path: &str, by: Option<&str>) -> String {
        let fields = [
            ("by", by),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
            ("cluster", self.cluster.as_deref()),
        ];
        let pairs = fields.into_iter().filter_map(|(name, value)| {
            let value = utf8_percent_encode(value?, NON_ALPHANUMERIC);
            Some(format!("{name}={value}"))
        });
        let pairs: Vec<String> = pairs.collect();
        format!("{path}?{}", pairs.join("&"))
    }

    fn print<T: Shown + Serialize>(&self, rows: &[T]) -> Result<()> {
        if self.args.json {
            print(json(rows)?)?;
        } else if self.csv {
            print(shown::csv(rows))?;
        } else {
            print(format_args!("{}\n", shown::table(rows)))?;
        }
        Ok(())
    }
}

/// Where a running server is asked, and the token to ask with: `admin.json` in the data folder.
#[derive(Serialize, Deserialize)]
pub struct AdminAccess {
    pub address: SocketAddr,
    pub token: String,
}

impl AdminAccess {
    /// The file's place in a data folder.
    pub fn file(data: &Path) -> PathBuf {
        data.join("admin.json")
    }
}

/// Asks the running server for the rows of a page, and prints them as JSON or as the table of them.
pub fn show<T: Serialize + DeserializeOwned>(
    args: &UsageArgs,
    page: &str,
    table: impl FnOnce(&[T]) -> Table,
) -> Result<()> {
    let rows = fetch(args, page)?;
    if args.json {
        print(json(&rows)?)?;
    } else {
        print(format_args!("{}\n", table(&rows)))?;
    }
    Ok(())
}

fn json<T: Serialize>(rows: &[T]) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(rows)?;
    Ok(text + "\n")
}

/// Asks the running server for the rows of a page.
fn fetch<T: DeserializeOwned>(args: &UsageArgs, page: &str) -> Result<Vec<T>> {
    let file = AdminAccess::file(&args.data);
    let text = std::fs::read(&file).with_context(|| {
        format!(
            "reading {} (is this a server's data folder?)",
            file.display()
        )
    })?;
    let access: AdminAccess = serde_json::from_slice(&text).context("admin.json")?;
    let body = ask(&access, page)
        .with_context(|| format!("asking the server at {} (is it running?)", access.address))?;
    serde_json::from_slice(&body).context("the server's answer")
}

/// One GET over HTTP/1.0: the answer ends with the connection, so nothing is to be parsed but the
/// status line.
fn ask(access: &AdminAccess, page: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&access.address, ANSWER_TIMEOUT)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let request = format!(
        "GET {page} HTTP/1.0\r\nAuthorization: Bearer {}\r\n\r\n",
        access.token
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head_end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let body = answer.split_off(head_end.context("the answer is cut off")? + 4);
    let status = String::from_utf8_lossy(&answer);
    let status = status.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        bail!("{status}: {}", String::from_utf8_lossy(&body).trim_end());
    }
    Ok(body)
}
