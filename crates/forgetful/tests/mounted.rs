//! The disk tests itself: the same sequence with and without fsync, through the kernel. Needs /dev/fuse and root, and
//! says so where they are missing.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy allows them in test functions only, not in their helpers

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use lockbench_forgetful::{Mounted, Order, unavailable};

/// `O_DSYNC` and `O_SYNC` of open(2) on Linux.
const DSYNC: i32 = 0o10_000;
const SYNC: i32 = 0o4_010_000;

/// Runs a test on a disk of its own.
fn on_a_disk(test: impl FnOnce(&Mounted, &Path)) {
    if let Some(why) = unavailable() {
        println!("skipped: {why}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = Mounted::over(directory.path()).unwrap();
    test(&disk, directory.path());
    disk.detach().unwrap();
    disk.wait().unwrap();
}

fn append(path: &Path, text: &str, flags: i32) -> File {
    let mut file = OpenOptions::new().append(true).create(true).custom_flags(flags).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn sync_directory(path: &Path) {
    File::open(path).unwrap().sync_all().unwrap();
}

#[test]
fn the_same_writes_are_lost_without_fsync_and_kept_with_it() {
    on_a_disk(|disk, root| {
        let path = root.join("log");
        append(&path, "settled.", 0);
        disk.obey(Order::Settle);
        for (flags, call, kept) in [
            (0, (|_| {}) as fn(&File), false),
            (0, |file| file.sync_data().unwrap(), true),
            (0, |file| file.sync_all().unwrap(), true),
            (DSYNC, |_| {}, true),
            (SYNC, |_| {}, true),
        ] {
            let before = fs::read_to_string(&path).unwrap();
            let file = append(&path, "more.", flags);
            call(&file);
            let (told, cut) = (disk.obey(Order::Tell), disk.obey(Order::Cut));
            let after = fs::read_to_string(&path).unwrap();
            let lost = cut.since(told);
            assert_eq!(after, if kept { format!("{before}more.") } else { before }, "flags {flags:o}");
            assert_eq!((lost.bytes, lost.files), if kept { (0, 0) } else { (5, 1) }, "flags {flags:o}");
            assert!((&file).write_all(b"x").is_err(), "a file of before the cut is good for nothing");
        }
    });
}

#[test]
fn names_are_lost_until_their_directory_is_synced() {
    on_a_disk(|disk, root| {
        let [old, new, made] = ["old", "new", "made"].map(|name| root.join(name));
        append(&old, "old", 0);
        disk.obey(Order::Settle);
        let change = || {
            fs::rename(&old, &new).unwrap();
            append(&made, "bytes", 0);
            fs::create_dir(root.join("directory")).unwrap();
        };
        change();
        assert_eq!(disk.obey(Order::Cut).names, 4, "a rename takes a name and gives one");
        assert!(old.exists() && !new.exists() && !made.exists() && !root.join("directory").exists());
        change();
        sync_directory(root);
        disk.obey(Order::Cut);
        assert!(!old.exists() && new.exists() && root.join("directory").is_dir());
        append(&made, "bytes", 0).sync_all().unwrap();
        fs::remove_file(&made).unwrap();
        disk.obey(Order::Cut);
        assert_eq!(fs::read_to_string(&made).unwrap(), "bytes", "the removal was not synced");
        let mut names: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["directory", "made", "new"]);
    });
}

#[test]
fn bytes_that_come_through_a_mapping_are_like_those_that_are_written() {
    on_a_disk(|disk, root| {
        let path = root.join("mapped");
        append(&path, &"a".repeat(8_192), 0);
        disk.obey(Order::Settle);
        for (synced, expected) in [(false, b'a'), (true, b'b')] {
            let map = |sync: bool| {
                // Python is what the tests of this repository have beside a shell; without it there is nothing to map with.
                let script = "import mmap,sys\nf=open(sys.argv[1],'r+b')\nm=mmap.mmap(f.fileno(),0)\nm[5000]=98\n\
                              assert open(sys.argv[1],'rb').read()[5000]==98\nif sys.argv[2]=='true': m.flush()\nm.close()";
                std::process::Command::new("python3").args(["-c", script]).arg(&path).arg(sync.to_string()).status()
            };
            match map(synced) {
                Ok(status) => assert!(status.success()),
                Err(error) => return println!("skipped: python3: {error}"),
            }
            assert_eq!(fs::read(&path).unwrap()[5_000], b'b');
            disk.obey(Order::Cut);
            assert_eq!(fs::read(&path).unwrap()[5_000], expected, "msync: {synced}");
        }
    });
}

#[test]
fn fsync_takes_as_long_as_ordered_and_a_cut_ends_it_without_effect() {
    on_a_disk(|disk, root| {
        let path = root.join("slow");
        let file = append(&path, "one", 0);
        disk.obey(Order::Settle);
        disk.obey(Order::Delay(300_000_000));
        let begun = Instant::now();
        file.sync_all().unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(300));
        assert_eq!(disk.obey(Order::Delay(60_000_000_000)).delayed, 1);
        let file = append(&path, "two", 0);
        let waits = std::thread::spawn(move || file.sync_all());
        while disk.obey(Order::Tell).delayed < 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        disk.obey(Order::Cut);
        assert!(waits.join().unwrap().is_err(), "its effect is lost, and it says so");
        let file = append(&path, "six", 0);
        let waits = std::thread::spawn(move || file.sync_all());
        while disk.obey(Order::Tell).delayed < 3 {
            std::thread::sleep(Duration::from_millis(1));
        }
        disk.obey(Order::Delay(0));
        waits.join().unwrap().unwrap();
        disk.obey(Order::Cut);
        assert_eq!(fs::read_to_string(&path).unwrap(), "onesix");
    });
}

#[test]
fn a_file_can_be_cut_read_in_the_middle_and_locked() {
    on_a_disk(|disk, root| {
        let path = root.join("file");
        append(&path, "0123456789", 0).sync_all().unwrap();
        sync_directory(root);
        let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        file.lock().unwrap();
        assert!(File::open(&path).unwrap().try_lock().is_err());
        file.set_len(4).unwrap();
        file.set_len(6).unwrap();
        file.seek(std::io::SeekFrom::Start(2)).unwrap();
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"23\0\0");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        fs::hard_link(&path, root.join("same")).unwrap();
        std::os::unix::fs::symlink("file", root.join("link")).unwrap();
        assert_eq!(fs::read(root.join("link")).unwrap(), b"0123\0\0");
        drop(file);
        disk.obey(Order::Cut);
        assert_eq!(fs::read(&path).unwrap(), b"0123456789");
        assert!(!root.join("same").exists() && fs::symlink_metadata(root.join("link")).is_err());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    });
}
