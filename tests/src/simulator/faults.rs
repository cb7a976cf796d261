//! What can go wrong, by name, and how often each does in a run.

use cloudsync::provider::mock::Call;

use super::tape::Tape;

/// A kind of fault. The numbers of FAULTS stand beside each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    /// F1: a call fails before anything happened.
    Fails,
    /// F2: a call does what was asked, and its answer is lost.
    ReplyLost,
    /// F3: a call is refused, with a time to wait.
    RateLimited,
    /// F4: the credentials are no longer good.
    TokenBad,
    /// F1: the connection breaks.
    ConnectionLost,
    /// F1, F27: the service is away for some time.
    Away,
    /// F5, F23: an object, or all below a folder, may not be touched for some time.
    Forbidden,
    /// F6: an object that is there is not found, once.
    NotFound,
    /// F7: a listing breaks off without its end mark.
    ListingCut,
    /// F7: objects stand twice in a listing.
    ListedTwice,
    /// F8: an answer makes no sense.
    Garbage,
    /// F11: a look at a file lacks the hash that it should have.
    HashMissing,
    /// F13, F14: a content breaks off with an error.
    ReadCut,
    /// F14: a content ends too early, without an error.
    ReadShort,
    /// F19: no space.
    NoSpace,
    /// F48: a provider panics.
    Panics,
    /// F55: a call takes a hundred times as long.
    Slow,
    /// F25, F28: an event is lost.
    EventLost,
    /// F25: an event is told twice.
    EventTwice,
    /// F25: an event is told with later ones.
    EventLate,
    /// F25: events change places.
    EventsMixed,
    /// F26: the cursor has expired.
    CursorExpired,
    /// F27: the feed says nothing any more.
    FeedSilent,
    /// F49: the store is busy.
    StoreBusy,
    /// F35, F49: the store has no space.
    StoreFull,
    /// F49: the store does what it was asked, and its answer is lost.
    StoreReplyLost,
    /// F47: everything dies, at any point.
    Crash,
    /// F50: the state is lost while nothing runs.
    StateLost,
    /// F10: a service gives a file another tag, with the same content.
    TagChanged,
    /// F52: the clock of a service jumps.
    ClockJumps,
}

impl Kind {
    pub(super) const ALL: [Kind; 30] = [
        Kind::Fails,
        Kind::ReplyLost,
        Kind::RateLimited,
        Kind::TokenBad,
        Kind::ConnectionLost,
        Kind::Away,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::ListingCut,
        Kind::ListedTwice,
        Kind::Garbage,
        Kind::HashMissing,
        Kind::ReadCut,
        Kind::ReadShort,
        Kind::NoSpace,
        Kind::Panics,
        Kind::Slow,
        Kind::EventLost,
        Kind::EventTwice,
        Kind::EventLate,
        Kind::EventsMixed,
        Kind::CursorExpired,
        Kind::FeedSilent,
        Kind::StoreBusy,
        Kind::StoreFull,
        Kind::StoreReplyLost,
        Kind::Crash,
        Kind::StateLost,
        Kind::TagChanged,
        Kind::ClockJumps,
    ];

    /// The name in counts and traces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Fails => "fault: call fails",
            Kind::ReplyLost => "fault: reply lost",
            Kind::RateLimited => "fault: rate limited",
            Kind::TokenBad => "fault: token bad",
            Kind::ConnectionLost => "fault: connection lost",
            Kind::Away => "fault: service away",
            Kind::Forbidden => "fault: object forbidden",
            Kind::NotFound => "fault: not found once",
            Kind::ListingCut => "fault: listing cut",
            Kind::ListedTwice => "fault: listed twice",
            Kind::Garbage => "fault: garbage answered",
            Kind::HashMissing => "fault: hash missing",
            Kind::ReadCut => "fault: content cut",
            Kind::ReadShort => "fault: content short",
            Kind::NoSpace => "fault: no space",
            Kind::Panics => "fault: provider panics",
            Kind::Slow => "fault: call slow",
            Kind::EventLost => "fault: event lost",
            Kind::EventTwice => "fault: event twice",
            Kind::EventLate => "fault: event late",
            Kind::EventsMixed => "fault: events mixed",
            Kind::CursorExpired => "fault: cursor expired",
            Kind::FeedSilent => "fault: feed silent",
            Kind::StoreBusy => "fault: store busy",
            Kind::StoreFull => "fault: store full",
            Kind::StoreReplyLost => "fault: store reply lost",
            Kind::Crash => "fault: crash",
            Kind::StateLost => "fault: state lost",
            Kind::TagChanged => "fault: tag changed",
            Kind::ClockJumps => "fault: clock jumps",
        }
    }

    /// Whether it can hit a call of a provider, decided as the call begins.
    pub(super) fn hits(self, call: Call) -> bool {
        let is_session = matches!(
            call,
            Call::Connect | Call::SetRoot | Call::Authenticate | Call::Root
        );
        match self {
            Kind::Fails
            | Kind::ReplyLost
            | Kind::Slow
            | Kind::ConnectionLost
            | Kind::Away
            | Kind::Garbage => call != Call::Authenticate,
            Kind::RateLimited | Kind::Panics => true,
            Kind::TokenBad => !is_session,
            Kind::Forbidden => call.is_operation() || matches!(call, Call::List | Call::Read),
            Kind::NotFound => call == Call::Info,
            Kind::ListingCut | Kind::ListedTwice => call == Call::List,
            Kind::HashMissing => matches!(call, Call::Info | Call::List),
            Kind::ReadCut | Kind::ReadShort => call == Call::Read,
            Kind::NoSpace => matches!(call, Call::Write | Call::CreateFolder),
            _ => false,
        }
    }

    /// Whether it hits what a feed tells.
    pub(super) fn hits_events(self) -> bool {
        matches!(
            self,
            Kind::EventLost
                | Kind::EventTwice
                | Kind::EventLate
                | Kind::EventsMixed
                | Kind::CursorExpired
                | Kind::FeedSilent
        )
    }

    /// Whether it hits a life as a whole.
    fn is_of_a_life(self) -> bool {
        matches!(
            self,
            Kind::Crash | Kind::StateLost | Kind::TagChanged | Kind::ClockJumps
        )
    }

    /// Whether something may have happened that no feed will tell of.
    pub(super) fn deafens(self) -> bool {
        matches!(
            self,
            Kind::EventLost
                | Kind::EventLate
                | Kind::FeedSilent
                | Kind::Forbidden
                | Kind::NotFound
                | Kind::TagChanged
        )
    }
}

/// How many in a thousand of the occasions each kind takes.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates([u16; Kind::ALL.len()]);

impl Rates {
    /// Draws which kinds there are in a run: none at all in some, most of them absent in all.
    pub(super) fn draw(tape: &mut Tape) -> Self {
        let mut rates = Self::default();
        let share = tape.pick(&[0, 100, 250, 500]);
        for kind in Kind::ALL {
            let is_there = tape.happens(share);
            let often = tape.pick(&[10, 3, 40, 120]);
            // Of lives there are fewer than of calls.
            let often = if kind.is_of_a_life() {
                6 * often
            } else {
                often
            };
            rates.0[kind as usize] = if is_there { often } else { 0 };
        }
        rates
    }

    pub(super) fn of(&self, kind: Kind) -> usize {
        self.0[kind as usize].into()
    }

    /// Draws which of the kinds that fit hits; with one number, most of which mean none.
    pub(super) fn hit(&self, tape: &mut Tape, fits: impl Fn(Kind) -> bool) -> Option<Kind> {
        let fitting = || {
            let all = Kind::ALL.into_iter().filter(|kind| fits(*kind));
            all.map(|kind| (kind, self.of(kind)))
                .filter(|(_, rate)| *rate > 0)
        };
        let all: usize = fitting().map(|(_, rate)| rate).sum();
        if all == 0 {
            return None;
        }
        // However many kinds there are, half of the calls go well.
        let mut drawn = tape.below(1_000.max(2 * all)).checked_sub(1)?;
        for (kind, rate) in fitting() {
            match drawn.checked_sub(rate) {
                None => return Some(kind),
                Some(rest) => drawn = rest,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_the_order_of_their_rates() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at, "{kind:?}");
        }
    }

    #[test]
    fn zero_is_no_fault_and_each_kind_can_hit() {
        let rates = Rates([120; Kind::ALL.len()]);
        assert_eq!(rates.hit(&mut Tape::default(), |_| true), None);
        for wanted in Kind::ALL {
            let hit = rates.hit(&mut Tape::recorded(vec![1]), |kind| kind == wanted);
            assert_eq!(hit, Some(wanted));
        }
    }
}
