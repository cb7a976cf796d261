//! Names of objects: when a side takes two for one, and which ones it cannot hold.
//!
//! Nothing is ever altered to make it fit: a name that a side cannot hold blocks its object there,
//! and the user is told. Comparing goes by [`fold`]; what is stored is always the name as written.

use std::borrow::Cow;
use std::iter;

use caseless::Caseless;
use thiserror::Error;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::rules::NameRules;

/// Characters that Windows allows in no name, besides `/` and control characters.
const WINDOWS_FORBIDDEN: &str = "<>:\"\\|?*";

/// The longest name on Windows, in units of UTF-16.
const WINDOWS_MAX_UNITS: usize = 255;

/// Why a side cannot hold a name. `Display` says what to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// It has a control character, where these are not allowed.
    #[error("the name has a control character ({}): rename it without", .0.escape_unicode())]
    Control(char),
    /// It is `.` or `..`, which mean folders.
    #[error("`.` and `..` cannot be names: give it another name")]
    Dots,
    /// It is empty.
    #[error("the name is empty: give it a name")]
    Empty,
    /// It has a character that is not allowed.
    #[error("the name has `{0}`, which is not allowed: rename it without")]
    Forbidden(char),
    /// It has NUL in it, which ends a name.
    #[error("the name has a NUL character: rename it without")]
    Nul,
    /// Windows keeps the name for a device.
    #[error("Windows keeps the name `{0}` for a device: put something in front of it")]
    Reserved(&'static str),
    /// It has `/` in it, which stands between names.
    #[error("the name has `/`, which stands between names: rename it without")]
    Separator,
    /// It is too long in bytes of UTF-8.
    #[error("the name is {bytes} bytes long: shorten it to {max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The longest that is possible.
        max: usize,
    },
    /// It is too long in units of UTF-16 (Windows).
    #[error("the name is {units} UTF-16 units long: shorten it to {max}")]
    TooManyUnits {
        /// Its length.
        units: usize,
        /// The longest that is possible.
        max: usize,
    },
    /// It ends with a dot or a space, which Windows drops.
    #[error("the name ends with `{0}`, which Windows drops: rename it without")]
    Trailing(char),
}

/// Returns the key of a name: two names with one key are the same name on that side.
///
/// Borrowed where the key is the name itself, so that only what differs needs to be stored. Folding a
/// key gives the key again. Case is folded as Unicode says, without a language; on Windows only where
/// it does not change the number of characters, as NTFS keeps `ß` and `ss` apart.
pub fn fold<'a>(name: &'a str, rules: &NameRules) -> Cow<'a, str> {
    if name.is_ascii() {
        return if rules.case_sensitive || !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(name.to_ascii_lowercase())
        };
    }
    let key: String = match (rules.case_sensitive, rules.normalizes_unicode) {
        (true, false) => return Cow::Borrowed(name),
        (true, true) if is_nfc_quick(name.chars()) == IsNormalized::Yes => {
            return Cow::Borrowed(name);
        }
        (true, true) => name.nfc().collect(),
        (false, false) => fold_case(name.chars(), rules).collect(),
        // Decomposed first: only then do equal names fold equally.
        (false, true) => fold_case(name.nfd(), rules).nfc().collect(),
    };
    if key == name {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(key)
    }
}

/// Returns true if the side takes both for one name.
pub fn same(a: &str, b: &str, rules: &NameRules) -> bool {
    a == b || fold(a, rules) == fold(b, rules)
}

/// Returns true if two names differ in nothing but Unicode normalisation.
pub(crate) fn differ_by_form(a: &str, b: &str) -> bool {
    a != b && a.nfc().eq(b.nfc())
}

/// Checks that the side can hold the name.
///
/// # Errors
/// The first problem found.
pub fn fits(name: &str, rules: &NameRules) -> Result<(), NameProblem> {
    match name {
        "" => return Err(NameProblem::Empty),
        "." | ".." => return Err(NameProblem::Dots),
        _ => {}
    }
    if let Some(problem) = name.chars().find_map(|char| character_problem(char, rules)) {
        return Err(problem);
    }
    if rules.windows {
        fits_windows(name)?;
    }
    if name.len() > rules.max_name_bytes {
        return Err(NameProblem::TooLong {
            bytes: name.len(),
            max: rules.max_name_bytes,
        });
    }
    Ok(())
}

fn character_problem(char: char, rules: &NameRules) -> Option<NameProblem> {
    match char {
        '/' => Some(NameProblem::Separator),
        '\0' => Some(NameProblem::Nul),
        '\x01'..='\x1f' if rules.windows => Some(NameProblem::Control(char)),
        _ if rules.windows && WINDOWS_FORBIDDEN.contains(char) => {
            Some(NameProblem::Forbidden(char))
        }
        _ if !rules.forbidden.contains(char) => None,
        _ if char.is_control() => Some(NameProblem::Control(char)),
        _ => Some(NameProblem::Forbidden(char)),
    }
}

fn fits_windows(name: &str) -> Result<(), NameProblem> {
    if let Some(last @ ('.' | ' ')) = name.chars().next_back() {
        return Err(NameProblem::Trailing(last));
    }
    if let Some(device) = device(name) {
        return Err(NameProblem::Reserved(device));
    }
    let units = name.encode_utf16().count();
    if units > WINDOWS_MAX_UNITS {
        return Err(NameProblem::TooManyUnits {
            units,
            max: WINDOWS_MAX_UNITS,
        });
    }
    Ok(())
}

/// Returns the device that Windows would open for the name: `nul`, and also `NUL.txt` and `nul .txt`.
fn device(name: &str) -> Option<&'static str> {
    const DEVICES: [&str; 30] = [
        "AUX", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "COM¹",
        "COM²", "COM³", "CON", "CONIN$", "CONOUT$", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6",
        "LPT7", "LPT8", "LPT9", "LPT¹", "LPT²", "LPT³", "NUL", "PRN",
    ];
    let stem = name.split('.').next()?.trim_end_matches(' ');
    DEVICES
        .into_iter()
        .find(|device| device.eq_ignore_ascii_case(stem))
}

fn fold_case(chars: impl Iterator<Item = char>, rules: &NameRules) -> impl Iterator<Item = char> {
    let whole = !rules.windows;
    chars.flat_map(move |char| {
        let mut folded = iter::once(char).default_case_fold();
        let first = folded.next().unwrap_or(char);
        match folded.next() {
            None => [Some(first), None, None],
            Some(second) if whole => [Some(first), Some(second), folded.next()],
            Some(_) => [Some(char), None, None],
        }
        .into_iter()
        .flatten()
    })
}

#[cfg(test)]
mod tests;
