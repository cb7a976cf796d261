//! Flushes of a whole volume, each for all who asked before it began.
//!
//! One at a time: what is done while one is under way is in the next one, together with all else by then. So
//! many writers need few of them, and a failure, which the system tells once only, is told to everybody whose
//! data it was about.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::{self, Errno};

/// All of them on one volume, by number.
#[derive(Debug, Default)]
pub(super) struct Syncs {
    begun: AtomicU64,
    /// Held while one is under way.
    ended: Mutex<Ended>,
}

#[derive(Debug, Default)]
struct Ended {
    /// The last one that was well.
    well: u64,
    /// The last one that was not, and why.
    failed: Option<(u64, Errno)>,
}

/// How many had begun: whatever was done before is in the one after these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before(u64);

impl Syncs {
    /// Returns the moment, for [`covered`](Self::covered).
    pub(super) fn before(&self) -> Before {
        Before(self.begun.load(Ordering::SeqCst))
    }

    /// Returns true if one that began after a moment has ended well, and none failed since. Waits for the one that is
    /// under way, if any began since.
    pub(super) fn covered(&self, since: Before) -> bool {
        let Before(begun) = since;
        self.before().0 > begun && matches!(self.ended().since(since), Some(Ok(())))
    }

    /// Flushes the volume with `sync`, unless somebody else does or did since this was called.
    pub(super) fn run(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.run_for(self.before(), sync)
    }

    /// The same for somebody who asked at a moment, and came to wait after it.
    fn run_for(&self, asked: Before, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut ended = self.ended();
        if let Some(outcome) = ended.since(asked) {
            return outcome;
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let outcome = sync();
        match outcome {
            Ok(()) => ended.well = number,
            Err(errno) => ended.failed = Some((number, errno)),
        }
        outcome
    }

    fn ended(&self) -> MutexGuard<'_, Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ended {
    /// Returns the outcome for what was done before a moment; `None`: none began since.
    fn since(&self, Before(begun): Before) -> Option<io::Result<()>> {
        match self.failed {
            // That a later one was well does not say that this one's data are there.
            Some((number, errno)) if number > begun => Some(Err(errno)),
            _ => (self.well > begun).then_some(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four ask for one while another is under way. Returns what they are told, and how many there were for them.
    fn four_meanwhile(outcome: io::Result<()>) -> (Vec<io::Result<()>>, usize) {
        let syncs = Syncs::default();
        let mut asked = Vec::new();
        let first = syncs.run(|| {
            asked.extend((0..4).map(|_| syncs.before()));
            Ok(())
        });
        assert_eq!(first, Ok(()));
        let mut count = 0;
        let told = asked.into_iter().map(|asked| {
            syncs.run_for(asked, || {
                count += 1;
                outcome
            })
        });
        (told.collect(), count)
    }

    #[test]
    fn one_is_enough_for_all_who_asked_meanwhile() {
        assert_eq!(four_meanwhile(Ok(())), (vec![Ok(()); 4], 1));
    }

    #[test]
    fn a_failure_is_told_to_all_whose_data_it_was_about() {
        let failed = Err(Errno::IO);
        assert_eq!(four_meanwhile(failed), (vec![failed; 4], 1));
    }

    #[test]
    fn what_was_done_since_it_began_is_not_in_it() {
        let syncs = Syncs::default();
        let before = syncs.before();
        assert!(!syncs.covered(before));
        let mut during = None;
        let ran = syncs.run(|| {
            during = Some(syncs.before());
            Ok(())
        });
        assert_eq!(ran, Ok(()));
        assert!(syncs.covered(before));
        assert!(!syncs.covered(during.expect("it ran")));
        assert!(!syncs.covered(syncs.before()));
    }

    #[test]
    fn what_failed_is_not_covered_by_a_later_one() {
        let syncs = Syncs::default();
        let before = syncs.before();
        assert_eq!(syncs.run(|| Err(Errno::IO)), Err(Errno::IO));
        assert_eq!(syncs.run(|| Ok(())), Ok(()));
        assert!(!syncs.covered(before));
    }
}
