//! What the machine says of itself: figures of two machines are not compared.

use serde::Serialize;

/// A machine.
#[derive(Serialize)]
pub struct Machine {
    /// The model of its processor.
    pub cpu: String,
    /// How many of them this process may use.
    pub cores: usize,
    /// Its memory.
    pub memory_mb: u64,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        let kib: Option<u64> = field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.trim_end_matches(" kB").parse().ok());
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mb: kib.unwrap_or(0) * 1_024 / 1_000_000,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let Self {
            cpu,
            cores,
            memory_mb,
            kernel,
        } = self;
        format!("{cores} cores of {cpu}, {memory_mb} MB, Linux {kernel}")
    }
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let (_, value) = line.split_once(':')?;
    Some(value.trim().to_owned())
}
