//! What a provider must promise for a case to make sense.

use crate::{Capabilities, Feed, Identity};

/// A promise that a case needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Need {
    /// What it is, in a few words.
    pub what: &'static str,
    /// Whether the provider promises it.
    pub holds: fn(&Capabilities) -> bool,
}

macro_rules! needs {
    ($($name:ident: $what:literal, $holds:expr;)*) => {
        $(pub(super) const $name: Need = Need { what: $what, holds: $holds };)*
    };
}

needs! {
    STABLE_IDS: "stable ids", |c| c.rules.identity == Identity::Stable;
    PATH_IDENTITY: "identity by path", |c| c.rules.identity == Identity::Path;
    ID_LOOKUP: "look-up by id", |c| c.rules.identity == Identity::Stable && c.rules.id_lookup;
    NO_ID_LOOKUP: "no look-up by id", |c| !c.rules.id_lookup;
    FRESH_IDS: "ids that are never reused", |c| {
        c.rules.identity == Identity::Stable && !c.rules.ids_reused
    };
    FOLDER_MOVE: "moving folders", |c| c.rules.folder_move;
    NO_FOLDER_MOVE: "no moving of folders", |c| !c.rules.folder_move;
    ATOMIC_CREATE: "atomic creates", |c| c.atomic_create;
    CONDITIONAL_CHANGE: "conditional changes", |c| c.conditional_change;
    FEED: "a feed", |c| c.rules.feed != Feed::None;
    NO_FEED: "no feed", |c| c.rules.feed == Feed::None;
    RESUMABLE_FEED: "a feed that resumes", |c| c.rules.feed == Feed::Resumable;
    QUOTA: "a quota", |c| c.quota;
    NO_QUOTA: "no quota", |c| !c.quota;
    NAMESPACES: "namespaces", |c| c.namespaces;
    NO_NAMESPACES: "no namespaces", |c| !c.namespaces;
    CASE_SENSITIVE: "names with case", |c| c.rules.names.case_sensitive;
    CASE_INSENSITIVE: "names without case", |c| !c.rules.names.case_sensitive;
    NORMALIZES: "names without unicode forms", |c| c.rules.names.normalizes_unicode;
    KEEPS_FORMS: "names with unicode forms", |c| !c.rules.names.normalizes_unicode;
    FORBIDDEN: "forbidden characters", |c| !c.rules.names.forbidden.is_empty();
    SHORT_NAMES: "a limit of names under 64 KiB", |c| c.rules.names.max_name_bytes < 65_536;
    WINDOWS_NAMES: "names by windows' rules", |c| c.rules.names.windows;
    KEEPS_MTIME: "times that are kept", |c| c.rules.keeps_mtime;
    KEEPS_MODE: "modes that are kept", |c| c.rules.keeps_mode;
    KEEPS_NONE: "no attribute kept", |c| !c.rules.keeps_mtime && !c.rules.keeps_mode;
    NATIVE_HASH: "hashes of its own", |c| !c.rules.native_hashes.is_empty();
    NO_NATIVE_HASH: "no hashes of its own", |c| c.rules.native_hashes.is_empty();
    SMALL_FILES: "a limit of files up to 1 MiB", |c| {
        c.max_file_bytes.is_some_and(|limit| limit <= 1 << 20)
    };
    LARGE_FILES: "files of 6 MiB", |c| c.max_file_bytes.is_none_or(|limit| limit >= 6 << 20);
}
