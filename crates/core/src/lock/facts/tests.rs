use std::path::Path;

use super::{Agreement, Copies, Persistence, Storage};

const REDIS: [(&str, &str); 2] = [("appendonly", "no"), ("save", "3600 1 300 100 60 10000")];
const POSTGRES: [(&str, &str); 3] = [("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")];

fn etcd() -> Persistence {
    Persistence::synced_log("write-ahead log", "etcd's documentation; --unsafe-no-fsync cannot be read back")
}

#[test]
fn what_a_report_stores_of_durability_reads_back_as_it_was() {
    let stock = || Persistence::settings(&REDIS, true);
    let synced = Persistence::settings(&[("appendonly", "yes"), ("appendfsync", "always"), ("save", "\"\"")], false);
    let refused = || Persistence::unknown("not readable (CONFIG refused)");
    for (fact, storage, words) in [
        (
            Persistence::none("lives and dies with the process"),
            Storage::Memory,
            "none: lives and dies with the process",
        ),
        (Persistence::unknown("a file, not synced"), Storage::Unknown, "a file, not synced"),
        (stock(), Storage::Unsynced, "appendonly no, save 3600 1 300 100 60 10000 (stock)"),
        (
            stock().on_one_host(),
            Storage::Unsynced,
            "appendonly no, save 3600 1 300 100 60 10000 (stock); all nodes on one host: one clock and one disk, not \
             independent",
        ),
        (
            Persistence::of_nodes(&[synced.clone(), refused()]),
            Storage::Unknown,
            "differs: appendonly yes, appendfsync always, save \"\" | not readable (CONFIG refused)",
        ),
        (Persistence::of_nodes(&[synced.clone(), synced.clone()]), Storage::Synced, synced.as_str()),
        (
            Persistence::settings(&POSTGRES, false),
            Storage::Synced,
            "fsync on, synchronous_commit on, full_page_writes on",
        ),
        (
            Persistence::settings(&POSTGRES, false).in_shared_memory(),
            Storage::Memory,
            "locks in shared memory, gone with a restart; fsync on, synchronous_commit on, full_page_writes on",
        ),
        (
            Persistence::settings(&[("journal_mode", "wal"), ("synchronous", "full")], false),
            Storage::Synced,
            "journal_mode wal, synchronous full",
        ),
        (
            etcd(),
            Storage::Synced,
            "write-ahead log fsync before answer (etcd's documentation; --unsafe-no-fsync cannot be read back)",
        ),
        (
            etcd().in_memory(),
            Storage::Memory,
            "write-ahead log fsync before answer (etcd's documentation; --unsafe-no-fsync cannot be read back); its files \
             lie in memory (tmpfs)",
        ),
        (
            stock().in_memory().on_one_host(),
            Storage::Memory,
            "appendonly no, save 3600 1 300 100 60 10000 (stock); its files lie in memory (tmpfs); all nodes on one host: \
             one clock and one disk, not independent",
        ),
    ] {
        assert_eq!((fact.storage(), fact.as_str()), (storage, words));
        assert_eq!(Persistence::from(words), fact);
        let json = serde_json::to_string(&fact).unwrap();
        assert_eq!(json, serde_json::to_string(words).unwrap());
        assert_eq!(serde_json::from_str::<Persistence>(&json).unwrap(), fact);
        for label in ["safe", "fast"] {
            let labelled = fact.clone().made_for(label, "--durability");
            assert_eq!(Persistence::from(labelled.as_str()), labelled);
        }
    }
}

#[test]
fn what_lies_on_tmpfs_is_in_memory_whatever_the_settings_say() {
    let lease = || Persistence::settings(&POSTGRES, false);
    let shared = Path::new("/dev/shm");
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if mounts.lines().any(|mount| mount.split(' ').skip(1).take(2).eq(["/dev/shm", "tmpfs"])) {
        let kept = lease().kept_in(shared);
        assert_eq!((kept.storage(), kept.has_files_in_memory()), (Storage::Memory, true));
        assert_eq!(lease().in_shared_memory().kept_in(shared), lease().in_shared_memory(), "nothing new");
    }
    // What is no directory says nothing, and /proc is no place for files, but none in memory either.
    for other in ["/nowhere/at/all", "/proc"] {
        assert_eq!(lease().kept_in(Path::new(other)), lease());
    }
}

#[test]
fn a_label_never_makes_a_server_safer_than_it_said_and_says_what_it_cannot() {
    let redis = || Persistence::settings(&[("appendonly", "no"), ("save", "\"\"")], false);
    for (read_back, label, storage) in [
        (etcd(), "safe", Storage::Synced),
        (etcd(), "fast", Storage::Unsynced),
        (redis(), "fast", Storage::Memory),
        (redis(), "safe", Storage::Memory),
    ] {
        let words = read_back.made_for(label, "--durability");
        assert_eq!(words.storage(), storage, "{words}");
        assert!(words.as_str().contains(&format!("made for durability {label}")), "{words}");
    }
}

#[test]
fn settings_that_do_not_wait_for_the_disk_are_not_synced() {
    for (words, storage) in [
        ("appendonly yes, appendfsync everysec, save \"\"", Storage::Unsynced),
        ("appendonly yes, appendfsync no, save 60 1", Storage::Unsynced),
        ("appendonly no, save \"\"", Storage::Memory),
        ("appendonly no, save \"\"; all nodes on one host: one clock and one disk", Storage::Memory),
        ("fsync on, synchronous_commit off, full_page_writes on", Storage::Unsynced),
        ("fsync off, synchronous_commit on, full_page_writes on", Storage::Unsynced),
        ("journal_mode wal, synchronous normal", Storage::Unsynced),
        ("", Storage::Unknown),
        ("appendonly unknown, save unknown", Storage::Unknown),
        ("fsync maybe", Storage::Unknown),
        ("wax", Storage::Unknown),
    ] {
        assert_eq!(Persistence::from(words).storage(), storage, "{words}");
    }
}

#[test]
fn what_a_report_stores_of_the_quorum_reads_back_as_it_was() {
    let unreadable = "cannot be read: srvr is not in the server's 4lw.commands.whitelist";
    for (words, fact, copies) in [
        ("in process", Agreement::Process, Copies::Process),
        ("one file", Agreement::File, Copies::One),
        ("1 of 1", Agreement::ONE, Copies::One),
        ("3 of 5", Agreement::of(3, 5), Copies::Quorum(5)),
        ("1 of 1, synchronous_standby_names s1", Agreement::Standbys("s1".to_owned()), Copies::Standby),
        ("1 of 1, WAIT 2", Agreement::Acknowledged(2), Copies::Standby),
        ("majority of the ensemble", Agreement::Ensemble, Copies::Quorum(0)),
        (unreadable, Agreement::Unread(unreadable.to_owned()), Copies::Unknown),
        ("7 of 5", Agreement::of(7, 5), Copies::Unknown),
        ("+3 of 5", Agreement::Unread("+3 of 5".to_owned()), Copies::Unknown),
        ("", Agreement::default(), Copies::Unknown),
    ] {
        assert_eq!((Agreement::from(words), fact.copies()), (fact.clone(), copies), "{words}");
        assert_eq!(fact.to_string(), words);
    }
}
