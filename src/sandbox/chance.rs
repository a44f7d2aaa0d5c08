//! Everything that looks random, drawn from the seed alone: the same seed gives the same ids, tokens and delays.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// A source of repeatable draws for one tenant of one app.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    seed: u64,
    connector: String,
    tenant: String,
}

impl Chance {
    pub(crate) fn new(seed: u64, connector: &str, tenant: &str) -> Self {
        Self { seed, connector: connector.to_owned(), tenant: tenant.to_owned() }
    }

    /// The path below which the tenant lives.
    pub(crate) fn base(&self) -> String {
        format!("/{}/{}", self.connector, self.tenant)
    }

    fn draw(&self, purpose: &str, about: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        for part in [self.connector.as_str(), &self.tenant, purpose, about] {
            // A length before each part keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }

    /// An id that looks like a random UUID.
    pub(crate) fn uuid(&self, purpose: &str, about: &str) -> String {
        let mut bytes = self.draw(purpose, about);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex = hex(&bytes[..16]);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// An opaque token.
    pub(crate) fn token(&self, purpose: &str, about: &str) -> String {
        hex(&self.draw(purpose, about))
    }

    /// `base`, shortened or lengthened by up to a fifth.
    pub(crate) fn around(&self, base: Duration, purpose: &str, about: &str) -> Duration {
        let bytes = self.draw(purpose, about);
        let per_mille = 800 + u128::from(u16::from_be_bytes([bytes[0], bytes[1]])) % 401;
        let nanos = base.as_nanos() * per_mille / 1000;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
