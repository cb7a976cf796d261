//! Names and paths, of any form: sums with them have laws.

use cloudsync_core::conflict_name::{
    SHORTEST_LIMIT_BYTES, conflict_name, conflict_name_within, is_conflict_name,
};
use cloudsync_core::name::{fits, fold, same};
use cloudsync_core::path::rules::{Itself, PathRules, Purpose};
use cloudsync_core::path::{components, is_below, join_relative, leaf, moved_with, parent};
use cloudsync_core::rules::NameRules;

use super::bytes::Bytes;

/// Three texts, as names and as paths, under any rules.
pub fn paths(bytes: &[u8]) {
    let mut draw = Bytes::new(bytes);
    let rules = any_path_rules(&mut draw);
    let names = any_name_rules(&mut draw);
    let number = draw.word();
    let texts = [draw.text(), draw.text(), draw.text()];
    for text in &texts {
        name(text, &names, number);
        written(text, &rules);
    }
    let [a, b, c] = &texts;
    assert_eq!(same(a, b, &names), same(b, a, &names));
    assert_eq!(same(a, b, &names), fold(a, &names) == fold(b, &names));
    inside(&rules, a, b, c);
    in_a_pair(a, b, c);
}

fn any_path_rules(draw: &mut Bytes<'_>) -> PathRules {
    let (sep, alt_sep) = draw.one_of(&[
        ('/', Some('\\')),
        ('\\', Some('/')),
        ('/', None),
        (':', None),
        ('→', Some('/')),
    ]);
    PathRules {
        sep,
        alt_sep,
        case_sensitive: draw.flag(),
        windows: draw.flag(),
    }
}

fn any_name_rules(draw: &mut Bytes<'_>) -> NameRules {
    NameRules {
        case_sensitive: draw.flag(),
        normalizes_unicode: draw.flag(),
        max_name_bytes: draw.one_of(&[255, 765, 48, 1]),
        forbidden: draw.one_of(&["", "\\\n:"]),
        windows: draw.flag(),
    }
}

/// A name has one key. A name that a side holds is one on each system, unless it is too long there. Its
/// conflict names are conflict names, as short as asked for.
fn name(name: &str, rules: &NameRules, number: u32) {
    let key = fold(name, rules);
    assert_eq!(fold(&key, rules), key, "{name:?}");
    if fits(name, rules).is_ok() {
        assert!(name.len() <= rules.max_name_bytes);
        assert_eq!(components(name).collect::<Vec<_>>(), [name]);
    }
    let number = number.max(1);
    let lost = conflict_name(name, number);
    assert!(is_conflict_name(&lost), "{name:?}: {lost:?}");
    let next = conflict_name(&lost, 1);
    assert_ne!(lost, next);
    let most = SHORTEST_LIMIT_BYTES.max(rules.max_name_bytes);
    let short = conflict_name_within(name, number, most);
    assert!(is_conflict_name(&short) && short.len() <= most, "{short:?}");
    if lost.len() <= most {
        assert_eq!(short, lost);
    }
}

/// There is one way to write a path, and splitting undoes joining.
fn written(path: &str, rules: &PathRules) {
    let separators = rules.normalize_separators(path);
    assert_eq!(rules.normalize_separators(&separators), separators);
    for purpose in [Purpose::Compare, Purpose::Display] {
        let once = rules.normalize(path, purpose);
        assert_eq!(rules.normalize(&once, purpose), once, "{path:?} {rules:?}");
        assert!(rules.paths_match(Some(path), Some(&once), purpose));
    }
    let (folder, name) = rules.split(path);
    assert_eq!(rules.dirname(path), folder);
    assert_eq!(rules.basename(path), name);
    assert!(!name.contains(rules.sep));
    let whole = rules.normalize(path, Purpose::Display);
    let (folder, name) = rules.split(&whole);
    if !folder.is_empty() {
        assert_eq!(rules.join([folder, name]), whole, "{path:?} {rules:?}");
    }
}

/// What is inside moves along, and back again.
fn inside(rules: &PathRules, folder: &str, path: &str, to: &str) {
    let normal = |text: &str| rules.normalize(text, Purpose::Compare);
    let (folder, path, to) = (&normal(folder), &normal(path), &normal(to));
    assert!(rules.is_subpath(folder, folder, Itself::Counts));
    assert!(!rules.is_subpath(folder, folder, Itself::DoesNot));
    // Whatever it is, it is inside once it is put there. A drive has no root.
    let root = rules.join([""; 0]);
    let put = rules.join([folder, path]);
    if *folder == root || *path == root {
        return;
    }
    assert!(rules.is_subpath(folder, &put, Itself::DoesNot), "{put:?}");
    assert!(!rules.is_subpath(&put, folder, Itself::Counts));
    let moved = rules.replace_path(&put, folder, to).expect("it is inside");
    let back = rules.replace_path(&moved, to, folder).expect("it is there");
    assert_eq!(back, put, "{folder:?} to {to:?} {rules:?}");
    match rules.replace_path(path, folder, to) {
        Ok(moved) => assert!(rules.is_subpath(to, &moved, Itself::Counts), "{moved:?}"),
        Err(_) => assert!(!rules.is_subpath(folder, path, Itself::Counts)),
    }
}

/// The same for paths inside a pair, which are relative and have one form.
fn in_a_pair(folder: &str, path: &str, to: &str) {
    let relative = |text: &str| components(text).collect::<Vec<_>>().join("/");
    let (folder, path, to) = (&relative(folder), &relative(path), &relative(to));
    if let Some(above) = parent(path) {
        assert_eq!(join_relative(above, leaf(path)), *path);
        assert!(is_below(path, above));
    }
    let put = join_relative(folder, path);
    assert_eq!(is_below(&put, folder), !path.is_empty());
    let moved = moved_with(&put, folder, to).expect("it is inside");
    assert_eq!(moved, join_relative(to, path));
    assert_eq!(moved_with(&moved, to, folder), Some(put));
}
