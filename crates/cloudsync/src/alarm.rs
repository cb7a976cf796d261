//! How a failed call anywhere tells a side's feed that the side is down.

use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::side::BySide;
use tokio::sync::mpsc;

/// Tells the feed of a side what calls of that side fail with. Only what says that the whole side
/// is not usable counts; one such word is enough, more are dropped.
#[derive(Clone, Debug)]
pub struct Alarm(mpsc::Sender<Failure>);

impl Alarm {
    /// Makes an alarm and the end at which it is heard.
    pub fn new() -> (Alarm, Alarmed) {
        let (sender, receiver) = mpsc::channel(1);
        (Alarm(sender), Alarmed(receiver))
    }

    /// Looks at the failure of a call, and raises the alarm if it says that the side is down.
    pub fn hear(&self, failure: &Failure) {
        if takes_side_down(failure.kind()) {
            // Full: the feed has yet to hear of an earlier one.
            let _ = self.0.try_send(failure.clone());
        }
    }
}

/// The end at which an [`Alarm`] is heard.
#[derive(Debug)]
pub struct Alarmed(mpsc::Receiver<Failure>);

impl Alarmed {
    /// Waits for the next alarm. For ever, if nobody can raise it any more.
    ///
    /// # Cancel safety
    /// Dropping the future loses no alarm.
    pub async fn raised(&mut self) -> Failure {
        match self.0.recv().await {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Forgets what was raised: it was about the connection that was there before.
    pub fn forget(&mut self) {
        while self.0.try_recv().is_ok() {}
    }
}

/// The alarms of both sides.
pub(crate) type Alarms = BySide<Alarm>;

/// Whether a failure says that nothing works on the side until it was connected again.
pub(crate) fn takes_side_down(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Disconnected | ErrorKind::RootMissing | ErrorKind::Token
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_failures_of_the_whole_side_raise_it_and_one_is_enough() {
        let (alarm, mut alarmed) = Alarm::new();
        alarm.hear(&Failure::new(ErrorKind::NotFound, "read"));
        alarm.hear(&Failure::new(ErrorKind::Token, "read"));
        alarm.hear(&Failure::new(ErrorKind::Disconnected, "read"));
        assert_eq!(alarmed.raised().await.kind(), ErrorKind::Token);
        alarm.hear(&Failure::new(ErrorKind::Disconnected, "read"));
        alarmed.forget();
        alarm.hear(&Failure::new(ErrorKind::RootMissing, "info"));
        assert_eq!(alarmed.raised().await.kind(), ErrorKind::RootMissing);
    }
}
