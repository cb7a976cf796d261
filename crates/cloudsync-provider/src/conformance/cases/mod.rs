//! The cases, by what they are about.

mod attributes;
mod connection;
mod delete;
mod events;
mod folders;
mod hashes;
mod info;
mod listing;
mod names;
mod namespaces;
mod quota;
mod races;
mod read;
mod rename;
mod root;
mod write;

use super::case::Case;

/// Returns all cases.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        connection::CASES,
        root::CASES,
        info::CASES,
        listing::CASES,
        read::CASES,
        hashes::CASES,
        write::CASES,
        folders::CASES,
        rename::CASES,
        delete::CASES,
        races::CASES,
        names::CASES,
        attributes::CASES,
        events::CASES,
        quota::CASES,
        namespaces::CASES,
    ]
    .into_iter()
    .flatten()
}
