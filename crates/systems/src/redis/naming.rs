//! What our keys and identities are called on the server.

use super::super::Target;
use lockbench_core::lock::{Key, Mode, mark};

/// What every name of ours begins with, whatever the run: an ACL grants `~lockbench:*` beforehand
/// (<https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/#key-permissions>).
pub const PREFIX: &str = "lockbench:";

/// Name of the connections of a run, which the server lists while the run lives.
#[must_use]
pub fn sign(namespace: &str) -> String {
    format!("{PREFIX}{namespace}")
}

/// The namespace in a name of a key of ours.
#[must_use]
pub fn namespace_of(name: &[u8]) -> Option<&str> {
    let tag = name.strip_prefix(PREFIX.as_bytes())?.strip_prefix(b"{")?;
    let tag = [&b"}:lock"[..], b"}:fence", b"}:inside"].into_iter().find_map(|suffix| tag.strip_suffix(suffix))?;
    let (namespace, key) = std::str::from_utf8(tag).ok()?.split_once(':')?;
    (!key.is_empty()).then_some(namespace)
}

/// The namespace in a name as runs gave it before names had the prefix. It ends with a mark, and
/// the key is called as keys of trials are: nobody else's is.
#[must_use]
pub fn old_namespace_of(name: &[u8]) -> Option<&str> {
    let tag = name.strip_prefix(b"{")?;
    let tag = tag.strip_suffix(b"}:lock").or_else(|| tag.strip_suffix(b"}:fence"))?;
    let (namespace, key) = std::str::from_utf8(tag).ok()?.split_once(':')?;
    let (trial, number) = key.rsplit_once("-k")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let named = digits(number) && trial.rsplit_once("-t").is_some_and(|(_, trial)| digits(trial));
    (named && mark(namespace).is_some()).then_some(namespace)
}

/// The names that one attempt uses. Reused from attempt to attempt, so that
/// the measured path writes into buffers that are already there.
#[derive(Default)]
pub struct Ticket {
    /// Number of the key.
    pub key: u32,
    /// Name of the lock's key on the server.
    pub lock: String,
    /// Name of its fence counter. Shares the lock's hash tag, the part in braces,
    /// so that one script may use both on a cluster
    /// (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>).
    pub fence: String,
    /// Name of the set of those who share it, or have a permit; empty for a lock that has no modes.
    pub inside: String,
    /// What it is asked for.
    pub mode: Mode,
    /// Value that marks the lock as ours.
    pub identity: String,
}

impl Ticket {
    /// The names for a key.
    pub fn address(&mut self, namespace: &str, key: &Key) {
        (self.key, self.mode) = (key.index, Mode::Exclusive);
        self.inside.clear();
        for (name, suffix) in [(&mut self.lock, "}:lock"), (&mut self.fence, "}:fence")] {
            write(name, namespace, key, suffix);
        }
    }

    /// The names for a key of a lock that has modes.
    pub fn address_as(&mut self, namespace: &str, key: &Key, mode: Mode) {
        self.address(namespace, key);
        self.mode = mode;
        write(&mut self.inside, namespace, key, "}:inside");
    }

    /// Returns whether it stands in the set of those inside.
    pub fn is_among(&self) -> bool {
        matches!(self.mode, Mode::Shared | Mode::Permits { .. })
    }

    /// Takes the next identity of this client.
    pub fn identify(&mut self, identities: &mut Identities) {
        identities.tries += 1;
        self.identity.clear();
        self.identity.push_str(&identities.prefix);
        self.identity.push_str(itoa::Buffer::new().format(identities.tries));
    }
}

fn write(name: &mut String, namespace: &str, key: &Key, suffix: &str) {
    name.clear();
    name.push_str(PREFIX);
    name.push('{');
    name.push_str(namespace);
    name.push(':');
    name.push_str(&key.name);
    name.push_str(suffix);
}

/// An identity as people read it: the client first, then what no other has. One that is
/// not of this run stays as it is.
#[must_use]
pub fn in_words(identity: String, namespace: &str) -> String {
    let own = identity.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('/'));
    match own.and_then(|own| own.split_once('/')) {
        Some((client, unique)) => format!("client {client} ({unique})"),
        None => identity,
    }
}

/// Names for a key, without an identity.
#[must_use]
pub fn names(namespace: &str, key: &Key) -> Ticket {
    let mut ticket = Ticket::default();
    ticket.address_as(namespace, key, Mode::Exclusive);
    ticket
}

/// The values of one client: run, client, and a number that is new with every
/// try. With one value for all tries a release that arrives late (from a lost
/// connection) would free a later grant of the same client.
pub struct Identities {
    prefix: String,
    tries: u64,
}

impl Identities {
    /// Identities of this client in this run.
    #[must_use]
    pub fn new(target: &Target, client: u32, opened: u64) -> Self {
        Self { prefix: format!("{}/{client}/{opened:x}/", target.namespace), tries: 0 }
    }

    /// What all of them begin with: the client.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.prefix
    }
}

#[cfg(test)]
mod tests {
    use super::{in_words, names, old_namespace_of};
    use lockbench_core::lock::Key;

    #[test]
    fn a_name_of_before_the_prefix_is_known_by_its_mark_and_its_key() {
        let run = "hot-key-20261128t100000-0a1b2c3d";
        for name in [format!("{{{run}:redis-t1-k0}}:fence"), format!("{{{run}:redlock-t12-k345}}:lock")] {
            assert_eq!(old_namespace_of(name.as_bytes()), Some(run), "{name}");
        }
        for other in [
            format!("lockbench:{{{run}:redis-t1-k0}}:fence"),
            format!("{{{run}:orders}}:lock"),
            format!("{{{run}:redis-t-k0}}:lock"),
            format!("{{{run}:redis-t1-k0}}"),
            "{user-0a1b2c3:redis-t1-k0}:lock".to_owned(),
            "{orders}:lock".to_owned(),
        ] {
            assert_eq!(old_namespace_of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn both_names_of_a_key_share_a_hash_tag_behind_the_fixed_prefix() {
        let ticket = names("r1", &Key { index: 0, name: "hot".into() });
        assert_eq!(ticket.lock, "lockbench:{r1:hot}:lock");
        assert_eq!(ticket.fence, "lockbench:{r1:hot}:fence");
    }

    #[test]
    fn a_holder_of_this_run_is_told_by_its_client() {
        let told = |identity: &str| in_words(identity.to_owned(), "r1");
        assert_eq!(told("r1/12/4fdf/7"), "client 12 (4fdf/7)");
        assert_eq!(["r10/12/4fdf/7", "r1", "somebody"].map(told), ["r10/12/4fdf/7", "r1", "somebody"]);
    }
}
