//! TLS towards PostgreSQL: rustls with ring, no process-wide provider installed.
//! What is verified follows libpq (<https://www.postgresql.org/docs/15/libpq-ssl.html>),
//! with two differences that come from rustls: the host name is looked for in the
//! certificate's alternative names only (never in its common name), and without
//! `sslrootcert` the verifying modes trust the machine's store instead of
//! `~/.postgresql/root.crt`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::{Roots, Tls, Verification};

/// Builds the connector.
///
/// # Errors
/// Names the file, or says that the machine trusts nobody.
pub(super) fn connector(wanted: &Tls) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let (trusted, check_name) = match &wanted.verification {
        Verification::Nothing => (None, false),
        Verification::Chain(roots) => (Some(Trusted::load(roots, &provider)?), false),
        Verification::Full(roots) => (Some(Trusted::load(roots, &provider)?), true),
    };
    let verifier = Verifier { provider: Arc::clone(&provider), trusted, check_name };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match &wanted.identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let chain = read("sslcert", &identity.cert)?;
            let key = PrivateKeyDer::from_pem_file(&identity.key)
                .map_err(|error| format!("sslkey={}: {error}", identity.key.display()))?;
            let told = |error| format!("sslcert={}: {error}", identity.cert.display());
            config.with_client_auth_cert(chain, key).map_err(told)?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Trust anchors and the check of chains against them.
#[derive(Debug)]
struct Trusted {
    chains: Arc<WebPkiServerVerifier>,
    /// A self-signed certificate that is its own root, as PostgreSQL's manual
    /// makes one, is accepted when it is listed itself; webpki alone would
    /// refuse it because a root is not a server.
    listed: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn load(roots: &Roots, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let listed = match roots {
            Roots::File(path) => read("sslrootcert", path)?,
            Roots::System => rustls_native_certs::load_native_certs().certs,
        };
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(listed.iter().cloned());
        if added == 0 {
            return Err(match roots {
                Roots::File(path) => format!("sslrootcert={}: no usable certificate in it", path.display()),
                Roots::System => "this machine's trust store is empty: give sslrootcert=FILE".to_owned(),
            });
        }
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
            .build()
            .map_err(|error| format!("TLS: {error}"))?;
        Ok(Self { chains, listed })
    }

    fn check(&self, presented: &Presented<'_>) -> Result<(), Error> {
        if self.listed.contains(presented.leaf) {
            return Ok(());
        }
        let checked =
            self.chains.verify_server_cert(presented.leaf, presented.intermediates, presented.name, &[], presented.now);
        match checked {
            Ok(_) => Ok(()),
            // webpki looks at the name last: the chain was good. The name is the caller's matter.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What the server showed.
struct Presented<'a> {
    leaf: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    now: UnixTime,
}

fn read(parameter: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{parameter}={}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| told(&error))?;
    certificates.collect::<Result<_, _>>().map_err(|error| told(&error))
}

/// Verifies as much as `sslmode` asks for. The handshake's signatures are always
/// checked: the peer has the key of the certificate that it shows.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    trusted: Option<Trusted>,
    check_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(trusted) = &self.trusted {
            trusted.check(&Presented { leaf, intermediates, name, now })?;
        }
        if self.check_name {
            verify_server_name(&ParsedCertificate::try_from(leaf)?, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
