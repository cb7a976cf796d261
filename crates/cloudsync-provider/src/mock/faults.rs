//! What is to go wrong in one client's calls: rules that were set, and chance.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::calls::Call;
use super::config::FaultRates;
use super::random::Random;
use super::user::User;
use crate::ErrorKind;

/// What goes wrong in a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// It fails before anything happened.
    Fail(ErrorKind),
    /// It does what was asked, and answers [`ErrorKind::Unavailable`].
    LoseReply,
    /// The connection breaks before anything happened.
    Disconnect,
    /// A listing ends early, [`crate::End::Partial`] without a further page.
    CutListing,
    /// The content of a file breaks off half way with [`ErrorKind::Unavailable`].
    CutRead,
    /// The content of a file arrives with a wrong byte, and no error.
    SpoilRead,
}

/// Switches for what is to go wrong in one client's calls. The first rule that fits is taken.
#[derive(Default)]
pub struct Faults(Mutex<Plan>);

#[derive(Default)]
struct Plan {
    rules: Vec<Rule>,
    random: Option<Random>,
    before_change: Option<BeforeChange>,
}

type BeforeChange = Box<dyn FnOnce(&User) + Send>;

struct Rule {
    call: Option<Call>,
    path: Option<String>,
    fault: Fault,
    /// How often it still applies; `None`: always.
    left: Option<u32>,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        let random = Some(Random::new(seed));
        Self(Mutex::new(Plan {
            random,
            ..Plan::default()
        }))
    }

    /// Makes the next call of that name fail.
    pub fn fail_next(&self, call: Call, kind: ErrorKind) {
        self.add(Some(call), None, Fault::Fail(kind), Some(1));
    }

    /// Makes the next `times` calls of that name fail.
    pub fn fail_times(&self, call: Call, kind: ErrorKind, times: u32) {
        self.add(Some(call), None, Fault::Fail(kind), Some(times));
    }

    /// Makes all calls of that name fail from now on, or those about `path` only.
    pub fn fail_always(&self, call: Call, path: Option<&str>, kind: ErrorKind) {
        self.add(Some(call), path, Fault::Fail(kind), None);
    }

    /// Makes the next call of that name do what was asked and answer [`ErrorKind::Unavailable`].
    pub fn lose_next_reply(&self, call: Call) {
        self.add(Some(call), None, Fault::LoseReply, Some(1));
    }

    /// Makes calls go wrong: of that name (`None`: any), about that path (`None`: any), so often
    /// (`None`: always).
    pub fn add(&self, call: Option<Call>, path: Option<&str>, fault: Fault, times: Option<u32>) {
        let path = path.map(str::to_owned);
        self.lock().rules.push(Rule {
            call,
            path,
            fault,
            left: times,
        });
    }

    /// Lets a user act once, in the next operation: after its precondition was checked for the first
    /// time, and before it changes anything.
    pub fn before_next_change(&self, act: impl FnOnce(&User) + Send + 'static) {
        self.lock().before_change = Some(Box::new(act));
    }

    /// Takes back all rules. Chance stays as configured.
    pub fn clear(&self) {
        let mut plan = self.lock();
        plan.rules.clear();
        plan.before_change = None;
    }

    pub(super) fn take_before_change(&self) -> Option<BeforeChange> {
        self.lock().before_change.take()
    }

    /// Says what goes wrong in this call.
    pub(super) fn draw(&self, call: Call, path: &str, rates: FaultRates) -> Option<Fault> {
        let mut plan = self.lock();
        let fits = |rule: &Rule| {
            rule.left != Some(0)
                && rule.call.is_none_or(|of| of == call)
                && rule.path.as_ref().is_none_or(|of| of == path)
                && rule.fault.fits(call)
        };
        if let Some(rule) = plan.rules.iter_mut().find(|rule| fits(rule)) {
            rule.left = rule.left.map(|left| left - 1);
            return Some(rule.fault);
        }
        let random = plan.random.as_mut()?;
        [
            (Fault::Disconnect, rates.disconnect),
            (Fault::Fail(ErrorKind::Unavailable), rates.fail),
            (Fault::LoseReply, rates.lost_reply),
            (Fault::CutListing, rates.cut_listing),
            (Fault::CutRead, rates.cut_read),
        ]
        .into_iter()
        .filter(|(fault, _)| fault.fits(call))
        .find_map(|(fault, per_mille)| random.chance(per_mille).then_some(fault))
    }

    /// A number below `limit`, by this client's chance.
    pub(super) fn below(&self, limit: u64) -> u64 {
        self.lock()
            .random
            .as_mut()
            .map_or(0, |random| random.below(limit))
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn fits(self, call: Call) -> bool {
        match self {
            Self::CutListing => call == Call::List,
            Self::CutRead | Self::SpoilRead => call == Call::Read,
            Self::Fail(_) | Self::LoseReply | Self::Disconnect => true,
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({} rules)", self.lock().rules.len())
    }
}
