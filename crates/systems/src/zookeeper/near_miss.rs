//! What a failure to reach ZooKeeper usually means.

use lockbench_core::lock::NearMiss;

/// What to write instead, where the failure shows it.
pub fn hint(miss: &NearMiss<'_>) -> Option<&'static str> {
    miss.says(&["no answer to srvr", "no available hosts"])
        .then_some("it must be ZooKeeper's plain client port: TLS to it is not offered")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_failure_usually_means_is_said() {
        crate::hints::assert_said(super::hint, &[("h:1", "no answer to srvr within 2000 ms", "plain client port")]);
    }
}
