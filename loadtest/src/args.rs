//! The command line.
//!
//! Owns: the flags, and the servers and scenarios that they name. Does not own: what is done with them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::scenario::{Overrides, Scenario};
use crate::session::Session;
use crate::target::{SignIn, Target};

/// Rounds of one comparison.
const ROUNDS_MAX: usize = 1_000;

/// Puts load on Kafka servers, judges every message, and compares servers.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs scenarios against a server, and against others in turn
    Run(Box<RunArgs>),
    /// Measures what this machine can do at most: syncs, loopback, TLS, AES
    Floors(FloorArgs),
}

/// Flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenarios, by name (game, bulk-15k-5, bulk-15k-50, bulk-1k-50, hot-partition) or file
    #[arg(required = true)]
    pub scenarios: Vec<String>,
    /// The server: [NAME=]READY_FILE
    #[arg(
        long,
        value_name = "[NAME=]READY_FILE",
        required_unless_present = "bootstrap"
    )]
    pub target: Option<String>,
    /// Other servers to compare it with: [NAME=]READY_FILE or [NAME=]HOST:PORT
    #[arg(long, value_name = "[NAME=]READY_OR_ADDRESS", num_args = 1..)]
    pub compare: Vec<String>,
    /// Rounds; each visits every server once
    #[arg(long, default_value_t = 1)]
    pub rounds: usize,
    #[command(flatten)]
    pub address: AddressArgs,
    /// Overrides `seconds` of open loops
    #[arg(long)]
    pub seconds: Option<u64>,
    /// Overrides `megabytes` of bulk
    #[arg(long)]
    pub megabytes: Option<u64>,
    /// Loads another machine than this one
    #[arg(long)]
    pub allow_remote: bool,
    /// Leaves out the floors
    #[arg(long)]
    pub no_floors: bool,
    /// Unmet bars make the exit status 3
    #[arg(long)]
    pub judge: bool,
    /// Writes one self-contained page here
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    #[command(flatten)]
    pub floors: FloorArgs,
}

/// Flags of servers that have no ready file.
#[derive(Debug, Args)]
pub struct AddressArgs {
    /// The server's address, instead of a ready file
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "target")]
    pub bootstrap: Option<String>,
    /// Certificate authority of servers named by address; without one they are not encrypted
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// SCRAM-SHA-512 user at servers named by address
    #[arg(long)]
    pub user: Option<String>,
    /// The user's password
    #[arg(long, requires = "user", conflicts_with = "password_file")]
    pub password: Option<String>,
    /// A file that holds the user's password
    #[arg(long, requires = "user", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Flags of the floors.
#[derive(Debug, Args)]
pub struct FloorArgs {
    /// Where disk is measured; the folder for temporary files if not given
    #[arg(long, value_name = "FOLDER")]
    pub floor_dir: Option<PathBuf>,
    /// Writes everything that was measured here
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl RunArgs {
    /// What the flags ask for, all of it checked.
    ///
    /// # Errors
    /// What is wrong with which flag.
    pub fn session(&self) -> Result<Session> {
        ensure!(
            (1..=ROUNDS_MAX).contains(&self.rounds),
            "--rounds is {}, and must be from 1 to {ROUNDS_MAX}",
            self.rounds
        );
        let overrides = Overrides {
            seconds: self.seconds,
            megabytes: self.megabytes,
        };
        let load = |name: &String| Scenario::load(name, overrides);
        let mut targets = vec![match (&self.target, &self.address.bootstrap) {
            (Some(ready), _) => self.named(ready, "target")?,
            (None, Some(address)) => self.address.target("target", address)?,
            (None, None) => unreachable!("clap wants one of the two"),
        }];
        for (number, other) in self.compare.iter().enumerate() {
            targets.push(self.named(other, &format!("other-{}", number + 1))?);
        }
        for target in &mut targets {
            target.may_be_remote = self.allow_remote;
            target.refuse_remote()?;
        }
        for (place, target) in targets.iter().enumerate() {
            let is_new = targets[..place]
                .iter()
                .all(|before| before.name != target.name);
            ensure!(is_new, "two servers are called {}", target.name);
        }
        let scenarios = self.scenarios.iter().map(load).collect::<Result<_>>()?;
        Ok(Session {
            scenarios,
            targets,
            rounds: self.rounds,
        })
    }

    /// A server from `[NAME=]READY_FILE` or `[NAME=]HOST:PORT`; a file goes before an address.
    fn named(&self, text: &str, unnamed: &str) -> Result<Target> {
        let (name, place) = text.split_once('=').unwrap_or((unnamed, text));
        let file = PathBuf::from(place);
        if file.exists() || !place.contains(':') {
            Target::from_ready_file(name, &file)
        } else {
            self.address.target(name, place)
        }
    }
}

impl AddressArgs {
    fn target(&self, name: &str, address: &str) -> Result<Target> {
        let password = match (&self.password, &self.password_file) {
            (Some(password), _) => Some(password.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file);
                let text = text.with_context(|| format!("--password-file {}", file.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => None,
        };
        let sign_in = match (&self.user, password) {
            (Some(username), Some(password)) => SignIn::Scram {
                username: username.clone(),
                password,
            },
            (Some(_), None) => anyhow::bail!("--user needs --password or --password-file"),
            (None, _) => SignIn::Nobody,
        };
        Ok(Target {
            name: name.to_owned(),
            bootstrap: address.to_owned(),
            ca_file: self.ca.clone(),
            sign_in: sign_in.clone(),
            admin_sign_in: sign_in,
            pid: None,
            may_be_remote: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(flags: &str) -> Result<Session> {
        let words = std::iter::once("loadtest").chain(flags.split(' '));
        match Cli::try_parse_from(words)?.command {
            Command::Run(run) => run.session(),
            Command::Floors(_) => unreachable!("it is not asked for"),
        }
    }

    fn complaint(flags: &str) -> String {
        format!("{:#}", session(flags).err().expect("it is refused"))
    }

    #[test]
    fn servers_are_named_by_address_with_one_user() {
        let session = session(
            "run game bulk-1k-50 --bootstrap 127.0.0.1:1 --compare k=127.0.0.1:2 --ca /ca --user u --password p --rounds 3",
        )
        .unwrap();
        let names: Vec<_> = session.targets.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["target", "k"]);
        assert_eq!((session.scenarios.len(), session.rounds), (2, 3));
        assert!(matches!(session.targets[1].sign_in, SignIn::Scram { .. }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (flags, word) in [
            ("run game", "--target"),
            ("run nonsense --bootstrap 127.0.0.1:1", "nonsense"),
            ("run game --target /no/such/file", "/no/such/file"),
            ("run game --bootstrap 127.0.0.1:1 --rounds 0", "--rounds"),
            ("run game --bootstrap 127.0.0.1:1 --user u", "--password"),
            (
                "run game --bootstrap 127.0.0.1:1 --seconds 0",
                "open.seconds",
            ),
            ("run game --bootstrap 192.0.2.1:1", "192.0.2.1:1"),
            (
                "run game --bootstrap 127.0.0.1:1 --compare target=127.0.0.1:2",
                "target",
            ),
        ] {
            let said = complaint(flags);
            assert!(said.contains(word), "{flags}: {said}");
        }
    }

    #[test]
    fn another_machine_may_be_allowed() {
        assert!(session("run game --bootstrap 192.0.2.1:1 --allow-remote").is_ok());
    }
}
