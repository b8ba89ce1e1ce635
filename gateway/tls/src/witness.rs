//! Learns the name that a client asks for.
//!
//! Owns: the name, for one handshake. Does not own: the choice of a certificate, which it passes on.
//!
//! rustls tells the name to whoever chooses the certificate, and, for a connection without buffers,
//! to nobody else; so this stands in for the one who chooses.

use std::sync::{Arc, OnceLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Witness {
    chooser: Arc<dyn ResolvesServerCert>,
    name: OnceLock<String>,
}

impl Witness {
    pub(crate) fn new(chooser: Arc<dyn ResolvesServerCert>) -> Self {
        let name = OnceLock::new();
        Self { chooser, name }
    }

    /// The name that the client asked for, once it has.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }
}

impl ResolvesServerCert for Witness {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            // A client that is asked to say hello again says the same name, or rustls refuses it.
            let _ = self.name.set(name.to_owned());
        }
        self.chooser.resolve(hello)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.chooser.only_raw_public_keys()
    }
}
