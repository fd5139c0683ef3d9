//! What a failure to reach Redis usually means.

use lockbench_core::lock::NearMiss;

/// What to write instead, where the failure shows it.
pub fn hint(miss: &NearMiss<'_>) -> Option<&'static str> {
    match () {
        () if miss.says(&["NOAUTH"]) => {
            Some("the server wants a password: write redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST")
        }
        () if miss.says(&["AuthenticationFailed", "WRONGPASS"]) => {
            Some("are user and password those of the server, and has it a password at all?")
        }
        () if miss.address.starts_with("rediss://")
            && (miss.cut_off() || miss.says(&["timed out", "no connection within", "corrupt message"])) =>
        {
            Some("is there TLS at that port? Without it, it is redis://HOST")
        }
        () if miss.cut_off() => Some("is it Redis that listens there? One that takes TLS only is rediss://HOST"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use lockbench_core::lock::SystemError;

    #[test]
    fn what_a_failure_usually_means_is_said() {
        crate::hints::assert_said(
            super::hint,
            &[
                ("redis://h:1", "\"NOAUTH\": Authentication required.", "redis://:PASSWORD@HOST"),
                ("redis://h:1", "Connection reset by peer (os error 104)", "rediss://HOST"),
                ("redis://h:1", "broken pipe", "rediss://HOST"),
                ("rediss://h:1", "timed out", "redis://HOST"),
                ("redis://h:1", "Password authentication failed - AuthenticationFailed", "has it a password"),
            ],
        );
    }

    #[test]
    fn a_message_with_advice_of_its_own_gets_none() {
        let full = "broken pipe: the server is at its maxclients";
        let error = SystemError::new("redis", "redis://h:1", full).hinted(super::hint);
        assert_eq!(error.to_string(), format!("redis at redis://h:1: {full}"));
    }
}
