//! The name that the loser of a conflict takes: `a.conflicted.txt`, then `a.conflicted2.txt` …
//!
//! Split at the first dot, so that all extensions stay (`a.conflicted.tar.gz`), and never nested: the
//! conflict copy of a conflict copy only takes another number. A name that would be too long keeps
//! the beginning of its stem and takes a hash of the whole, `-` and eight hexadecimal digits.

use std::borrow::Cow;

/// What tells a conflict name, between the stem and the extensions.
const MARK: &str = ".conflicted";

/// A shorter limit than this is not kept: mark, number, hash and a short extension need the room.
pub const SHORTEST_LIMIT_BYTES: usize = 48;

/// Room for the last extension where not all fit.
const SHORT_EXTENSION_BYTES: usize = 16;

/// A name in its three parts.
struct Parts<'a> {
    stem: &'a str,
    /// 0: not a conflict name.
    number: u32,
    /// From the dot on, or empty.
    extensions: &'a str,
}

/// Returns true if the name is one that [`conflict_name`] gives, in whatever case.
pub fn is_conflict_name(name: &str) -> bool {
    parts(name).number > 0
}

/// Returns the `n`th conflict name of `name`, counted from 1, however long. What is a conflict name
/// already counts on from its own number.
pub fn conflict_name(name: &str, n: u32) -> String {
    conflict_name_within(name, n, usize::MAX)
}

/// Returns the `n`th conflict name of `name`, as [`conflict_name`] does, in at most `max_bytes` (at
/// least [`SHORTEST_LIMIT_BYTES`]).
pub fn conflict_name_within(name: &str, n: u32, max_bytes: usize) -> String {
    let parts = parts(name);
    let mark = match u64::from(parts.number) + u64::from(n) {
        0 | 1 => MARK.to_owned(),
        number => format!("{MARK}{number}"),
    };
    let room = max_bytes.max(SHORTEST_LIMIT_BYTES) - mark.len();
    let (stem, extensions) = parts.within(room);
    format!("{stem}{mark}{extensions}")
}

/// Returns the first conflict name of `name`, in at most `max_bytes`, that is not taken.
///
/// # Panics
/// If `taken` says so of four billion names.
pub fn free_conflict_name(name: &str, max_bytes: usize, taken: impl Fn(&str) -> bool) -> String {
    (1..=u32::MAX)
        .map(|n| conflict_name_within(name, n, max_bytes))
        .find(|candidate| !taken(candidate))
        .expect("a folder with fewer than four billion objects")
}

fn parts(name: &str) -> Parts<'_> {
    let (stem, rest) = name.split_at(name.find('.').unwrap_or(name.len()));
    let plain = Parts {
        stem,
        number: 0,
        extensions: rest,
    };
    // A user may have changed its case, which is no other name on many sides.
    let mark = rest.get(..MARK.len());
    if !mark.is_some_and(|mark| mark.eq_ignore_ascii_case(MARK)) {
        return plain;
    }
    let marked = &rest[MARK.len()..];
    let digits = marked.len()
        - marked
            .trim_start_matches(|char: char| char.is_ascii_digit())
            .len();
    let (digits, extensions) = marked.split_at(digits);
    // A conflict copy that an editor put aside is one still.
    if !extensions.is_empty() && !extensions.starts_with(['.', '~']) {
        return plain;
    }
    // A number beyond reason still is one: counting starts anew.
    let number = digits.parse().unwrap_or(1).max(1);
    Parts {
        stem,
        number,
        extensions,
    }
}

impl<'a> Parts<'a> {
    /// Cuts stem and extensions so that both together have at most `room` bytes.
    fn within(&self, room: usize) -> (Cow<'a, str>, &'a str) {
        if self.stem.len() + self.extensions.len() <= room {
            return (Cow::Borrowed(self.stem), self.extensions);
        }
        let hash = format!("-{:08x}", hash([self.stem, self.extensions]));
        let last = self
            .extensions
            .rfind('.')
            .map_or("", |dot| &self.extensions[dot..]);
        let extensions = if self.extensions.len() + hash.len() <= room / 2 {
            self.extensions
        } else if last.len() <= SHORT_EXTENSION_BYTES {
            last
        } else {
            ""
        };
        let kept = self
            .stem
            .floor_char_boundary(room - hash.len() - extensions.len());
        (
            Cow::Owned(format!("{}{hash}", &self.stem[..kept])),
            extensions,
        )
    }
}

/// FNV-1a with 64 bits, folded to 32. Only tells long names with equal beginnings apart.
fn hash(parts: [&str; 2]) -> u32 {
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let [_, _, _, _, low @ ..] = (hash ^ (hash >> 32)).to_be_bytes();
    u32::from_be_bytes(low)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s051_conflict_naming() {
        for (name, n, expected) in [
            ("to()a.doc.zip", 1, "to()a.conflicted.doc.zip"),
            ("to()a.doc.zip", 2, "to()a.conflicted2.doc.zip"),
            ("to()a.doc.zip", 3, "to()a.conflicted3.doc.zip"),
            ("a.conflictedly", 1, "a.conflicted.conflictedly"),
            ("name", 1, "name.conflicted"),
            ("name", 2, "name.conflicted2"),
            (".x", 1, ".conflicted.x"),
            (".x", 10, ".conflicted10.x"),
            (".x.y", 1, ".conflicted.x.y"),
            ("a.", 1, "a.conflicted."),
            ("ü.é", 2, "ü.conflicted2.é"),
        ] {
            assert_eq!(conflict_name(name, n), expected);
            assert!(is_conflict_name(expected));
            assert!(!is_conflict_name(name));
        }
    }

    #[test]
    fn a_conflict_name_takes_another_number() {
        for (name, n, expected) in [
            ("a.conflicted.txt", 1, "a.conflicted2.txt"),
            ("a.conflicted~", 1, "a.conflicted2~"),
            ("a.conflicted3.txt", 1, "a.conflicted4.txt"),
            ("a.conflicted3.txt", 2, "a.conflicted5.txt"),
            ("a.conflicted", 1, "a.conflicted2"),
            ("a.conflicted9", 1, "a.conflicted10"),
            (".conflicted.x", 1, ".conflicted2.x"),
            (".conflicted", 1, ".conflicted2"),
            ("A.CONFLICTED3.TXT", 1, "A.conflicted4.TXT"),
            (
                "a.conflicted.conflicted.txt",
                1,
                "a.conflicted2.conflicted.txt",
            ),
            ("a.conflicted007.txt", 1, "a.conflicted8.txt"),
            ("a.conflicted0.txt", 1, "a.conflicted2.txt"),
            (
                "a.conflicted4294967295.txt",
                1,
                "a.conflicted4294967296.txt",
            ),
            ("a.conflicted99999999999.txt", 1, "a.conflicted2.txt"),
        ] {
            assert!(is_conflict_name(name), "{name}");
            assert_eq!(conflict_name(name, n), expected);
        }
    }

    #[test]
    fn what_only_looks_like_one_is_an_ordinary_name() {
        for name in [
            "conflicted",
            "a.conflictedx",
            "a.conflicted2x.txt",
            "a.b.conflicted",
        ] {
            assert!(!is_conflict_name(name), "{name}");
        }
        assert_eq!(
            conflict_name("a.conflictedx", 1),
            "a.conflicted.conflictedx"
        );
    }

    #[test]
    fn too_long_a_name_is_cut_to_a_hash() {
        let stem = "x".repeat(250);
        let cut = conflict_name_within(&format!("{stem}.doc.zip"), 1, 255);
        assert_eq!(cut.len(), 255);
        assert!(
            cut.starts_with("xxx") && cut.ends_with(".conflicted.doc.zip"),
            "{cut}"
        );
        let other = conflict_name_within(&format!("{stem}y.doc.zip"), 1, 255);
        assert_ne!(cut, other);

        let umlauts = conflict_name_within(&"ü".repeat(127), 2, 255);
        assert!(umlauts.ends_with(".conflicted2"), "{umlauts}");
        assert!((254..=255).contains(&umlauts.len()));
    }

    #[test]
    fn of_too_long_extensions_the_last_is_kept_if_short() {
        let long = "y".repeat(250);
        let kept = conflict_name_within(&format!("a.{long}.txt"), 1, 255);
        assert!(
            kept.starts_with("a-") && kept.ends_with(".conflicted.txt"),
            "{kept}"
        );
        let all = conflict_name_within(&format!("{long}.some.more.of.these"), 1, 255);
        assert!(all.ends_with(".conflicted.some.more.of.these"), "{all}");
        let dropped = conflict_name_within(&format!("a.{long}"), 1, 255);
        assert!(
            dropped.starts_with("a-") && dropped.ends_with(".conflicted"),
            "{dropped}"
        );
    }

    #[test]
    fn a_name_is_cut_where_stem_and_extensions_together_are_too_long() {
        let room = 255 - MARK.len();
        for (stem, extension) in [("", room + 1), ("a", room), ("a", room - 1)] {
            let name = format!("{stem}.{}", "y".repeat(extension - 1));
            let cut = conflict_name_within(&name, 1, 255);
            assert_eq!(cut.contains('-'), name.len() > room, "{cut}");
            assert!(cut.len() <= 255, "{cut}");
        }
    }

    #[test]
    fn the_first_free_name_is_taken() {
        let taken = ["a.conflicted.txt", "a.conflicted2.txt"];
        let free = |name: &str| free_conflict_name(name, 255, |name| taken.contains(&name));
        assert_eq!(free("b.txt"), "b.conflicted.txt");
        assert_eq!(free("a.txt"), "a.conflicted3.txt");
        assert_eq!(free("a.conflicted.txt"), "a.conflicted3.txt");
        assert_eq!(free("a.conflicted7.txt"), "a.conflicted8.txt");
    }

    #[test]
    fn the_hash_is_the_same_for_ever() {
        assert_eq!(hash(["", ""]), 0x4fd0_bfc1);
        assert_eq!(hash(["a", ""]), 0x2962_30c0);
        assert_eq!(hash(["", "a"]), 0x2962_30c0);
    }

    fn names() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a.ü]{1,6}",
            r"[ab]{0,2}(\.conflicted[0-9]{0,12}){0,3}(\.[a-c]{0,3}){0,2}",
            "[aü😀]{100,300}(\\.[bü]{0,120}){0,3}",
        ]
    }

    proptest! {
        #[test]
        fn never_nested(name in names(), n in 1..1000_u32, m in 1..1000_u32) {
            let once = conflict_name(&name, n);
            let twice = conflict_name(&once, m);
            prop_assert!(is_conflict_name(&once) && is_conflict_name(&twice));
            prop_assert_eq!(parts(&twice).stem, parts(&name).stem);
            prop_assert_eq!(parts(&twice).extensions, parts(&name).extensions);
            prop_assert!(parts(&twice).number > parts(&once).number);
        }

        #[test]
        fn within_the_limit(name in names(), n in 1_u32.., max in SHORTEST_LIMIT_BYTES..300) {
            let cut = conflict_name_within(&name, n, max);
            prop_assert!(cut.len() <= max, "{} is longer than {}", cut, max);
            prop_assert!(is_conflict_name(&cut));
            if conflict_name(&name, n).len() <= max {
                prop_assert_eq!(cut, conflict_name(&name, n));
            }
        }

        #[test]
        fn each_number_gives_another_name(name in names(), first in 1..2000_u32, max in 48..300_usize) {
            let made: BTreeSet<_> =
                (first..first + 200).map(|n| conflict_name_within(&name, n, max)).collect();
            prop_assert_eq!(made.len(), 200);
        }
    }
}
