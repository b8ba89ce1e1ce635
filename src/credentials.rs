//! Secrets that are drawn once and kept: the master key, and the credentials of users.
//!
//! Owns: how secrets are drawn and how files with secrets are written (synced, for the owner only).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// Fills `bytes` from the operating system's source of randomness.
pub fn fill_random(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the operating system has randomness to give");
}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// `length` random characters of `alphabet`; the alphabet's length divides 256, so none is likelier.
fn random_text(alphabet: &[u8], length: usize) -> String {
    assert_eq!(256 % alphabet.len(), 0, "every character is as likely");
    let mut bytes = vec![0; length];
    fill_random(&mut bytes);
    bytes
        .into_iter()
        .map(|byte| char::from(alphabet[byte as usize % alphabet.len()]))
        .collect()
}

/// What a user of a virtual cluster signs in with. The server itself keeps the secret key
/// (signatures need it) but of the password only what SCRAM needs; this copy is for the person
/// who runs the server.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserCredentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub scram_username: String,
    pub scram_password: String,
}

impl UserCredentials {
    /// Reads the credentials in `file`, or draws new ones and writes them there.
    pub fn find_or_draw(file: &Path, username: &str) -> Result<Self> {
        if file.exists() {
            let text =
                std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
            return serde_json::from_slice(&text)
                .with_context(|| format!("{} is not understood", file.display()));
        }
        let credentials = Self::draw(username);
        write_secret(file, &serde_json::to_vec_pretty(&credentials)?)?;
        Ok(credentials)
    }

    fn draw(username: &str) -> Self {
        const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        Self {
            access_key_id: format!("AKIA{}", random_text(BASE32, 16)),
            secret_access_key: random_text(BASE64, 40),
            scram_username: username.to_owned(),
            scram_password: random_text(URL_SAFE, 24),
        }
    }
}

/// The 32 bytes in `file`, or new ones that are written there.
pub fn find_or_draw_key(file: &Path) -> Result<[u8; 32]> {
    if !file.exists() {
        let key = random::<32>();
        write_secret(file, &key)?;
        return Ok(key);
    }
    let key = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    match key.try_into() {
        Ok(key) => Ok(key),
        Err(_) => bail!("{} does not hold a key of 32 bytes", file.display()),
    }
}

/// Writes a file for its owner only, whole or not at all, and durable.
pub fn write_secret(file: &Path, content: &[u8]) -> Result<()> {
    write(file, content, true)
}

/// The same for what the next start writes anew: readers find it whole, but it need not outlive the machine, and no
/// start waits for the disk.
pub fn write_passing_secret(file: &Path, content: &[u8]) -> Result<()> {
    write(file, content, false)
}

fn write(file: &Path, content: &[u8], is_durable: bool) -> Result<()> {
    let folder = match file.parent().context("a file lies in a folder")? {
        here if here.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let part = file.with_extension("part");
    let write = || -> std::io::Result<()> {
        let mut open = OpenOptions::new();
        let mut out = open
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        out.write_all(content)?;
        if is_durable {
            out.sync_all()?;
        }
        std::fs::rename(&part, file)?;
        if is_durable {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_keys_are_drawn_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("deep/demo.json");
        let first = UserCredentials::find_or_draw(&file, "demo").expect("are drawn");
        let second = UserCredentials::find_or_draw(&file, "demo").expect("are found");
        assert_eq!(first.secret_access_key, second.secret_access_key);
        assert_eq!(first.access_key_id.len(), 20);
        let key = folder.path().join("master.key");
        let drawn = find_or_draw_key(&key).expect("is drawn");
        assert_eq!(find_or_draw_key(&key).expect("is found"), drawn);
        std::fs::write(&key, b"short").expect("is writable");
        assert!(find_or_draw_key(&key).is_err());
    }
}
