//! What a disk keeps and what it forgets, by the order of writes and syncs.

use std::ffi::OsStr;

use super::{Body, Content, Disk, Names, Owner, ROOT};

fn owner() -> Owner {
    Owner { mode: 0o700, uid: 1, gid: 1 }
}

fn file(disk: &mut Disk, parent: u64, name: &str) -> u64 {
    disk.create(parent, OsStr::new(name), Body::File(Content::default()), owner(), 0).unwrap()
}

#[test]
fn a_name_is_durable_with_its_directory_and_bytes_with_their_file() {
    let mut disk = Disk::new(owner());
    file(&mut disk, ROOT, "a");
    disk.forget();
    assert!(disk.look_up(ROOT, OsStr::new("a")).is_err(), "the name was not synced");
    let ino = file(&mut disk, ROOT, "a");
    disk.content_mut(ino).unwrap().write(0, b"bytes");
    disk.sync(ROOT).unwrap();
    disk.forget();
    assert_eq!(disk.look_up(ROOT, OsStr::new("a")).unwrap(), ino);
    assert_eq!(disk.content(ino).unwrap().size(), 0, "the bytes were not synced");
    assert_eq!((disk.told().bytes, disk.told().names, disk.told().files), (5, 1, 1));
}

#[test]
fn the_fsync_of_a_new_file_keeps_its_name_and_that_of_another_does_not() {
    let mut disk = Disk::new(owner());
    let inner = disk.create(ROOT, OsStr::new("d"), Body::Directory(Names::default()), owner(), 0).unwrap();
    let [new, _] = ["new", "other"].map(|name| file(&mut disk, inner, name));
    disk.sync(new).unwrap();
    disk.rename((inner, OsStr::new("new")), (inner, OsStr::new("moved")), true).unwrap();
    disk.sync(new).unwrap();
    disk.forget();
    assert_eq!(disk.look_up(inner, OsStr::new("new")).unwrap(), new, "a rename waits for the directory");
    assert!(["moved", "other"].iter().all(|name| disk.look_up(inner, OsStr::new(name)).is_err()));
    assert_eq!(disk.look_up(ROOT, OsStr::new("d")).unwrap(), inner);
}

#[test]
fn renames_and_removals_are_undone_until_the_directory_is_synced() {
    let mut disk = Disk::new(owner());
    let [a, b] = ["a", "b"].map(|name| file(&mut disk, ROOT, name));
    disk.sync(ROOT).unwrap();
    disk.rename((ROOT, OsStr::new("a")), (ROOT, OsStr::new("b")), true).unwrap();
    assert_eq!(disk.look_up(ROOT, OsStr::new("b")).unwrap(), a);
    disk.forget();
    assert_eq!(["a", "b"].map(|name| disk.look_up(ROOT, OsStr::new(name)).unwrap()), [a, b]);
    disk.remove(ROOT, OsStr::new("a"), false).unwrap();
    disk.sync(ROOT).unwrap();
    disk.forget();
    assert!(disk.look_up(ROOT, OsStr::new("a")).is_err());
    assert!(disk.content(a).is_err(), "nothing leads to it");
    assert!(disk.remove(ROOT, OsStr::new("b"), true).is_err());
}

#[test]
fn a_directory_that_was_never_synced_goes_with_what_is_in_it() {
    let mut disk = Disk::new(owner());
    let inner = disk.create(ROOT, OsStr::new("d"), Body::Directory(Names::default()), owner(), 0).unwrap();
    let ino = file(&mut disk, inner, "a");
    assert!(disk.remove(ROOT, OsStr::new("d"), true).is_err(), "not empty");
    disk.forget();
    assert_eq!(disk.inodes.len(), 1);
    assert!(disk.content(ino).is_err());
    let inner = disk.create(ROOT, OsStr::new("d"), Body::Directory(Names::default()), owner(), 0).unwrap();
    file(&mut disk, inner, "a");
    disk.settle();
    disk.forget();
    assert!(disk.look_up(inner, OsStr::new("a")).is_ok());
}
