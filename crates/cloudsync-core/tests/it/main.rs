//! Tests of the engine as a whole, in its model world.

mod model;
