//! What the help says around commands and flags: `-h` a screen, `--help` all there is to know.

pub(crate) const SYNC_EXAMPLES: &str = "\
Examples:
  cloudsync sync ~/Notes /mnt/disk/Notes
  cloudsync sync -n --exclude '*.tmp' ~/Notes /mnt/disk/Notes";

pub(crate) const WATCH_EXAMPLES: &str = "\
Examples:
  cloudsync watch ~/Notes /mnt/disk/Notes
  cloudsync watch --json --exclude '.git/' ~/Notes /mnt/disk/Notes";

pub(crate) const PLAN_EXAMPLES: &str = "\
Examples:
  cloudsync plan ~/Notes /mnt/disk/Notes
  cloudsync plan --json ~/Notes /mnt/disk/Notes";

pub(crate) const MAIN_EXAMPLES: &str = "\
Examples:
  cloudsync sync ~/Notes /mnt/disk/Notes
  cloudsync watch ~/Notes /mnt/disk/Notes";

pub(crate) const EXIT_CODES: &str = "\
Exit: 3 some failed, 4 conflicts, 6 held, 7 unreachable, 8 busy, 10 state";

pub(crate) const TEMPLATE: &str = "\
{before-help}{about}
{usage-heading} {usage}

{all-args}{after-help}";

/// What `--help` says beyond `-h`.
pub(crate) const MORE: &str = "\
Locations:
  PATH, ./a:b, ~/x, file:PATH  A local folder
  memory:NAME                  In memory: to try things out, gone afterwards

Conflicts (--on-conflict):
  keep-both      The remote version keeps the name, the local one is kept beside
                 it as NAME.conflicted.EXT, on both sides (the default)
  hold           Both stay as they are and wait for you: exit 4
  newer, older   The version changed last, or first, wins; so it goes with
  larger, smaller, local, remote

Durability (--durability):
  full   Each file, and the folder it is in, is flushed to the disk before it
         counts as done: slow with many small files
  batch  Many files are flushed at once, before they are recorded as synced: a
         power cut loses no file, and what it undoes is done again (the default)
  none   Nothing is flushed. After a power cut, synced files may be empty, old
         or gone, and the state may be lost, or not fit them. The next run may
         take that for your change, and carry it to the other side. A crash of
         the program alone does no harm

Exit codes (of several the first of 10, 6, 5, 7, 3, 4; take others for failure):
  0    Both sides agree; copies may have been kept of conflicts
  1    An internal error: a bug
  2    Wrong usage
  3    Done, but some items failed or could not take part
  4    Done, but conflicts wait for you
  5    Permission refused for a whole side
  6    Deletions were held, or a folder is another one than before
  7    A location cannot be reached
  8    Another run holds this pair
  10   The state cannot be used
  130, 143  Stopped by Ctrl-C or SIGTERM; run again to go on

Environment:
  CLOUDSYNC_STATE_DIR  Where states are kept; else CLOUDSYNC_HOME/state, else
                       XDG_STATE_HOME/cloudsync, else ~/.local/state/cloudsync
  CLOUDSYNC_LOG        What is logged, as tracing filters; else RUST_LOG
  NO_COLOR             If it is set to anything, no colours";
