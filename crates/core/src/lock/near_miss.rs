//! What a failure to reach a server usually means, in words that say what to write instead:
//! TLS to a plain port and the reverse, a password that is wanted, another system's port.
//! Client libraries tell these only as "connection reset" or "broken pipe".

/// What to write instead, where the failure shows it. `address` is that of the message: for
/// Redis it begins with the scheme.
pub(super) fn hint(system: &str, address: &str, problem: &str) -> Option<&'static str> {
    let says = |parts: &[&str]| parts.iter().any(|part| problem.contains(part));
    let cut_off = says(&["reset by peer", "connection reset", "broken pipe", "unexpected end of file"]);
    match system.split(':').next().unwrap_or(system) {
        // Its own advice is there already.
        _ if says(&["maxclients", "max_connections", "?ca="]) => None,
        "redis" | "redlock" => match () {
            () if says(&["NOAUTH"]) => {
                Some("the server wants a password: write redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST")
            }
            () if says(&["AuthenticationFailed", "WRONGPASS"]) => {
                Some("are user and password those of the server, and has it a password at all?")
            }
            () if address.starts_with("rediss://")
                && (cut_off || says(&["timed out", "no connection within", "corrupt message"])) =>
            {
                Some("is there TLS at that port? Without it, it is redis://HOST")
            }
            () if cut_off => Some("is it Redis that listens there? One that takes TLS only is rediss://HOST"),
            () => None,
        },
        "etcd" => match () {
            () if says(&["BadCertificate", "CertificateRequired", "certificate required"]) => {
                Some("the server asks for a certificate: add cert=FILE&key=FILE to the URL")
            }
            () if says(&["invalid peer certificate", "UnknownIssuer"]) => {
                Some("if the server's certificate is from an authority of your own, add ?ca=FILE to the URL")
            }
            () if says(&["authentication is not enabled"]) => Some("leave user and password out of the URL"),
            () if says(&["user name is empty", "invalid auth token"]) => {
                Some("the server wants a user: write etcd://USER:PASSWORD@HOST")
            }
            // With TLS 1.3 the alert of a missing certificate may come after the first request.
            () if cut_off || says(&["connection closed"]) => Some(
                "one with TLS is etcds://HOST, one without it etcd://HOST, and one that asks for a certificate has \
                      cert=FILE&key=FILE",
            ),
            () if says(&["http2 error", "h2 protocol error"]) => {
                Some("what answers there speaks no HTTP/2: is it etcd's client port?")
            }
            () => None,
        },
        "postgres" => match () {
            () if says(&["does not support TLS"]) => Some("this server has no TLS: use sslmode=prefer or disable"),
            () if says(&["no encryption"]) => Some("this server wants TLS: use sslmode=require or verify-full"),
            () if says(&["password missing"]) => Some("write postgres://USER:PASSWORD@HOST/DATABASE"),
            () if says(&["certificate required", "CertificateRequired", "requires a valid client certificate"]) => {
                Some("the server asks for a certificate: add sslcert=FILE&sslkey=FILE")
            }
            () if cut_off || says(&["no connection within"]) => Some("is it PostgreSQL that listens there?"),
            () => None,
        },
        "zookeeper" if says(&["no answer to srvr", "no available hosts"]) => {
            Some("it must be ZooKeeper's plain client port: TLS to it is not offered")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::lock::SystemError;

    #[test]
    fn what_a_failure_usually_means_is_said() {
        for (system, address, problem, part) in [
            ("redis", "redis://h:1", "\"NOAUTH\": Authentication required.", "redis://:PASSWORD@HOST"),
            ("redis", "redis://h:1", "Connection reset by peer (os error 104)", "rediss://HOST"),
            ("redis", "redis://h:1", "broken pipe", "rediss://HOST"),
            ("redlock", "rediss://h:1", "timed out", "redis://HOST"),
            ("redis", "redis://h:1", "Password authentication failed - AuthenticationFailed", "has it a password"),
            ("etcd", "h:1", "received fatal alert: BadCertificate", "cert=FILE&key=FILE"),
            ("etcd", "h:1", "connection error: connection reset", "etcds://HOST"),
            ("etcd", "h:1", "operation was canceled: transport error: connection closed", "cert=FILE&key=FILE"),
            ("etcd", "h:1", "h2 protocol error: http2 error", "no HTTP/2"),
            ("etcd", "h:1", "etcdserver: authentication is not enabled", "leave user and password out"),
            ("postgres:lease", "h:1", "no connection within 10 s", "PostgreSQL that listens"),
            (
                "postgres:advisory",
                "h:1",
                "error performing TLS handshake: server does not support TLS",
                "sslmode=prefer",
            ),
            ("zookeeper", "h:1", "no answer to srvr within 2000 ms", "plain client port"),
        ] {
            let error = SystemError { system: "x", address: address.to_owned(), problem: problem.to_owned() };
            let told = SystemError { system, ..error }.to_string();
            assert!(told.contains(problem) && told.contains(part), "{told}");
        }
        let full = "broken pipe: the server is at its maxclients";
        let error = SystemError { system: "redis", address: "redis://h:1".to_owned(), problem: full.to_owned() };
        assert_eq!(error.to_string(), format!("redis at redis://h:1: {full}"));
    }
}
