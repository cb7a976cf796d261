//! Tests of the engine as a whole, in its model world.

mod announced;
mod asked;
mod attributes;
mod by_parts;
mod carried;
mod decided;
mod delta;
mod exhaustive;
mod found;
mod hand;
mod hostile;
mod interleaved;
mod left_alone;
mod limits;
mod long_runs;
mod model;
mod moves;
mod on_its_way;
mod one_sided;
mod overdue;
mod planned;
mod translated;
mod under_way;
mod unlooked;
mod withheld;
mod without_ids;
