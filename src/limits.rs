//! `tidegate limits`: asks the running server how far each limit of each virtual cluster is used.

use anyhow::Result;
use balancer::LimitUse;
use comfy_table::Table;

use crate::usage::{UsageArgs, show};

/// Prints every limit of every virtual cluster.
pub fn limits(args: &UsageArgs) -> Result<()> {
    show(args, "/v1/limits", table)
}

fn table(rows: &[LimitUse]) -> Table {
    let mut table = Table::new();
    table.set_header(["cluster", "limit", "used", "of", "throttled s", "refused"]);
    for row in rows {
        let used = row.used.map_or_else(String::new, |used| used.to_string());
        let ceiling = row.ceiling.map(|ceiling| ceiling.to_string());
        table.add_row([
            row.cluster.clone(),
            row.limit.clone(),
            used,
            ceiling.unwrap_or_else(|| "unlimited".to_owned()),
            format!("{:.3}", row.throttle_seconds),
            row.refused.to_string(),
        ]);
    }
    table
}
