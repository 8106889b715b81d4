//! The users of one filter alone.

use crate::db::Read;
use crate::error::Result;
use crate::ids::UserId;
use crate::time::Date;

/// At most so many by a filter that has an index of its own.
fn few(
    db: &Read,
    most: i64,
    sql: &str,
    params: &[(&str, &dyn rusqlite::ToSql)],
) -> Result<Vec<i64>> {
    let mut all = params.to_vec();
    all.push((":most", &most));
    db.all(sql, all.as_slice(), |row| row.get(0))
}

pub fn reports(db: &Read, manager: UserId, most: i64) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM users WHERE manager_id = :manager LIMIT :most";
    few(db, most, sql, &[(":manager", &manager)])
}

pub fn expiring(db: &Read, today: Date, until: Date, most: i64) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM users
      WHERE state = 'active' AND expires_on IS NOT NULL AND expires_on BETWEEN :today AND :until LIMIT :most";
    few(db, most, sql, &[(":today", &today), (":until", &until)])
}

pub fn locked(db: &Read, most: i64) -> Result<Vec<i64>> {
    few(db, most, "SELECT id FROM users WHERE locked_until IS NOT NULL LIMIT :most", &[])
}

pub fn tested(db: &Read, most: i64) -> Result<Vec<i64>> {
    few(db, most, "SELECT id FROM users WHERE test_user = 1 LIMIT :most", &[])
}

pub fn main_contacts(db: &Read, most: i64) -> Result<Vec<i64>> {
    few(db, most, "SELECT id FROM users WHERE main_contact = 1 LIMIT :most", &[])
}

/// Users of requests that failed.
pub fn failed(db: &Read, most: i64) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT user_id FROM requests
      WHERE status = 'failed' AND user_id IS NOT NULL LIMIT :most";
    few(db, most, sql, &[])
}

/// Holders of a role.
pub fn holding(db: &Read, role: &str, most: i64) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT user_id FROM roles JOIN role_grants ON role_id = roles.id
      WHERE roles.name = :role LIMIT :most";
    few(db, most, sql, &[(":role", &role)])
}

/// Those who have a service.
pub fn having(db: &Read, service: &str, most: i64) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT user_id FROM services JOIN user_services ON service_id = services.id
      WHERE services.code = :service LIMIT :most";
    few(db, most, sql, &[(":service", &service)])
}
