//! What the application wants of a pair: what a path is called on the other side, what goes first,
//! what takes part at all.

use std::fmt;
use std::sync::Arc;

use crate::object::Kind;
use crate::side::Side;

/// What a translation has to do with folders.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Locality {
    /// Any path may go anywhere. When a folder moved, what is in it is translated again.
    Arbitrary,
    /// Root to root, name by name: what is in a folder goes where the folder goes, so a folder's move
    /// says nothing new about what is in it.
    Structural,
}

/// The wishes of the application, as a value: built in when an engine is made, never changed.
///
/// All methods are pure and total: equal arguments give equal answers, at once, without a panic. What
/// may wait for somebody (deciding a conflict, signing in) is a question of the engine, not a method
/// here. Paths are relative to the side's root, `/`-separated, without slashes at the ends; the root is
/// `""` and is never asked about.
pub trait Policy: fmt::Debug + Send + Sync {
    /// Returns the path on side `to` of what is at `path` on the other side; `None`: it stays here.
    ///
    /// Translating back must give `path` again; where it does not, the object is reported and left
    /// alone.
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        let _ = to;
        Some(path.to_owned())
    }

    /// Returns how urgent a change of this object is: 0 as usual, less than 0 earlier than others and
    /// without waiting for it to come to rest, more than 0 later.
    fn prioritize(&self, side: Side, path: &str) -> i32 {
        let _ = (side, path);
        0
    }

    /// Returns whether this object takes part. If not, it is left alone on `side`, never deleted. Nothing
    /// in a folder that takes no part does.
    ///
    /// What is wanted on its own side, and not at its place on the other one, is withheld there: it is not
    /// made there, whatever stands there is left alone, and a deletion of it deletes nothing. Once it is
    /// wanted there (another [`Policy::id`] at a start), it is made there, or meets what it left there: a
    /// file that still holds what both sides last held gets the newer version, another one is a conflict.
    fn wanted(&self, side: Side, path: &str, kind: Kind) -> bool {
        let _ = (side, path, kind);
        true
    }

    /// Returns what [`Self::translate`] has to do with folders. Under [`Locality::Arbitrary`], a folder
    /// that is missing on the way to a translated place is made; if its own path is translated as well,
    /// it is a new folder as any other, else it is left alone.
    fn locality(&self) -> Locality {
        Locality::Structural
    }

    /// Returns true if every object takes part under the same path on both sides, so that the engine
    /// need not ask (and not put paths together). [`Self::prioritize`] is asked all the same.
    fn is_trivial(&self) -> bool {
        false
    }

    /// Returns false if [`Self::prioritize`] is 0 for everything, so that it need not be asked.
    fn has_priorities(&self) -> bool {
        true
    }

    /// Names this policy with all its settings. It is stored: if it is another one at the next start,
    /// each known object is gone through once before anything is changed. So it must differ whenever
    /// an answer could differ, and stay the same otherwise.
    fn id(&self) -> String;
}

/// Everything takes part, under the same path on both sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DefaultPolicy;

impl Policy for DefaultPolicy {
    fn is_trivial(&self) -> bool {
        true
    }

    fn has_priorities(&self) -> bool {
        false
    }

    fn id(&self) -> String {
        "default".to_owned()
    }
}

#[deny(
    clippy::missing_trait_methods,
    reason = "a default would bypass the inner policy"
)]
impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        (**self).translate(to, path)
    }

    fn prioritize(&self, side: Side, path: &str) -> i32 {
        (**self).prioritize(side, path)
    }

    fn wanted(&self, side: Side, path: &str, kind: Kind) -> bool {
        (**self).wanted(side, path, kind)
    }

    fn locality(&self) -> Locality {
        (**self).locality()
    }

    fn is_trivial(&self) -> bool {
        (**self).is_trivial()
    }

    fn has_priorities(&self) -> bool {
        (**self).has_priorities()
    }

    fn id(&self) -> String {
        (**self).id()
    }
}

/// A policy that leaves out more than an inner one: what the predicate says no to.
///
/// # Examples
/// ```
/// use cloudsync_core::object::Kind;
/// use cloudsync_core::policy::{DefaultPolicy, Filtered, Policy};
/// use cloudsync_core::side::Side;
///
/// let policy = Filtered::new(DefaultPolicy, "no-backups", |_, path, _| !path.ends_with('~'));
/// assert!(policy.wanted(Side::Local, "notes.txt", Kind::File));
/// assert!(!policy.wanted(Side::Local, "notes.txt~", Kind::File));
/// assert_eq!(policy.id(), "default+no-backups");
/// ```
#[derive(Clone)]
pub struct Filtered<P, F> {
    inner: P,
    id: String,
    wanted: F,
}

impl<P, F> Filtered<P, F>
where
    P: Policy,
    F: Fn(Side, &str, Kind) -> bool + Send + Sync,
{
    /// Wraps a policy. `id` names the predicate with all its settings, see [`Policy::id`].
    pub fn new(inner: P, id: impl Into<String>, wanted: F) -> Self {
        Self {
            inner,
            id: id.into(),
            wanted,
        }
    }
}

#[deny(
    clippy::missing_trait_methods,
    reason = "a default would bypass the inner policy"
)]
impl<P, F> Policy for Filtered<P, F>
where
    P: Policy,
    F: Fn(Side, &str, Kind) -> bool + Send + Sync,
{
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        self.inner.translate(to, path)
    }

    fn prioritize(&self, side: Side, path: &str) -> i32 {
        self.inner.prioritize(side, path)
    }

    fn wanted(&self, side: Side, path: &str, kind: Kind) -> bool {
        self.inner.wanted(side, path, kind) && (self.wanted)(side, path, kind)
    }

    fn locality(&self) -> Locality {
        self.inner.locality()
    }

    fn is_trivial(&self) -> bool {
        false
    }

    fn has_priorities(&self) -> bool {
        self.inner.has_priorities()
    }

    fn id(&self) -> String {
        format!("{}+{}", self.inner.id(), self.id)
    }
}

impl<P: fmt::Debug, F> fmt::Debug for Filtered<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filtered")
            .field("inner", &self.inner)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything of local lives in `backup` on the remote, one thing first, no secrets.
    #[derive(Debug)]
    struct Backup;

    impl Policy for Backup {
        fn translate(&self, to: Side, path: &str) -> Option<String> {
            match to {
                Side::Local => path.strip_prefix("backup/").map(ToOwned::to_owned),
                Side::Remote => Some(format!("backup/{path}")),
            }
        }

        fn prioritize(&self, _: Side, path: &str) -> i32 {
            if path == "first" { -1 } else { 0 }
        }

        fn wanted(&self, _: Side, path: &str, _: Kind) -> bool {
            path != "secret"
        }

        fn locality(&self) -> Locality {
            Locality::Arbitrary
        }

        fn id(&self) -> String {
            "backup".to_owned()
        }
    }

    #[test]
    fn by_default_all_takes_part_as_it_is() {
        for side in Side::BOTH {
            assert_eq!(DefaultPolicy.translate(side, "a/b").as_deref(), Some("a/b"));
            assert_eq!(DefaultPolicy.prioritize(side, "a"), 0);
            assert!(DefaultPolicy.wanted(side, "a", Kind::Folder));
        }
        assert_eq!(DefaultPolicy.locality(), Locality::Structural);
        assert_eq!(DefaultPolicy.id(), "default");
        assert!(DefaultPolicy.is_trivial() && Arc::new(DefaultPolicy).is_trivial());
        assert!(!Filtered::new(DefaultPolicy, "none", |_, _, _| false).is_trivial());
    }

    /// The answers that are the inner policy's.
    fn assert_passes_on(policy: &dyn Policy) {
        assert_eq!(
            policy.translate(Side::Remote, "a").as_deref(),
            Some("backup/a")
        );
        assert_eq!(policy.translate(Side::Local, "elsewhere/a"), None);
        assert_eq!(policy.prioritize(Side::Local, "first"), -1);
        assert!(!policy.wanted(Side::Remote, "secret", Kind::File));
        assert!(policy.wanted(Side::Remote, "a", Kind::File));
        assert_eq!(policy.locality(), Locality::Arbitrary);
        assert!(policy.id().starts_with("backup"));
    }

    #[test]
    fn a_wrapper_passes_everything_on() {
        assert_passes_on(&Backup);
        assert_passes_on(&Arc::new(Backup));
        let shared: Arc<dyn Policy> = Arc::new(Backup);
        assert_passes_on(&shared);
        assert_passes_on(&Filtered::new(shared, "files", |_, _, kind| {
            kind == Kind::File
        }));
    }

    #[test]
    fn a_filter_only_takes_away() {
        let policy = Filtered::new(Backup, "1", |side, path, kind| {
            side == Side::Local && path != "a" && kind == Kind::File
        });
        for (side, path, kind, wanted) in [
            (Side::Local, "b", Kind::File, true),
            (Side::Local, "a", Kind::File, false),
            (Side::Remote, "b", Kind::File, false),
            (Side::Local, "b", Kind::Folder, false),
            (Side::Local, "secret", Kind::File, false),
        ] {
            assert_eq!(
                policy.wanted(side, path, kind),
                wanted,
                "{side} {path} {kind:?}"
            );
        }
        assert_eq!(policy.id(), "backup+1");
        assert_eq!(
            format!("{policy:?}"),
            "Filtered { inner: Backup, id: \"1\", .. }"
        );
    }
}
