//! Five servers of Redis, each as it is started alone. On one machine they share clock and disk.

use crate::redis::start;
use crate::stack::recipe::Recipe;

/// Each is started as a Redis alone is.
pub(super) static RECIPE: Recipe = Recipe { nodes: 5, variables: &[], ..start::recipe() };
