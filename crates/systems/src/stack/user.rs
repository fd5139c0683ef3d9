//! Whom a server runs as when we are root.

use std::fs;

/// An account of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Are we root?
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The first of `names` that exists. Only `/etc/passwd` is asked: system
/// accounts are always there.
pub(crate) fn first_of(names: &[&str]) -> Option<User> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    names.iter().find_map(|name| find(&passwd, name))
}

/// passwd(5): `name:password:uid:gid:comment:home:shell`.
fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        (uid != 0).then(|| User { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::{User, find};

    #[test]
    fn an_account_is_found_by_its_exact_name_and_never_root() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\npostgresx:x:9:9::/:\npostgres:x:101:104:Postgres,,,:/var:/bin/sh\n";
        assert_eq!(find(passwd, "postgres"), Some(User { name: "postgres".to_owned(), uid: 101, gid: 104 }));
        assert_eq!(find(passwd, "root"), None);
        assert_eq!(find(passwd, "nobody"), None);
    }
}
