//! All rounds: every server visited in turn, so that what the machine does meanwhile hits all of them.
//!
//! ```text
//! warm-up   A B       not counted, shorter: what compiles as it runs has compiled
//! round 1   A B
//! round 2   B A       so that none is always the first after the other
//! ```
//!
//! Owns: the order, and what was measured before something failed. Does not own: a single run (see `stage`).

use std::sync::atomic::AtomicBool;

use anyhow::Context;

use crate::figures::Run;
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::target::Target;

/// Bounds of a warm-up, beside those of the scenario itself.
const WARM_UP_SECONDS_MAX: u64 = 5;
const WARM_UP_MEGABYTES_MAX: u64 = 200;

/// What shall be measured.
pub struct Session {
    /// What happens on each server.
    pub scenarios: Vec<Scenario>,
    /// The servers; the first is compared with the others.
    pub targets: Vec<Target>,
    /// How often.
    pub rounds: usize,
}

/// What was measured.
#[derive(Default)]
pub struct Measured {
    /// The runs of each scenario on each server, by round.
    pub runs: Vec<Vec<Vec<Run>>>,
    /// What ended it before its end.
    pub failure: Option<anyhow::Error>,
}

impl Session {
    /// Measures everything, until something fails.
    pub fn run(&self, stop: &AtomicBool) -> Measured {
        let mut runs = vec![vec![Vec::new(); self.targets.len()]; self.scenarios.len()];
        let failure = self.rounds(stop, &mut runs).err();
        Measured { runs, failure }
    }

    fn rounds(&self, stop: &AtomicBool, runs: &mut [Vec<Vec<Run>>]) -> anyhow::Result<()> {
        if self.targets.len() > 1 || self.rounds > 1 {
            for scenario in &self.scenarios {
                let short = scenario.at_most(WARM_UP_SECONDS_MAX, WARM_UP_MEGABYTES_MAX);
                for target in &self.targets {
                    self.once((&short, target), "warm-up", stop)?;
                }
            }
        }
        for round in 0..self.rounds {
            for (scenario, runs) in self.scenarios.iter().zip(&mut *runs) {
                for place in order(round, self.targets.len()) {
                    let label = format!("{}/{}", round + 1, self.rounds);
                    let run = self.once((scenario, &self.targets[place]), &label, stop)?;
                    runs[place].push(run);
                }
            }
        }
        Ok(())
    }

    fn once(
        &self,
        (scenario, target): (&Scenario, &Target),
        round: &str,
        stop: &AtomicBool,
    ) -> anyhow::Result<Run> {
        let label = format!("{round} {} {}", target.name, scenario.name);
        let stage = Stage {
            target,
            scenario,
            stop,
            label: label.clone(),
        };
        write_out();
        stage.run().context(label)
    }
}

/// Has the system write out what it holds back: what one server left to it must not get in the way of
/// the next one's syncs. Where there is no such command, it does.
fn write_out() {
    let _ = std::process::Command::new("sync").status();
}

/// Which server comes when: there and back again.
fn order(round: usize, servers: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..servers).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_take_turns_at_being_first() {
        let rounds: Vec<_> = (0..4).flat_map(|round| order(round, 2)).collect();
        assert_eq!(rounds, [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(order(1, 3), [2, 1, 0]);
    }
}
