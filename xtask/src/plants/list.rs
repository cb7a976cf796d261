//! The bugs that are planted, by the class of what caused such bugs in programs like this one: an absence that was read as a
//! deletion (AD), time between check and use (TOC), identity (ID), names (NM), a wrong base (BASE), order (ORD), durability
//! (DUR), what is left out (SCOPE), time stamps (TIME), transfer (XFER), no progress (LOOP), what servers do (SRV). Each class has one at least
//! that random worlds are to find within the runs that are named.

/// What is to find a bug.
pub(super) enum Finder {
    /// The tests of a package.
    Tests(&'static str),
    /// A layer of random worlds: the arguments of `cargo xtask`, which say in how many runs.
    Random(&'static [&'static str]),
}

/// A bug.
pub(super) struct Plant {
    /// What it does.
    pub(super) what: &'static str,
    /// Of which class of causes it is.
    pub(super) class: &'static str,
    pub(super) file: &'static str,
    /// What it takes the place of, which stands there once.
    pub(super) good: &'static str,
    pub(super) bad: &'static str,
    pub(super) found_by: Finder,
}

pub(super) const PLANTS: [Plant; 24] = [
    Plant {
        what: "a file is deleted or moved without a look at its version",
        class: "TOC",
        file: "crates/cloudsync-provider/src/filesystem/change.rs",
        good: "expect.is_some_and(|tag| found.what != What::File || found.tag() != *tag)",
        bad: "expect.is_some_and(|tag| found.what != What::File && found.tag() != *tag)",
        found_by: Finder::Tests("cloudsync-provider"),
    },
    Plant {
        what: "what came out of an exchange is not looked at",
        class: "TOC",
        file: "crates/cloudsync-provider/src/filesystem/replace.rs",
        good: "Ok(out) if old.same_version(&out) =>",
        bad: "Ok(out) if old.what == out.what =>",
        found_by: Finder::Tests("cloudsync-provider"),
    },
    Plant {
        what: "what is synced is recorded before it is flushed",
        class: "DUR",
        file: "crates/cloudsync/src/persist.rs",
        good: "let (local, remote) = futures::join!(",
        bad: "guarded_call(\"store apply\", store.apply(batch)).await?;\n        let (local, remote) = futures::join!(",
        found_by: Finder::Tests("cloudsync"),
    },
    Plant {
        what: "a listing that was cut counts as complete",
        class: "AD",
        file: "crates/cloudsync-core/src/engine/observing.rs",
        good: "match listing.end {",
        bad: "match End::Complete {",
        found_by: Finder::Tests("cloudsync-tests"),
    },
    Plant {
        what: "the other version of a conflict keeps the name",
        class: "ORD",
        file: "crates/cloudsync-core/src/engine/deciding.rs",
        good: "Resolution::KeepBoth => self.set_aside(entries, Side::Local),",
        bad: "Resolution::KeepBoth => self.set_aside(entries, Side::Remote),",
        found_by: Finder::Tests("cloudsync-tests"),
    },
    Plant {
        what: "of two moves the other one wins, on whichever side it is",
        class: "ORD",
        file: "crates/cloudsync-core/src/plan/agreed.rs",
        good: "let is_local = path(Side::Local)? <= path(Side::Remote)?;",
        bad: "let is_local = path(Side::Local)? > path(Side::Remote)?;",
        found_by: Finder::Tests("cloudsync-core"),
    },
    Plant {
        what: "what is put into a folder that is taken away stays there",
        class: "TOC",
        file: "crates/cloudsync-provider/src/filesystem/write.rs",
        good: "if !is_there {",
        bad: "if !is_there && request.size == u64::MAX {",
        found_by: Finder::Tests("cloudsync-provider"),
    },
    Plant {
        what: "the pair named the other way round has a state of its own",
        class: "BASE",
        file: "crates/cloudsync-cli/src/state.rs",
        good: "    sides.sort();\n",
        bad: "",
        found_by: Finder::Tests("cloudsync-cli"),
    },
    Plant {
        what: "a file that is no longer where it was is deleted, although it was met elsewhere",
        class: "AD",
        file: "crates/cloudsync-core/src/engine/settling.rs",
        good: "        if reused {",
        bad: "        if reused || node.kind == Kind::File {",
        found_by: Finder::Random(&["simulate", "--planner", "--runs", "20000"]),
    },
    Plant {
        what: "a listing that was cut counts as complete, and what it lacks is deleted",
        class: "AD",
        file: "crates/cloudsync-core/src/engine/observing.rs",
        good: "match listing.end {",
        bad: "match End::Complete {",
        found_by: Finder::Random(&["simulate", "--whole", "--runs", "2000"]),
    },
    Plant {
        what: "nobody looks once more before a deletion",
        class: "AD",
        file: "crates/cloudsync-core/src/engine/deleting.rs",
        good: "if self.world.node(gone, top).is(Mark::Verified) || self.config.dry_run {",
        bad: "if self.world.tree(gone).is_live(top) {",
        found_by: Finder::Random(&["simulate", "--whole", "--runs", "15000"]),
    },
    Plant {
        what: "what was planned to be deleted is deleted whatever it is by then",
        class: "TOC",
        file: "crates/cloudsync-core/src/engine/operating.rs",
        good: "                    kind,\n                    expect: file_tag(node),",
        bad: "                    kind,\n                    expect: None,",
        found_by: Finder::Random(&["simulate", "--runs", "100000"]),
    },
    Plant {
        what: "an object with another id is the one that stood there",
        class: "ID",
        file: "crates/cloudsync-core/src/engine/observing.rs",
        good: "            && (self.config.rules[side].identity == Identity::Path\n",
        bad: "            && (at.is_present()\n",
        found_by: Finder::Random(&["simulate", "--runs", "20000", "--crossed"]),
    },
    Plant {
        what: "names that one side takes for one are two",
        class: "NM",
        file: "crates/cloudsync-core/src/tree/names.rs",
        good: ".map_or(id, |folded| folded[id.0 as usize])",
        bad: ".map_or(id, |_| id)",
        found_by: Finder::Random(&["simulate", "--runs", "20000"]),
    },
    Plant {
        what: "what a user changed just before we moved it counts as agreed",
        class: "BASE",
        file: "crates/cloudsync-core/src/engine/effects.rs",
        good: ".filter(|agreed| agreed.0 == tag && is_same)",
        bad: ".filter(|_| kind == Kind::File || is_same)",
        found_by: Finder::Random(&["simulate", "--runs", "20000"]),
    },
    Plant {
        what: "a folder is moved while something goes on in it",
        class: "ORD",
        file: "crates/cloudsync-core/src/engine/operating.rs",
        good: "is_some_and(|&count| count > 0);",
        bad: "is_some_and(|&count| count > 1000);",
        found_by: Finder::Random(&["simulate", "--runs", "200000", "--crossed"]),
    },
    Plant {
        what: "what is synced is recorded before it is flushed, and the power goes",
        class: "DUR",
        file: "crates/cloudsync/src/persist.rs",
        good: "let (local, remote) = futures::join!(",
        bad: "guarded_call(\"store apply\", store.apply(batch)).await?;\n        let (local, remote) = futures::join!(",
        found_by: Finder::Random(&["power", "--worlds", "2", "--cuts", "20"]),
    },
    Plant {
        what: "a file that is left out is nobody's concern no more",
        class: "SCOPE",
        file: "crates/cloudsync-core/src/plan/agreed.rs",
        good: "let left_out = left_out(view, id);",
        bad: "let left_out = left_out(view, id).map(|is_out| is_out && entry.kind == Kind::Folder);",
        found_by: Finder::Random(&["simulate", "--runs", "20000", "--choosing"]),
    },
    Plant {
        what: "nobody looks into a folder of ours where hidden names are left out",
        class: "SCOPE",
        file: "crates/cloudsync-core/src/plan/scope.rs",
        good: "|| is_wanted(view, side, node)\n",
        bad: "|| view.trivial\n",
        found_by: Finder::Random(&["simulate", "--runs", "50000", "--crossed", "--hiding"]),
    },
    Plant {
        what: "a call that was found not done is done by nobody",
        class: "TOC",
        file: "crates/cloudsync-core/src/engine/overdue.rs",
        good: "if entry.is_agreed() && entry.kind == Kind::File {",
        bad: "if entry.is_agreed() && entry.kind == Kind::Folder {",
        found_by: Finder::Random(&[
            "simulate",
            "--runs",
            "400000",
            "--crossed",
            "--by-parts",
            "--outliving",
        ]),
    },
    Plant {
        what: "the tag of a file that changed in this tick tells what comes after it",
        class: "TIME",
        file: "crates/cloudsync-core/src/tree/side_tree.rs",
        good: "node.set(Mark::Racy, seen.racy);",
        bad: "node.set(Mark::Racy, false);",
        found_by: Finder::Random(&["simulate", "--runs", "200000"]),
    },
    Plant {
        what: "a content that ends too early is the whole of it",
        class: "XFER",
        file: "crates/cloudsync/src/transfer.rs",
        good: "None if before == size => Ok(None)",
        bad: "None if before <= size => Ok(None)",
        found_by: Finder::Random(&["simulate", "--whole", "--runs", "1500"]),
    },
    Plant {
        what: "objects that wait for each other wait for ever",
        class: "LOOP",
        file: "crates/cloudsync-core/src/engine/waiting.rs",
        good: "let Some(circle) = self.find_circle() else {",
        bad: "let Some(circle) = self.find_circle().filter(Vec::is_empty) else {",
        found_by: Finder::Random(&["simulate", "--runs", "20000", "--crossed"]),
    },
    Plant {
        what: "a file that a service gave another tag, with the same size, is the same",
        class: "SRV",
        file: "crates/cloudsync-core/src/delta.rs",
        good: "None => Change::Maybe,",
        bad: "None => Change::Same,",
        found_by: Finder::Random(&["simulate", "--runs", "20000"]),
    },
];
