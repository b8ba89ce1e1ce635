//! `tidegate usage`: asks the running server what each tenant has used.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use balancer::UsageRow;
use comfy_table::Table;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The flags of `tidegate usage` and `tidegate limits`.
#[derive(clap::Args)]
pub struct UsageArgs {
    /// Data folder of the running server.
    #[arg(long, value_name = "DIR", default_value = "./tidegate-data")]
    data: PathBuf,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
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

/// Prints what each virtual cluster has used.
pub fn usage(args: &UsageArgs) -> Result<()> {
    show(args, "/v1/usage", table)
}

/// Asks the running server for the rows of a page, and prints them as JSON or as the table of them.
pub fn show<T: Serialize + DeserializeOwned>(
    args: &UsageArgs,
    page: &str,
    table: impl FnOnce(&[T]) -> Table,
) -> Result<()> {
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
    let rows: Vec<T> = serde_json::from_slice(&body).context("the server's answer")?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", table(&rows));
    }
    Ok(())
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

fn table(rows: &[UsageRow]) -> Table {
    let mut table = Table::new();
    table.set_header(["tenant", "cluster", "cluster id", "bytes in", "bytes out"]);
    for row in rows {
        let UsageRow {
            tenant,
            cluster,
            cluster_id,
            bytes_in,
            bytes_out,
        } = row;
        table.add_row([
            tenant.to_string(),
            cluster.clone(),
            cluster_id.clone(),
            bytes_in.to_string(),
            bytes_out.to_string(),
        ]);
    }
    table
}
