//! Usage as tables and comma-separated values.
//!
//! Owns: columns. Tables round to what people read; values in CSV and JSON are exact.

use balancer::{UsageRecordRow, UsageRow, UsageWindow};
use comfy_table::Table;

/// A row that can be shown.
pub trait Shown {
    /// Name of each column of exact values.
    const COLUMNS: &'static [&'static str];
    /// The same of the table.
    const TITLES: &'static [&'static str];
    /// Exact values.
    fn values(&self) -> Vec<String>;
    /// What people read.
    fn cells(&self) -> Vec<String>;
}

impl Shown for UsageRow {
    const COLUMNS: &'static [&'static str] = &[
        "tenant",
        "cluster",
        "cluster_id",
        "bytes_in",
        "bytes_out",
        "cluster_ms",
        "partition_ms",
        "stored_byte_ms",
        "stored_bytes",
    ];
    const TITLES: &'static [&'static str] = &[
        "tenant",
        "cluster",
        "cluster id",
        "bytes in",
        "bytes out",
        "cluster hours",
        "partition hours",
        "GiB hours stored",
        "bytes stored",
    ];

    fn values(&self) -> Vec<String> {
        vec![
            self.tenant.to_string(),
            self.cluster.clone(),
            self.cluster_id.clone(),
            self.bytes_in.to_string(),
            self.bytes_out.to_string(),
            self.cluster_ms.to_string(),
            self.partition_ms.to_string(),
            self.stored_byte_ms.to_string(),
            self.stored_bytes.to_string(),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = self.values();
        cells[5] = hours(self.cluster_ms);
        cells[6] = hours(self.partition_ms);
        cells[7] = gib_hours(self.stored_byte_ms);
        cells
    }
}

impl Shown for UsageWindow {
    const COLUMNS: &'static [&'static str] = &[
        "start",
        "end",
        "state",
        "tenant",
        "cluster",
        "cluster_id",
        "bytes_in",
        "bytes_out",
        "cluster_ms",
        "partition_ms",
        "stored_byte_ms",
    ];
    const TITLES: &'static [&'static str] = &[
        "start",
        "end",
        "state",
        "tenant",
        "cluster",
        "cluster id",
        "bytes in",
        "bytes out",
        "cluster hours",
        "partition hours",
        "GiB hours stored",
    ];

    fn values(&self) -> Vec<String> {
        vec![
            self.start.clone(),
            self.end.clone(),
            if self.sealed { "sealed" } else { "open" }.to_owned(),
            self.tenant.to_string(),
            self.cluster.clone(),
            self.cluster_id.clone(),
            self.bytes_in.to_string(),
            self.bytes_out.to_string(),
            self.cluster_ms.to_string(),
            self.partition_ms.to_string(),
            self.stored_byte_ms.to_string(),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = self.values();
        cells[8] = hours(self.cluster_ms);
        cells[9] = hours(self.partition_ms);
        cells[10] = gib_hours(self.stored_byte_ms);
        cells
    }
}

impl Shown for UsageRecordRow {
    const COLUMNS: &'static [&'static str] = &["id", "cluster", "meter", "start", "end", "amount"];
    const TITLES: &'static [&'static str] = Self::COLUMNS;

    fn values(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.cluster.clone(),
            self.meter.clone(),
            self.start.clone(),
            self.end.clone(),
            self.amount.to_string(),
        ]
    }

    fn cells(&self) -> Vec<String> {
        self.values()
    }
}

/// A table for people.
pub fn table<T: Shown>(rows: &[T]) -> Table {
    let mut table = Table::new();
    table.set_header(T::TITLES.iter().copied());
    for row in rows {
        table.add_row(row.cells());
    }
    table
}

/// Comma-separated values (RFC 4180) with a header. No name holds a comma, a quote or a line's end.
pub fn csv<T: Shown>(rows: &[T]) -> String {
    let mut text = T::COLUMNS.join(",") + "\r\n";
    for row in rows {
        text += &row.values().join(",");
        text += "\r\n";
    }
    text
}

/// All periods of a virtual cluster as one, sealed and open apart. Rows come in order of time.
pub fn joined(rows: Vec<UsageWindow>) -> Vec<UsageWindow> {
    let mut sums: Vec<UsageWindow> = Vec::new();
    for row in rows {
        let same = sums
            .iter_mut()
            .find(|sum| sum.cluster == row.cluster && sum.sealed == row.sealed);
        let Some(sum) = same else {
            sums.push(row);
            continue;
        };
        sum.end = row.end;
        sum.bytes_in += row.bytes_in;
        sum.bytes_out += row.bytes_out;
        sum.cluster_ms += row.cluster_ms;
        sum.partition_ms += row.partition_ms;
        sum.stored_byte_ms += row.stored_byte_ms;
    }
    sums
}

fn hours(ms: u64) -> String {
    format!("{:.4}", ms as f64 / 3_600_000.0)
}

fn gib_hours(byte_ms: u128) -> String {
    format!("{:.6}", byte_ms as f64 / 3_600_000.0 / f64::from(1 << 30))
}
