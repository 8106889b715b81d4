//! The network layer under attack: every way found to stall, kill or fool it, on loopback.

mod answers;
mod apart;
mod deadlines;
mod denial;
mod fuzz;
mod proxies;
mod secure;
mod smuggling;
mod stopping;
mod victim;
