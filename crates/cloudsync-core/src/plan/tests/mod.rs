//! The decision table, case by case: what one look at two trees says about one entry, whatever else would
//! come to the same in the end.

mod agreed;
mod lone;
mod scene;
mod scope;
mod translated;
