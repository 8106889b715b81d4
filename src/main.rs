//! The program: one verb each for what the library does.

mod verbs;

fn main() -> std::process::ExitCode {
    verbs::run()
}
