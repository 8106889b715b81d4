//! The program: verbs on the command line, each handed to the library.

fn main() {}
