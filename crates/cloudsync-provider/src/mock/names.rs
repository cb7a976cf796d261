//! Which names a mocked service takes, and which it takes for the same.

use unicode_normalization::UnicodeNormalization;

use cloudsync_core::rules::NameRules;

/// Returns what two names have in common that are one name under `rules`.
pub(super) fn key(name: &str, rules: &NameRules) -> String {
    match (rules.case_sensitive, rules.normalizes_unicode) {
        (true, false) => name.to_owned(),
        (true, true) => name.nfc().collect(),
        (false, false) => caseless::default_case_fold_str(name),
        (false, true) => {
            let folded = caseless::default_case_fold_str(&name.nfd().collect::<String>());
            folded.nfc().collect()
        }
    }
}

/// Returns why a name cannot be, if it cannot.
pub(super) fn refusal(name: &str, rules: &NameRules) -> Option<String> {
    if name.is_empty() || name == "." || name == ".." {
        return Some("not a name".into());
    }
    let odd = |c: char| c == '/' || c == '\0' || rules.forbidden.contains(c);
    if let Some(found) = name.chars().find(|&c| odd(c)) {
        return Some(format!("names cannot have {found:?}"));
    }
    if name.len() > rules.max_name_bytes {
        return Some(format!("names are up to {} bytes", rules.max_name_bytes));
    }
    if rules.windows && (is_device(name) || name.ends_with(['.', ' '])) {
        return Some("not a name on windows".into());
    }
    None
}

fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_end()
        .to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) {
        return true;
    }
    let digit = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    digit.is_some_and(|digit| digit.len() == 1 && ("1"..="9").contains(&digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(case_sensitive: bool, normalizes_unicode: bool) -> NameRules {
        NameRules {
            case_sensitive,
            normalizes_unicode,
            ..NameRules::default()
        }
    }

    #[test]
    fn keys_fold_what_the_rules_say() {
        for (a, b, case, unicode, same) in [
            ("a", "A", true, false, false),
            ("a", "A", false, false, true),
            ("straße", "STRASSE", false, false, true),
            ("é", "e\u{301}", true, false, false),
            ("é", "e\u{301}", true, true, true),
            ("É", "e\u{301}", false, true, true),
            ("É", "e\u{301}", true, true, false),
        ] {
            let rules = rules(case, unicode);
            assert_eq!(key(a, &rules) == key(b, &rules), same, "{a} {b} {rules:?}");
        }
    }

    #[test]
    fn refused_names() {
        let windows = NameRules {
            windows: true,
            forbidden: "<>",
            max_name_bytes: 8,
            ..rules(false, false)
        };
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\0",
            "a<b",
            "123456789",
            "nul",
            "Com1.txt",
            "a.",
            "a ",
        ] {
            assert!(refusal(name, &windows).is_some(), "{name:?}");
        }
        for name in ["a", ".a", "12345678", "com", "com0", "nulls", "ü"] {
            assert_eq!(refusal(name, &windows), None, "{name:?}");
        }
    }
}
