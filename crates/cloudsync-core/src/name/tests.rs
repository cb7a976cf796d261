//! Tables of names, and what must hold for any.

use proptest::prelude::*;

use super::*;

const LINUX: NameRules = NameRules {
    case_sensitive: true,
    normalizes_unicode: false,
    max_name_bytes: 255,
    forbidden: "",
    windows: false,
};
const MAC: NameRules = NameRules {
    case_sensitive: false,
    normalizes_unicode: true,
    ..LINUX
};
const CASELESS: NameRules = NameRules {
    case_sensitive: false,
    ..LINUX
};
const NORMALIZING: NameRules = NameRules {
    normalizes_unicode: true,
    ..LINUX
};
const WINDOWS: NameRules = NameRules {
    case_sensitive: false,
    windows: true,
    max_name_bytes: 765,
    ..LINUX
};
const ALL: [NameRules; 5] = [LINUX, MAC, CASELESS, NORMALIZING, WINDOWS];

/// For each rules in [`ALL`]: are the two one name?
#[test]
fn which_names_are_one() {
    for (a, b, one) in [
        ("a.txt", "a.txt", [true; 5]),
        ("a.txt", "A.TXT", [false, true, true, false, true]),
        ("a", "b", [false; 5]),
        ("a", "a ", [false; 5]),
        // é composed and decomposed.
        (
            "caf\u{e9}",
            "cafe\u{301}",
            [false, true, false, true, false],
        ),
        (
            "CAF\u{c9}",
            "cafe\u{301}",
            [false, true, false, false, false],
        ),
        ("CAF\u{c9}", "caf\u{e9}", [false, true, true, false, true]),
        // One character becomes two.
        ("stra\u{df}e", "STRASSE", [false, true, true, false, false]),
        ("\u{3a3}", "\u{3c2}", [false, true, true, false, true]),
        // The Kelvin sign is a K, also by normalisation.
        ("\u{212a}", "K", [false, true, true, true, true]),
        ("\u{212a}", "k", [false, true, true, false, true]),
        // Two marks in either order.
        (
            "a\u{323}\u{307}",
            "a\u{307}\u{323}",
            [false, true, false, true, false],
        ),
        // Compatibility is not equality.
        ("\u{fb01}", "fi", [false, true, true, false, false]),
        ("\u{2460}", "1", [false; 5]),
        // A dotted capital I.
        ("\u{130}", "i\u{307}", [false, true, true, false, false]),
        ("I", "\u{131}", [false; 5]),
    ] {
        for (rules, one) in ALL.iter().zip(one) {
            assert_eq!(same(a, b, rules), one, "{a:?} {b:?} {rules:?}");
            assert_eq!(same(b, a, rules), one, "{b:?} {a:?} {rules:?}");
        }
    }
}

#[test]
fn a_key_that_is_the_name_is_borrowed() {
    for (name, rules) in [
        ("Readme.md", LINUX),
        ("readme.md", MAC),
        ("cafe\u{301}", LINUX),
        ("caf\u{e9}", MAC),
        ("caf\u{e9}", NORMALIZING),
        ("straße", WINDOWS),
    ] {
        assert!(matches!(fold(name, &rules), Cow::Borrowed(_)), "{name:?}");
    }
    assert!(matches!(fold("Readme.md", &MAC), Cow::Owned(_)));
}

#[test]
fn what_fits() {
    use NameProblem::{
        Control, Dots, Empty, Forbidden, Nul, Reserved, Separator, TooLong, TooManyUnits, Trailing,
    };
    let box_like = NameRules {
        forbidden: "\\\n",
        ..LINUX
    };
    let long = "x".repeat(255);
    let too_long = "x".repeat(256);
    let long_umlauts = "ü".repeat(128);
    let windows_long = "ü".repeat(255);
    let windows_too_long = "😀".repeat(128);
    for (name, rules, expected) in [
        ("a", LINUX, Ok(())),
        (".x", LINUX, Ok(())),
        ("...", LINUX, Ok(())),
        (" ", LINUX, Ok(())),
        ("a:b\\c\n*", LINUX, Ok(())),
        ("con", LINUX, Ok(())),
        (&long, LINUX, Ok(())),
        ("", LINUX, Err(Empty)),
        (".", LINUX, Err(Dots)),
        ("..", WINDOWS, Err(Dots)),
        ("a/b", LINUX, Err(Separator)),
        ("a\0", LINUX, Err(Nul)),
        (
            &too_long,
            LINUX,
            Err(TooLong {
                bytes: 256,
                max: 255,
            }),
        ),
        (
            &long_umlauts,
            LINUX,
            Err(TooLong {
                bytes: 256,
                max: 255,
            }),
        ),
        ("a\\b", box_like, Err(Forbidden('\\'))),
        ("a\nb", box_like, Err(Control('\n'))),
        ("a", WINDOWS, Ok(())),
        (".x", WINDOWS, Ok(())),
        ("a b.c", WINDOWS, Ok(())),
        ("a.", WINDOWS, Err(Trailing('.'))),
        ("a ", WINDOWS, Err(Trailing(' '))),
        ("...", WINDOWS, Err(Trailing('.'))),
        ("a:b", WINDOWS, Err(Forbidden(':'))),
        ("a\"", WINDOWS, Err(Forbidden('"'))),
        ("a\\b", WINDOWS, Err(Forbidden('\\'))),
        ("a\x1f", WINDOWS, Err(Control('\x1f'))),
        ("a\x7f", WINDOWS, Ok(())),
        ("con", WINDOWS, Err(Reserved("CON"))),
        ("nul.txt", WINDOWS, Err(Reserved("NUL"))),
        ("Nul .tar.gz", WINDOWS, Err(Reserved("NUL"))),
        ("com1", WINDOWS, Err(Reserved("COM1"))),
        ("lpt³.x", WINDOWS, Err(Reserved("LPT³"))),
        ("conIN$", WINDOWS, Err(Reserved("CONIN$"))),
        ("com10", WINDOWS, Ok(())),
        ("com", WINDOWS, Ok(())),
        ("con1.txt", WINDOWS, Ok(())),
        ("my.con", WINDOWS, Ok(())),
        (" con", WINDOWS, Ok(())),
        (&windows_long, WINDOWS, Ok(())),
        (
            &windows_too_long,
            WINDOWS,
            Err(TooManyUnits {
                units: 256,
                max: 255,
            }),
        ),
    ] {
        assert_eq!(fits(name, &rules), expected, "{name:?}");
    }
}

#[test]
fn a_problem_says_what_to_do() {
    for (problem, text) in [
        (
            NameProblem::TooLong {
                bytes: 300,
                max: 255,
            },
            "the name is 300 bytes long: shorten it to 255",
        ),
        (
            NameProblem::Trailing('.'),
            "the name ends with `.`, which Windows drops: rename it without",
        ),
        (
            NameProblem::Control('\x07'),
            "the name has a control character (\\u{7}): rename it without",
        ),
        (
            NameProblem::Reserved("NUL"),
            "Windows keeps the name `NUL` for a device: put something in front of it",
        ),
    ] {
        assert_eq!(problem.to_string(), text);
    }
}

/// Each character alone, also decomposed: all planes that have case or marks.
#[test]
fn folding_twice_is_folding_once_for_each_character() {
    for char in ('\0'..='\u{1ffff}').chain('\u{2f800}'..='\u{2fa1f}') {
        let name = char.to_string();
        let decomposed: String = name.nfd().collect();
        for rules in &ALL {
            let key = fold(&name, rules).into_owned();
            assert_eq!(fold(&key, rules), key, "{char:?} {rules:?}");
            if rules.normalizes_unicode {
                assert_eq!(fold(&decomposed, rules), key, "{char:?} {rules:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn folding_twice_is_folding_once(name in any::<String>(), which in 0..ALL.len()) {
        let key = fold(&name, &ALL[which]).into_owned();
        prop_assert_eq!(fold(&key, &ALL[which]), key.as_str());
    }

    /// Capitals, marks that combine, and characters whose fold is longer, in any mixture.
    #[test]
    fn the_form_that_was_written_does_not_matter(
        name in "[a-cA-Cßẞſİıςσΐᾳᾼéäǰ\u{301}\u{307}\u{308}\u{323}\u{345}\u{212a}가힣]{0,8}",
    ) {
        let key = fold(&name, &MAC);
        let (nfc, nfd) = (name.nfc().collect::<String>(), name.nfd().collect::<String>());
        prop_assert_eq!(&fold(&nfc, &MAC), &key);
        prop_assert_eq!(&fold(&nfd, &MAC), &key);
        prop_assert_eq!(fold(&key, &MAC), key.as_ref());
        prop_assert_eq!(fold(&nfd, &NORMALIZING), fold(&nfc, &NORMALIZING));
    }

    #[test]
    fn a_form_of_a_name_differs_by_its_form_alone(name in "[a-cA-Céǰ\u{301}가]{0,8}") {
        let (nfc, nfd) = (name.nfc().collect::<String>(), name.nfd().collect::<String>());
        prop_assert_eq!(differ_by_form(&nfc, &nfd), nfc != nfd);
        let (small, capital) = (nfc + "x", nfd + "X");
        prop_assert!(!differ_by_form(&small, &capital));
    }

    #[test]
    fn what_fits_windows_fits_linux(name in "[ -~]{0,20}") {
        if fits(&name, &WINDOWS).is_ok() {
            prop_assert_eq!(fits(&name, &LINUX), Ok(()));
        }
    }
}
