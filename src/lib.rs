//! Portico, in reading order.

#[macro_use]
mod macros;

// The kernel: no word of the business in it.
pub mod ids;
pub mod crash;
pub mod error;
pub mod time;
pub mod money;
pub mod edge;
pub mod sheet;
pub mod rating;
pub mod letters;
pub mod input;
pub mod kinds;
pub mod secret;
pub mod dns;
pub mod drivers;
pub mod html;
pub mod pdf;
pub mod config;
pub mod db;
pub mod auth;
pub mod audit;
pub mod settings;
pub mod web;

// The slices.
pub mod mail;
pub mod ledger;
pub mod places;
pub mod pins;
pub mod connectors;
pub mod directory;
pub mod scim;
pub mod engine;
pub mod jobs;
pub mod brake;
pub mod upkeep;
pub mod prices;
pub mod catalogue;
pub mod offers;
pub mod approvals;
pub mod billing;
pub mod assignments;
pub mod search;
pub mod today;
pub mod views;
pub mod customers;
pub mod users;
pub mod devices;
pub mod offboarding;
pub mod signin;
pub mod acting;
pub mod account;
pub mod setup;
pub mod roles;
pub mod arrivals;
pub mod agreed;
pub mod moves;
pub mod many;
pub mod matching;
pub mod drift;
pub mod activity;
pub mod system;
pub mod invoices;
pub mod kits;
pub mod health;
pub mod backup;
pub mod rescue;
pub mod openapi;

// The tables: what can be asked for and by whom, what runs by the clock.
pub mod routes;

// What the work of the engine means to those who order it.
pub mod events;
pub mod schedule;

// All of it at work.
pub mod serve;
pub mod demo;
