//! The directory with the files of a run: one file per key, named after it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::Target;
use lockbench_core::lock::{Agreement, Facts, Key, Persistence, SystemError};

/// Where the files of one recipe are.
pub(super) struct Directory {
    system: &'static str,
    path: PathBuf,
}

impl Directory {
    /// Of a run. Touches no file.
    pub(super) fn new(system: &'static str, target: &Target) -> Self {
        Self { system, path: target.scratch.join(&target.namespace) }
    }

    /// The file of a key.
    pub(super) fn file(&self, key: &Key) -> PathBuf {
        file(&self.path, key)
    }

    /// The directory itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory.
    pub(super) fn create(&self) -> Result<(), SystemError> {
        fs::create_dir_all(&self.path).map_err(|error| self.error(&error))
    }

    /// Removes the files of these keys, and the directory if nothing is left in it.
    pub(super) fn remove(&self, keys: &[Key]) -> Result<(), SystemError> {
        for key in keys {
            match fs::remove_file(self.file(key)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.error(&error)),
                _ => {}
            }
        }
        // It stays while another trial has files in it.
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    /// What the kernel says of itself.
    pub(super) fn facts(durability: Persistence) -> Facts {
        let kernel = rustix::system::uname();
        Facts {
            version: format!("{} {}", kernel.sysname().to_string_lossy(), kernel.release().to_string_lossy()),
            durability,
            quorum: Agreement::File,
            role: "the kernel of this host".to_owned(),
            ..Facts::default()
        }
    }

    /// A failure on the directory or a file of it.
    pub(super) fn error(&self, error: &io::Error) -> SystemError {
        SystemError::new(self.system, self.path.display().to_string(), error.to_string())
    }
}

/// The file of a key in a directory. What a file name cannot have is written by its number.
pub(super) fn file(directory: &Path, key: &Key) -> PathBuf {
    let mut name = String::new();
    for byte in key.name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    directory.join(name + ".lock")
}

#[cfg(test)]
mod tests {
    use super::file;
    use lockbench_core::lock::Key;

    #[test]
    fn no_name_of_a_key_leaves_the_directory() {
        let named = |name: &str| {
            let key = Key { index: 0, name: name.into() };
            file("/d".as_ref(), &key).display().to_string()
        };
        assert_eq!(named("run-1"), "/d/run-1.lock");
        assert_eq!(named("../x%"), "/d/%2e%2e%2fx%25.lock");
    }
}
