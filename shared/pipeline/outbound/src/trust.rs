//! Which certificates are believed.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// The certificate authorities that receivers' certificates are checked against.
#[derive(Clone, Debug)]
pub struct Trust(RootCertStore);

/// Why certificates or TLS cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error("there is no certificate in it")]
    Empty,
    #[error("a certificate cannot be read: {0}")]
    Unreadable(String),
    #[error("TLS cannot be used: {0}")]
    Tls(String),
}

impl Trust {
    /// The public authorities, as Mozilla keeps them. They are compiled in: a container needs no files.
    pub fn public() -> Self {
        Trust(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// The same, and every certificate of a PEM text.
    ///
    /// # Errors
    /// There is none, or one cannot be read.
    pub fn and_pem(mut self, pem: &[u8]) -> Result<Self, TrustError> {
        let unreadable = |error: String| TrustError::Unreadable(error);
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            self.0.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            count += 1;
        }
        if count == 0 { Err(TrustError::Empty) } else { Ok(self) }
    }

    pub(crate) fn into_config(self) -> Result<Arc<ClientConfig>, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| TrustError::Tls(error.to_string()))?;
        let mut config = builder.with_root_certificates(self.0).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Each try makes its own connection.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pem_text_has_certificates() {
        let ca = include_bytes!("../../../../tests/certificates/ca.pem");
        let before = Trust::public().0.len();
        assert_eq!(Trust::public().and_pem(ca).unwrap().0.len(), before + 1);
        assert_eq!(Trust::public().and_pem(b"no certificate").err(), Some(TrustError::Empty));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Trust::public().and_pem(broken), Err(TrustError::Unreadable(_))));
        assert!(Trust::public().into_config().is_ok());
    }
}
