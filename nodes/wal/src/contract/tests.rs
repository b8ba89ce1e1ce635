use std::sync::Arc;

use super::*;
use crate::disk::{Disk, FileDisk};
use crate::fixtures::HandClock;
use crate::recover::open;
use crate::running::start;
use crate::sim::SimDisk;

fn on(disk: impl Fn() -> Arc<dyn Disk> + 'static) -> Open {
    let clock = Arc::new(HandClock::at(1_700_000_000_000));
    Box::new(move |epoch| {
        clock.advance(1000);
        let (opened, recovered) = open(disk(), config(), epoch, Arc::clone(&clock) as _)?;
        Ok((start(opened, 2), recovered))
    })
}

#[test]
fn a_folder_of_the_file_system_keeps_the_contract() {
    let mut folders = Vec::new();
    all(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        folders.push(folder);
        on(move || Arc::new(FileDisk::open(&path).unwrap()))
    });
}

#[test]
fn the_simulated_disk_keeps_the_contract() {
    let mut seed = 0;
    all(|| {
        seed += 1;
        let disk = SimDisk::new(seed);
        on(move || Arc::new(disk.clone()))
    });
}
