//! Five servers of Redis, each as it is started alone. On one machine they share clock and disk.

use crate::redis::start;
use crate::stack::start_recipe::StartRecipe;

/// Each is started as a Redis alone is.
pub(super) static RECIPE: StartRecipe = StartRecipe { nodes: |_| 5, variables: &[], ..start::recipe() };
