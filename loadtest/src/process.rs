//! What a process on this machine has used, as the kernel tells it in `/proc`.
//!
//! Owns: nothing. A process that is gone, or not ours to see, has no figures; that is no error here.

use std::time::Duration;

/// Length of the kernel's tick in `/proc/PID/stat`: `USER_HZ` is 100 on every architecture that Rust's Linux targets
/// share with a Kafka server.
const TICK: Duration = Duration::from_millis(10);

/// A process.
#[derive(Clone, Copy, Debug)]
pub enum Process {
    /// This one.
    Own,
    /// This thread of this one.
    OwnThread,
    /// Another one.
    Other(u32),
}

impl Process {
    /// CPU time used so far, by the process and in the kernel for it.
    pub fn cpu(self) -> Option<Duration> {
        cpu_of(&self.read("stat")?)
    }

    /// Memory that it holds now, in bytes.
    pub fn resident_bytes(self) -> Option<u64> {
        resident_of(&self.read("status")?)
    }

    fn read(self, file: &str) -> Option<String> {
        let folder = match self {
            Self::Own => "self".to_owned(),
            Self::OwnThread => "thread-self".to_owned(),
            Self::Other(pid) => pid.to_string(),
        };
        std::fs::read_to_string(format!("/proc/{folder}/{file}")).ok()
    }
}

/// User and system time stand 12th and 13th after the name, which is in brackets and may hold anything.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some(TICK * user + TICK * system)
}

fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_hides_nothing() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 1";
        assert_eq!(cpu_of(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(cpu_of("7 (a"), None);
    }

    #[test]
    fn memory_is_told_in_bytes() {
        assert_eq!(resident_of("Name:\tx\nVmRSS:\t   12 kB\n"), Some(12_288));
        assert_eq!(resident_of("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_figures_and_one_that_cannot_be_has_none() {
        assert!(Process::Own.cpu().is_some());
        assert!(Process::OwnThread.cpu().is_some());
        assert!(Process::Own.resident_bytes().unwrap() > 0);
        assert_eq!(Process::Other(u32::MAX).cpu(), None);
    }
}
