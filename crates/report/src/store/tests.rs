//! Stored runs, found and read.

use std::fs;

use super::{RunDirectory, StoreError, write_file};

#[test]
fn a_run_gets_its_name_only_when_complete_and_never_twice() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "a").unwrap();
    run.write("report.json", b"{}").unwrap();
    assert!(!root.path().join("a").exists());
    assert!(matches!(RunDirectory::create(root.path(), "a"), Err(StoreError::Exists { .. })));
    run.complete().unwrap();
    assert_eq!(fs::read(root.path().join("a/report.json")).unwrap(), b"{}");
    assert!(matches!(RunDirectory::create(root.path(), "a"), Err(StoreError::Exists { .. })));
}

#[test]
fn ids_that_are_no_names_are_refused() {
    let root = tempfile::tempdir().unwrap();
    for id in ["", "..", ".x", "a/b", "a b"] {
        assert!(matches!(RunDirectory::create(root.path(), id), Err(StoreError::BadId(_))), "{id}");
    }
}

#[test]
fn a_file_is_replaced_whole_and_may_lie_deeper() {
    let root = tempfile::tempdir().unwrap();
    for text in ["long before", "after"] {
        write_file(root.path(), "a/b.txt", text.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(root.path().join("a/b.txt")).unwrap(), text);
    }
    assert_eq!(fs::read_dir(root.path().join("a")).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_name_never_leads_out_of_the_directory() {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("run");
    fs::create_dir(&inner).unwrap();
    for name in ["../x", "a/../../x", "/lockbench-x", "", "."] {
        let message = write_file(&inner, name, b"x").unwrap_err().to_string();
        assert!(message.contains("leads out of the run directory"), "{name}: {message}");
    }
    assert!(!root.path().join("x").exists());
}

#[test]
fn a_file_that_cannot_be_written_leaves_no_part() {
    let root = tempfile::tempdir().unwrap();
    // A directory is in the way of the rename.
    fs::create_dir_all(root.path().join("taken/below")).unwrap();
    assert!(matches!(write_file(root.path(), "taken", b"x"), Err(StoreError::Io { .. })));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn links_that_somebody_put_there_are_not_followed() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let (run, outside) = (root.path().join("run"), root.path().join("outside"));
    for path in [&run, &outside] {
        fs::create_dir(path).unwrap();
    }
    fs::write(outside.join("victim"), "before").unwrap();
    // The temporary name of older versions, the artefact itself, and a folder.
    for name in [".summary.md.tmp", "summary.md"] {
        symlink(outside.join("victim"), run.join(name)).unwrap();
    }
    symlink(&outside, run.join("charts")).unwrap();
    write_file(&run, "summary.md", b"after").unwrap();
    assert_eq!(fs::read_to_string(outside.join("victim")).unwrap(), "before");
    assert!(!run.join("summary.md").symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(run.join("summary.md")).unwrap(), "after");
    let message = write_file(&run, "charts/a.svg", b"x").unwrap_err().to_string();
    assert!(message.contains("charts in it is a link"), "{message}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn several_write_one_file_at_once_and_one_of_them_stays_whole() {
    let root = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..8).map(|n| n.to_string().repeat(100_000)).collect();
    std::thread::scope(|scope| {
        for text in &texts {
            scope.spawn(|| (0..10).for_each(|_| write_file(root.path(), "a/b", text.as_bytes()).unwrap()));
        }
    });
    assert!(texts.contains(&fs::read_to_string(root.path().join("a/b")).unwrap()));
    assert_eq!(fs::read_dir(root.path().join("a")).unwrap().count(), 1);
}

#[test]
fn what_a_killed_process_left_is_swept_up() {
    let root = tempfile::tempdir().unwrap();
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let own = std::process::id();
    for name in [format!(".a.{}.0.tmp", ended.id()), format!(".a.{own}.999999.tmp"), ".a.x.tmp".to_owned()] {
        fs::write(root.path().join(name), "half").unwrap();
    }
    write_file(root.path(), "a", b"whole").unwrap();
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3, "the one of nobody is gone");
}
