//! Where a stored record has its counts: one list of places for each kind of record, from which
//! they are read and filled.

/// A field that holds a count.
pub(crate) trait Place {
    /// Returns the count, where the record has one.
    fn kept(&self) -> Option<u64>;
    /// Replaces it.
    fn keep(&mut self, count: Option<u64>);
}

impl Place for u64 {
    fn kept(&self) -> Option<u64> {
        Some(*self)
    }

    fn keep(&mut self, count: Option<u64>) {
        *self = count.unwrap_or(0);
    }
}

impl Place for Option<u64> {
    fn kept(&self) -> Option<u64> {
        *self
    }

    fn keep(&mut self, count: Option<u64>) {
        *self = count;
    }
}

/// Gives a record `count` and `take` by the places of its counts; `then` names a part that is a record itself.
macro_rules! places {
    ($record:ty { $($counter:ident: $($field:ident).+),+ $(,)? } $(then $part:ident)?) => {
        impl $record {
            /// A count; `None` where it does not exist for the system, or the record has no place for it.
            #[must_use]
            pub fn count(&self, counter: lockbench_core::figure::Counter) -> Option<u64> {
                match counter {
                    $(lockbench_core::figure::Counter::$counter => $crate::counts::Place::kept(&self.$($field).+),)+
                    _ => {
                        let parts: &[Option<u64>] = &[$(self.$part.count(counter))?];
                        parts.first().copied().flatten()
                    }
                }
            }

            /// Takes over the counts that the record has a place for.
            pub(crate) fn take(&mut self, totals: &lockbench_core::figure::Totals) {
                $($crate::counts::Place::keep(
                    &mut self.$($field).+,
                    totals.get(lockbench_core::figure::Counter::$counter),
                );)+
                $(self.$part.take(totals);)?
            }
        }
    };
}

pub(crate) use places;
