//! Real issues of other sync programs, each as a test by its number: D1 to D60.
//!
//! `d07_…` is case D7, told of in the issues named here. A case that a test elsewhere shows in full is
//! not written again, and that test is named (`cargo xtask cases` checks that none is missing).
//!
//! | Case | Issue | Shown in |
//! | --- | --- | --- |
//! | D1 | abraunegg/onedrive#2755 | `cloudsync-cli`, `roots`: `only_the_second_folder_is_made_and_only_at_the_first_meeting` |
//! | D2 | owncloud/client#4293, abraunegg/onedrive#8 | `real`: `a_root_that_is_gone_or_another_folder_stops_the_pair` |
//! | D3 | mutagen-io/mutagen#275 | `absent` |
//! | D4 | nextcloud/desktop#8511 | `absent` |
//! | D5 | owncloud/client#3102, #3116, #3124, #6677; core#16645 | `absent` |
//! | D6 | nextcloud/desktop test “data fingerprint” | `base` |
//! | D7 | abraunegg/onedrive#3344, #3015, #1929 | `durable` |
//! | D8 | owncloud/client#1014 | `base` |
//! | D9 | nextcloud/desktop#10547 (447 files) | `durable` |
//! | D10 | nextcloud/desktop#359 | `durable` |
//! | D11 | owncloud/client#2210, #522 | `server` |
//! | D12 | owncloud/client#515 | `cloudsync-provider`, `sweeping`: `copies_that_were_being_made_are_removed` |
//! | D13 | owncloud/client#2983 | `identity` |
//! | D14 | owncloud/client#4588 | `identity` |
//! | D15 | owncloud/client#2296; smashbox concurrentDirMove | `order` |
//! | D16 | owncloud/client#4148, skilion/onedrive#497 | `order` |
//! | D17 | nextcloud/desktop#10137 | `names` |
//! | D18 | nextcloud/desktop#10137, owncloud/client PR 6114 | `order` |
//! | D19 | owncloud/client PR 6114 | `identity` |
//! | D20 | abraunegg/onedrive PR 3332 | `identity` |
//! | D21 | abraunegg/onedrive#249 | `order` |
//! | D22 | abraunegg/onedrive#2586, #3044 | `order` |
//! | D23 | abraunegg/onedrive#3439, #3234 | `order` |
//! | D24 | owncloud/client #7441 (commit) | `order` |
//! | D25 | owncloud/client #7481 (commit) | `durable` |
//! | D26 | syncthing/syncthing#2571 | `links` |
//! | D27 | syncthing/syncthing#6090 | `links` |
//! | D28 | owncloud/client#6322 | `links` |
//! | D29 | syncthing/syncthing#4841 | `scope` |
//! | D30 | syncthing/syncthing#3502 (PR 3557) | `scope` |
//! | D31 | abraunegg/onedrive#3512, #3476 | `scope` |
//! | D32 | syncthing#2719, #4162, #4336; Unison manual | `scope` |
//! | D33 | syncthing/syncthing#3876 (PR 6605) | `real`: `without_the_state_file_a_deletion_is_forgotten_and_an_edit_is_a_conflict` |
//! | D34 | rclone/rclone#9939 | `base` |
//! | D35 | rclone/rclone#8359, #5676 | `base` |
//! | D36 | bcpierce00/unison PR 769, PR 941 | `base` |
//! | D37 | bcpierce00/unison#664 | `times` |
//! | D38 | owncloud/client#5589 | `times` |
//! | D39 | rclone/rclone#8025 | `times` |
//! | D40 | nextcloud/desktop#4016, #4341, #5196, #9555 | `times` |
//! | D41 | nextcloud/desktop#10087 | `names` |
//! | D42 | owncloud/client#6338, syncthing#9597 | `names` |
//! | D43 | nextcloud/desktop#8419, #8952; nextcloud/server#41596; syncthing#1787, #2739, #5708 | `names` |
//! | D44 | rclone#2599, OneDrive/onedrive-api-docs#935, abraunegg/onedrive#205 | `server` |
//! | D45 | rclone#9267, #119, #1506 | `server` |
//! | D46 | OneDrive/onedrive-api-docs#1356, #231 | `base` |
//! | D47 | JeffSteinbok/obsidian-onedrive PR 131; owncloud/client#397, #129; kDrive PR 658 | `base`, `names` |
//! | D48 | nextcloud/desktop#10099 (PR 10226) | `server` |
//! | D49 | Infomaniak/desktop-kDrive PR 1263 | `absent` |
//! | D50 | syncthing#885, nextcloud/desktop#467, owncloud/client#60, #2635 | `names` |
//! | D51 | syncthing#7008, #3227 | `names` |
//! | D52 | owncloud/client#5346, #5537, #2061 | `server` |
//! | D53 | rclone/rclone#9290 | `cloudsync-store`, `lock`: `what_stands_in_the_file_does_not_matter` |
//! | D54 | rclone/rclone#8685 | `absent` |
//! | D55 | syncthing/syncthing#10331 | `server` |
//! | D56 | syncthing/syncthing PR 10207 | `order` |
//! | D57 | rclone changelog v1.64 | `scope` |
//! | D58 | Kleppmann et al. | `order` |
//! | D59 | bcpierce00/unison#457 | `base` |
//! | D60 | owncloud/client#1218, nextcloud/server#20584 | `server` |

mod absent;
mod base;
mod durable;
mod identity;
mod links;
mod names;
mod order;
mod scope;
mod server;
mod times;

use std::pin::Pin;
use std::time::Duration;

use cloudsync::{BySide, Side, Stop};
use cloudsync_tests::{Drive, Pair, Way};
use tokio::time::{sleep, timeout};

/// Ends a pair that runs, so that users act while nothing does.
async fn pause(pair: &Pair) {
    if pair.sync.started() {
        pair.sync.stop(Stop::ForNow).await;
    }
}

/// Lets it run for a long while, or once, when it cannot come to rest in order.
async fn go_on(pair: &mut Pair) {
    if pair.way.drive == Drive::Live {
        pair.run_for(Duration::from_mins(10)).await;
    } else {
        pair.rest().await;
    }
}

/// Returns how many calls that change objects each side got since its log was last taken.
fn operations(pair: &Pair) -> BySide<usize> {
    BySide::from_fn(|side: Side| pair.take_log(side).operations().count())
}

/// Drops a pair, whatever it was at, and starts it again with new clients.
async fn crash(pair: Pair) -> Pair {
    let Pair {
        way,
        services,
        disk,
        sync,
        ..
    } = pair;
    drop(sync);
    for _ in 0..1_000 {
        // What ran all the time may take a while to end.
        if let Ok(store) = disk.open() {
            return Pair::over(way, services, store, |builder| builder).await;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the state is still taken");
}

/// The ways in which a pair runs once and ends.
fn at_once() -> impl Iterator<Item = Way> {
    let is_once = |way: &Way| way.drive != Drive::Live;
    Way::all().into_iter().filter(is_once)
}

/// Lets a run go on until something is so, which has to be before its end.
async fn until<T>(mut run: Pin<&mut impl Future<Output = T>>, is_so: impl Fn() -> bool) {
    while !is_so() {
        let step = timeout(Duration::from_millis(10), &mut run).await;
        assert!(step.is_err(), "the run ended before");
    }
}
