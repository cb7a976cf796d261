//! The engine alone: texts by name on two sides, kept equal, with no runtime, files or store.
#![expect(clippy::disallowed_macros, clippy::print_stdout, reason = "it shows")]

use cloudsync_core::engine::Engine;
use cloudsync_core::engine::io::{Act, Config, ConflictPolicy, Control, Effect, Input, Limits};
use cloudsync_core::engine::io::{Output, Query, SideState, Source};
use cloudsync_core::failure::{ErrorKind, Failure};
use cloudsync_core::listing::{Found, Listing};
use cloudsync_core::object::{Attributes, ContentHash, HashKind, Kind, ObjectRef};
use cloudsync_core::object::{Observed, Oid, Tag};
use cloudsync_core::policy::DefaultPolicy;
use cloudsync_core::record::Batch;
use cloudsync_core::rules::{Feed, Identity, NameRules, Rules};
use cloudsync_core::side::{BySide, Side};
use cloudsync_core::time::Time;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

type Texts = BTreeMap<String, String>; // without folders, to keep it short

fn rules(_: Side) -> Rules {
    Rules {
        identity: Identity::Path,
        id_lookup: false,
        ids_reused: false,
        folder_move: true,
        keeps_mode: false,
        keeps_mtime: false,
        names: NameRules::default(),
        feed: Feed::None,
        native_hashes: vec![HashKind::Blake3],
    }
}

/// One look. A short text is its own tag and hash.
fn look(text: &str) -> Observed {
    Observed {
        oid: Oid::default(),
        kind: Kind::File,
        tag: Tag::new(text),
        size: text.len() as u64,
        attributes: Attributes::default(),
        hash: Some(ContentHash::new(HashKind::Blake3, text.as_bytes())),
        racy: false,
    }
}

fn perform(sides: &mut BySide<Texts>, side: Side, act: Act) -> Result<Effect, Failure> {
    let gone = || Failure::new(ErrorKind::SourceChanged, "read");
    match act {
        Act::Write { source, target, .. } => {
            let Source::Object { at, .. } = source else {
                return Err(gone());
            };
            let text = sides[side.other()].get(&at.path).cloned();
            let text = text.ok_or_else(gone)?;
            let observed = look(&text);
            let hash = observed.hash.ok_or_else(gone)?;
            sides[side].insert(target.path(), text);
            Ok(Effect::Written { observed, hash })
        }
        Act::Delete { at, .. } => Ok(sides[side].remove(&at.path)).map(|_| Effect::Deleted),
        Act::Rename { at, target, .. } => {
            let text = sides[side].remove(&at.path).ok_or_else(gone)?;
            let seen = look(sides[side].entry(target.path()).or_insert(text));
            Ok(Effect::Changed(seen))
        }
        _ => Err(Failure::new(ErrorKind::Unsupported, "perform")),
    }
}

/// Does what the engine asks, and returns what to tell it.
fn answer(sides: &mut BySide<Texts>, output: Output) -> Vec<Input> {
    let outcome = Ok(());
    match output {
        Output::Operation(todo) => {
            let done = perform(sides, todo.side, todo.act);
            vec![Input::Done(vec![(todo.id, done)])]
        }
        Output::Persist(Batch { id: batch, .. }) => vec![Input::Persisted { batch, outcome }],
        Output::Query(Query::Walk { id, side, .. }) => {
            let (query, mut all) = (id, Listing::new(ObjectRef::root()));
            (sides[side].iter()).for_each(|(name, text)| all.push(name, look(text)));
            let listings = vec![all.complete()];
            let listed = Input::Listed { query, listings };
            vec![listed, Input::Walked { query, outcome }]
        }
        Output::Query(Query::Info { id, side, at, .. }) => {
            let (query, name, folder) = (id, at.path, None);
            let observed = sides[side].get(&name).map(|text| look(text));
            #[rustfmt::skip]
            let outcome = Ok(observed.is_some().then_some(Found { observed, folder, name }));
            vec![Input::Found { query, outcome }]
        }
        Output::Notice(notice) => {
            println!("  {notice}");
            vec![]
        }
        other => unreachable!("hashes come with every look, and nobody is asked: {other:?}"),
    }
}

/// Lets the engine look at both sides and work until it rests. Its clock is only a number.
fn sync(engine: &mut Engine, sides: &mut BySide<Texts>) {
    let (mut now, path) = (Time::ZERO, String::new);
    let walk = |side| Input::Control(Control::Walk { side, path: path() });
    engine.handle(now, walk(Side::Local));
    engine.handle(now, walk(Side::Remote));
    while !engine.status(now).at_rest {
        while let Some(output) = engine.poll(now) {
            for input in answer(sides, output) {
                engine.handle(now, input);
            }
        }
        now = engine.next_wake().unwrap_or(now).max(now);
    }
}

fn main() {
    let (mut engine, mut sides) = (Engine::new(config()), BySide::<Texts>::default());
    for side in Side::BOTH {
        let (root, identity) = (Oid::default(), side.to_string());
        let state = SideState::Ready { root, identity };
        engine.handle(Time::ZERO, Input::SideState { side, state });
    }
    println!("one has a list, the other a poem:");
    sides.local.insert("list.txt".into(), "milk".into());
    sides.remote.insert("poem.txt".into(), "a rose".into());
    sync(&mut engine, &mut sides);
    println!("both change the list, and the poem goes:");
    sides.local.insert("list.txt".into(), "milk, eggs".into());
    sides.remote.insert("list.txt".into(), "milk, bread".into());
    sides.local.remove("poem.txt");
    sync(&mut engine, &mut sides);
    assert_eq!(sides.local, sides.remote);
    println!("both: {:#?}", sides.local);
}

fn config() -> Config {
    Config {
        rules: BySide::from_fn(rules),
        policy: Arc::new(DefaultPolicy),
        aging: Duration::ZERO,
        on_conflict: ConflictPolicy::KeepBoth,
        guard: None,
        limits: Limits::default(),
        backoff: (Duration::from_millis(10), Duration::from_secs(1)),
        walk_every: BySide::default(),
        dry_run: false,
    }
}
