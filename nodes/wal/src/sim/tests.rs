use super::*;

const SECTOR: usize = 512;

fn read(disk: &SimDisk, name: &str) -> Vec<u8> {
    let file = disk.open(name).unwrap();
    let mut bytes = vec![0; file.length().unwrap() as usize];
    file.read_at(&mut bytes, 0).unwrap();
    bytes
}

/// A file that is durable, folder and all.
fn with_file(seed: u64) -> (SimDisk, Arc<dyn DiskFile>) {
    let disk = SimDisk::new(seed);
    let file = disk.create("a", 8 * SECTOR as u64, &mut || {}).unwrap();
    disk.sync_folder().unwrap();
    (disk, file)
}

#[test]
fn what_was_synced_survives_and_the_rest_by_chance() {
    let (mut whole, mut none, mut torn) = (0, 0, 0);
    for seed in 0..200 {
        let (disk, file) = with_file(seed);
        file.write_at(&[1; SECTOR], 0).unwrap();
        file.sync().unwrap();
        file.write_at(&[2; 7 * SECTOR], SECTOR as u64).unwrap();
        disk.restart(Crash::Power);
        let bytes = read(&disk, "a");
        assert_eq!(bytes[..SECTOR], [1; SECTOR]);
        let kept: Vec<_> = bytes[SECTOR..]
            .chunks(SECTOR)
            .map(|sector| sector[0])
            .collect();
        assert!(
            bytes
                .chunks(SECTOR)
                .all(|sector| sector.iter().all(|byte| *byte == sector[0]))
        );
        match kept.iter().filter(|&&byte| byte == 2).count() {
            0 => none += 1,
            7 => whole += 1,
            _ => torn += 1,
        }
    }
    assert!(
        whole > 20 && none > 20 && torn > 20,
        "{whole} {none} {torn}"
    );
}

#[test]
fn a_process_that_dies_loses_nothing_and_makes_nothing_durable() {
    let mut lost = 0;
    for seed in 0..50 {
        let (disk, file) = with_file(seed);
        file.write_at(&[3; SECTOR], 0).unwrap();
        disk.restart(Crash::Process);
        assert!(file.sync().is_err(), "it was opened before");
        assert_eq!(read(&disk, "a")[0], 3);
        disk.restart(Crash::Power);
        lost += usize::from(read(&disk, "a")[0] == 0);
    }
    assert!(lost > 5);
}

#[test]
fn a_failed_sync_is_not_made_good_by_the_next() {
    let mut lost = 0;
    for seed in 0..50 {
        let (disk, file) = with_file(seed);
        file.write_at(&[3; SECTOR], 0).unwrap();
        disk.fail_sync_after(Some(0));
        assert!(file.sync().is_err());
        disk.fail_sync_after(None);
        file.sync().unwrap();
        assert_eq!(read(&disk, "a")[0], 3, "it can still be read");
        disk.restart(Crash::Power);
        lost += usize::from(read(&disk, "a")[0] == 0);
    }
    assert!(lost > 5);
}

#[test]
fn names_survive_once_the_folder_is_synced() {
    let (mut kept, mut undone) = (0, 0);
    for seed in 0..100 {
        let (disk, _) = with_file(seed);
        disk.rename("a", "b").unwrap();
        disk.create("c", 512, &mut || {}).unwrap();
        let names = disk.list().unwrap();
        assert_eq!(names, ["b", "c"]);
        disk.restart(Crash::Power);
        let names = disk.list().unwrap();
        assert!(names.contains(&"a".to_owned()) != names.contains(&"b".to_owned()));
        kept += usize::from(names == ["b", "c"]);
        undone += usize::from(names == ["a"]);

        disk.sync_folder().unwrap();
        disk.restart(Crash::Power);
        assert_eq!(disk.list().unwrap(), names);
    }
    assert!(kept > 10 && undone > 10);
}

#[test]
fn a_machine_stops_when_it_is_told_to() {
    let (disk, file) = with_file(1);
    disk.crash_after(Some(1));
    file.write_at(&[1], 0).unwrap();
    assert!(file.write_at(&[2], 1).is_err());
    assert!(file.sync().is_err() && disk.list().is_err() && disk.lock().is_err());
    disk.restart(Crash::Process);
    assert_eq!(read(&disk, "a")[0], 1);
}

#[test]
fn the_lock_is_free_after_a_restart_and_stays_the_new_ones() {
    let disk = SimDisk::new(1);
    let old = disk.lock().unwrap().unwrap();
    assert!(disk.lock().unwrap().is_none());
    disk.restart(Crash::Process);
    let new = disk.lock().unwrap().unwrap();
    drop(old);
    assert!(disk.lock().unwrap().is_none());
    drop(new);
    assert!(disk.lock().unwrap().is_some());
}
