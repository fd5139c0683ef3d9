pub(in crate::output) mod words;
