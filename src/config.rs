//! The configuration: defaults, then a TOML file, then environment variables, then flags.
//!
//! Every value has one name, e.g. `clusters.demo.default_partitions`; in the environment it is
//! `TIDEGATE_CLUSTERS__DEMO__DEFAULT_PARTITIONS`. A wrong value is refused with that name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use model::Limits;
use serde::{Deserialize, Serialize};

/// A segment holds this many batches at least, whatever their size.
const BATCHES_PER_SEGMENT_MIN: u64 = 4;

/// More than what a batch costs beside its bytes in the write-ahead log.
const FRAME_OVERHEAD: u64 = 4096;

/// Most threads that serve clients and partitions.
const THREADS_MAX: u16 = 1024;

/// The flags of `tidegate serve`; each goes over the file and the environment.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Flags {
    /// Folder that everything is kept under [default: ./tidegate-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address that clients connect to; port 0 picks a free one [default: 127.0.0.1:9098].
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// A further name of the first virtual cluster (repeatable): it is put into the certificate,
    /// signatures may name it, and Metadata advertises it to who came by it.
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// Written once clients are served: how to reach and sign in to the server, as JSON.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Configuration file [default: tidegate.toml in the data folder, if it is there].
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    config: Option<PathBuf>,
}

/// Everything that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder that everything is kept under.
    pub data: PathBuf,
    /// Address that clients connect to over TLS; port 0 picks a free one. With 127.0.0.1, ::1 is
    /// listened on as well, because clients may resolve `localhost` to either.
    pub listen: SocketAddr,
    /// Address of health, metrics and usage over HTTP, loopback only. By default port 9099, or a
    /// free one where `listen` picks a free one.
    pub admin_listen: Option<SocketAddr>,
    /// Further names of the first virtual cluster; see `--name`.
    pub names: Vec<String>,
    /// Where the ready file is written, if at all.
    pub ready_file: Option<PathBuf>,
    /// Last part of the default name `boot-<cluster>.c1.kafka-serverless.<region>.<domain>`.
    pub domain: String,
    /// What is logged, e.g. `info` or `info,gateway=debug` (tracing's filter syntax).
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// Threads that serve clients and partitions, 1 to 1024; by default as many as there are cores, but one.
    pub threads: Option<u16>,
    /// Size of one file of the write-ahead log in bytes, a multiple of 4096; 4 MiB to 256 MiB, and at
    /// least four times the largest message.
    pub segment_bytes: u64,
    /// Memory for batches just appended, in bytes.
    pub tail_cache_bytes: usize,
    /// A file that moves the wall clock, see `clock`: for tests of stepping clocks only.
    #[serde(default, skip_serializing)]
    pub clock_offset_file: Option<PathBuf>,
    /// How often retention is applied, in milliseconds.
    pub retention_check_interval_ms: u64,
    /// Settings of the gateway; see `gateway::GatewayConfig`.
    #[serde(default, skip_serializing)]
    pub gateway: gateway::GatewayConfig,
    /// Virtual clusters by name. Each has a first user of the same name, who may do everything, with
    /// credentials made at its first start.
    pub clusters: BTreeMap<String, ClusterConfig>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Which set of limits a virtual cluster starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// MSK Serverless's quotas.
    #[default]
    Serverless,
    /// No quotas.
    Provisioned,
}

/// One virtual cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Number of the tenant that owns it.
    pub tenant: u32,
    /// Region, as in its ARNs and in signatures.
    pub region: String,
    /// Names it is reached by, beside the default one and, for the first cluster, `localhost`.
    pub names: Vec<String>,
    /// Further users by name, with credentials of their own.
    pub users: BTreeMap<String, UserConfig>,
    /// The limits to start from.
    pub plan: Plan,
    /// Limits that differ from the plan's, by name (see `model::Limits`).
    pub limits: BTreeMap<String, serde_json::Value>,
    /// Whether asking for an unknown topic creates it.
    pub auto_create_topics: bool,
    /// Partitions of a topic whose creator does not say; 1 to 10000.
    pub default_partitions: u32,
    /// Replication factors that may be asked for.
    pub replication_factors: Vec<i16>,
    /// How many brokers clients see; 1 to 64. All of one process have its one address, which
    /// librdkafka before 2.10 takes for one broker: so more than one is for clients that are newer.
    pub virtual_brokers: u32,
    /// How consumer groups are run (see `model::GroupSettings`).
    pub groups: model::GroupSettings,
    /// An extra listener without TLS and sign-in, for test suites: loopback only.
    pub plaintext_listen: Option<SocketAddr>,
}

/// A user of a virtual cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// What the user may do: IAM policy documents, as tables. Without any, nothing.
    #[serde(default)]
    pub policies: Vec<serde_json::Value>,
}

impl UserConfig {
    fn check(&self, user: &str, cluster: &str) -> Result<()> {
        if !is_name(user) {
            bail!("a name has 1 to 64 characters of a-z, 0-9 and '-'");
        }
        if user == cluster {
            bail!("this name is that of the cluster's first user, who may do everything");
        }
        auth::PolicySet::parse(&self.policy_documents()).context("policies")?;
        Ok(())
    }

    /// The policies as the text that IAM has.
    pub fn policy_documents(&self) -> Vec<String> {
        self.policies.iter().map(ToString::to_string).collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "./tidegate-data".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 9098)),
            admin_listen: None,
            names: Vec::new(),
            ready_file: None,
            domain: "localhost".to_owned(),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            threads: None,
            segment_bytes: 64 << 20,
            tail_cache_bytes: 64 << 20,
            clock_offset_file: None,
            retention_check_interval_ms: 30_000,
            gateway: gateway::GatewayConfig::default(),
            clusters: BTreeMap::from([("demo".to_owned(), ClusterConfig::default())]),
        }
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            tenant: 1,
            region: "us-east-1".to_owned(),
            names: Vec::new(),
            users: BTreeMap::new(),
            plan: Plan::Serverless,
            limits: BTreeMap::new(),
            auto_create_topics: true,
            default_partitions: 3,
            replication_factors: vec![1, 3, -1],
            virtual_brokers: 1,
            groups: model::GroupSettings::default(),
            plaintext_listen: None,
        }
    }
}

impl Config {
    /// Reads the configuration from all its sources.
    pub fn load(flags: &Flags) -> Result<Self> {
        let file = flags.config.clone().or_else(|| default_file(flags));
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let env = Env::prefixed("TIDEGATE_").ignore(&["config"]).split("__");
        let mut config: Self = figment.merge(env).extract().context("configuration")?;
        config.apply(flags);
        config.check()?;
        Ok(config)
    }

    fn apply(&mut self, flags: &Flags) {
        let Flags {
            data,
            listen,
            names,
            ready_file,
            config: _,
        } = flags.clone();
        self.data = data.unwrap_or_else(|| self.data.clone());
        self.listen = listen.unwrap_or(self.listen);
        self.names.extend(names);
        self.ready_file = ready_file.or_else(|| self.ready_file.clone());
    }

    fn check(&self) -> Result<()> {
        let (bytes, allowed) = (self.segment_bytes, 4 << 20..=256 << 20);
        if !allowed.contains(&bytes) || !bytes.is_multiple_of(4096) {
            bail!("segment_bytes: {bytes} is not a multiple of 4096 from 4 MiB to 256 MiB");
        }
        if let Some(threads) = self.threads
            && !(1..=THREADS_MAX).contains(&threads)
        {
            bail!("threads: {threads} is not 1 to {THREADS_MAX}");
        }
        if self.retention_check_interval_ms == 0 {
            bail!("retention_check_interval_ms: must be at least 1");
        }
        if self.clusters.is_empty() {
            bail!("clusters: at least one virtual cluster is needed");
        }
        if let Some(admin) = self.admin_listen
            && !admin.ip().is_loopback()
        {
            bail!("admin_listen: {admin} is not a loopback address");
        }
        for (name, cluster) in &self.clusters {
            cluster.check(name)?;
            let message_bytes_max = cluster.effective_limits()?.message_bytes_max.0;
            if message_bytes_max > self.segment_bytes / BATCHES_PER_SEGMENT_MIN - FRAME_OVERHEAD {
                bail!(
                    "clusters.{name}.limits.message_bytes_max: {message_bytes_max} is more than a \
                     quarter of segment_bytes, {}",
                    self.segment_bytes
                );
            }
        }
        Ok(())
    }

    /// Threads that serve clients and partitions. One core is left to the log's thread, to reads of files and
    /// to the system's own work: a thread that waits for its core costs more than it does.
    pub fn threads(&self) -> u16 {
        self.threads.unwrap_or_else(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            u16::try_from(cores).map_or(THREADS_MAX, |cores| {
                cores.saturating_sub(1).clamp(1, THREADS_MAX)
            })
        })
    }

    /// Address of health, metrics and usage.
    pub fn admin_address(&self) -> SocketAddr {
        let port = if self.listen.port() == 0 { 0 } else { 9099 };
        self.admin_listen
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

impl ClusterConfig {
    fn check(&self, name: &str) -> Result<()> {
        if !is_name(name) {
            bail!("clusters.{name}: a name has 1 to 64 characters of a-z, 0-9 and '-'");
        }
        for (user, config) in &self.users {
            config
                .check(user, name)
                .with_context(|| format!("clusters.{name}.users.{user}"))?;
        }
        if name == crate::bootstrap::SYSTEM {
            bail!("clusters.{name}: this name is the server's own");
        }
        if !(1..=10_000).contains(&self.default_partitions) {
            bail!(
                "clusters.{name}.default_partitions: {} is not 1 to 10000",
                self.default_partitions
            );
        }
        if !(1..=64).contains(&self.virtual_brokers) {
            bail!(
                "clusters.{name}.virtual_brokers: {} is not 1 to 64",
                self.virtual_brokers
            );
        }
        if self.replication_factors.is_empty() {
            bail!("clusters.{name}.replication_factors: at least one is needed");
        }
        if let Some(address) = self.plaintext_listen
            && !address.ip().is_loopback()
        {
            bail!("clusters.{name}.plaintext_listen: {address} is not a loopback address");
        }
        self.effective_limits()
            .with_context(|| format!("clusters.{name}.limits"))?;
        Ok(())
    }

    /// The plan's limits with this cluster's own over them.
    pub fn effective_limits(&self) -> Result<Limits> {
        let mut limits = match self.plan {
            Plan::Serverless => Limits::serverless(),
            Plan::Provisioned => Limits::provisioned(),
        };
        for (name, value) in &self.limits {
            // One after the other, so that a wrong one is refused by its name.
            let mut changed = serde_json::to_value(&limits)?;
            changed[name] = value.clone();
            limits = serde_json::from_value(changed).with_context(|| name.clone())?;
        }
        Ok(limits)
    }
}

/// Whether a cluster or a user may have this name: it becomes part of file names and addresses.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&name.len()) && name.chars().all(allowed)
}

fn default_file(flags: &Flags) -> Option<PathBuf> {
    let data = flags
        .data
        .as_deref()
        .unwrap_or_else(|| Path::new("./tidegate-data"));
    Some(data.join("tidegate.toml")).filter(|file| file.exists())
}

#[cfg(test)]
mod tests;
