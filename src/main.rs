//! The `lockbench` binary; its commands come with the command line.
fn main() {}
