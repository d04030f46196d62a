//! SHA-256 and SHA-1 of bytes that come piece by piece.

use sha2::Digest as _;

pub enum Digest {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl Digest {
    pub fn new(sha1: bool) -> Self {
        if sha1 {
            Digest::Sha1(sha1::Sha1::new())
        } else {
            Digest::Sha256(sha2::Sha256::new())
        }
    }

    pub fn add(&mut self, bytes: &[u8]) {
        match self {
            Digest::Sha1(state) => state.update(bytes),
            Digest::Sha256(state) => state.update(bytes),
        }
    }

    /// Of all that was added so far.
    pub fn value(&self) -> Vec<u8> {
        match self {
            Digest::Sha1(state) => state.clone().finalize().to_vec(),
            Digest::Sha256(state) => state.clone().finalize().to_vec(),
        }
    }
}
