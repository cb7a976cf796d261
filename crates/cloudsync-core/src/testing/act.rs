//! What users do, drawn from tiny pools of names on purpose: clashes are the point.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::side::Side;
use crate::testing::scope::Scope;

/// One act of a user on one side. Paths are drawn from a small pool; an act that is not possible does
/// nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UserAct {
    /// Write a file with a content that is new in the run.
    Write(Side, String),
    /// Write a file with this content.
    WriteThis(Side, String, String),
    /// Make a folder.
    Mkdir(Side, String),
    /// Rename or move.
    Rename(Side, String, String),
    /// Delete, folders with all that is in them.
    Delete(Side, String),
    /// Change the time or the mode.
    Touch(Side, String, u8),
    /// Write equal content on both sides.
    WriteBoth(String),
    /// Let the engine do this many things.
    Work(u8),
    /// Kill the engine and start it again from its store.
    Crash,
    /// Kill the engine and start it again with another policy.
    Choose(Scope),
    /// A side goes down.
    Down(Side),
    /// A side comes back.
    Up(Side),
}

impl UserAct {
    /// Returns the side that alone is touched by it.
    pub fn side(&self) -> Option<Side> {
        match self {
            Self::Write(side, _)
            | Self::WriteThis(side, _, _)
            | Self::Mkdir(side, _)
            | Self::Rename(side, _, _)
            | Self::Delete(side, _)
            | Self::Touch(side, _, _) => Some(*side),
            _ => None,
        }
    }
}

fn path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "A"]);
    vec(name, 1..4).prop_map(|names| names.join("/"))
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(vec![Side::Local, Side::Remote])
}

fn act() -> impl Strategy<Value = UserAct> {
    prop_oneof![
        4 => (side(), path()).prop_map(|(side, path)| UserAct::Write(side, path)),
        3 => (side(), path()).prop_map(|(side, path)| UserAct::Mkdir(side, path)),
        4 => (side(), path(), path()).prop_map(|(side, from, to)| UserAct::Rename(side, from, to)),
        2 => (side(), path()).prop_map(|(side, path)| UserAct::Delete(side, path)),
        1 => path().prop_map(UserAct::WriteBoth),
        4 => (0..40_u8).prop_map(UserAct::Work),
        1 => Just(UserAct::Crash),
    ]
}

/// Draws a list of acts.
pub fn user_acts(most: usize) -> impl Strategy<Value = Vec<UserAct>> {
    vec(act(), 0..most)
}

/// Draws a list of acts, with changes of attributes alone, names that change only in case, and sides
/// that come and go.
pub fn hostile_acts(most: usize) -> impl Strategy<Value = Vec<UserAct>> {
    let recased = (side(), path()).prop_map(|(side, from)| {
        let to = from.replace('A', "_").replace('a', "A").replace('_', "a");
        UserAct::Rename(side, from, to)
    });
    let more = prop_oneof![
        14 => act(),
        2 => (side(), path(), any::<u8>()).prop_map(|(side, path, what)| UserAct::Touch(side, path, what)),
        1 => recased,
        1 => side().prop_map(UserAct::Down),
        2 => side().prop_map(UserAct::Up),
    ];
    vec(more, 0..most)
}
