//! What an application may decide and hear: one trait, a default for each method.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use cloudsync_core::object::Kind;
use cloudsync_core::policy::{Locality, Policy};
use cloudsync_core::side::Side;
use cloudsync_provider::Provider;
use futures::future::BoxFuture;

use crate::conflict::{Decision, Version};
use crate::error::{Error, Result};
use crate::notices::Notice;

/// The id of hooks that translate, order and filter nothing: see [`Hooks::policy_id`].
pub const DEFAULT_POLICY: &str = "default";

/// What an application may decide and hear. Each method has a default.
///
/// Paths are relative to the side's root, `/`-separated, without slashes at the ends.
///
/// [`translate`](Hooks::translate), [`prioritize`](Hooks::prioritize) and [`wanted`](Hooks::wanted)
/// are pure: equal arguments give equal answers, at once. They must not panic (that ends the run).
/// The other ones may wait, fail or panic; that is logged and hurts nothing else.
#[async_trait]
pub trait Hooks: Send + Sync + 'static {
    /// Returns the path on side `to` of what is at `path` on the other side; `None`: do not sync.
    /// By default the same path below the other root. Translating back must give `path` again.
    /// Who overrides it overrides [`Hooks::policy_id`] too.
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        let _ = to;
        Some(path.to_owned())
    }

    /// Returns how urgent a change is: 0 as usual, less: earlier, and without aging; more: later.
    fn prioritize(&self, side: Side, path: &str) -> i32 {
        let _ = (side, path);
        0
    }

    /// Returns false if [`prioritize`](Hooks::prioritize) is 0 for everything, so that it need not be asked (and no path
    /// put together for it).
    fn has_priorities(&self) -> bool {
        true
    }

    /// Returns whether an object takes part. If not, it is left alone, never deleted. What is wanted on
    /// one side alone stays there, see
    /// [`Policy::wanted`](cloudsync_core::policy::Policy::wanted).
    /// Who overrides it overrides [`Hooks::policy_id`] too.
    fn wanted(&self, side: Side, path: &str, kind: Kind) -> bool {
        let _ = (side, path, kind);
        true
    }

    /// Returns what [`Hooks::translate`] has to do with folders: by default, that what is in a
    /// folder goes where the folder goes.
    fn locality(&self) -> Locality {
        Locality::Structural
    }

    /// Names what `translate` and `wanted` answer, with all settings behind them. Stored: under
    /// another name each known object is gone through once before anything is changed. Under the
    /// default name ([`DEFAULT_POLICY`]) they are not even asked.
    fn policy_id(&self) -> String {
        DEFAULT_POLICY.to_owned()
    }

    /// Decides a conflict of two versions of one file. Called with
    /// [`ConflictPolicy::Ask`](crate::ConflictPolicy::Ask). `None` keeps both; so does an error,
    /// unless it is retryable ([`Error::is_retryable`]): then it is asked again later.
    async fn resolve_conflict(&self, local: Version, remote: Version) -> Result<Option<Decision>> {
        let _ = (local, remote);
        Ok(None)
    }

    /// Signs in again, after the credentials of a side were refused. By default as the provider
    /// does it ([`Provider::authenticate`]), then connects.
    async fn authenticate(&self, side: Side, provider: &dyn Provider) -> Result<()> {
        let credentials = provider
            .authenticate()
            .await
            .map_err(|e| Error::of(side, e))?;
        provider
            .connect(&credentials)
            .await
            .map_err(|e| Error::of(side, e))?;
        Ok(())
    }

    /// Hears a notice, one after another, outside the engine: taking long holds up nothing but later
    /// notices, of which some may be missed ([`Notice::Missed`]).
    async fn handle_notification(&self, notice: &Notice) {
        let _ = notice;
    }

    /// Names the pair in a store that could also hold another one's state; `None`: by the providers'
    /// names and roots.
    fn storage_label(&self) -> Option<String> {
        None
    }

    /// Called once the pair was stopped for good.
    async fn done(&self) {}
}

/// The hooks of who has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn has_priorities(&self) -> bool {
        false
    }
}

type Translate = dyn Fn(Side, &str) -> Option<String> + Send + Sync;
type Prioritize = dyn Fn(Side, &str) -> i32 + Send + Sync;
type Wanted = dyn Fn(Side, &str, Kind) -> bool + Send + Sync;
type Resolve =
    dyn Fn(Version, Version) -> BoxFuture<'static, Result<Option<Decision>>> + Send + Sync;

/// Hooks of which some are closures, over others.
pub(crate) struct Closures {
    base: Arc<dyn Hooks>,
    translate: Option<(String, Box<Translate>)>,
    prioritize: Option<Box<Prioritize>>,
    wanted: Vec<(String, Box<Wanted>)>,
    resolve: Option<Box<Resolve>>,
}

impl Closures {
    pub(crate) fn over(base: Arc<dyn Hooks>) -> Self {
        Self {
            base,
            translate: None,
            prioritize: None,
            wanted: Vec::new(),
            resolve: None,
        }
    }

    pub(crate) fn set_base(&mut self, base: Arc<dyn Hooks>) {
        self.base = base;
    }

    pub(crate) fn set_translate(
        &mut self,
        id: String,
        translate: impl Fn(Side, &str) -> Option<String> + Send + Sync + 'static,
    ) {
        self.translate = Some((id, Box::new(translate)));
    }

    pub(crate) fn set_prioritize(
        &mut self,
        prioritize: impl Fn(Side, &str) -> i32 + Send + Sync + 'static,
    ) {
        self.prioritize = Some(Box::new(prioritize));
    }

    pub(crate) fn add_wanted(
        &mut self,
        id: String,
        wanted: impl Fn(Side, &str, Kind) -> bool + Send + Sync + 'static,
    ) {
        self.wanted.push((id, Box::new(wanted)));
    }

    pub(crate) fn set_resolve<F, R>(&mut self, resolve: F)
    where
        F: Fn(Version, Version) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Option<Decision>>> + Send + 'static,
    {
        self.resolve = Some(Box::new(move |local, remote| {
            Box::pin(resolve(local, remote))
        }));
    }

    /// Whether paths are translated by other than the default.
    pub(crate) fn translates(&self) -> bool {
        self.translate.is_some() || self.base.policy_id() != DEFAULT_POLICY
    }
}

#[async_trait]
#[deny(
    clippy::missing_trait_methods,
    reason = "a default would bypass the hooks below"
)]
impl Hooks for Closures {
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        match &self.translate {
            Some((_, translate)) => translate(to, path),
            None => self.base.translate(to, path),
        }
    }

    fn prioritize(&self, side: Side, path: &str) -> i32 {
        match &self.prioritize {
            Some(prioritize) => prioritize(side, path),
            None => self.base.prioritize(side, path),
        }
    }

    fn has_priorities(&self) -> bool {
        self.prioritize.is_some() || self.base.has_priorities()
    }

    fn wanted(&self, side: Side, path: &str, kind: Kind) -> bool {
        self.base.wanted(side, path, kind)
            && self
                .wanted
                .iter()
                .all(|(_, wanted)| wanted(side, path, kind))
    }

    /// A closure may send any path anywhere.
    fn locality(&self) -> Locality {
        if self.translate.is_some() {
            Locality::Arbitrary
        } else {
            self.base.locality()
        }
    }

    fn policy_id(&self) -> String {
        let mut id = self.base.policy_id();
        let translate = self.translate.iter().map(|(name, _)| ("translate", name));
        let wanted = self.wanted.iter().map(|(name, _)| ("wanted", name));
        for (what, name) in translate.chain(wanted) {
            id = format!("{id}+{what}:{name}");
        }
        id
    }

    async fn resolve_conflict(&self, local: Version, remote: Version) -> Result<Option<Decision>> {
        match &self.resolve {
            Some(resolve) => resolve(local, remote).await,
            None => self.base.resolve_conflict(local, remote).await,
        }
    }

    async fn authenticate(&self, side: Side, provider: &dyn Provider) -> Result<()> {
        self.base.authenticate(side, provider).await
    }

    async fn handle_notification(&self, notice: &Notice) {
        self.base.handle_notification(notice).await;
    }

    fn storage_label(&self) -> Option<String> {
        self.base.storage_label()
    }

    async fn done(&self) {
        self.base.done().await;
    }
}

/// The engine's policy, answered by hooks.
pub(crate) struct HooksPolicy(pub(crate) Arc<dyn Hooks>);

impl fmt::Debug for HooksPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HooksPolicy({})", self.0.policy_id())
    }
}

#[deny(
    clippy::missing_trait_methods,
    reason = "a default would bypass the hooks"
)]
impl Policy for HooksPolicy {
    fn translate(&self, to: Side, path: &str) -> Option<String> {
        self.0.translate(to, path)
    }

    fn prioritize(&self, side: Side, path: &str) -> i32 {
        self.0.prioritize(side, path)
    }

    fn wanted(&self, side: Side, path: &str, kind: Kind) -> bool {
        self.0.wanted(side, path, kind)
    }

    fn locality(&self) -> Locality {
        self.0.locality()
    }

    fn is_trivial(&self) -> bool {
        self.0.policy_id() == DEFAULT_POLICY
    }

    fn has_priorities(&self) -> bool {
        self.0.has_priorities()
    }

    fn id(&self) -> String {
        self.0.policy_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_stand_over_the_hooks_below_and_name_themselves() {
        let mut hooks = Closures::over(Arc::new(NoHooks));
        assert!(!hooks.translates() && !hooks.has_priorities());
        hooks.set_prioritize(|_, path| i32::from(path.starts_with("big/")));
        hooks.add_wanted("no-tmp".into(), |_, path, _| !path.starts_with("tmp/"));
        assert!(!hooks.translates());
        assert_eq!(hooks.locality(), Locality::Structural);
        hooks.set_translate("up".into(), |_, path| Some(path.to_uppercase()));
        assert!(hooks.translates());

        let policy = HooksPolicy(Arc::new(hooks));
        assert!(policy.has_priorities());
        assert_eq!(policy.translate(Side::Remote, "a"), Some("A".into()));
        assert_eq!(policy.prioritize(Side::Local, "big/x"), 1);
        assert!(!policy.wanted(Side::Local, "tmp/x", Kind::File));
        assert_eq!(policy.locality(), Locality::Arbitrary);
        assert_eq!(policy.id(), "default+translate:up+wanted:no-tmp");
    }
}
