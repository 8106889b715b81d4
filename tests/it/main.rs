//! All integration tests, one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects is to stop there"
)]

mod account;
mod access;
mod acting;
mod custom_roles;
mod rights;
mod within;
mod last;
mod gains;
mod ends;
mod activity;
mod assets;
mod connectors;
mod customers;
mod customers_life;
mod customers_move;
mod customers_term;
mod exit_kit;
mod billing;
mod not_billed;
mod customers_rules;
mod assignments;
mod settings_held;
mod fanout;
mod edge;
mod engine;
mod engine_watched;
mod jobs;
mod backup;
mod crash;
mod hostile;
mod hook;
mod main_job;
mod health;
mod lines;
mod live;
mod mail;
mod roles;
mod door;
mod factor;
mod finding;
mod foreign;
mod absent;
mod catalogue;
mod offers;
mod plans;
mod prices;
mod properties;
mod openapi;
mod invoices;
mod routes;
mod runs;
mod schema;
mod scripts;
mod settings;
mod setup;
mod sheet;
mod signin;
mod sink;
mod storybook;
mod tidy;
mod today;
mod values;
mod verbs;
mod webhooks;
mod users;
mod moves;
mod moves_back;
mod users_fields;
mod users_rules;
mod fuzz;
mod twins;
mod users_life;
mod templates;
mod offboarding;
mod previews;
mod rehire;
mod devices;
mod photo;
mod import;
mod domains;
mod import_rules;
mod many;
mod many_names;
mod many_runs;
mod inherited;
mod customer_lists;
mod patterns;
mod welcome;
mod world;
