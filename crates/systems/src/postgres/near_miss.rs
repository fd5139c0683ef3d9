//! What a failure to reach PostgreSQL usually means.

use lockbench_core::lock::NearMiss;

/// What to write instead, where the failure shows it.
pub fn hint(miss: &NearMiss<'_>) -> Option<&'static str> {
    match () {
        () if miss.says(&["does not support TLS"]) => Some("this server has no TLS: use sslmode=prefer or disable"),
        () if miss.says(&["no encryption"]) => Some("this server wants TLS: use sslmode=require or verify-full"),
        () if miss.says(&["password missing"]) => Some("write postgres://USER:PASSWORD@HOST/DATABASE"),
        () if miss.says(&["certificate required", "CertificateRequired", "requires a valid client certificate"]) => {
            Some("the server asks for a certificate: add sslcert=FILE&sslkey=FILE")
        }
        () if miss.cut_off() || miss.says(&["no connection within"]) => Some("is it PostgreSQL that listens there?"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_failure_usually_means_is_said() {
        crate::hints::assert_said(
            super::hint,
            &[
                ("h:1", "no connection within 10 s", "PostgreSQL that listens"),
                ("h:1", "error performing TLS handshake: server does not support TLS", "sslmode=prefer"),
            ],
        );
    }
}
