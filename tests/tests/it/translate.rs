//! What is not translated, lies outside, or is shared between pairs: S074 to S080.

use cloudsync::provider::mock::Call;
use cloudsync::{BySide, EngineNotice, MemoryStore, Side};
use cloudsync_core::rules::Identity;
use cloudsync_tests::{Did, Hand, Pair, Setup, Way, in_all_ways, with_ways};

/// The user of the whole service.
fn everywhere(pair: &Pair, side: Side) -> Hand {
    Hand(pair.services[side].user())
}

/// S074.
#[tokio::test(start_paused = true)]
async fn s074_a_tree_that_left_the_root_is_gone_on_the_other_side() {
    for side in Side::BOTH {
        in_all_ways(async |mut pair| {
            pair.user(side).write("1/2/3/4/file", "deep");
            pair.user(side).write("stays", "s");
            pair.settle().await;
            let root = if side == Side::Local {
                "local"
            } else {
                "remote"
            };
            everywhere(&pair, side).rename(&format!("{root}/1"), "outside");
            let did = pair.settle_and_count().await;
            assert_eq!(did[side.other()], Did::deletions(5));
            pair.assert_both(&[("stays", "s")]);
            let kept = everywhere(&pair, side).read("outside/2/3/4/file");
            assert_eq!(kept.as_deref(), Some("deep"), "only out of our sight");
        })
        .await;
    }
}

/// S075.
#[tokio::test(start_paused = true)]
async fn s075_what_lies_outside_is_no_concern_until_it_comes_in() {
    in_all_ways(async |mut pair| {
        pair.settle().await;
        let all = everywhere(&pair, Side::Remote);
        all.write("outside/file", "one");
        all.write("outside/folder/in", "two");
        pair.settle().await;
        assert_eq!(pair.sync.status().objects, BySide::new(0, 0));
        assert!(pair.a().tree().is_empty());

        all.rename("outside/file", "remote/file");
        all.rename("outside/folder", "remote/folder");
        pair.settle().await;
        pair.assert_both(&[("file", "one"), ("folder", "/"), ("folder/in", "two")]);
        assert_eq!(pair.sync.status().objects, BySide::new(3, 3));

        all.rename("remote/file", "outside/file");
        pair.settle().await;
        pair.assert_both(&[("folder", "/"), ("folder/in", "two")]);
        assert_eq!(pair.sync.status().objects, BySide::new(2, 2));
        all.rename("outside/file", "outside/again");
        all.delete("outside/again");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::default());
    })
    .await;
}

/// S076. An object without a path is one that stands outside of the root: never synced, no concern;
/// synced once, it left.
#[tokio::test(start_paused = true)]
async fn s076_an_object_that_was_taken_out_of_all_folders_left() {
    with_ways(Way::with_a(Identity::Stable), async |way| {
        let mut pair = Pair::new(way).await;
        pair.b().write("synced", "one");
        pair.settle().await;
        let all = everywhere(&pair, Side::Remote);
        all.write("never", "two");
        all.rename("remote/synced", "unfiled");
        let did = pair.settle_and_count().await;
        assert_eq!(did, BySide::new(Did::deletions(1), Did::NOTHING));
        pair.assert_both(&[]);
    })
    .await;
}

/// Translates everything but what begins with `no`.
fn choosy(_: Side, path: &str) -> Option<String> {
    (!path.split('/').any(|name| name.starts_with("no"))).then(|| path.to_owned())
}

/// Not numbered, from the feature table: nothing that is not translated is synced or deleted, and it
/// is told.
#[tokio::test(start_paused = true)]
async fn what_is_not_translated_stays_where_it_is() {
    with_ways(Way::all(), async |way| {
        let mut pair = Setup::new(way)
            .build(|builder| builder.translate("choosy", choosy))
            .pair()
            .await;
        pair.a().write("no", "here");
        pair.b().write("nothing/in", "there");
        pair.a().write("yes", "both");
        pair.settle().await;
        pair.assert_side(Side::Local, &[("no", "here"), ("yes", "both")]);
        pair.assert_side(
            Side::Remote,
            &[("nothing", "/"), ("nothing/in", "there"), ("yes", "both")],
        );

        // Becoming translatable, it is synced as new.
        pair.a().rename("no", "now-not");
        pair.a().rename("now-not", "finally");
        pair.settle().await;
        assert_eq!(pair.b().read("finally").as_deref(), Some("here"));
    })
    .await;
}

/// Not numbered: what was synced and is renamed to a name that is not translated stays; nothing is
/// deleted, and it is told. What was its other half is a new file now.
#[tokio::test(start_paused = true)]
async fn what_is_no_longer_translated_is_told_and_never_deleted() {
    with_ways(Way::with_a(Identity::Stable), async |way| {
        let mut pair = Setup::new(way)
            .build(|builder| builder.translate("choosy", choosy))
            .pair()
            .await;
        pair.a().write("yes", "both");
        pair.settle().await;
        pair.forget_heard();
        pair.a().rename("yes", "no");
        pair.settle().await;
        assert_eq!(pair.a().read("no").as_deref(), Some("both"));
        assert_eq!(pair.b().read("yes").as_deref(), Some("both"));
        let did = pair.changed();
        assert_eq!((did.local.deleted, did.remote), (0, Did::NOTHING));
        let discarded = pair
            .notices()
            .iter()
            .filter(|notice| matches!(notice, EngineNotice::Discarded { .. }))
            .count();
        assert!(discarded >= 1, "{:?}", pair.notices());
    })
    .await;
}

/// All in one folder on the remote side: `a/b` is `a+b` there.
fn flat(to: Side, path: &str) -> Option<String> {
    match to {
        Side::Remote => (!path.contains('+')).then(|| path.replace('/', "+")),
        Side::Local => {
            let is_flat = !path.contains('/') && path.split('+').all(|name| !name.is_empty());
            is_flat.then(|| path.replace('+', "/"))
        }
    }
}

async fn flat_pair(way: Way) -> Pair {
    let mut pair = Setup::new(way)
        .build(|builder| builder.translate("flat", flat))
        .pair()
        .await;
    pair.a().write("a/f", "one");
    pair.a().write("a/b/g", "two");
    pair.settle().await;
    pair.assert_side(
        Side::Remote,
        &[("a", "/"), ("a+b", "/"), ("a+b+g", "two"), ("a+f", "one")],
    );
    pair
}

/// Not numbered: what is in a moved folder is translated again.
#[tokio::test(start_paused = true)]
async fn what_is_in_a_moved_folder_goes_where_it_belongs_now() {
    with_ways(Way::all(), async |way| {
        let mut pair = flat_pair(way).await;
        pair.a().rename("a", "c");
        let did = pair.settle_and_count().await;
        pair.assert_side(
            Side::Remote,
            &[("c", "/"), ("c+b", "/"), ("c+b+g", "two"), ("c+f", "one")],
        );
        pair.assert_side(
            Side::Local,
            &[("c", "/"), ("c/b", "/"), ("c/b/g", "two"), ("c/f", "one")],
        );
        if way.a == Identity::Stable {
            assert_eq!((did.remote.renamed, did.remote.deleted), (4, 0));
        }
        assert_eq!((did.remote.copied, did.local), (0, Did::NOTHING));
        assert_eq!(pair.settle_and_count().await, BySide::default());
    })
    .await;
}

/// Not numbered: the same from the other side, where the folder holds nothing.
#[tokio::test(start_paused = true)]
async fn what_belongs_to_a_moved_folder_follows_it() {
    with_ways(Way::with_a(Identity::Stable), async |way| {
        let mut pair = flat_pair(way).await;
        pair.b().rename("a", "c");
        pair.b().rename("a+b+g", "x");
        pair.settle().await;
        pair.assert_side(
            Side::Local,
            &[("c", "/"), ("c/b", "/"), ("c/f", "one"), ("x", "two")],
        );
        pair.assert_side(
            Side::Remote,
            &[("c", "/"), ("c+b", "/"), ("c+f", "one"), ("x", "two")],
        );
    })
    .await;
}

/// S079.
#[tokio::test(start_paused = true)]
async fn s079_a_file_moves_from_one_pair_to_another() {
    with_ways(Way::all(), async |way| {
        let mut first = Pair::new(way).await;
        let services = BySide::new(
            first.services.local.clone(),
            Setup::new(way).pair().await.services.remote.clone(),
        );
        let mut second = Pair::over(way, services, MemoryStore::new(), |builder| {
            builder.roots("/local2", "/remote")
        })
        .await;
        first.a().write("file", "hello");
        first.a().write("stays", "s");
        first.settle().await;
        second.settle().await;
        assert!(second.b().tree().is_empty());

        everywhere(&first, Side::Local).rename("local/file", "local2/file");
        first.settle().await;
        second.settle().await;
        first.assert_both(&[("stays", "s")]);
        second.assert_side(Side::Remote, &[("file", "hello")]);
    })
    .await;
}

/// S080.
#[tokio::test(start_paused = true)]
async fn s080_pairs_with_a_shared_side_pass_on_and_others_do_not_leak() {
    with_ways(Way::all(), async |way| {
        let mut first = Pair::new(way).await;
        let mut apart = Pair::new(way).await;
        let other_a = Setup::new(way).pair().await.services.local.clone();
        let services = BySide::new(other_a, first.services.remote.clone());
        let mut second = Pair::over(way, services, MemoryStore::new(), |builder| builder).await;
        first.a().write("one", "1");
        second.a().write("two", "2");
        apart.a().write("three", "3");
        for _ in 0..2 {
            first.settle().await;
            second.settle().await;
            apart.settle().await;
        }
        first.assert_both(&[("one", "1"), ("two", "2")]);
        second.assert_both(&[("one", "1"), ("two", "2")]);
        apart.assert_both(&[("three", "3")]);
        assert_eq!(apart.sync.status().objects, BySide::new(1, 1));
        first.take_log(Side::Local);
        first.settle().await;
        assert_eq!(first.take_log(Side::Local).count(Call::Write), 0);
    })
    .await;
}

/// S070 and S071, two pairs and four on one shared B: the same folder renamed, deleted and edited at
/// once comes to rest, everywhere equal.
#[tokio::test(start_paused = true)]
async fn s070_s071_many_pairs_on_one_side_come_to_rest() {
    with_ways([Way::PLAIN], async |way| {
        let shared = Setup::new(way).pair().await.services.remote.clone();
        let mut pairs = Vec::new();
        for seed in 0..4 {
            let mut configs = way.configs();
            configs.local.seed = seed;
            let local = cloudsync::provider::mock::MockService::new(configs.local);
            let services = BySide::new(local, shared.clone());
            pairs.push(Pair::over(way, services, MemoryStore::new(), |builder| builder).await);
        }
        for index in 0..20 {
            pairs[0].a().write(&format!("folder/{index}"), "equal");
        }
        pairs[0].a().write("stuff1", "hello");
        for _ in 0..2 {
            for pair in &mut pairs {
                pair.settle().await;
            }
        }
        for pair in &pairs {
            assert_eq!(pair.a().tree().len(), 22);
        }
        pairs[0].a().rename("stuff1", "stuff1a");
        pairs[1].a().rename("stuff1", "stuff1b");
        pairs[1].a().delete("folder");
        pairs[2].a().rename("folder", "renamed");
        pairs[3].a().write("folder/19", "edited");
        for _ in 0..4 {
            for pair in &mut pairs {
                pair.settle().await;
            }
        }
        let tree = Hand(shared.user_at("/remote")).tree();
        for pair in &pairs {
            assert_eq!(pair.a().tree(), tree);
            pair.assert_equal();
        }
        let stuff: Vec<_> = tree
            .keys()
            .filter(|name| name.starts_with("stuff"))
            .collect();
        assert_eq!(stuff.len(), 1, "{stuff:?}");
        let edited = tree.values().filter(|content| *content == "edited").count();
        assert_eq!(edited, 1, "{tree:?}");
    })
    .await;
}
