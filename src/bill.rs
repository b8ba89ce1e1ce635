//! The bill of the embedded server: what its node and its catalog have counted, with the names of
//! virtual clusters.
//!
//! Owns: putting the parts together. Does not own: adding up (`balancer`), pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use balancer::{
    Balancer, KeptUsage, Period, UsageQuery, UsageRecordRow, UsageRefusal, UsageRequest, UsageRow,
    UsageWindow, bill_records, bill_rows,
};
use control_api::ControlPlane;
use model::{Clock, ClusterMap, Timestamp, VirtualCluster, VirtualClusterId};
use nodes::Node;
use quota::{Minute, OpenUsage};

use crate::moment;

/// See the file's header.
pub struct Bill {
    pub balancer: Balancer,
    pub node: Node,
    pub clock: Arc<dyn Clock>,
}

impl Bill {
    /// What each virtual cluster has used since it began.
    pub async fn totals(&self) -> Vec<UsageRow> {
        let used: BTreeMap<_, _> = self.node.used_in_all().await.into_iter().collect();
        let existed = self.balancer.catalog_usage().await;
        let existed = existed.map(|(_, totals)| totals).unwrap_or_default();
        let row = |cluster: &Arc<VirtualCluster>| {
            let used = used.get(&cluster.id).copied().unwrap_or_default();
            let existed = existed.get(&cluster.id).copied().unwrap_or_default();
            UsageRow {
                tenant: cluster.tenant.0,
                cluster: cluster.name.clone(),
                cluster_id: cluster.cluster_id.clone(),
                bytes_in: used.bytes_in.0,
                bytes_out: used.bytes_out.0,
                cluster_ms: existed.cluster_ms,
                partition_ms: existed.partition_ms,
                stored_byte_ms: used.stored_byte_ms,
                stored_bytes: used.stored_bytes,
            }
        };
        billed(&self.map()).map(row).collect()
    }

    /// What each virtual cluster has used, by period.
    pub async fn windows(&self, request: UsageRequest) -> Result<Vec<UsageWindow>, UsageRefusal> {
        let map = self.map();
        let (query, period) = self.query(&map, &request)?;
        // What is open comes first: see `balancer::bill_rows`.
        let open = self.open().await?;
        let kept = self.kept().await?;
        let rows = bill_rows(&kept, &open, &query, period);
        let rows = rows.map_err(|why| UsageRefusal::Bad(why.to_string()))?;
        let window = |row: balancer::BillRow| {
            let cluster = map.virtual_clusters.get(&row.virtual_cluster);
            UsageWindow {
                start: moment::show(row.start),
                end: moment::show(period.end_of(row.start)),
                sealed: row.sealed,
                tenant: cluster.map_or(0, |cluster| cluster.tenant.0),
                cluster: name(&map, row.virtual_cluster),
                cluster_id: cluster.map_or_else(String::new, |c| c.cluster_id.clone()),
                bytes_in: row.amounts.bytes_in,
                bytes_out: row.amounts.bytes_out,
                cluster_ms: row.amounts.cluster_ms,
                partition_ms: row.amounts.partition_ms,
                stored_byte_ms: row.amounts.stored_byte_ms,
            }
        };
        Ok(rows.into_iter().map(window).collect())
    }

    /// The sealed records.
    pub async fn records(
        &self,
        request: UsageRequest,
    ) -> Result<Vec<UsageRecordRow>, UsageRefusal> {
        let map = self.map();
        let (query, _) = self.query(&map, &request)?;
        let records = bill_records(&self.kept().await?, &query);
        let records = records.map_err(|why| UsageRefusal::Bad(why.to_string()))?;
        let row = |record: quota::UsageRecord| UsageRecordRow {
            id: record.id.to_string(),
            cluster: name(&map, record.id.virtual_cluster),
            meter: record.id.meter.name().to_owned(),
            start: moment::show(record.id.minute),
            end: moment::show(Minute(record.id.minute.0.saturating_add(1))),
            amount: record.amount,
        };
        Ok(records.into_iter().map(row).collect())
    }

    fn map(&self) -> Arc<ClusterMap> {
        self.balancer.watch().borrow().clone()
    }

    async fn open(&self) -> Result<Vec<OpenUsage>, UsageRefusal> {
        let stopping = || UsageRefusal::Unavailable("the server stops".to_owned());
        let node = self.node.open_usage().await.ok_or_else(stopping)?;
        let catalog = self.balancer.catalog_usage().await;
        let (catalog, _) = catalog.map_err(|_| stopping())?;
        Ok(vec![node, catalog])
    }

    async fn kept(&self) -> Result<Vec<KeptUsage>, UsageRefusal> {
        let kept = self.balancer.kept_usage().await;
        kept.map_err(|why| UsageRefusal::Unavailable(why.to_string()))
    }

    fn query(
        &self,
        map: &ClusterMap,
        request: &UsageRequest,
    ) -> Result<(UsageQuery, Period), UsageRefusal> {
        let now = self.clock.wall();
        let period = match request.by.as_deref() {
            None | Some("minute") => Period::Minute,
            Some("hour") => Period::Hour,
            Some("day") => Period::Day,
            Some(other) => {
                let reason = format!("by: {other} is not minute, hour or day");
                return Err(UsageRefusal::Bad(reason));
            }
        };
        let cluster = match &request.cluster {
            None => None,
            Some(name) => {
                let found = billed(map).find(|cluster| cluster.name == *name);
                let unknown = || UsageRefusal::Bad(format!("cluster: there is no {name}"));
                Some(found.ok_or_else(unknown)?.id)
            }
        };
        let query = UsageQuery {
            since: read("since", request.since.as_deref(), now)?
                .map_or(Minute(i64::MIN), Minute::of),
            until: read("until", request.until.as_deref(), now)?
                .map_or(Minute(i64::MAX), first_from),
            cluster,
        };
        Ok((query, period))
    }
}

/// The first window that begins at `moment` or later: a window that it lies in is asked for.
fn first_from(moment: Timestamp) -> Minute {
    Minute::of(Timestamp(moment.0.saturating_add(59_999)))
}

fn read(name: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, UsageRefusal> {
    let moment = text.map(|text| moment::parse(text, now)).transpose();
    moment.map_err(|why| UsageRefusal::Bad(format!("{name}: {why:#}")))
}

/// The virtual clusters that have a bill.
fn billed(map: &ClusterMap) -> impl Iterator<Item = &Arc<VirtualCluster>> {
    let clusters = map.virtual_clusters.values();
    clusters.filter(|cluster| cluster.tenant.0 != 0)
}

/// The name of a virtual cluster; its number where it is gone.
fn name(map: &ClusterMap, id: VirtualClusterId) -> String {
    let cluster = map.virtual_clusters.get(&id);
    cluster.map_or_else(|| format!("#{}", id.0), |cluster| cluster.name.clone())
}
