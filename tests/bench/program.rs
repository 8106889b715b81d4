//! The real program, serving a store in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub const FILE: &str = env!("CARGO_BIN_EXE_portico");

pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

impl Program {
    pub fn serve(data: &Path) -> Program {
        let mut command = Command::new(FILE);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PORTICO_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("http://").nth(1)?.trim_end_matches('.').parse().ok())
            .expect("the program did not say where it listens");
        std::thread::spawn(move || lines.for_each(drop));
        Program { child, address }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
