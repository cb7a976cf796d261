//! Texts for people: names that cannot harm a terminal, numbers, sizes, times, colours.

use std::borrow::Cow;
use std::env;
use std::fmt::Write;
use std::time::Duration;

/// Returns a name as it can be shown: one line, without anything that a terminal obeys or that turns
/// the text around it.
pub(crate) fn shown(name: &str) -> Cow<'_, str> {
    if !name.contains(is_harmful) {
        return Cow::Borrowed(name);
    }
    let mut text = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if is_harmful(letter) {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
    Cow::Owned(text)
}

fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}')
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes a number in groups of three.
pub(crate) fn number(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Writes a number with what is counted.
pub(crate) fn count(value: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// Writes bytes as people do: powers of a thousand, three digits.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    // In tenths of a unit, so that it does not round up to a thousand of them.
    let mut tenths = u128::from(bytes) / 100;
    for unit in UNITS {
        if tenths < 100 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        if tenths < 10_000 {
            return format!("{} {unit}", tenths / 10);
        }
        tenths /= 1_000;
    }
    format!("{} EB", tenths * 100)
}

/// Writes how long something took.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() < 100 => "0.1 s".to_owned(),
        0..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// Writes a time that runs, as a clock does.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let mut text = String::new();
    if seconds >= 3_600 {
        // Writing to a string does not fail.
        let _ = write!(text, "{}:", seconds / 3_600);
    }
    let _ = write!(text, "{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    text
}

/// Returns the time of the day here.
pub(crate) fn time_of_day() -> String {
    jiff::Zoned::now().strftime("%H:%M:%S").to_string()
}

/// Returns the time as programs read it, in UTC.
pub(crate) fn timestamp() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Returns a time in nanoseconds since 1970, for programs.
pub(crate) fn time_of(nanos: i64) -> Option<String> {
    let time = jiff::Timestamp::from_nanosecond(nanos.into()).ok()?;
    Some(format!("{time:.3}"))
}

/// How something is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    /// All is well.
    Good,
    /// Somebody should look at it.
    Warning,
    /// It did not work.
    Bad,
    /// By the way.
    Aside,
}

/// Colours a text, if it is to be coloured.
pub(crate) fn colored(text: &str, mood: Mood, wanted: bool) -> String {
    if !wanted {
        return text.to_owned();
    }
    let code = match mood {
        Mood::Good => 32,
        Mood::Warning => 33,
        Mood::Bad => 31,
        Mood::Aside => 2,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Returns whether the terminal knows more than lines.
pub(crate) fn is_able_terminal(is_terminal: bool) -> bool {
    is_terminal && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Returns whether a stream is to have colours.
pub(crate) fn wants_colors(is_terminal: bool) -> bool {
    is_able_terminal(is_terminal) && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_harm_a_terminal() {
        for (name, expected) in [
            ("a b.txt", "a b.txt"),
            ("ärger/✓", "ärger/✓"),
            ("a\nb", "a\\nb"),
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("a\u{9b}2J", "a\\u{9b}2J"),
            ("cod\u{202e}gpj.exe", "cod\\u{202e}gpj.exe"),
            ("a\u{2028}b", "a\\u{2028}b"),
            ("bell\x07\x7f", "bell\\u{7}\\u{7f}"),
        ] {
            assert_eq!(shown(name), expected);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (value, expected) in [
            (0, "0"),
            (999, "999"),
            (1_215, "1 215"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(number(value), expected);
        }
        assert_eq!(count(1, "item", "items"), "1 item");
        assert_eq!(count(1_000, "item", "items"), "1 000 items");
    }

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (9_999, "9.9 KB"),
            (10_000, "10 KB"),
            (934_000, "934 KB"),
            (999_999, "999 KB"),
            (8_000_000, "8.0 MB"),
            (212_000_000_000, "212 GB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(size(bytes), expected, "{bytes}");
        }
    }

    #[test]
    fn times_are_short() {
        let of = |millis| duration(Duration::from_millis(millis));
        assert_eq!(of(3), "0.1 s");
        assert_eq!(of(3_250), "3.2 s");
        assert_eq!(of(112_000), "1m52s");
        assert_eq!(of(3_720_000), "1h02m");
        assert_eq!(clock(Duration::from_secs(42)), "00:42");
        assert_eq!(clock(Duration::from_secs(3_725)), "1:02:05");
    }
}
