//! What a failure to reach etcd usually means.

use lockbench_core::lock::NearMiss;

/// What to write instead, where the failure shows it.
pub fn hint(miss: &NearMiss<'_>) -> Option<&'static str> {
    match () {
        () if miss.says(&["BadCertificate", "CertificateRequired", "certificate required"]) => {
            Some("the server asks for a certificate: add cert=FILE&key=FILE to the URL")
        }
        () if miss.says(&["invalid peer certificate", "UnknownIssuer"]) => {
            Some("if the server's certificate is from an authority of your own, add ?ca=FILE to the URL")
        }
        () if miss.says(&["authentication is not enabled"]) => Some("leave user and password out of the URL"),
        () if miss.says(&["user name is empty", "invalid auth token"]) => {
            Some("the server wants a user: write etcd://USER:PASSWORD@HOST")
        }
        // With TLS 1.3 the alert of a missing certificate may come after the first request.
        () if miss.cut_off() || miss.says(&["connection closed"]) => Some(
            "one with TLS is etcds://HOST, one without it etcd://HOST, and one that asks for a certificate has \
                      cert=FILE&key=FILE",
        ),
        () if miss.says(&["http2 error", "h2 protocol error"]) => {
            Some("what answers there speaks no HTTP/2: is it etcd's client port?")
        }
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
                ("h:1", "received fatal alert: BadCertificate", "cert=FILE&key=FILE"),
                ("h:1", "connection error: connection reset", "etcds://HOST"),
                ("h:1", "operation was canceled: transport error: connection closed", "cert=FILE&key=FILE"),
                ("h:1", "h2 protocol error: http2 error", "no HTTP/2"),
                ("h:1", "etcdserver: authentication is not enabled", "leave user and password out"),
            ],
        );
    }
}
