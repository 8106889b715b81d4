//! Directories: Active Directory and OpenLDAP, spoken to over LDAP. Encrypted, or not at all.

pub mod name;
pub mod filter;
pub mod fault;
pub mod ber;
pub mod pipe;
pub mod session;
pub mod acl;
pub mod ad;
