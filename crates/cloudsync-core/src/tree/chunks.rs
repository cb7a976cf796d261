//! A growing list in pieces: growing never copies what is there, and leaves little room unused.

use std::ops::{Index, IndexMut};

/// How many elements are in a piece.
const PIECE: usize = 4096;

/// A list that only grows, of elements that stay where they are.
#[derive(Clone, Hash, Debug)]
pub(super) struct Chunks<T> {
    /// All full but the last one.
    pieces: Vec<Vec<T>>,
}

impl<T> Chunks<T> {
    pub(super) fn len(&self) -> usize {
        let full = self.pieces.len().saturating_sub(1) * PIECE;
        full + self.pieces.last().map_or(0, Vec::len)
    }

    pub(super) fn push(&mut self, element: T) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(element),
            // The first piece grows as it is needed: most worlds of a test are small.
            None => self.pieces.push(vec![element]),
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(element);
                self.pieces.push(piece);
            }
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.pieces.get(index / PIECE)?.get(index % PIECE)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;
    fn index(&self, index: usize) -> &T {
        &self.pieces[index / PIECE][index % PIECE]
    }
}

impl<T> IndexMut<usize> for Chunks<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.pieces[index / PIECE][index % PIECE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_where_they_were_put() {
        let mut list = Chunks::default();
        assert_eq!(list.len(), 0);
        for number in 0..=3 * PIECE {
            list.push(number);
            assert_eq!(list.len(), number + 1);
        }
        list[PIECE] = 7;
        assert_eq!(
            (list[PIECE - 1], list[PIECE], list[3 * PIECE]),
            (PIECE - 1, 7, 3 * PIECE)
        );
        assert_eq!(list.get(3 * PIECE + 1), None);
        assert_eq!(list.iter().count(), list.len());
    }
}
