//! What must hold: nothing lost at any moment, and at rest both sides equal and nothing left to do.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::io::{Act, Control, Input, Operation, Trouble};
use crate::failure::ErrorKind;
use crate::object::Attributes;
use crate::plan::there_and_back;
use crate::record::{EntryId, Record};
use crate::rules::Feed;
use crate::side::{BySide, Side};
use crate::testing::pair::ModelPair;
use crate::testing::setup::Faults;
use crate::testing::storage::{Item, Storage};
use crate::testing::translation::Translation;

const STEPS: usize = 20_000;
const RETRIES: usize = 100;

impl ModelPair {
    /// Nothing that a user wrote and nobody replaced may be gone, at any moment.
    pub(super) fn check_alive(&self, operation: &Operation) {
        let sides = [&self.sides.local, &self.sides.remote];
        for token in &self.alive {
            let there = sides
                .iter()
                .any(|side| side.contents().any(|content| content == token));
            assert!(there, "{token} was lost by {operation:?}");
        }
    }

    /// Lets the engine work until it rests. No more faults.
    ///
    /// # Panics
    /// If it does not come to rest.
    pub fn run(&mut self) {
        let late = self.faults.late_answer > 0;
        self.faults = Faults::default();
        self.connect();
        let mut retries = 0;
        for _ in 0..STEPS {
            if late {
                self.connect_again();
            }
            if self.step() {
                continue;
            }
            let status = self.engine.status(self.now);
            // What failed is tried again, now that nothing fails any more.
            let waits = |trouble: &Trouble| trouble.retry_in.is_some();
            let Some(at) = self.engine.next_wake() else {
                return;
            };
            if !status.troubles.iter().any(waits) || retries == RETRIES {
                return;
            }
            retries += 1;
            self.now = self.now.max(at);
        }
        panic!(
            "no rest after {STEPS} steps: {:?}",
            self.engine.status(self.now)
        );
    }

    /// Connects a side that a late answer of the connection before took down.
    fn connect_again(&mut self) {
        let down = self.engine.status(self.now).down;
        for side in Side::BOTH {
            self.up[side] &= down[side].is_none();
        }
        self.connect();
    }

    /// Walks both sides, where the feed does not tell all, and releases what is held.
    fn run_to_the_end(&mut self) {
        // No feed tells what a cut listing left out, nor need one tell what we did, whenever that was.
        let is_untold = self.faults.cut + self.faults.outlives > 0;
        self.run();
        for _ in 0..2 {
            for side in Side::BOTH {
                if self.sides[side].rules().feed != Feed::Resumable || is_untold {
                    let path = String::new();
                    let input = Input::Control(Control::Walk { side, path });
                    self.engine.handle(self.now, input);
                }
            }
            self.run();
            self.release_all();
        }
    }

    /// Releases deletions that are held, until none are.
    ///
    /// # Panics
    /// If there is no end to it.
    pub fn release_all(&mut self) {
        for _ in 0..100 {
            let held = self.engine.status(self.now).held;
            if held.is_empty() {
                return;
            }
            for held in held {
                self.control(Control::Release(held.id));
            }
            self.run();
        }
        panic!("deletions are held again and again");
    }

    /// Lets everything come to rest, with a complete walk of both sides (where the feed does not tell
    /// all), and checks what must hold then: both sides equal, nothing lost, nothing left to do, not
    /// even after a restart.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn check(&mut self) {
        self.run_to_the_end();
        self.check_rest();
    }

    /// Checks what must hold at rest.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn check_rest(&mut self) {
        let status = self.engine.status(self.now);
        // What failed before, and goes into such a folder now, waits with it.
        let fixed = status.troubles.iter().any(|trouble| self.is_fixed(trouble));
        let waits = |trouble: &Trouble| fixed && trouble.retry_in.is_none();
        let failing: Vec<_> = status.troubles.iter().filter(|&at| !waits(at)).collect();
        assert!(failing.is_empty(), "nothing fails: {failing:?}");
        self.check_equal();
        assert!(status.waiting == 0 || fixed, "nothing waits: {status:?}");
        let performed = self.performed.len();
        // A side where we moved folders is walked at the next start, and that it was walked is recorded anew.
        let values = |pair: &Self| {
            let mut values = pair.values.clone();
            values.retain(|key, _| !key.starts_with("walked."));
            values
        };
        let recorded = (self.store.clone(), values(self));
        self.crash();
        self.run();
        assert_eq!(
            self.performed.len(),
            performed,
            "a restart does nothing: {:?}",
            &self.performed[performed..]
        );
        // What is left out is nobody's concern: nobody looks at what is in it, but on the way to it.
        let counts = |record: &Record| self.scope.is_all() || record.agreed.is_some();
        let changed: Vec<_> = self
            .store
            .iter()
            .filter(|(id, record)| counts(record) && recorded.0.get(id) != Some(record))
            .map(|(id, record)| (recorded.0.get(id), record))
            .collect();
        // Where a row lies in a folder that has no record is not recorded either.
        assert!(
            changed.is_empty() || fixed,
            "a restart records nothing: {changed:?}"
        );
        let count = |store: &BTreeMap<EntryId, Record>| {
            let all = store.values();
            all.filter(|record| counts(record)).count()
        };
        assert_eq!(
            count(&self.store),
            count(&recorded.0),
            "a restart drops no record"
        );
        assert_eq!(values(self), recorded.1, "a restart changes no value");
    }

    /// Checks that both sides are equal, as far as the policy wants it, and hold what users wrote.
    ///
    /// # Panics
    /// If they are not.
    pub fn check_equal(&self) {
        if let Some(translation) = self.translation {
            return self.check_translated(translation);
        }
        let scope = &self.scope;
        let all = BySide::from_fn(|side| scope.shared(&self.sides, side));
        let folds = Side::BOTH
            .iter()
            .any(|&side| !self.sides[side].rules().names.case_sensitive);
        let mut shared = all.clone();
        for side in Side::BOTH {
            shared[side].retain(|path, item| {
                // Of two names that are one there, the other one may have it.
                let is_it = |there: &String| {
                    there == path
                        || (folds
                            && there.eq_ignore_ascii_case(path)
                            && !all[side].contains_key(there))
                };
                let mut folders = all[side.other()]
                    .iter()
                    .filter(|(_, item)| item.content.is_none());
                item.content.is_some()
                    || folders.any(|(there, _)| is_it(there))
                    || !scope.keeps(&self.sides, side, path)
            });
        }
        let fixed = self.fixed();
        shared.local.retain(|path, _| !fixed.local.contains(path));
        shared.remote.retain(|path, _| !fixed.remote.contains(path));
        let (local, remote) = (shared.local, shared.remote);
        // Names that a side takes for one may be written differently on the two.
        let shown = |tree: &BTreeMap<String, &Item>| -> BTreeMap<_, _> {
            tree.iter()
                .map(|(path, item)| {
                    let path = if folds {
                        path.to_lowercase()
                    } else {
                        path.clone()
                    };
                    (path, (item.content.clone(), Self::carried(item)))
                })
                .collect()
        };
        assert_eq!(shown(&local), shown(&remote), "both sides are equal");
        assert_eq!(local.len(), remote.len(), "both sides have as many objects");
        let both = [&self.sides.local, &self.sides.remote];
        let contents: BTreeSet<&str> = both.into_iter().flat_map(Storage::contents).collect();
        for token in &self.alive {
            assert!(contents.contains(token.as_str()), "{token} is there");
        }
        let all = || local.keys().chain(remote.keys());
        let rests: Vec<&String> = all().filter(|path| path.contains("parked")).collect();
        assert!(rests.is_empty(), "nothing of ours is left: {rests:?}");
        let nested: Vec<&String> = all()
            .filter(|path| {
                path.split('/')
                    .any(|name| name.matches("conflicted").count() > 1)
            })
            .collect();
        assert!(nested.is_empty(), "conflicts do not breed: {nested:?}");
    }

    /// Returns true for a folder that should give way to another one of its name on the other side, and that
    /// its own side cannot rename: it waits for a user.
    fn is_fixed(&self, trouble: &Trouble) -> bool {
        trouble.failure.kind() == ErrorKind::NameRejected
            && trouble.attempts == 1
            && !self.sides[trouble.side].setup.folder_move
    }

    /// Returns the paths of such folders, of what is in them, and of the other half of that.
    fn fixed(&self) -> BySide<BTreeSet<String>> {
        let mut paths = BySide::<BTreeSet<String>>::default();
        let world = self.engine.world();
        for trouble in self.engine.status(self.now).troubles {
            if !self.is_fixed(&trouble) {
                continue;
            }
            let (side, below) = (trouble.side, format!("{}/", trouble.path));
            for (_, entry) in world.entries() {
                let Some(node) = entry.nodes[side] else {
                    continue;
                };
                let path = world.path(side, node);
                if path != trouble.path && !path.starts_with(&below) {
                    continue;
                }
                if let Some(there) = entry.nodes[side.other()] {
                    // Nothing else can come where that stands.
                    let there = world.path(side.other(), there);
                    paths[side].insert(there.clone());
                    paths[side.other()].insert(there);
                }
                paths[side].insert(path);
            }
        }
        paths
    }

    /// Whatever is translated there and back is on both sides, and what users wrote on one.
    fn check_translated(&self, translation: Translation) {
        let trees = self.sides.as_ref().map(Storage::objects);
        for side in Side::BOTH {
            for (path, (_, item)) in &trees[side.other()] {
                let Some(there) = there_and_back(&translation, side, path) else {
                    continue;
                };
                let found = trees[side].get(&there);
                // Folders that are made on the way have no mode from anywhere.
                let carried = |item: &Item| item.content.as_ref().map(|_| item.attributes);
                let found = found.map(|(_, found)| (found.content.clone(), carried(found)));
                let expected = Some((item.content.clone(), carried(item)));
                assert_eq!(
                    found, expected,
                    "{path} is {there} on the {side} side: {trees:#?}"
                );
            }
        }
        for token in &self.alive {
            let is_there = |side: Side| self.sides[side].contents().any(|content| content == token);
            assert!(Side::BOTH.into_iter().any(is_there), "{token} is there");
        }
        let names = trees.local.keys().chain(trees.remote.keys());
        let rests: Vec<&String> = names.filter(|path| path.contains("parked")).collect();
        assert!(rests.is_empty(), "nothing of ours is left: {rests:?}");
    }

    /// Returns how many operations of a kind were performed on a side.
    pub fn count(&self, side: Side, is: impl Fn(&Act) -> bool) -> usize {
        self.performed
            .iter()
            .filter(|done| done.side == side && is(&done.act))
            .count()
    }

    /// Returns what has to be equal of an object's attributes: of a folder its mode.
    fn carried(item: &Item) -> Attributes {
        let mtime = item.attributes.mtime.filter(|_| item.content.is_some());
        Attributes {
            mtime,
            ..item.attributes
        }
    }
}
