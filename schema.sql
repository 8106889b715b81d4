-- schema.sql: the whole store at its newest version. Read it top to bottom.
-- Instants are UTC text ("2026-01-31T09:00:00Z"), dates "2026-01-31", money is integer minor units
-- with its currency beside it, lists and open records are JSON text. Names of people's things are
-- bound to one customer by composite keys, so that SQLite itself refuses a foreign tenant.

------------------------------------------------------------------------------------------------
-- Customers: the tree everything hangs in
------------------------------------------------------------------------------------------------

-- Every organisation: the provider (the one root), its resellers, and the customers below them.
CREATE TABLE customers (
  id                  INTEGER PRIMARY KEY,
  parent_id           INTEGER REFERENCES customers (id),   -- NULL for the provider only
  state               TEXT NOT NULL DEFAULT 'active'
                      CHECK (state IN ('active', 'disabled', 'deprovisioned', 'deleted', 'purged')),
  disabled_through    INTEGER REFERENCES customers (id),   -- whose disabling disabled this one too
  type                TEXT NOT NULL DEFAULT 'standard' CHECK (type IN ('standard', 'test', 'demo')),
  reseller            INTEGER NOT NULL DEFAULT 0 CHECK (reseller IN (0, 1)), -- holds the reseller service
  code                TEXT NOT NULL COLLATE NOCASE UNIQUE
                      CHECK (length(code) BETWEEN 1 AND 20 AND code NOT GLOB '*[^A-Za-z0-9]*'),
  name                TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  contact_name        TEXT NOT NULL DEFAULT '',
  contact_email       TEXT NOT NULL DEFAULT '',
  phone               TEXT NOT NULL DEFAULT '',
  fax                 TEXT NOT NULL DEFAULT '',
  website             TEXT NOT NULL DEFAULT '',
  street              TEXT NOT NULL DEFAULT '',            -- up to three lines
  city                TEXT NOT NULL DEFAULT '',
  region              TEXT NOT NULL DEFAULT '',
  postcode            TEXT NOT NULL DEFAULT '',
  country             TEXT NOT NULL DEFAULT '',            -- ISO 3166 alpha-2
  coordinates         TEXT NOT NULL DEFAULT '',            -- "52.37,4.90"
  links               TEXT NOT NULL DEFAULT '[]',          -- JSON list of label and url
  language            TEXT NOT NULL DEFAULT 'en',
  time_zone           TEXT NOT NULL DEFAULT 'UTC',         -- IANA
  starts_on           TEXT,
  expires_on          TEXT,
  user_limit          INTEGER CHECK (user_limit BETWEEN 0 AND 1000000), -- NULL: none
  -- seen from above only
  rank                TEXT NOT NULL DEFAULT '',
  tags                TEXT NOT NULL DEFAULT '[]',          -- JSON list
  notes               TEXT NOT NULL DEFAULT '',
  -- when it went through these, while it is so
  expired_at          TEXT,                                -- its term ended it, and prolonging brings it back
  deprovisioned_at    TEXT,
  deleted_at          TEXT,
  -- what its bill needs
  currency            TEXT NOT NULL DEFAULT 'EUR' CHECK (length(currency) = 3),
  billing_id          TEXT UNIQUE,
  external_id         TEXT UNIQUE,
  tax_id              TEXT NOT NULL DEFAULT '',
  tax_rate_bp         INTEGER CHECK (tax_rate_bp BETWEEN 0 AND 10000), -- NULL: the issuer's
  registration_no     TEXT NOT NULL DEFAULT '',
  invoice_email       TEXT NOT NULL DEFAULT '',            -- empty: the contact's
  invoice_address     TEXT NOT NULL DEFAULT '',            -- empty: the address above
  po_reference        TEXT NOT NULL DEFAULT '',
  payment_days        INTEGER CHECK (payment_days BETWEEN 0 AND 120),  -- NULL: the issuer's
  billed_by           TEXT NOT NULL DEFAULT 'inherit' CHECK (billed_by IN ('inherit', 'reseller', 'provider')),
  customers_billed_by TEXT NOT NULL DEFAULT 'reseller' CHECK (customers_billed_by IN ('reseller', 'provider')),
  billing_from        TEXT,                                -- nothing counts before it
  lives_in            INTEGER REFERENCES locations (id),   -- where its directory is; NULL: nowhere yet
  version             INTEGER NOT NULL DEFAULT 1,
  created_at          TEXT NOT NULL,
  created_by          INTEGER,
  changed_at          TEXT NOT NULL,
  CHECK ((parent_id IS NULL) = (id = 1)),
  CHECK (id <> 1 OR (state = 'active' AND type = 'standard'))
) STRICT;
CREATE INDEX customers_by_parent ON customers (parent_id);
CREATE INDEX customers_by_lives_in ON customers (lives_in) WHERE lives_in IS NOT NULL;
CREATE INDEX customers_by_disabled_through ON customers (disabled_through) WHERE disabled_through IS NOT NULL;
CREATE INDEX customers_by_name ON customers (name COLLATE NOCASE, id);
CREATE INDEX customers_by_state ON customers (state, name COLLATE NOCASE, id);
CREATE INDEX customers_by_created ON customers (created_at, id);
CREATE INDEX customers_expiring ON customers (expires_on) WHERE expires_on IS NOT NULL;
CREATE INDEX customers_in_bin ON customers (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX customers_resellers ON customers (name COLLATE NOCASE, id, state) WHERE reseller = 1;

-- A code is never given twice, also not after its customer is gone.
CREATE TABLE customer_codes (code TEXT PRIMARY KEY COLLATE NOCASE) STRICT, WITHOUT ROWID;
CREATE TRIGGER customers_use_up_code AFTER INSERT ON customers BEGIN
  INSERT INTO customer_codes (code) VALUES (NEW.code);
END;

-- Every customer paired with itself (depth 0) and all above it: for offers, allowed roles, inheritance.
CREATE TABLE customer_tree (
  above INTEGER NOT NULL REFERENCES customers (id),
  below INTEGER NOT NULL REFERENCES customers (id),
  depth INTEGER NOT NULL,
  PRIMARY KEY (above, below)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_tree_by_below ON customer_tree (below, depth);

-- What each scope code reaches: the only table a :scope is compared with. The triggers alone write
-- this table and the one before.
CREATE TABLE reach (
  scope       INTEGER NOT NULL,                            -- above * 4 + (1 own, 2 below, 3 both)
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  PRIMARY KEY (scope, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reach_by_customer ON reach (customer_id);

CREATE TRIGGER customers_enter_tree AFTER INSERT ON customers BEGIN
  INSERT INTO customer_tree (above, below, depth)
  SELECT above, NEW.id, depth + 1 FROM customer_tree WHERE below = NEW.parent_id
  UNION ALL SELECT NEW.id, NEW.id, 0;
END;
CREATE TRIGGER customers_move_in_tree AFTER UPDATE OF parent_id ON customers
WHEN NEW.parent_id IS NOT OLD.parent_id BEGIN
  SELECT RAISE(ABORT, 'a customer cannot move below itself')
   WHERE EXISTS (SELECT 1 FROM customer_tree WHERE above = NEW.id AND below = NEW.parent_id);
  DELETE FROM customer_tree
   WHERE below IN (SELECT below FROM customer_tree WHERE above = NEW.id)
     AND above NOT IN (SELECT below FROM customer_tree WHERE above = NEW.id);
  INSERT INTO customer_tree (above, below, depth)
  SELECT up.above, down.below, up.depth + down.depth + 1
    FROM customer_tree up JOIN customer_tree down ON up.below = NEW.parent_id AND down.above = NEW.id;
END;
CREATE TRIGGER tree_gives_reach AFTER INSERT ON customer_tree BEGIN
  INSERT INTO reach (scope, customer_id)
  VALUES (NEW.above * 4 + CASE NEW.depth WHEN 0 THEN 1 ELSE 2 END, NEW.below),
         (NEW.above * 4 + 3, NEW.below);
END;
CREATE TRIGGER tree_takes_reach AFTER DELETE ON customer_tree BEGIN
  DELETE FROM reach
   WHERE scope BETWEEN OLD.above * 4 + 1 AND OLD.above * 4 + 3 AND customer_id = OLD.below;
END;

-- A DNS domain, owned by one customer of the installation.
CREATE TABLE domains (
  id            INTEGER PRIMARY KEY,
  customer_id   INTEGER NOT NULL REFERENCES customers (id),
  name          TEXT NOT NULL UNIQUE CHECK (name = lower(name)),
  verified_at   TEXT,                                      -- NULL: names on it cannot be used yet
  receives_mail INTEGER NOT NULL DEFAULT 1 CHECK (receives_mail IN (0, 1)),
  mail_mode     TEXT NOT NULL DEFAULT 'local' CHECK (mail_mode IN ('local', 'relay')),
  proof         TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))), -- what its text record has to say
  looked_at     TEXT,                                      -- when the DNS was asked last
  seen          TEXT NOT NULL DEFAULT '',                  -- why that did not confirm it
  version       INTEGER NOT NULL DEFAULT 1,
  created_at    TEXT NOT NULL
) STRICT;
CREATE INDEX domains_by_customer ON domains (customer_id);
CREATE INDEX domains_waiting ON domains (id, customer_id) WHERE verified_at IS NULL;

-- Names that nobody may add as a domain, besides those that are shipped: a name or *.name.
CREATE TABLE restricted_domains (
  id       INTEGER PRIMARY KEY,
  pattern  TEXT NOT NULL UNIQUE,
  reason   TEXT NOT NULL,
  added_at TEXT NOT NULL,
  added_by INTEGER
) STRICT;

-- Which customers may use a domain: its owner, and those it is shared with.
CREATE TABLE customer_domains (
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  domain_id   INTEGER NOT NULL REFERENCES domains (id),
  main        INTEGER NOT NULL DEFAULT 0 CHECK (main IN (0, 1)), -- new users' default
  PRIMARY KEY (customer_id, domain_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_domains_by_domain ON customer_domains (domain_id);
CREATE UNIQUE INDEX customer_domains_one_main ON customer_domains (customer_id) WHERE main = 1;
CREATE TRIGGER domains_serve_their_branch BEFORE INSERT ON customer_domains
WHEN NOT EXISTS (SELECT 1 FROM domains JOIN customer_tree ON above = domains.customer_id AND below = NEW.customer_id
                  WHERE domains.id = NEW.domain_id) BEGIN
  SELECT RAISE(ABORT, 'a domain serves its owner and customers below it');
END;

-- What a customer set for itself and those below it; where there is no row, the next one above
-- decides. Which keys there are stands in customers/settings.
CREATE TABLE customer_settings (
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  key         TEXT NOT NULL,
  value       TEXT NOT NULL CHECK (value <> ''),
  changed_at  TEXT NOT NULL,
  changed_by  INTEGER,
  PRIMARY KEY (customer_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_settings_by_key ON customer_settings (key, value);

-- What a customer was when it was deprovisioned, from which it is provisioned again.
CREATE TABLE customer_memories (
  customer_id INTEGER PRIMARY KEY REFERENCES customers (id),
  at          TEXT NOT NULL,
  memory      TEXT NOT NULL                                -- JSON: users by state, services
) STRICT;

-- Which notices of the end of a customer's term went out, so that each does once.
CREATE TABLE customer_reminders (
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  expires_on  TEXT NOT NULL,
  days        INTEGER NOT NULL,                            -- so many before the end: 14, 7, 1; 0: it has ended
  PRIMARY KEY (customer_id, expires_on, days)
) STRICT, WITHOUT ROWID;

-- Files with all of a customer's data; the files themselves lie in the data directory.
CREATE TABLE exit_kits (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  run_id      INTEGER REFERENCES runs (id) ON DELETE SET NULL,
  file        TEXT NOT NULL UNIQUE,                        -- its name in the directory
  bytes       INTEGER NOT NULL,
  sha256      BLOB NOT NULL CHECK (length(sha256) = 32),
  made_at     TEXT NOT NULL,
  made_by     INTEGER,
  until       TEXT NOT NULL                                -- it is kept until then
) STRICT;
CREATE INDEX exit_kits_by_customer ON exit_kits (customer_id, id);
CREATE INDEX exit_kits_by_run ON exit_kits (run_id);
CREATE INDEX exit_kits_by_until ON exit_kits (until);

-- Pick lists of one customer.
CREATE TABLE departments (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  name        TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),
  UNIQUE (customer_id, name),
  UNIQUE (customer_id, id)
) STRICT;

-- The same for where people sit.
CREATE TABLE customer_locations (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  name        TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),
  street      TEXT NOT NULL DEFAULT '',
  postcode    TEXT NOT NULL DEFAULT '',
  city        TEXT NOT NULL DEFAULT '',
  region      TEXT NOT NULL DEFAULT '',
  country     TEXT NOT NULL DEFAULT '',
  UNIQUE (customer_id, name),
  UNIQUE (customer_id, id)
) STRICT;

------------------------------------------------------------------------------------------------
-- Users
------------------------------------------------------------------------------------------------

-- A person of one customer. Its names live in user_names, so a user without sign-in name or
-- primary address cannot be committed.
CREATE TABLE users (
  id              INTEGER PRIMARY KEY,
  customer_id     INTEGER NOT NULL REFERENCES customers (id),
  state           TEXT NOT NULL DEFAULT 'active'
                  CHECK (state IN ('active', 'disabled', 'deprovisioned', 'deleted', 'purged')),
  upn             TEXT,
  mail            TEXT,
  username        TEXT NOT NULL DEFAULT '' CHECK (length(username) <= 20),
  first_name      TEXT NOT NULL DEFAULT '',
  last_name       TEXT NOT NULL DEFAULT '',
  display_name    TEXT NOT NULL CHECK (length(display_name) BETWEEN 1 AND 120),
  recovery_email  TEXT NOT NULL DEFAULT '',
  recovery_proven INTEGER NOT NULL DEFAULT 0 CHECK (recovery_proven IN (0, 1)),
  manager_id      INTEGER,
  department_id   INTEGER,
  location_id     INTEGER,
  office          TEXT NOT NULL DEFAULT '',
  job_title       TEXT NOT NULL DEFAULT '',
  company         TEXT NOT NULL DEFAULT '',
  description     TEXT NOT NULL DEFAULT '',
  employee_id     TEXT NOT NULL DEFAULT '',
  employee_type   TEXT NOT NULL DEFAULT '',
  cost_centre     TEXT NOT NULL DEFAULT '',
  phone           TEXT NOT NULL DEFAULT '',
  mobile          TEXT NOT NULL DEFAULT '',
  home_phone      TEXT NOT NULL DEFAULT '',
  fax             TEXT NOT NULL DEFAULT '',
  pager           TEXT NOT NULL DEFAULT '',
  ip_phone        TEXT NOT NULL DEFAULT '',
  street          TEXT NOT NULL DEFAULT '',
  po_box          TEXT NOT NULL DEFAULT '',
  city            TEXT NOT NULL DEFAULT '',
  region          TEXT NOT NULL DEFAULT '',
  postcode        TEXT NOT NULL DEFAULT '',
  country         TEXT NOT NULL DEFAULT '',
  usage_location  TEXT NOT NULL DEFAULT '',
  web_page        TEXT NOT NULL DEFAULT '',
  notes           TEXT NOT NULL DEFAULT '',
  language        TEXT NOT NULL DEFAULT '',                -- empty: the customer's
  time_zone       TEXT NOT NULL DEFAULT '',                -- empty: the customer's
  expires_on      TEXT,
  sign_in         TEXT NOT NULL DEFAULT 'everything' CHECK (sign_in IN ('everything', 'api_only', 'nothing')),
  main_contact    INTEGER NOT NULL DEFAULT 0 CHECK (main_contact IN (0, 1)),
  test_user       INTEGER NOT NULL DEFAULT 0 CHECK (test_user IN (0, 1)),
  break_glass     INTEGER NOT NULL DEFAULT 0 CHECK (break_glass IN (0, 1) AND (break_glass = 0 OR customer_id = 1)), -- outside every expiry; its sign-ins are told
  password_hash   TEXT,                                    -- argon2id, PHC text; NULL: none set
  password_set_at TEXT,
  password_due    INTEGER NOT NULL DEFAULT 0 CHECK (password_due IN (0, 1)), -- to be replaced before anything else
  factor_from     TEXT,                                    -- since when a service asks for a second factor
  password_stays  INTEGER NOT NULL DEFAULT 0 CHECK (password_stays IN (0, 1)), -- no maximum age, where that is allowed
  locked_until    TEXT,                                    -- for browsers not known, after too many failures
  epoch           INTEGER NOT NULL DEFAULT 1,              -- copied into sessions and links; +1 ends them
  last_sign_in_at TEXT,
  deleted_at      TEXT,                                    -- since when it is in the bin
  version         INTEGER NOT NULL DEFAULT 1,
  created_at      TEXT NOT NULL,
  created_by      INTEGER,
  changed_at      TEXT NOT NULL,
  -- What else one is found by: employee id, user name, the digits of each phone.
  numbers         TEXT NOT NULL GENERATED ALWAYS AS (
                    employee_id || ' ' || username ||
                    iif(phone = '', '', ' ' || replace(replace(replace(replace(replace(replace(replace(phone, ' ', ''), '+', ''), '(', ''), ')', ''), '-', ''), '.', ''), '/', '')) ||
                    iif(mobile = '', '', ' ' || replace(replace(replace(replace(replace(replace(replace(mobile, ' ', ''), '+', ''), '(', ''), ')', ''), '-', ''), '.', ''), '/', '')) ||
                    iif(home_phone = '', '', ' ' || replace(replace(replace(replace(replace(replace(replace(home_phone, ' ', ''), '+', ''), '(', ''), ')', ''), '-', ''), '.', ''), '/', '')) ||
                    iif(ip_phone = '', '', ' ' || replace(replace(replace(replace(replace(replace(replace(ip_phone, ' ', ''), '+', ''), '(', ''), ')', ''), '-', ''), '.', ''), '/', '')) ||
                    iif(fax = '', '', ' ' || replace(replace(replace(replace(replace(replace(replace(fax, ' ', ''), '+', ''), '(', ''), ')', ''), '-', ''), '.', ''), '/', '')) ||
                    iif(pager = '', '', ' ' || replace(replace(replace(replace(replace(replace(replace(pager, ' ', ''), '+', ''), '(', ''), ')', ''), '-', ''), '.', ''), '/', ''))) STORED,
  UNIQUE (customer_id, id),
  CHECK (state = 'purged' OR (upn IS NOT NULL AND mail IS NOT NULL)),
  FOREIGN KEY (id, upn) REFERENCES user_names (user_id, name) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (id, mail) REFERENCES user_names (user_id, name) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (customer_id, manager_id) REFERENCES users (customer_id, id) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (customer_id, department_id) REFERENCES departments (customer_id, id) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (customer_id, location_id) REFERENCES customer_locations (customer_id, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
-- With all that a search looks at: the users of a customer do not lie together, its rows here do.
CREATE INDEX users_by_customer ON users (customer_id, display_name COLLATE NOCASE, id, state, upn, mail, job_title,
                                         numbers);
-- Whose a user is, without the rest of the row.
CREATE INDEX users_homes ON users (id, customer_id);
CREATE INDEX users_by_username ON users (customer_id, username);
CREATE INDEX users_by_customer_state ON users (customer_id, state);
-- With whose they are: a walk over all names passes by those out of reach without their rows.
CREATE INDEX users_by_name ON users (display_name COLLATE NOCASE, id, customer_id, state);
CREATE INDEX users_by_state ON users (state, display_name COLLATE NOCASE, id);
CREATE INDEX users_by_upn ON users (upn);
CREATE INDEX users_by_mail ON users (mail);
CREATE INDEX users_by_created ON users (created_at, id);
CREATE INDEX users_by_manager ON users (manager_id);
CREATE INDEX users_by_deleted ON users (deleted_at) WHERE state = 'deleted';
CREATE INDEX users_by_expiry ON users (expires_on, id) WHERE state = 'active' AND expires_on IS NOT NULL;
CREATE INDEX users_by_department ON users (department_id);
CREATE INDEX users_locked ON users (id) WHERE locked_until IS NOT NULL;
CREATE INDEX users_tested ON users (id) WHERE test_user = 1;
CREATE INDEX users_main_contacts ON users (id) WHERE main_contact = 1;
CREATE INDEX users_by_location ON users (location_id);
CREATE INDEX users_by_employee_id ON users (customer_id, employee_id) WHERE employee_id <> '';

-- How many active and disabled users a customer has: lists show it of every customer. Triggers alone
-- write it.
CREATE TABLE customer_users (
  customer_id INTEGER PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE,
  users       INTEGER NOT NULL
) STRICT;
CREATE INDEX customer_users_by_users ON customer_users (users, customer_id);
CREATE TRIGGER customers_are_counted AFTER INSERT ON customers BEGIN
  INSERT INTO customer_users (customer_id, users) VALUES (NEW.id, 0);
END;
CREATE TRIGGER users_count_on_insert AFTER INSERT ON users WHEN NEW.state IN ('active', 'disabled') BEGIN
  INSERT INTO customer_users (customer_id, users) VALUES (NEW.customer_id, 1)
  ON CONFLICT (customer_id) DO UPDATE SET users = users + 1;
END;
CREATE TRIGGER users_count_on_update AFTER UPDATE OF state, customer_id ON users
WHEN NEW.customer_id <> OLD.customer_id
  OR (NEW.state IN ('active', 'disabled')) <> (OLD.state IN ('active', 'disabled')) BEGIN
  UPDATE customer_users SET users = users - (OLD.state IN ('active', 'disabled')) WHERE customer_id = OLD.customer_id;
  INSERT INTO customer_users (customer_id, users) VALUES (NEW.customer_id, NEW.state IN ('active', 'disabled'))
  ON CONFLICT (customer_id) DO UPDATE SET users = users + excluded.users;
END;
CREATE TRIGGER users_count_on_delete AFTER DELETE ON users WHEN OLD.state IN ('active', 'disabled') BEGIN
  UPDATE customer_users SET users = users - 1 WHERE customer_id = OLD.customer_id;
END;

CREATE TRIGGER users_let_reports_go AFTER UPDATE OF state, customer_id ON users
WHEN NEW.state IN ('deleted', 'purged') OR NEW.customer_id <> OLD.customer_id BEGIN
  UPDATE users SET manager_id = NULL WHERE manager_id = NEW.id;
END;

-- Every sign-in name and hosted address, once in the installation. A user points at two of its
-- rows, and no row can go while it is pointed at. One name space: nobody's address is another's
-- sign-in name.
CREATE TABLE user_names (
  name        TEXT PRIMARY KEY CHECK (name = lower(name)),
  customer_id INTEGER NOT NULL,
  domain_id   INTEGER NOT NULL,
  user_id     INTEGER NOT NULL,
  UNIQUE (user_id, name),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id)
    ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (customer_id, domain_id) REFERENCES customer_domains (customer_id, domain_id)
    DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE INDEX user_names_by_customer ON user_names (customer_id, user_id, name);
CREATE TRIGGER user_names_are_on_their_domain BEFORE INSERT ON user_names
WHEN substr(NEW.name, instr(NEW.name, '@') + 1) IS NOT (SELECT name FROM domains WHERE id = NEW.domain_id) BEGIN
  SELECT RAISE(ABORT, 'a name is on the domain it belongs to');
END;
CREATE INDEX user_names_by_domain ON user_names (domain_id);

-- Addresses elsewhere: unique within the customer, not sign-in names.
CREATE TABLE user_external_emails (
  customer_id INTEGER NOT NULL,
  email       TEXT NOT NULL COLLATE NOCASE,
  user_id     INTEGER NOT NULL,
  PRIMARY KEY (customer_id, email),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX user_external_emails_by_user ON user_external_emails (user_id);

-- What another system calls this person: Entra object id, AD GUID, number in the staff register.
CREATE TABLE user_external_ids (
  customer_id INTEGER NOT NULL,
  source      TEXT NOT NULL,                               -- 'entra', 'ad', 'hr' …
  value       TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 128),
  user_id     INTEGER NOT NULL,
  PRIMARY KEY (customer_id, source, value),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX user_external_ids_by_user ON user_external_ids (user_id);

-- What a user was when its account ended, so that it can be brought back.
CREATE TABLE user_memories (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL,
  user_id     INTEGER NOT NULL,
  at          TEXT NOT NULL,
  snapshot    TEXT NOT NULL,                               -- JSON: fields, roles, services, manager, reports
  over_at     TEXT,                                        -- taken up again, or stayed after all; NULL: it stands
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON UPDATE CASCADE
) STRICT;
CREATE INDEX user_memories_by_user ON user_memories (user_id, at);
CREATE INDEX user_memories_by_at ON user_memories (at);

-- What a user looks like: 256 by 256 pixels, written by Portico itself, whatever was sent.
CREATE TABLE user_photos (
  user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  jpeg       BLOB NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;

-- What a customer's people work with; each is used by one of its users at most.
CREATE TABLE devices (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER,
  name        TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  kind        TEXT NOT NULL DEFAULT '',
  serial      TEXT NOT NULL DEFAULT '',
  note        TEXT NOT NULL DEFAULT '',
  main        INTEGER NOT NULL DEFAULT 0 CHECK (main IN (0, 1)), -- the user's primary one
  version     INTEGER NOT NULL DEFAULT 1,
  created_at  TEXT NOT NULL,
  CHECK (main = 0 OR user_id IS NOT NULL),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX devices_by_customer ON devices (customer_id, name COLLATE NOCASE, id);
CREATE INDEX devices_by_user ON devices (user_id);
CREATE UNIQUE INDEX devices_one_primary ON devices (user_id) WHERE main = 1;

-- Somebody leaves: what was ordered, until its report is sealed. A sealed report holds the hash of the
-- one sealed before it, and never changes.
CREATE TABLE offboardings (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),  -- with whom it stays when the user moves
  user_id     INTEGER NOT NULL REFERENCES users (id),
  state       TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'begun', 'over', 'sealed', 'cancelled')),
  ordered_at  TEXT NOT NULL,
  ordered_by  INTEGER,
  acting_for  INTEGER,                                     -- in whose name, where that is somebody else's
  begins_at   TEXT NOT NULL,
  over_at     TEXT,                                        -- since when nothing of it is left to do
  without_administrator INTEGER NOT NULL DEFAULT 0 CHECK (without_administrator IN (0, 1)), -- none need be left
  run_id      INTEGER REFERENCES runs (id) ON DELETE SET NULL, -- what goes on with it
  sealed_no   INTEGER UNIQUE,                              -- its place in the chain
  sealed_at   TEXT,
  report      TEXT,                                        -- JSON, as it was sealed
  previous    TEXT,                                        -- the hash before; empty for the first
  hash        TEXT,                                        -- SHA-256 of previous, a line end, report
  CHECK ((state = 'sealed') = (sealed_no IS NOT NULL)),
  CHECK ((sealed_no IS NULL) = (report IS NULL) AND (report IS NULL) = (previous IS NULL) AND (report IS NULL) = (hash IS NULL))
) STRICT;
CREATE INDEX offboardings_by_customer ON offboardings (customer_id);
CREATE INDEX offboardings_by_user ON offboardings (user_id, id);
CREATE INDEX offboardings_by_run ON offboardings (run_id);
CREATE INDEX offboardings_open ON offboardings (id) WHERE state IN ('planned', 'begun', 'over');
CREATE UNIQUE INDEX offboardings_one_at_a_time ON offboardings (user_id) WHERE state IN ('planned', 'begun');
CREATE TRIGGER offboardings_stay_sealed BEFORE UPDATE ON offboardings
WHEN OLD.state = 'sealed' AND (NEW.state <> 'sealed' OR NEW.report <> OLD.report OR NEW.previous <> OLD.previous
  OR NEW.hash <> OLD.hash OR NEW.sealed_no <> OLD.sealed_no OR NEW.sealed_at <> OLD.sealed_at)
BEGIN SELECT RAISE(ABORT, 'a sealed report never changes'); END;
CREATE TRIGGER offboardings_are_kept BEFORE DELETE ON offboardings WHEN OLD.state = 'sealed'
BEGIN SELECT RAISE(ABORT, 'a sealed report never changes'); END;

-- What is done of it, one by one. Names are not kept here, so that they go with whose they are.
CREATE TABLE offboarding_steps (
  id             INTEGER PRIMARY KEY,
  offboarding_id INTEGER NOT NULL REFERENCES offboardings (id) ON DELETE CASCADE,
  act            TEXT NOT NULL,                            -- "end_sign_ins", "end_service" …
  subject        INTEGER,                                  -- the user or the service it is about
  params         TEXT NOT NULL DEFAULT '{}',               -- JSON: text, until
  due_at         TEXT NOT NULL,
  state          TEXT NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'done', 'failed', 'by_hand', 'cancelled')),
  ended_at       TEXT,
  ended_by       INTEGER,                                  -- who said that it was done by hand
  result         TEXT NOT NULL DEFAULT '',
  holds          INTEGER CHECK (holds IN (0, 1)),          -- what the second look found; NULL: not looked at
  found          TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX offboarding_steps_by_offboarding ON offboarding_steps (offboarding_id, due_at, id);

-- Which notices of a last day went out, so that each does once.
CREATE TABLE user_expiry_notices (
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_on TEXT NOT NULL,
  days       INTEGER NOT NULL,                             -- so many before it: 14, 7, 1; 0: the end itself was held back
  PRIMARY KEY (user_id, expires_on, days)
) STRICT, WITHOUT ROWID;

-- What a new user begins with: made by a customer for itself, for those below it, or for both.
CREATE TABLE user_templates (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  label       TEXT NOT NULL COLLATE NOCASE CHECK (length(label) BETWEEN 1 AND 60),
  reach       TEXT NOT NULL CHECK (reach IN ('self', 'below', 'both')),
  fields      TEXT NOT NULL DEFAULT '{}',                  -- JSON: field to value
  services    TEXT NOT NULL DEFAULT '[]',                  -- JSON: "workplace/standard" …
  roles       TEXT NOT NULL DEFAULT '[]',                  -- JSON: names
  days        INTEGER CHECK (days BETWEEN 1 AND 3650),     -- the last day, so many after the first
  version     INTEGER NOT NULL DEFAULT 1,
  UNIQUE (customer_id, label)
) STRICT;

-- Whom a customer wants told of what: a user of its own, or somebody elsewhere.
CREATE TABLE customer_contacts (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER,
  name        TEXT NOT NULL DEFAULT '',                    -- empty for a user
  email       TEXT NOT NULL DEFAULT '',
  billing     INTEGER NOT NULL DEFAULT 0 CHECK (billing IN (0, 1)),
  technical   INTEGER NOT NULL DEFAULT 0 CHECK (technical IN (0, 1)),
  owner       INTEGER NOT NULL DEFAULT 0 CHECK (owner IN (0, 1)),
  security    INTEGER NOT NULL DEFAULT 0 CHECK (security IN (0, 1)),
  UNIQUE (customer_id, user_id),
  CHECK ((user_id IS NULL) = (name <> '' AND email <> '')),
  CHECK (billing + technical + owner + security > 0),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX customer_contacts_by_user ON customer_contacts (user_id);
CREATE TRIGGER users_leave_contacts AFTER UPDATE OF state, customer_id ON users
WHEN NEW.state IN ('deleted', 'purged') OR NEW.customer_id <> OLD.customer_id BEGIN
  DELETE FROM customer_contacts WHERE user_id = NEW.id;
END;

-- A property that a customer has for itself and its users, or for those below it. What the service of a
-- catalogue may ask for stands in properties.
CREATE TABLE custom_properties (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),  -- who defined it
  subject     TEXT NOT NULL CHECK (subject IN ('customer', 'user')),
  key         TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 40 AND key GLOB '[a-z]*' AND key NOT GLOB '*[^a-z0-9_]*'),
  label       TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 60),
  help        TEXT NOT NULL DEFAULT '',
  category    TEXT NOT NULL DEFAULT '',                    -- the heading it stands under
  sort        INTEGER NOT NULL DEFAULT 0,
  reach       TEXT NOT NULL CHECK (reach IN ('self', 'below', 'both')),
  type        TEXT NOT NULL CHECK (type IN ('text', 'lines', 'boolean', 'integer', 'date', 'choice', 'choices',
                                            'email', 'web_page', 'phone', 'user')),
  validation  TEXT NOT NULL DEFAULT '{}',                  -- JSON: pattern, least, most, choices …
  required    INTEGER NOT NULL DEFAULT 0 CHECK (required IN (0, 1)),
  seen_by     TEXT NOT NULL CHECK (seen_by IN ('above', 'administrators', 'user', 'edited')),
  archived_at TEXT,                                        -- its values are kept, shown and changed no more
  created_at  TEXT NOT NULL,
  created_by  INTEGER,
  UNIQUE (customer_id, key)
) STRICT;
CREATE INDEX custom_properties_by_key ON custom_properties (key);
CREATE INDEX custom_properties_asked ON custom_properties (customer_id)
 WHERE subject = 'user' AND required = 1 AND archived_at IS NULL;

-- What a customer (user_id NULL) or a user has of one.
CREATE TABLE custom_values (
  id          INTEGER PRIMARY KEY,
  property_id INTEGER NOT NULL REFERENCES custom_properties (id),
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER,
  value       TEXT NOT NULL CHECK (json_valid(value)),
  person_id   INTEGER REFERENCES users (id),               -- whom it names, where it names a user
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id) ON UPDATE CASCADE
) STRICT;
CREATE UNIQUE INDEX custom_values_of_users ON custom_values (user_id, property_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX custom_values_of_customers ON custom_values (customer_id, property_id) WHERE user_id IS NULL;
CREATE INDEX custom_values_by_customer ON custom_values (customer_id, user_id);
CREATE INDEX custom_values_by_property ON custom_values (property_id);
CREATE INDEX custom_values_by_person ON custom_values (person_id);
CREATE TRIGGER users_leave_custom_values AFTER UPDATE OF state ON users WHEN NEW.state IN ('deleted', 'purged') BEGIN
  DELETE FROM custom_values WHERE person_id = NEW.id;
END;

-- Substrings of names and addresses; see db::search for how it is asked.
CREATE VIRTUAL TABLE users_search USING fts5 (
  display_name, upn, mail, numbers,
  content = 'users', content_rowid = 'id', tokenize = 'trigram remove_diacritics 1', detail = none
);
CREATE TRIGGER users_search_insert AFTER INSERT ON users BEGIN
  INSERT INTO users_search (rowid, display_name, upn, mail, numbers)
  VALUES (NEW.id, NEW.display_name, NEW.upn, NEW.mail, NEW.numbers);
END;
CREATE TRIGGER users_search_update AFTER UPDATE OF display_name, upn, mail, employee_id, username, phone, mobile, home_phone,
                                                   ip_phone, fax, pager ON users BEGIN
  INSERT INTO users_search (users_search, rowid, display_name, upn, mail, numbers)
  VALUES ('delete', OLD.id, OLD.display_name, OLD.upn, OLD.mail, OLD.numbers);
  INSERT INTO users_search (rowid, display_name, upn, mail, numbers)
  VALUES (NEW.id, NEW.display_name, NEW.upn, NEW.mail, NEW.numbers);
END;
CREATE TRIGGER users_search_delete AFTER DELETE ON users BEGIN
  INSERT INTO users_search (users_search, rowid, display_name, upn, mail, numbers)
  VALUES ('delete', OLD.id, OLD.display_name, OLD.upn, OLD.mail, OLD.numbers);
END;

-- The same for customers.
CREATE VIRTUAL TABLE customers_search USING fts5 (
  name, code, contact_name, content = 'customers', content_rowid = 'id', tokenize = 'trigram remove_diacritics 1',
  detail = none
);
CREATE TRIGGER customers_search_insert AFTER INSERT ON customers BEGIN
  INSERT INTO customers_search (rowid, name, code, contact_name) VALUES (NEW.id, NEW.name, NEW.code, NEW.contact_name);
END;
CREATE TRIGGER customers_search_update AFTER UPDATE OF name, code, contact_name ON customers BEGIN
  INSERT INTO customers_search (customers_search, rowid, name, code, contact_name)
  VALUES ('delete', OLD.id, OLD.name, OLD.code, OLD.contact_name);
  INSERT INTO customers_search (rowid, name, code, contact_name) VALUES (NEW.id, NEW.name, NEW.code, NEW.contact_name);
END;

------------------------------------------------------------------------------------------------
-- Access: roles, doors, keys
------------------------------------------------------------------------------------------------

-- A named set of rights. Shipped ones have no owner and are read-only.
CREATE TABLE roles (
  id              INTEGER PRIMARY KEY,
  customer_id     INTEGER REFERENCES customers (id),       -- NULL: shipped
  service_id      INTEGER UNIQUE REFERENCES services (id) ON DELETE CASCADE, -- of a service's administrator
  name            TEXT NOT NULL COLLATE NOCASE,
  description     TEXT NOT NULL DEFAULT '',
  held_in         TEXT NOT NULL DEFAULT 'any' -- flag: comes with the main contact's mark; all: everybody has it
                  CHECK (held_in IN ('provider', 'reseller', 'any', 'flag', 'all')),
  requires_factor INTEGER NOT NULL DEFAULT 0 CHECK (requires_factor IN (0, 1)),
  allowed         TEXT NOT NULL DEFAULT 'everywhere'       -- where nobody says otherwise
                  CHECK (allowed IN ('everywhere', 'provider', 'nowhere')),
  version         INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX roles_by_owner ON roles (coalesce(customer_id, 0), name);
CREATE INDEX roles_by_customer ON roles (customer_id);

-- What a role permits, and how far it reaches from where it is held.
CREATE TABLE role_rights (
  role_id    INTEGER NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
  permission TEXT NOT NULL,                                -- "users.read"
  reach      INTEGER NOT NULL CHECK (reach BETWEEN 1 AND 3), -- 1 own, 2 below, 3 both
  services   TEXT NOT NULL DEFAULT 'all'                   -- of a permission per service: on which
             CHECK (services IN ('all', 'listed', 'held')), -- held: those the customer has
  PRIMARY KEY (role_id, permission)
) STRICT, WITHOUT ROWID;

-- The services that a right of a role is limited to.
CREATE TABLE role_services (
  role_id    INTEGER NOT NULL,
  permission TEXT NOT NULL,
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  PRIMARY KEY (role_id, permission, service_id),
  FOREIGN KEY (role_id, permission) REFERENCES role_rights (role_id, permission) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX role_services_by_service ON role_services (service_id);

-- Roles that a role consists of, besides its own rights.
CREATE TABLE role_includes (
  role_id     INTEGER NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
  includes_id INTEGER NOT NULL REFERENCES roles (id),
  PRIMARY KEY (role_id, includes_id),
  CHECK (role_id <> includes_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_includes_by_included ON role_includes (includes_id);

-- What a customer's superiors say of a role there and below; nothing is inherit.
CREATE TABLE allowed_roles (
  role_id     INTEGER NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  rule        TEXT NOT NULL CHECK (rule IN ('allow', 'deny')),
  PRIMARY KEY (role_id, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX allowed_roles_by_customer ON allowed_roles (customer_id);

-- Who holds a role, and at which customer: normally the holder's own.
CREATE TABLE role_grants (
  id          INTEGER PRIMARY KEY,
  user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role_id     INTEGER NOT NULL REFERENCES roles (id),
  at_id       INTEGER NOT NULL REFERENCES customers (id),
  until_on    TEXT,
  granted_at  TEXT NOT NULL,
  granted_by  INTEGER,
  UNIQUE (user_id, role_id, at_id)
) STRICT;
CREATE INDEX role_grants_by_role ON role_grants (role_id);
CREATE INDEX role_grants_by_at ON role_grants (at_id);

-- A browser that is signed in. The token itself is not kept.
CREATE TABLE sessions (
  hash         BLOB PRIMARY KEY CHECK (length(hash) = 32), -- SHA-256 of the cookie
  user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  csrf         TEXT NOT NULL,
  factor_at    TEXT,                                       -- when the second factor was shown; NULL: not yet
  epoch        INTEGER NOT NULL,
  address      TEXT NOT NULL,
  browser      TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  last_seen_at TEXT NOT NULL,
  proven_at    TEXT NOT NULL                               -- when the password was last given
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Passwords somebody had before: none is taken again for a while.
CREATE TABLE password_history (
  id      INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash    TEXT NOT NULL
) STRICT;
CREATE INDEX password_history_by_user ON password_history (user_id, id);

-- Somebody was asked by mail whether it is they whom a colleague speaks with.
CREATE TABLE verifications (
  id          INTEGER PRIMARY KEY,
  user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  asked_by    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  address     TEXT NOT NULL,                               -- masked
  link        BLOB NOT NULL UNIQUE CHECK (length(link) = 32),
  asked_at    TEXT NOT NULL,
  verified_at TEXT
) STRICT;
CREATE INDEX verifications_by_user ON verifications (user_id, asked_by, id);
CREATE INDEX verifications_by_asker ON verifications (asked_by);

-- A second factor: RFC 6238 codes from a secret that is sealed, each used once.
CREATE TABLE factors (
  user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  secret  TEXT NOT NULL,                                   -- sealed for "factor {user}"
  step    INTEGER NOT NULL,                                -- the last half minute whose code was used
  set_at  TEXT NOT NULL
) STRICT;

-- What stands in for a second factor that is lost, each once.
CREATE TABLE recovery_codes (
  user_id INTEGER NOT NULL REFERENCES factors (user_id) ON DELETE CASCADE,
  hash    BLOB NOT NULL CHECK (length(hash) = 32),         -- with the installation's key
  used_at TEXT,
  PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

-- A browser somebody signed in with before: its guesses are counted apart from those of strangers.
CREATE TABLE known_browsers (
  user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash         BLOB NOT NULL CHECK (length(hash) = 32),    -- SHA-256 of its cookie
  since        TEXT NOT NULL,
  last_seen_at TEXT NOT NULL,
  PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_browsers_by_last_seen ON known_browsers (last_seen_at);

-- A customer that somebody keeps at hand, for going from one to the next.
CREATE TABLE pins (
  user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  pinned_at   TEXT NOT NULL,
  PRIMARY KEY (user_id, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX pins_by_customer ON pins (customer_id);

-- A list as somebody narrowed it, under a name: their own, or shared with everybody of the customer they
-- were of when they saved it. It holds filters and no row.
CREATE TABLE views (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER NOT NULL REFERENCES users (id),
  list        TEXT NOT NULL CHECK (list IN ('customers', 'users')),
  name        TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 60),
  query       TEXT NOT NULL CHECK (length(query) BETWEEN 1 AND 1000),
  shared      INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1)),
  created_at  TEXT NOT NULL,
  UNIQUE (user_id, list, name)
) STRICT;
CREATE INDEX views_by_customer ON views (customer_id, list, shared);

-- A session that works in the name of somebody else, for an hour at most.
CREATE TABLE acting (
  session_hash BLOB PRIMARY KEY REFERENCES sessions (hash) ON DELETE CASCADE,
  user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  reason       TEXT NOT NULL,
  started_at   TEXT NOT NULL,
  ends_at      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX acting_by_user ON acting (user_id);

-- A mailed link: one purpose, one use, one end.
CREATE TABLE links (
  hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  purpose    TEXT NOT NULL CHECK (purpose IN ('welcome', 'password', 'verify', 'recovery')),
  epoch      INTEGER NOT NULL,
  made_at    TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_user ON links (user_id);

-- An API token: its rights are the user's now, narrowed by its own list and customer.
CREATE TABLE tokens (
  id           INTEGER PRIMARY KEY,
  user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name         TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  permissions  TEXT NOT NULL,                              -- '*' or a JSON list of names
  at_id        INTEGER REFERENCES customers (id),          -- NULL: all the user reaches
  created_at   TEXT NOT NULL,
  expires_at   TEXT NOT NULL,
  last_used_at TEXT,
  last_used_from TEXT NOT NULL DEFAULT '',                 -- the address, to the hour
  revoked_at   TEXT
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user_id);
CREATE INDEX tokens_by_at ON tokens (at_id);
CREATE INDEX tokens_by_end ON tokens (expires_at) WHERE revoked_at IS NULL;

-- Tries at the door, good and bad, and wishes for a link to set a password.
CREATE TABLE sign_ins (
  id      INTEGER PRIMARY KEY,
  at      TEXT NOT NULL,
  user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
  name    TEXT NOT NULL,                                   -- as typed, at most 254
  address TEXT NOT NULL,
  browser TEXT NOT NULL,
  known   INTEGER NOT NULL DEFAULT 0 CHECK (known IN (0, 1)), -- whether the browser was one they use
  outcome TEXT NOT NULL CHECK (outcome IN ('in', 'code', 'refused', 'throttled', 'link'))
) STRICT;
CREATE INDEX sign_ins_by_user ON sign_ins (user_id, at);
CREATE INDEX sign_ins_by_at ON sign_ins (at);

-- What was answered to a write that named a key, so that a repetition does nothing twice.
CREATE TABLE idempotency_keys (
  user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  key        TEXT NOT NULL,
  request    BLOB NOT NULL,                                -- SHA-256 of method, path and body
  status     INTEGER NOT NULL,
  location   TEXT,
  body       TEXT NOT NULL,
  at         TEXT NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_at ON idempotency_keys (at);

-- Settings that are not given by flag or environment. Secrets are sealed.
CREATE TABLE settings (
  key        TEXT PRIMARY KEY,
  value      TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  changed_by INTEGER
) STRICT, WITHOUT ROWID;

------------------------------------------------------------------------------------------------
-- What happened
------------------------------------------------------------------------------------------------

-- Who changed what. Append-only.
CREATE TABLE audit_log (
  id           INTEGER PRIMARY KEY,
  at           TEXT NOT NULL,
  user_id      INTEGER,                                    -- NULL: Portico itself or the shell
  acting_for   INTEGER,                                    -- in whose name, where that is another
  via          TEXT NOT NULL CHECK (via IN ('page', 'api', 'engine', 'job', 'shell', 'link')),
  action       TEXT NOT NULL,                              -- "customer.created"
  subject_kind TEXT NOT NULL,
  subject_id   INTEGER NOT NULL,
  customer_id  INTEGER NOT NULL REFERENCES customers (id), -- in whose branch it is seen
  detail       TEXT NOT NULL DEFAULT '{}'                  -- JSON; old and new values, no secrets
) STRICT;
CREATE INDEX audit_log_by_customer ON audit_log (customer_id, id);
CREATE INDEX audit_log_by_subject ON audit_log (subject_kind, subject_id, id);
-- What a row says of a person or customer goes when they are erased; the row itself stays as it is.
CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log
WHEN NOT (CASE OLD.subject_kind WHEN 'user' THEN (SELECT state FROM users WHERE id = OLD.subject_id) = 'purged'
                                WHEN 'customer' THEN (SELECT state FROM customers WHERE id = OLD.subject_id) = 'purged'
                                ELSE 0 END
          AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.user_id IS OLD.user_id AND NEW.via = OLD.via
          AND NEW.action = OLD.action AND NEW.subject_kind = OLD.subject_kind
          AND NEW.subject_id = OLD.subject_id AND NEW.customer_id = OLD.customer_id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_is_kept BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Mails: written with the change that causes them, sent by the outbox, kept as their own log.
CREATE TABLE messages (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER REFERENCES users (id) ON DELETE SET NULL,
  event       TEXT NOT NULL,                               -- "user.invited"
  class       TEXT NOT NULL CHECK (class IN ('security', 'owed', 'notice', 'digest')),
  to_address  TEXT NOT NULL,
  to_name     TEXT NOT NULL DEFAULT '',
  subject     TEXT NOT NULL CHECK (length(subject) <= 200),
  text        TEXT NOT NULL,
  html        TEXT NOT NULL,
  secret      TEXT,                                        -- sealed; stands for [link] until sent or failed
  message_id  TEXT NOT NULL UNIQUE,
  state       TEXT NOT NULL DEFAULT 'queued'
              CHECK (state IN ('queued', 'sending', 'sent', 'held', 'failed', 'suppressed', 'cancelled')),
  attempts    INTEGER NOT NULL DEFAULT 0,
  next_at     TEXT NOT NULL,
  expires_at  TEXT,                                        -- after it the mail would be useless
  answer      TEXT NOT NULL DEFAULT '',                    -- what the server said last
  created_at  TEXT NOT NULL,
  sent_at     TEXT
) STRICT;
CREATE INDEX messages_by_customer ON messages (customer_id, id);
CREATE INDEX messages_by_user ON messages (user_id);
CREATE INDEX messages_waiting ON messages (next_at, id) WHERE state IN ('queued', 'sending', 'held');
CREATE INDEX messages_by_state ON messages (state, id);
CREATE INDEX messages_by_created ON messages (created_at);
CREATE INDEX messages_failed ON messages (created_at, customer_id) WHERE state = 'failed';

------------------------------------------------------------------------------------------------
-- Work by the clock and by the list
------------------------------------------------------------------------------------------------

-- A process that runs by the clock or by hand; the kinds are the rows of schedule.rs.
CREATE TABLE jobs (
  id          INTEGER PRIMARY KEY,
  type        TEXT NOT NULL,
  label       TEXT NOT NULL UNIQUE COLLATE NOCASE,
  schedule    TEXT NOT NULL,                               -- cron, five fields; empty: by hand only
  time_zone   TEXT NOT NULL,
  enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  next_run_at TEXT,
  version     INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX jobs_by_next ON jobs (next_run_at) WHERE next_run_at IS NOT NULL;

-- One execution: of a job, or of work over many things that a person started.
CREATE TABLE runs (
  id          INTEGER PRIMARY KEY,
  job_id      INTEGER REFERENCES jobs (id),
  kind        TEXT NOT NULL,                               -- the job's type, 'users.import', 'user_services.give' …
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER,                                     -- who started it; NULL: the clock
  acting_for  INTEGER,                                     -- in whose name, where that is somebody else's
  state       TEXT NOT NULL DEFAULT 'queued'
              CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'skipped',
                               'held')),                   -- by the brake
  cause       TEXT NOT NULL CHECK (cause IN ('schedule', 'missed', 'manual', 'retry')),
  input       TEXT NOT NULL DEFAULT '{}',                  -- JSON; what to do
  done        INTEGER NOT NULL DEFAULT 0,
  total       INTEGER,
  numbers     TEXT NOT NULL DEFAULT '{}',                  -- JSON; named integers
  error       TEXT NOT NULL DEFAULT '',
  lease_until TEXT,
  cancel_asked INTEGER NOT NULL DEFAULT 0 CHECK (cancel_asked IN (0, 1)),
  due_at      TEXT NOT NULL,
  started_at  TEXT,
  ended_at    TEXT,
  UNIQUE (job_id, due_at)
) STRICT;
CREATE INDEX runs_by_customer ON runs (customer_id, id);
CREATE INDEX runs_queued ON runs (id) WHERE state = 'queued';
CREATE INDEX runs_running ON runs (job_id) WHERE state = 'running';
CREATE INDEX runs_by_job ON runs (job_id, id);
CREATE INDEX runs_by_ended ON runs (ended_at);

-- What a run did, thing by thing: a line of the log, a row of a spreadsheet, a user of a selection.
CREATE TABLE run_lines (
  run_id       INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  seq          INTEGER NOT NULL,
  at           TEXT NOT NULL,
  level        TEXT NOT NULL CHECK (level IN ('info', 'warn', 'error')),
  result       TEXT NOT NULL DEFAULT '',                   -- 'created', 'updated', 'unchanged', 'refused', 'skipped' …
  text         TEXT NOT NULL,
  subject_kind TEXT NOT NULL DEFAULT '',
  subject_id   INTEGER,
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_lines_by_subject ON run_lines (subject_id) WHERE subject_id IS NOT NULL;

-- A file somebody uploaded to be read by a run, kept for a week.
CREATE TABLE uploads (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  bytes       BLOB NOT NULL,
  options     TEXT NOT NULL DEFAULT '{}',
  at          TEXT NOT NULL
) STRICT;
CREATE INDEX uploads_by_customer ON uploads (customer_id);
-- What a run over many users changed of each, so that it can be put back.
CREATE TABLE run_changes (
  run_id  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  changed TEXT NOT NULL,                                   -- JSON; field → [old, new]
  PRIMARY KEY (run_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_changes_by_user ON run_changes (user_id);
-- Which field somebody pointed each heading at, remembered for files with the same heading row.
CREATE TABLE import_headings (
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  heading_key TEXT NOT NULL,                               -- hash of the headings
  fields      TEXT NOT NULL,                               -- JSON; heading → field
  PRIMARY KEY (customer_id, heading_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_user ON uploads (user_id);
CREATE INDEX uploads_by_at ON uploads (at);

------------------------------------------------------------------------------------------------
-- Ledger: every billable change, for ever
------------------------------------------------------------------------------------------------

-- The state of a subject after each billable change, whole. Names and prices are joined when read.
CREATE TABLE ledger (
  id            INTEGER PRIMARY KEY,
  at            TEXT NOT NULL,                             -- when it was written
  effective_at  TEXT NOT NULL,                             -- from when it counts; never later than at
  day           TEXT NOT NULL,                             -- of effective_at, in the provider's zone
  kind          TEXT NOT NULL CHECK (kind IN ('customer', 'user', 'customer_service', 'user_service', 'domain', 'workspace_item', 'usage')),
  subject_id    INTEGER NOT NULL,
  action        TEXT NOT NULL CHECK (action IN ('added', 'changed', 'removed', 'measured', 'cancelled')),
  corrects_id   INTEGER REFERENCES ledger (id),
  customer_id   INTEGER NOT NULL REFERENCES customers (id),
  user_id       INTEGER,
  service       TEXT,                                      -- code
  plan          TEXT,                                      -- code
  item          TEXT,
  counter       TEXT,
  instance      TEXT,
  quantity      INTEGER NOT NULL DEFAULT 1000,             -- thousandths
  value         INTEGER,                                   -- thousandths, of a measurement
  facts         TEXT NOT NULL DEFAULT '{}',                -- JSON: parent, type, billed_by, disabled, test_user …
  actor_id      INTEGER,                                   -- NULL: Portico itself
  source        TEXT NOT NULL CHECK (source IN ('page', 'api', 'engine', 'sync', 'import', 'correction', 'job', 'shell')),
  request_id    INTEGER,
  external_id   TEXT,
  reason        TEXT NOT NULL DEFAULT '',
  CHECK (effective_at <= at),
  CHECK ((action = 'cancelled') = (corrects_id IS NOT NULL))
) STRICT;
CREATE INDEX ledger_by_subject ON ledger (kind, subject_id, effective_at, id, action, day, actor_id); -- all that rating asks
CREATE INDEX ledger_by_customer ON ledger (customer_id, day, id);
CREATE INDEX ledger_by_service ON ledger (service, plan COLLATE NOCASE) WHERE service IS NOT NULL;
CREATE INDEX ledger_by_corrects ON ledger (corrects_id) WHERE corrects_id IS NOT NULL;
CREATE UNIQUE INDEX ledger_by_external ON ledger (source, external_id) WHERE external_id IS NOT NULL;
CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- The ledger as intervals: a cache kept in the same transaction, compared and rebuilt by doctor.
CREATE TABLE ledger_spans (
  id          INTEGER PRIMARY KEY,
  kind        TEXT NOT NULL,
  subject_id  INTEGER NOT NULL,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER,
  service     TEXT,
  plan        TEXT,
  instance    TEXT,
  quantity    INTEGER NOT NULL,
  facts       TEXT NOT NULL,
  from_id     INTEGER NOT NULL REFERENCES ledger (id),
  to_id       INTEGER REFERENCES ledger (id),              -- NULL: still so
  begins_at   TEXT NOT NULL,
  ends_at     TEXT NOT NULL DEFAULT '9999'                 -- exclusive; '9999': still so
) STRICT;
-- Whole rows: a bill reads all spans of a customer, which do not lie together in the table.
CREATE INDEX ledger_spans_by_customer ON ledger_spans (customer_id, ends_at, begins_at, kind, subject_id, user_id, service,
                                                       plan, instance, quantity, facts, from_id, to_id);
CREATE INDEX ledger_spans_by_subject ON ledger_spans (kind, subject_id, begins_at);
CREATE UNIQUE INDEX ledger_spans_one_open ON ledger_spans (kind, subject_id) WHERE ends_at = '9999';
CREATE INDEX ledger_spans_by_from ON ledger_spans (from_id);
CREATE INDEX ledger_spans_by_to ON ledger_spans (to_id);

------------------------------------------------------------------------------------------------
-- Connectors: how outside systems are reached
------------------------------------------------------------------------------------------------

-- A secret of its own, sealed; used by connectors.
CREATE TABLE credentials (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  name        TEXT NOT NULL COLLATE NOCASE,
  sealed      TEXT NOT NULL,
  previous    TEXT,                                        -- sealed; signs beside the new one while rotating
  previous_until TEXT,
  expires_on  TEXT,
  changed_at  TEXT NOT NULL,
  UNIQUE (customer_id, name),
  UNIQUE (customer_id, id)
) STRICT;

-- A program on this machine that rules may call. The file is put there by whoever owns the shell;
-- this row says that its text, by this digest, was read and switched on.
CREATE TABLE scripts (
  name       TEXT PRIMARY KEY,
  sha256     BLOB NOT NULL CHECK (length(sha256) = 32),
  enabled_at TEXT NOT NULL,
  enabled_by INTEGER
) STRICT, WITHOUT ROWID;

-- A configured way to reach an outside system, usable in its customer's branch.
CREATE TABLE connectors (
  id            INTEGER PRIMARY KEY,
  customer_id   INTEGER NOT NULL REFERENCES customers (id), -- usable in that branch
  kind          TEXT NOT NULL CHECK (kind IN ('script', 'webhook', 'ldap', 'scim')),
  name          TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 60),
  state         TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'gone')),
  stage         TEXT NOT NULL DEFAULT 'production' CHECK (stage IN ('production', 'sandbox')),
  script        TEXT,                                      -- of a script
  url           TEXT,                                      -- of a webhook or a SCIM service
  hosts         TEXT,                                      -- of a directory: JSON, machines in order
  security      TEXT CHECK (security IN ('ldaps', 'starttls')),
  sign_in_as    TEXT,                                      -- its account there; of a SCIM service NULL: a token
  authority     TEXT,                                      -- of a directory or a SCIM service: whom to trust (PEM)
  credential_id INTEGER,
  networks      TEXT NOT NULL DEFAULT '[]',                -- JSON: CIDRs besides the public ones
  time_limit    INTEGER NOT NULL CHECK (time_limit BETWEEN 1 AND 3600), -- seconds a call
  failures      INTEGER NOT NULL DEFAULT 0,                -- transient ones in a row
  down_until    TEXT,                                      -- breaker open
  down_since    TEXT,
  last_error    TEXT NOT NULL DEFAULT '',
  calls_per_minute INTEGER CHECK (calls_per_minute BETWEEN 1 AND 6000), -- steps begun in a minute; NULL: any number
  minute_began  TEXT,                                      -- and how many were in the minute that began then
  minute_calls  INTEGER NOT NULL DEFAULT 0,
  rests_until   TEXT,                                      -- they were as many as may be
  light         TEXT CHECK (light IN ('green', 'amber', 'red')), -- what the check said last; NULL: not since it was changed
  light_text    TEXT NOT NULL DEFAULT '',                  -- the first thing that is wrong, and what to do
  examined_at   TEXT,
  features      TEXT,                                      -- of a SCIM service: JSON, what it says it can
  features_at   TEXT,
  version       INTEGER NOT NULL DEFAULT 1,
  created_at    TEXT NOT NULL,
  UNIQUE (customer_id, name),
  UNIQUE (customer_id, id),
  CHECK ((kind = 'script') = (script IS NOT NULL)),
  CHECK ((kind IN ('webhook', 'scim')) = (url IS NOT NULL)),
  CHECK ((kind = 'ldap') = (hosts IS NOT NULL) AND (kind = 'ldap') = (security IS NOT NULL)),
  CHECK (CASE kind WHEN 'ldap' THEN sign_in_as IS NOT NULL WHEN 'scim' THEN 1 ELSE sign_in_as IS NULL END),
  FOREIGN KEY (customer_id, credential_id) REFERENCES credentials (customer_id, id)
) STRICT;
CREATE INDEX connectors_by_credential ON connectors (credential_id);
CREATE INDEX connectors_in_use ON connectors (id) WHERE state <> 'gone';
CREATE INDEX connectors_resting ON connectors (rests_until) WHERE rests_until IS NOT NULL;

-- One directory, in which customers' accounts are made: a part of the tree, reached through a connector.
CREATE TABLE environments (
  id           INTEGER PRIMARY KEY,
  customer_id  INTEGER NOT NULL REFERENCES customers (id),  -- whose connector it is
  connector_id INTEGER NOT NULL,
  name         TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 60),
  kind         TEXT NOT NULL CHECK (kind IN ('ad', 'openldap')),
  base         TEXT NOT NULL,                              -- the name below which all lies
  zone         TEXT NOT NULL,
  marked       INTEGER NOT NULL DEFAULT 1 CHECK (marked IN (0, 1)), -- what we make carries a mark there
  let_through  TEXT,                                       -- an administrator who was typed to be used all the same
  drift        TEXT NOT NULL DEFAULT 'report' CHECK (drift IN ('report', 'repair')), -- what becomes of fields that others changed there
  -- Of OpenLDAP, which knows no disabled accounts: how they are kept out.
  disabling    TEXT NOT NULL DEFAULT 'password' CHECK (disabling IN ('password', 'lock', 'attribute')),
  disable_attribute TEXT NOT NULL DEFAULT '',              -- name=value
  lock_holds   INTEGER CHECK (lock_holds IN (0, 1)),       -- a lock was tried on an account made for that
  version      INTEGER NOT NULL DEFAULT 1,
  created_at   TEXT NOT NULL,
  UNIQUE (customer_id, name),
  UNIQUE (connector_id, base),
  FOREIGN KEY (customer_id, connector_id) REFERENCES connectors (customer_id, id)
) STRICT;

-- Where customers live: with others in one directory, alone in one, or in none.
CREATE TABLE locations (
  id             INTEGER PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 60),
  kind           TEXT NOT NULL CHECK (kind IN ('shared', 'private', 'none')),
  environment_id INTEGER REFERENCES environments (id),
  root           TEXT NOT NULL DEFAULT '',                 -- shared: below it the OUs of customers; private: below it the users
  version        INTEGER NOT NULL DEFAULT 1,
  created_at     TEXT NOT NULL,
  CHECK ((kind = 'none') = (environment_id IS NULL)),
  CHECK ((kind = 'none') = (root = ''))
) STRICT;
CREATE INDEX locations_by_environment ON locations (environment_id);

-- What in a directory or a SCIM service is what here, by the id that never changes there; unique
-- both ways. Proposed: found there under the same name, and nobody has said yet that it is the same.
-- Lost: it was bound and is not there any more. Adopted: somebody said so; the next work makes it ours.
CREATE TABLE bindings (
  id             INTEGER PRIMARY KEY,
  connector_id   INTEGER NOT NULL REFERENCES connectors (id),
  class          TEXT NOT NULL CHECK (class IN ('user', 'group', 'ou')),
  object         TEXT NOT NULL,                            -- objectGUID, entryUUID or id
  customer_id    INTEGER NOT NULL REFERENCES customers (id),
  user_id        INTEGER,
  subject        TEXT NOT NULL,                            -- 'user 7', 'customer', a group's or OU's name
  dn             TEXT NOT NULL,                            -- where it was seen last; of a SCIM service its name
  standing       TEXT NOT NULL DEFAULT 'bound' CHECK (standing IN ('bound', 'proposed', 'lost', 'adopted')),
  look_again     INTEGER NOT NULL DEFAULT 0 CHECK (look_again IN (0, 1)), -- it was in work when drift was looked for
  bound_at       TEXT NOT NULL,
  UNIQUE (connector_id, class, object),
  UNIQUE (connector_id, class, customer_id, subject),
  CHECK ((class = 'user') = (user_id IS NOT NULL)),
  FOREIGN KEY (customer_id, user_id) REFERENCES users (customer_id, id)
    ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX bindings_by_customer ON bindings (customer_id, user_id);
CREATE INDEX bindings_open ON bindings (connector_id, id) WHERE standing <> 'bound';
CREATE INDEX bindings_again ON bindings (connector_id, id) WHERE look_again = 1;

-- Who is in a group of ours, by our own work there or because somebody took it over as it is.
CREATE TABLE bound_members (
  binding_id INTEGER NOT NULL REFERENCES bindings (id) ON DELETE CASCADE,
  member     TEXT NOT NULL,                                -- objectGUID or entryUUID
  dn         TEXT NOT NULL,                                -- what it was called last
  PRIMARY KEY (binding_id, member)
) STRICT, WITHOUT ROWID;

-- How far a directory has been looked through for what others changed there. Each machine of an
-- Active Directory counts for itself.
CREATE TABLE drift_marks (
  environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  machine        TEXT NOT NULL,                            -- its invocation id; empty where there is none
  mark           TEXT NOT NULL,                            -- uSNChanged, or the time of the last change that was seen
  PRIMARY KEY (environment_id, machine)
) STRICT, WITHOUT ROWID;

-- One thing in a directory that others have made different from what it is here.
CREATE TABLE drift (
  id             INTEGER PRIMARY KEY,
  environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  customer_id    INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  user_id        INTEGER,                                  -- whose account it is
  class          TEXT NOT NULL CHECK (class IN ('user', 'group', 'ou')),
  object         TEXT NOT NULL,                            -- objectGUID or entryUUID
  name           TEXT NOT NULL,                            -- what people call it
  place          TEXT NOT NULL,                            -- where it was seen last
  kind           TEXT NOT NULL CHECK (kind IN ('attribute', 'moved', 'renamed', 'disabled', 'enabled', 'deleted',
                                               'unknown', 'member_added', 'member_removed', 'double')),
  what           TEXT NOT NULL,                            -- the attribute, or the id of the member
  ours           TEXT NOT NULL,
  theirs         TEXT NOT NULL,
  state          TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'pushing', 'ignored', 'settled')),
  how            TEXT NOT NULL DEFAULT '',                 -- what it was settled by; gone: by itself
  until          TEXT,                                     -- of an ignored one: its last day
  request_id     INTEGER REFERENCES requests (id) ON DELETE SET NULL, -- that brings ours there
  note           TEXT NOT NULL DEFAULT '',                 -- why that failed
  found_at       TEXT NOT NULL,
  decided_by     INTEGER,
  decided_at     TEXT
) STRICT;
CREATE UNIQUE INDEX drift_once ON drift (environment_id, object, kind, what) WHERE state <> 'settled';
CREATE INDEX drift_by_state ON drift (environment_id, state, id);
CREATE INDEX drift_by_customer ON drift (customer_id);
CREATE INDEX drift_settled ON drift (decided_at) WHERE state = 'settled';
CREATE INDEX drift_by_request ON drift (request_id) WHERE request_id IS NOT NULL;

-- An account of a directory that may be somebody's, until it is decided; what was set aside stays
-- away while the digest of the evidence is the same.
CREATE TABLE proposals (
  id             INTEGER PRIMARY KEY,
  environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  customer_id    INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  object         TEXT NOT NULL,                            -- objectGUID or entryUUID
  place          TEXT NOT NULL,                            -- where it was seen
  why            TEXT NOT NULL CHECK (why IN ('recreated', 'double', 'similar', 'sign_in_name', 'new')),
  account        TEXT NOT NULL,                            -- JSON: what the directory said of it
  candidates     TEXT NOT NULL,                            -- JSON: users of the customer, each with the evidence
  suggested      TEXT,                                     -- a sign-in name that can be
  digest         TEXT NOT NULL,
  state          TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'linked', 'created', 'ignored')),
  user_id        INTEGER,                                  -- whose it became
  told           INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)), -- to those who may decide, once
  decided_by     INTEGER,
  decided_at     TEXT,
  created_at     TEXT NOT NULL,
  UNIQUE (customer_id, environment_id, object)
) STRICT;
CREATE INDEX proposals_by_state ON proposals (state, id);
CREATE INDEX proposals_by_environment ON proposals (environment_id);

-- How a customer follows the directory it lives in.
CREATE TABLE syncs (
  customer_id    INTEGER PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE,
  environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  ous            TEXT NOT NULL,                            -- JSON: names of OUs
  fields         TEXT NOT NULL,                            -- JSON: fields that the directory owns
  leavers        TEXT NOT NULL CHECK (leavers IN ('report', 'suspend')),
  newcomers      TEXT NOT NULL CHECK (newcomers IN ('propose', 'create')),
  every          TEXT NOT NULL CHECK (every IN ('never', 'hourly', 'daily')),
  user_id        INTEGER NOT NULL,                         -- whose rights it has
  queued_at      TEXT
) STRICT;
CREATE INDEX syncs_by_environment ON syncs (environment_id);

------------------------------------------------------------------------------------------------
-- Catalogue: what is sold
------------------------------------------------------------------------------------------------

-- A thing we sell. Drafts are seen by the provider only; retired ones take no new assignments.
CREATE TABLE services (
  id            INTEGER PRIMARY KEY,
  code          TEXT NOT NULL UNIQUE
                CHECK (length(code) BETWEEN 1 AND 30 AND code GLOB '[a-z]*' AND code NOT GLOB '*[^a-z0-9-]*'),
  name          TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 60),
  category      TEXT NOT NULL DEFAULT '',
  description   TEXT NOT NULL DEFAULT '',
  icon          TEXT NOT NULL DEFAULT 'stack-2',
  kind          TEXT NOT NULL CHECK (kind IN ('customer', 'user')),
  multi         INTEGER NOT NULL DEFAULT 0 CHECK (multi IN (0, 1)),
  label_pattern TEXT NOT NULL DEFAULT '' CHECK (length(label_pattern) <= 60), -- suggests labels: {customer.domain}
  state         TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'active', 'retired')),
  tracking_only INTEGER NOT NULL DEFAULT 0 CHECK (tracking_only IN (0, 1)), -- active without rules
  on_move       TEXT NOT NULL DEFAULT 'refuse' CHECK (on_move IN ('carry', 'recreate', 'refuse')), -- of its user to another customer
  builtin       INTEGER NOT NULL DEFAULT 0 CHECK (builtin IN (0, 1)),       -- 'reseller'
  module        TEXT NOT NULL DEFAULT '',                  -- the shipped module it was installed from
  module_version INTEGER NOT NULL DEFAULT 0,               -- as it was taken; a newer one waits until it is
  version       INTEGER NOT NULL DEFAULT 1,
  created_at    TEXT NOT NULL,
  changed_at    TEXT NOT NULL
) STRICT;

-- Each service that is sold has its administrator: the permissions per service, limited to it.
CREATE TRIGGER services_have_administrator AFTER INSERT ON services WHEN NEW.builtin = 0 BEGIN
  INSERT INTO roles (service_id, name, description)
  SELECT NEW.id,
         NEW.name || CASE WHEN EXISTS (SELECT 1 FROM roles WHERE customer_id IS NULL
                                          AND name = NEW.name || ' administrator')
                          THEN ' (service) administrator' ELSE ' administrator' END,
         'The service ' || NEW.name || ' of the own customer';
  INSERT INTO role_rights (role_id, permission, reach, services)
  SELECT roles.id, value, 1, CASE WHEN value LIKE '%.write' THEN 'listed' ELSE 'all' END
    FROM roles, json_each('["customers.read", "users.read", "services.read", "requests.read",
                            "customer_services.write", "user_services.write", "service_settings.write"]')
   WHERE service_id = NEW.id;
  INSERT INTO role_services (role_id, permission, service_id)
  SELECT roles.id, permission, NEW.id
    FROM roles JOIN role_rights ON role_id = roles.id
   WHERE roles.service_id = NEW.id AND services = 'listed';
END;
CREATE TRIGGER services_rename_administrator AFTER UPDATE OF name ON services WHEN NEW.name <> OLD.name BEGIN
  UPDATE roles
     SET name = NEW.name || CASE WHEN EXISTS (SELECT 1 FROM roles AS other WHERE customer_id IS NULL
                                                 AND other.name = NEW.name || ' administrator')
                                 THEN ' (service) administrator' ELSE ' administrator' END,
         description = 'The service ' || NEW.name || ' of the own customer'
   WHERE service_id = NEW.id;
END;

-- Services that must be held before this one.
CREATE TABLE service_needs (
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  needs_id   INTEGER NOT NULL REFERENCES services (id),
  at         TEXT NOT NULL DEFAULT 'customer' CHECK (at IN ('customer', 'user')), -- who must hold it
  PRIMARY KEY (service_id, needs_id),
  CHECK (service_id <> needs_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX service_needs_by_needs ON service_needs (needs_id);

-- The whole document of a service as each save left it.
CREATE TABLE service_versions (
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  document   TEXT NOT NULL,                                -- JSON, portico/1
  saved_at   TEXT NOT NULL,
  saved_by   INTEGER,
  PRIMARY KEY (service_id, version)
) STRICT, WITHOUT ROWID;

-- A variant of a service: for the customer as a whole, or for one user.
CREATE TABLE plans (
  id         INTEGER PRIMARY KEY,
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  level      TEXT NOT NULL CHECK (level IN ('customer', 'user')),
  code       TEXT NOT NULL COLLATE NOCASE
             CHECK (length(code) BETWEEN 1 AND 30 AND code GLOB '[A-Za-z0-9]*' AND code NOT GLOB '*[^A-Za-z0-9_-]*'),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  sku        TEXT NOT NULL DEFAULT '',
  not_sold   INTEGER NOT NULL DEFAULT 0 CHECK (not_sold IN (0, 1)), -- makes no bill item
  state      TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  sort       INTEGER NOT NULL DEFAULT 0,
  version    INTEGER NOT NULL DEFAULT 1,
  UNIQUE (service_id, code),
  UNIQUE (service_id, id)
) STRICT;

-- A named, typed setting of a service.
CREATE TABLE properties (
  id          INTEGER PRIMARY KEY,
  service_id  INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  name        TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40 AND name GLOB '[a-z]*' AND name NOT GLOB '*[^a-z0-9_]*'),
  label       TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 60),
  help        TEXT NOT NULL DEFAULT '',
  category    TEXT NOT NULL DEFAULT '' CHECK (length(category) <= 40), -- groups the fields of a form
  level       TEXT NOT NULL CHECK (level IN ('customer', 'user')),
  use         TEXT NOT NULL DEFAULT 'setting' CHECK (use IN ('setting', 'captured', 'output')),
  type        TEXT NOT NULL CHECK (type IN ('text', 'lines', 'integer', 'size', 'boolean', 'date', 'choice', 'choices',
                                            'email', 'domain', 'host', 'url', 'user')),
  validation  TEXT NOT NULL DEFAULT '{}',                  -- JSON: pattern, least, most, choices …
  default_value TEXT,                                      -- JSON
  default_locked INTEGER NOT NULL DEFAULT 0 CHECK (default_locked IN (0, 1)),
  required    INTEGER NOT NULL DEFAULT 0 CHECK (required IN (0, 1)),
  secret      INTEGER NOT NULL DEFAULT 0 CHECK (secret IN (0, 1)),
  writable_by TEXT NOT NULL DEFAULT 'customer' CHECK (writable_by IN ('provider', 'reseller', 'customer', 'user')),
  visible_to  TEXT NOT NULL DEFAULT 'customer' CHECK (visible_to IN ('provider', 'reseller', 'customer', 'user')),
  at          TEXT NOT NULL DEFAULT '[]',                  -- JSON: plan, reseller, customer, user; empty: wherever it fits
  unique_in   TEXT NOT NULL DEFAULT 'no' CHECK (unique_in IN ('no', 'customer', 'installation')),
  meter       INTEGER NOT NULL DEFAULT 0 CHECK (meter IN (0, 1) AND (meter = 0 OR type IN ('integer', 'size'))), -- may be limited: sum:NAME
  sort        INTEGER NOT NULL DEFAULT 0,
  UNIQUE (service_id, name),
  UNIQUE (service_id, id)
) STRICT;

-- What is stored of a property, by whom it is held: the plan of the definition, a reseller's branch
-- (given with the offer, or its own), a customer service, a user service. The nearest wins unless a
-- farther one is locked.
CREATE TABLE property_values (
  id                  INTEGER PRIMARY KEY,
  property_id         INTEGER NOT NULL REFERENCES properties (id) ON DELETE CASCADE,
  holder              TEXT NOT NULL CHECK (holder IN ('plan', 'given', 'own', 'customer_service', 'user_service')),
  plan_id             INTEGER REFERENCES plans (id) ON DELETE CASCADE, -- NULL: all plans
  reseller_id         INTEGER REFERENCES customers (id),
  customer_service_id INTEGER REFERENCES customer_services (id) ON DELETE CASCADE,
  user_service_id     INTEGER REFERENCES user_services (id) ON DELETE CASCADE,
  value               TEXT NOT NULL,                       -- JSON; sealed for a secret
  locked              INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1)),
  alone_in            TEXT,                                -- among whom nobody else may have it: 'customer 7', 'installation'
  folded              TEXT,                                -- the value without case, where it must be alone
  set_at              TEXT NOT NULL,
  set_by              INTEGER,
  CHECK ((holder = 'plan') <= (plan_id IS NOT NULL)),
  CHECK ((holder IN ('given', 'own')) = (reseller_id IS NOT NULL)),
  CHECK ((holder = 'customer_service') = (customer_service_id IS NOT NULL)),
  CHECK ((holder = 'user_service') = (user_service_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX property_values_once ON property_values (property_id, holder, coalesce(plan_id, 0),
  coalesce(reseller_id, 0), coalesce(customer_service_id, 0), coalesce(user_service_id, 0));
CREATE UNIQUE INDEX property_values_alone ON property_values (property_id, alone_in, folded) WHERE alone_in IS NOT NULL;
CREATE INDEX property_values_by_plan ON property_values (plan_id);
CREATE INDEX property_values_by_reseller ON property_values (reseller_id);
CREATE INDEX property_values_by_customer_service ON property_values (customer_service_id);
CREATE INDEX property_values_by_user_service ON property_values (user_service_id);

-- What the engine does for an event, by whom it was decided. For an event hold the enabled rules of the
-- service itself and of the customer and all above it; of several with one key the nearest.
CREATE TABLE rules (
  id           INTEGER PRIMARY KEY,
  customer_id  INTEGER REFERENCES customers (id),          -- holds in that branch; NULL: written with the service
  service_id   INTEGER REFERENCES services (id) ON DELETE CASCADE, -- NULL: whatever the event is about
  event        TEXT NOT NULL,                              -- "user_service.provision"
  slot         TEXT NOT NULL DEFAULT 'main' CHECK (slot IN ('before', 'main', 'after')),
  position     INTEGER NOT NULL,
  key          TEXT NOT NULL,
  title        TEXT NOT NULL DEFAULT '',                   -- empty: the connector's name
  condition    TEXT NOT NULL DEFAULT '',                   -- empty: always
  action       TEXT NOT NULL,                              -- "script.run"
  connector_id INTEGER REFERENCES connectors (id),
  params       TEXT NOT NULL DEFAULT '{}',                 -- JSON: texts as typed, by name
  on_error     TEXT NOT NULL DEFAULT 'stop' CHECK (on_error IN ('stop', 'continue')),
  tries        INTEGER CHECK (tries BETWEEN 1 AND 20),     -- NULL: 8
  time_limit   INTEGER CHECK (time_limit BETWEEN 1 AND 3600), -- seconds; NULL: the connector's
  enabled      INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  version      INTEGER NOT NULL DEFAULT 1,
  CHECK (customer_id IS NOT NULL OR service_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX rules_once ON rules (event, coalesce(service_id, 0), coalesce(customer_id, 0), key);
CREATE INDEX rules_by_service ON rules (service_id);
CREATE INDEX rules_by_customer ON rules (customer_id);
CREATE INDEX rules_by_connector ON rules (connector_id);

-- Each state that a rule was saved in. What runs keeps the one it was planned with.
CREATE TABLE rule_versions (
  rule_id  INTEGER NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
  number   INTEGER NOT NULL,
  document TEXT NOT NULL,                                  -- JSON: the rule as typed
  saved_at TEXT NOT NULL,
  saved_by INTEGER,
  PRIMARY KEY (rule_id, number)
) STRICT, WITHOUT ROWID;

------------------------------------------------------------------------------------------------
-- Offers: what a reseller may sell on
------------------------------------------------------------------------------------------------

-- One service that a reseller was given to sell on. Its parent gives it and may take it back.
CREATE TABLE offers (
  id          INTEGER PRIMARY KEY,
  reseller_id INTEGER NOT NULL REFERENCES customers (id),
  service_id  INTEGER NOT NULL REFERENCES services (id),
  state       TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed', 'withdrawn')),
  version     INTEGER NOT NULL DEFAULT 1,
  given_at    TEXT NOT NULL,
  given_by    INTEGER,
  UNIQUE (reseller_id, service_id),
  UNIQUE (service_id, id)
) STRICT;

-- Which plans of it, bound to the same service by both keys.
CREATE TABLE offer_plans (
  offer_id   INTEGER NOT NULL,
  service_id INTEGER NOT NULL,
  plan_id    INTEGER NOT NULL,
  state      TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed')),
  PRIMARY KEY (offer_id, plan_id),
  FOREIGN KEY (service_id, offer_id) REFERENCES offers (service_id, id) ON DELETE CASCADE,
  FOREIGN KEY (service_id, plan_id) REFERENCES plans (service_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX offer_plans_by_service ON offer_plans (service_id, offer_id);
CREATE INDEX offer_plans_by_plan ON offer_plans (plan_id);

-- How many of a service a reseller's whole branch, or one customer, may use, and does use. Every
-- holder with assignments below it has a row; max NULL is unlimited.
CREATE TABLE usage (
  holder_id  INTEGER NOT NULL REFERENCES customers (id),
  service_id INTEGER NOT NULL REFERENCES services (id),
  plan_id    INTEGER NOT NULL DEFAULT 0,                   -- 0: all plans together
  meter      TEXT NOT NULL CHECK (meter IN ('seats', 'instances') OR meter GLOB 'sum:[a-z]*'), -- sum: of a property
  max        INTEGER CHECK (max >= 0),
  used       INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  set_by     INTEGER,                                      -- who said the most
  told       TEXT NOT NULL DEFAULT '' CHECK (told IN ('', 'near', 'full')), -- of that much use, once
  PRIMARY KEY (holder_id, service_id, plan_id, meter)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_service ON usage (service_id);

------------------------------------------------------------------------------------------------
-- Engine: previews, requests and their steps
------------------------------------------------------------------------------------------------

-- A plan that was shown. The object shown is the object run: applying copies its steps.
CREATE TABLE previews (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, -- who may apply it
  action      TEXT NOT NULL,                               -- "user_service.give"
  input       TEXT NOT NULL,                               -- JSON: the order as given
  document    TEXT NOT NULL,                               -- JSON: steps, money, seats, warnings, refusals
  basis       TEXT NOT NULL,                               -- digest of the versions of all that was read
  state       TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'applied', 'stale', 'discarded')),
  request_id  INTEGER,
  run_id      INTEGER,
  made_at     TEXT NOT NULL,
  expires_at  TEXT NOT NULL
) STRICT;
CREATE INDEX previews_by_customer ON previews (customer_id);
CREATE INDEX previews_by_user ON previews (user_id);
CREATE INDEX previews_by_expires ON previews (expires_at);

-- Lanes of work; a paused one starts no step.
CREATE TABLE queues (
  name      TEXT PRIMARY KEY,
  workers   INTEGER NOT NULL CHECK (workers BETWEEN 1 AND 64),
  per_customer  INTEGER NOT NULL DEFAULT 2 CHECK (per_customer BETWEEN 1 AND 64),  -- its steps at once
  per_connector INTEGER NOT NULL DEFAULT 4 CHECK (per_connector BETWEEN 1 AND 64), -- calls at once
  paused_at TEXT,
  paused_by INTEGER,
  slow_told_at TEXT                                        -- when somebody was told that work waits
) STRICT, WITHOUT ROWID;
INSERT INTO queues (name, workers) VALUES ('interactive', 8), ('bulk', 4), ('sync', 2), ('scripts', 2);

-- Which queue a request waits in: the first that fits, by position; else 'interactive'.
CREATE TABLE queue_routes (
  id          INTEGER PRIMARY KEY,
  position    INTEGER NOT NULL,
  event       TEXT NOT NULL DEFAULT '*',                   -- "user_service.*"
  service_id  INTEGER REFERENCES services (id) ON DELETE CASCADE,
  customer_id INTEGER REFERENCES customers (id),           -- it and all below
  class       TEXT CHECK (class IN ('security', 'interactive', 'sync', 'bulk')),
  action      TEXT,                                        -- one of its steps does that
  queue       TEXT NOT NULL REFERENCES queues (name)
) STRICT;
CREATE INDEX queue_routes_by_service ON queue_routes (service_id);
CREATE INDEX queue_routes_by_customer ON queue_routes (customer_id);
CREATE INDEX queue_routes_by_queue ON queue_routes (queue);
INSERT INTO queue_routes (position, class, action, queue) VALUES
  (100, 'bulk', NULL, 'bulk'), (200, NULL, 'script.run', 'scripts'), (300, 'sync', NULL, 'sync');

-- A time in which no step begins.
CREATE TABLE freezes (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  customer_id INTEGER NOT NULL REFERENCES customers (id),  -- it and all below
  service_id  INTEGER REFERENCES services (id) ON DELETE CASCADE,
  queue       TEXT REFERENCES queues (name),
  from_at     TEXT NOT NULL,
  until_at    TEXT NOT NULL,
  lets        TEXT NOT NULL CHECK (lets IN ('security', 'nothing')), -- what goes on nevertheless
  made_at     TEXT NOT NULL,
  made_by     INTEGER,
  told_at     TEXT,                                        -- that it is about to begin
  CHECK (from_at < until_at)
) STRICT;
CREATE INDEX freezes_by_until ON freezes (until_at);
CREATE INDEX freezes_by_customer ON freezes (customer_id);
CREATE INDEX freezes_by_service ON freezes (service_id);
CREATE INDEX freezes_by_queue ON freezes (queue);

-- One unit of provisioning work. status and turn are facts the engine writes; nobody sets them by hand.
CREATE TABLE requests (
  id                  INTEGER PRIMARY KEY,
  customer_id         INTEGER NOT NULL REFERENCES customers (id),
  event               TEXT NOT NULL,                       -- "user_service.provision"
  user_id             INTEGER,                             -- the subject's
  customer_service_id INTEGER,
  user_service_id     INTEGER,
  parent_id           INTEGER REFERENCES requests (id),
  after_id            INTEGER REFERENCES requests (id),    -- waits for it, fails with it
  preview_id          INTEGER,
  run_id              INTEGER REFERENCES runs (id),
  title               TEXT NOT NULL,
  queue               TEXT NOT NULL REFERENCES queues (name),
  class               TEXT NOT NULL CHECK (class IN ('security', 'interactive', 'sync', 'bulk')),
  status              TEXT NOT NULL DEFAULT 'queued'
                      CHECK (status IN ('waiting_approval', 'queued', 'running', 'done', 'failed', 'cancelled')),
  turn                TEXT NOT NULL DEFAULT 'ready'        -- what an open one waits for
                      CHECK (turn IN ('ready',             -- a worker, its queue or its connector
                                      'busy',              -- nothing: a step is leased
                                      'sleeping',          -- the time next_at
                                      'blocked',           -- the end of blocked_id
                                      'over')),
  blocked_id          INTEGER REFERENCES requests (id),
  hold                TEXT NOT NULL DEFAULT ''             -- what a sleeping one sleeps for, but for the next attempt
                      CHECK (hold IN ('', 'person',        -- somebody who has a task: holds up nobody else
                                      'wait',              -- a rule that says so: the same
                                      'freeze',            -- the end of a freeze window
                                 'approval',          -- being approved, by those of its chains
                                      'brake')),           -- being released, because it takes from many
  connector_id        INTEGER REFERENCES connectors (id),  -- of the step that comes next
  reason              TEXT NOT NULL DEFAULT '',            -- why it failed or was cancelled
  warnings            INTEGER NOT NULL DEFAULT 0,
  told                INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)), -- of its failure or its warnings, once
  cancel_asked        INTEGER NOT NULL DEFAULT 0 CHECK (cancel_asked IN (0, 1)),
  by_id               INTEGER,                             -- who ordered; NULL: Portico itself
  source              TEXT NOT NULL CHECK (source IN ('page', 'api', 'engine', 'import', 'job', 'shell')),
  created_at          TEXT NOT NULL,
  started_at          TEXT,
  ended_at            TEXT,
  deadline_at         TEXT NOT NULL,
  next_at             TEXT NOT NULL,                       -- not before: retry waits
  version             INTEGER NOT NULL DEFAULT 1,          -- +1 with whatever a page of it would show
  UNIQUE (customer_id, id),
  CHECK ((turn = 'over') = (status IN ('done', 'failed', 'cancelled'))),
  CHECK ((turn = 'blocked') = (blocked_id IS NOT NULL)),
  CHECK (hold = '' OR turn IN ('sleeping', 'over')),
  -- Of users who moved on, requests stay with the customer they were made at.
  FOREIGN KEY (user_id) REFERENCES users (id),
  FOREIGN KEY (customer_id, customer_service_id) REFERENCES customer_services (customer_id, id),
  FOREIGN KEY (user_service_id) REFERENCES user_services (id)
) STRICT;
CREATE INDEX requests_by_customer ON requests (customer_id, id);
CREATE INDEX requests_by_user ON requests (user_id, id);
CREATE INDEX requests_by_customer_service ON requests (customer_service_id, id);
CREATE INDEX requests_by_user_service ON requests (user_service_id, id);
CREATE INDEX requests_by_parent ON requests (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX requests_by_after ON requests (after_id) WHERE after_id IS NOT NULL;
CREATE INDEX requests_by_run ON requests (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX requests_by_blocked ON requests (blocked_id) WHERE blocked_id IS NOT NULL;
CREATE INDEX requests_by_connector ON requests (connector_id) WHERE connector_id IS NOT NULL;
CREATE INDEX requests_by_queue ON requests (queue);
CREATE INDEX requests_by_status ON requests (status, id);
CREATE INDEX requests_failed ON requests (customer_id, id) WHERE status = 'failed';
CREATE INDEX requests_failed_of_user ON requests (user_id) WHERE status = 'failed';
CREATE INDEX requests_failed_lately ON requests (id, customer_id) WHERE status = 'failed';
CREATE INDEX requests_failed_by_end ON requests (ended_at, id, customer_id) WHERE status = 'failed';
-- How the engine finds work, and what stands in its way, without looking at what waits besides.
CREATE INDEX requests_ready ON requests (queue, connector_id, class, customer_id, id) WHERE turn = 'ready';
CREATE INDEX requests_busy ON requests (customer_id) WHERE turn = 'busy';
CREATE INDEX requests_blocked ON requests (queue) WHERE turn = 'blocked';
CREATE INDEX requests_sleeping ON requests (next_at) WHERE turn = 'sleeping';
CREATE INDEX requests_running ON requests (customer_id, customer_service_id) WHERE status = 'running';
CREATE INDEX requests_running_of_user ON requests (user_id) WHERE status = 'running';
CREATE INDEX requests_open_of_customer ON requests (customer_id, id) WHERE turn <> 'over';
CREATE INDEX requests_open_of_user ON requests (user_id, id) WHERE turn <> 'over';
CREATE INDEX requests_open_of_service ON requests (customer_service_id, id) WHERE turn <> 'over';
CREATE INDEX requests_open_alone ON requests (customer_id, customer_service_id, id)
 WHERE turn <> 'over' AND user_id IS NULL;
CREATE INDEX requests_open_due ON requests (deadline_at) WHERE turn <> 'over';

-- Who has work that only waits for a worker: one row for each queue, connector, class and customer.
-- The triggers below keep it; the engine takes the first that its order says, and moves it back.
CREATE TABLE lanes (
  queue        TEXT NOT NULL REFERENCES queues (name),
  connector_id INTEGER NOT NULL,                           -- 0: the next step needs none
  rank         INTEGER NOT NULL,                           -- of the class; 0 goes first
  customer_id  INTEGER NOT NULL REFERENCES customers (id),
  class        TEXT NOT NULL,
  ready        INTEGER NOT NULL CHECK (ready > 0),         -- requests
  running      INTEGER NOT NULL,                           -- steps of the customer, in all lanes
  here         INTEGER NOT NULL,                           -- those of them in this queue
  served       INTEGER NOT NULL DEFAULT 0,                 -- when it was last taken from; a count
  PRIMARY KEY (queue, connector_id, rank, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lanes_in_order ON lanes (queue, connector_id, rank, running, served, customer_id);
CREATE INDEX lanes_by_customer ON lanes (customer_id);

CREATE TRIGGER requests_enter_lane AFTER INSERT ON requests WHEN NEW.turn = 'ready' BEGIN
  INSERT INTO lanes (queue, connector_id, rank, customer_id, class, ready, running, here)
  VALUES (NEW.queue, coalesce(NEW.connector_id, 0),
          CASE NEW.class WHEN 'security' THEN 0 WHEN 'interactive' THEN 1 WHEN 'sync' THEN 2 ELSE 3 END,
          NEW.customer_id, NEW.class, 1,
          (SELECT count(*) FROM requests WHERE customer_id = NEW.customer_id AND turn = 'busy'),
          (SELECT count(*) FROM requests
            WHERE customer_id = NEW.customer_id AND turn = 'busy' AND +queue = NEW.queue))
  ON CONFLICT DO UPDATE SET ready = ready + 1;
END;
CREATE TRIGGER requests_leave_lane AFTER UPDATE OF turn, connector_id, queue, class, customer_id ON requests
WHEN OLD.turn = 'ready' BEGIN
  DELETE FROM lanes
   WHERE queue = OLD.queue AND connector_id = coalesce(OLD.connector_id, 0) AND customer_id = OLD.customer_id
     AND rank = CASE OLD.class WHEN 'security' THEN 0 WHEN 'interactive' THEN 1 WHEN 'sync' THEN 2 ELSE 3 END
     AND ready = 1;
  UPDATE lanes SET ready = ready - 1
   WHERE queue = OLD.queue AND connector_id = coalesce(OLD.connector_id, 0) AND customer_id = OLD.customer_id
     AND rank = CASE OLD.class WHEN 'security' THEN 0 WHEN 'interactive' THEN 1 WHEN 'sync' THEN 2 ELSE 3 END;
END;
CREATE TRIGGER requests_back_in_lane AFTER UPDATE OF turn, connector_id, queue, class, customer_id ON requests
WHEN NEW.turn = 'ready' BEGIN
  INSERT INTO lanes (queue, connector_id, rank, customer_id, class, ready, running, here)
  VALUES (NEW.queue, coalesce(NEW.connector_id, 0),
          CASE NEW.class WHEN 'security' THEN 0 WHEN 'interactive' THEN 1 WHEN 'sync' THEN 2 ELSE 3 END,
          NEW.customer_id, NEW.class, 1,
          (SELECT count(*) FROM requests WHERE customer_id = NEW.customer_id AND turn = 'busy'),
          (SELECT count(*) FROM requests
            WHERE customer_id = NEW.customer_id AND turn = 'busy' AND +queue = NEW.queue))
  ON CONFLICT DO UPDATE SET ready = ready + 1;
END;
CREATE TRIGGER requests_begin_or_stop AFTER UPDATE OF turn ON requests
WHEN (NEW.turn = 'busy') <> (OLD.turn = 'busy') BEGIN
  UPDATE lanes SET running = (SELECT count(*) FROM requests WHERE customer_id = NEW.customer_id AND turn = 'busy'),
                   here = (SELECT count(*) FROM requests
                            WHERE customer_id = NEW.customer_id AND turn = 'busy' AND +requests.queue = lanes.queue)
   WHERE customer_id = NEW.customer_id;
END;

-- The parts of a request, in order. A step is leased to one worker of one process at a time.
CREATE TABLE steps (
  id            INTEGER PRIMARY KEY,
  request_id    INTEGER NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
  seq           INTEGER NOT NULL,
  key           TEXT NOT NULL,                             -- the rule's
  title         TEXT NOT NULL,
  slot          TEXT NOT NULL DEFAULT 'main' CHECK (slot IN ('before', 'main', 'after')),
  rule_id       INTEGER,                                   -- it was planned by; in that version
  rule_version  INTEGER,
  action        TEXT NOT NULL,
  connector_id  INTEGER REFERENCES connectors (id),
  params        TEXT NOT NULL,                             -- JSON, filled; what earlier steps answer still open
  condition     TEXT NOT NULL DEFAULT '',                  -- JSON: of what an earlier step answers; judged before the step
  tries         INTEGER,
  time_limit    INTEGER,                                   -- seconds
  status        TEXT NOT NULL DEFAULT 'pending'
                CHECK (status IN ('pending', 'running', 'waiting', 'done', 'skipped', 'failed')),
  on_error      TEXT NOT NULL CHECK (on_error IN ('stop', 'continue')),
  attempts      INTEGER NOT NULL DEFAULT 0,
  interruptions INTEGER NOT NULL DEFAULT 0,
  spent         INTEGER NOT NULL DEFAULT 0,                -- attempts that count no more: interrupted, or before a retry
  next_at       TEXT,                                      -- of the next attempt
  lease         TEXT,                                      -- token of the worker that has it
  lease_until   TEXT,
  lease_boot    TEXT,                                      -- the process that gave it; another's is void
  outputs       TEXT NOT NULL DEFAULT '{}',
  gave_id       INTEGER REFERENCES requests (id) ON DELETE SET NULL, -- of service.give: what it ordered
  error         TEXT NOT NULL DEFAULT '',
  error_class   TEXT NOT NULL DEFAULT '' CHECK (error_class IN ('', 'transient', 'permanent', 'unknown')),
  started_at    TEXT,
  ended_at      TEXT,
  UNIQUE (request_id, seq)
) STRICT;
CREATE INDEX steps_by_connector ON steps (connector_id);
CREATE INDEX steps_by_gave ON steps (gave_id) WHERE gave_id IS NOT NULL;
CREATE INDEX steps_leased ON steps (lease_until) WHERE lease IS NOT NULL;
CREATE INDEX steps_leased_of_connector ON steps (connector_id) WHERE lease IS NOT NULL;

-- Each try of a step, with what the other side said.
CREATE TABLE step_attempts (
  step_id    INTEGER NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  ended_at   TEXT,
  outcome    TEXT NOT NULL DEFAULT '',                     -- 'done', 'already', 'retry', 'refused', 'unknown', 'interrupted'
  log        TEXT NOT NULL DEFAULT '',                     -- at most 64 KiB, secrets masked
  PRIMARY KEY (step_id, number)
) STRICT, WITHOUT ROWID;

-- A step that a person does. It ends with its request at the latest.
CREATE TABLE tasks (
  id          INTEGER PRIMARY KEY,
  step_id     INTEGER NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
  request_id  INTEGER NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  title       TEXT NOT NULL,
  text        TEXT NOT NULL DEFAULT '',
  checklist   TEXT NOT NULL DEFAULT '[]',                  -- JSON: text and done
  fields      TEXT NOT NULL DEFAULT '[]',                  -- JSON: names of what is asked for
  assignee_id INTEGER REFERENCES users (id),
  role_id     INTEGER REFERENCES roles (id) ON DELETE SET NULL, -- everybody who holds it there may do it
  state       TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused', 'cancelled')),
  reason      TEXT NOT NULL DEFAULT '',
  due_at      TEXT NOT NULL,
  reminded_at TEXT,
  opened_at   TEXT NOT NULL,
  ended_at    TEXT,
  ended_by    INTEGER
) STRICT;
CREATE INDEX tasks_by_step ON tasks (step_id);
CREATE INDEX tasks_by_request ON tasks (request_id);
CREATE INDEX tasks_by_customer ON tasks (customer_id);
CREATE INDEX tasks_by_assignee ON tasks (assignee_id);
CREATE INDEX tasks_by_role ON tasks (role_id) WHERE role_id IS NOT NULL;
CREATE INDEX tasks_due ON tasks (due_at) WHERE state = 'open';
CREATE TRIGGER requests_end_tasks AFTER UPDATE OF turn ON requests
WHEN NEW.turn = 'over' AND OLD.hold = 'person' BEGIN
  UPDATE tasks SET state = 'cancelled', ended_at = NEW.ended_at WHERE request_id = NEW.id AND state = 'open';
END;

-- Work that would take from so many that somebody has to look at the list first: a run, which begins
-- when it is let go, or a request. It never starts partly.
CREATE TABLE brake_holds (
  id          INTEGER PRIMARY KEY,
  run_id      INTEGER REFERENCES runs (id) ON DELETE CASCADE,
  request_id  INTEGER REFERENCES requests (id) ON DELETE CASCADE,
  customer_id INTEGER NOT NULL REFERENCES customers (id),  -- whose it is; of several, the nearest above all
  several     INTEGER NOT NULL CHECK (several IN (0, 1)),  -- customers lose something
  title       TEXT NOT NULL,
  number      INTEGER NOT NULL CHECK (number > 0),         -- of what is taken; typed to let it go
  state       TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'refused', 'withdrawn')),
  made_at     TEXT NOT NULL,
  made_by     INTEGER,                                     -- who ordered it; NULL: the clock
  decided_at  TEXT,
  decided_by  INTEGER,
  reason      TEXT NOT NULL DEFAULT '',
  CHECK ((run_id IS NULL) <> (request_id IS NULL))
) STRICT;
CREATE INDEX brake_holds_by_run ON brake_holds (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX brake_holds_by_request ON brake_holds (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX brake_holds_by_customer ON brake_holds (customer_id);
CREATE INDEX brake_holds_open ON brake_holds (id) WHERE state = 'held';

-- All that a held work would take, thing by thing.
CREATE TABLE brake_items (
  hold_id     INTEGER NOT NULL REFERENCES brake_holds (id) ON DELETE CASCADE,
  seq         INTEGER NOT NULL,
  what        TEXT NOT NULL CHECK (what IN ('users', 'groups', 'moves', 'assignments')),
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  subject_id  INTEGER NOT NULL,                            -- of users the user; 0 where it has none
  text        TEXT NOT NULL,
  PRIMARY KEY (hold_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX brake_items_by_customer ON brake_items (customer_id);

CREATE TRIGGER runs_end_hold AFTER UPDATE OF state ON runs
WHEN OLD.state = 'held' AND NEW.state <> 'held' BEGIN
  UPDATE brake_holds SET state = 'withdrawn', decided_at = NEW.ended_at WHERE run_id = NEW.id AND state = 'held';
END;
CREATE TRIGGER requests_end_hold AFTER UPDATE OF turn ON requests
WHEN NEW.turn = 'over' AND OLD.hold = 'brake' BEGIN
  UPDATE brake_holds SET state = 'withdrawn', decided_at = NEW.ended_at
   WHERE request_id = NEW.id AND state = 'held';
END;

-- Who has to agree to orders before they begin: managers, or people who are named. It holds for its
-- customer and all below.
CREATE TABLE chains (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  name        TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  position    INTEGER NOT NULL CHECK (position BETWEEN 0 AND 9999),
  kind        TEXT NOT NULL CHECK (kind IN ('manager', 'group')),
  levels      INTEGER NOT NULL CHECK (levels BETWEEN 1 AND 5), -- of managers
  needed      INTEGER CHECK (needed BETWEEN 1 AND 50),     -- of a group; NULL: all
  verbs       TEXT NOT NULL,                               -- JSON: give, change, resume, remove; user_create …
  whose       TEXT NOT NULL CHECK (whose IN ('staff', 'everyone')), -- orders of the customer's own people, or of all below
  remind_days INTEGER NOT NULL CHECK (remind_days BETWEEN 0 AND 60), -- 0: never
  reject_days INTEGER NOT NULL CHECK (reject_days BETWEEN 1 AND 60),
  enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  version     INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX chains_by_customer ON chains (customer_id, position);

-- Of a group those who decide; of managers those who are asked where there is none.
CREATE TABLE chain_members (
  chain_id INTEGER NOT NULL REFERENCES chains (id) ON DELETE CASCADE,
  user_id  INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (chain_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_members_by_user ON chain_members (user_id);

-- The services a chain is for; none: all.
CREATE TABLE chain_services (
  chain_id   INTEGER NOT NULL REFERENCES chains (id) ON DELETE CASCADE,
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  PRIMARY KEY (chain_id, service_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_services_by_service ON chain_services (service_id);

-- What a chain is asked about one request. Of a round one is open at a time, by position.
CREATE TABLE approvals (
  id          INTEGER PRIMARY KEY,
  request_id  INTEGER NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  chain_id    INTEGER REFERENCES chains (id) ON DELETE SET NULL,
  chain       TEXT NOT NULL,                               -- its name then
  round       INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  needed      INTEGER NOT NULL CHECK (needed > 0),         -- so many have to agree
  moved       TEXT NOT NULL DEFAULT '',                    -- since the round before
  state       TEXT NOT NULL CHECK (state IN ('later', 'open', 'approved', 'rejected', 'expired', 'withdrawn', 'again')),
  remind_days INTEGER NOT NULL,
  reject_days INTEGER NOT NULL,
  asked_at    TEXT,
  remind_at   TEXT,
  expires_at  TEXT,
  ended_at    TEXT,
  UNIQUE (request_id, round, position)
) STRICT;
CREATE INDEX approvals_by_customer ON approvals (customer_id);
CREATE INDEX approvals_by_chain ON approvals (chain_id);
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state = 'open';

-- Who is asked, and what they said.
CREATE TABLE votes (
  approval_id INTEGER NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
  user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  vote        TEXT NOT NULL DEFAULT '' CHECK (vote IN ('', 'approve', 'reject')),
  by_id       INTEGER,                                     -- who said it, where that was a deputy
  comment     TEXT NOT NULL DEFAULT '',
  at          TEXT,
  PRIMARY KEY (approval_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX votes_by_user ON votes (user_id, approval_id);

-- Who decides in somebody's place, from one day to another.
CREATE TABLE deputies (
  id        INTEGER PRIMARY KEY,
  user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  deputy_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  from_on   TEXT NOT NULL,
  until_on  TEXT NOT NULL,
  CHECK (from_on <= until_on AND user_id <> deputy_id)
) STRICT;
CREATE INDEX deputies_by_user ON deputies (user_id);
CREATE INDEX deputies_by_deputy ON deputies (deputy_id);

CREATE TRIGGER requests_end_approvals AFTER UPDATE OF turn ON requests
WHEN NEW.turn = 'over' AND OLD.hold = 'approval' BEGIN
  UPDATE approvals SET state = 'withdrawn', ended_at = NEW.ended_at
   WHERE request_id = NEW.id AND state IN ('later', 'open');
END;

------------------------------------------------------------------------------------------------
-- Assignments: what a customer and its users have
------------------------------------------------------------------------------------------------

-- A service given to a customer. What is shown as its state is a function of wanted, live and the
-- open request, so it cannot hang.
CREATE TABLE customer_services (
  id              INTEGER PRIMARY KEY,
  customer_id     INTEGER NOT NULL REFERENCES customers (id),
  service_id      INTEGER NOT NULL REFERENCES services (id),
  plan_id         INTEGER,                                 -- customer plan; NULL: the service has none
  label           TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
  wanted          TEXT NOT NULL DEFAULT 'on' CHECK (wanted IN ('on', 'suspended', 'gone')),
  live            TEXT NOT NULL DEFAULT 'never' CHECK (live IN ('never', 'on', 'suspended', 'gone')),
  live_plan_id    INTEGER,                                 -- what was delivered last
  last_request_id INTEGER,
  ordered_with    TEXT NOT NULL DEFAULT '',                -- digest of the settings it was ordered with last
  version         INTEGER NOT NULL DEFAULT 1,
  created_at      TEXT NOT NULL,
  created_by      INTEGER,
  UNIQUE (customer_id, id),
  UNIQUE (customer_id, service_id, id),
  FOREIGN KEY (service_id, plan_id) REFERENCES plans (service_id, id),
  FOREIGN KEY (service_id, live_plan_id) REFERENCES plans (service_id, id),
  FOREIGN KEY (last_request_id) REFERENCES requests (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX customer_services_by_service ON customer_services (service_id, plan_id);
CREATE INDEX customer_services_by_live_plan ON customer_services (live_plan_id);
CREATE INDEX customer_services_by_last_request ON customer_services (last_request_id);
CREATE UNIQUE INDEX customer_services_once ON customer_services (customer_id, service_id, label)
 WHERE live <> 'gone';

-- The user plans a customer may use of its user service.
CREATE TABLE customer_service_plans (
  customer_service_id INTEGER NOT NULL REFERENCES customer_services (id) ON DELETE CASCADE,
  plan_id             INTEGER NOT NULL REFERENCES plans (id),
  PRIMARY KEY (customer_service_id, plan_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_service_plans_by_plan ON customer_service_plans (plan_id);

-- A service given to a user, always below a customer service of the same customer.
CREATE TABLE user_services (
  id                  INTEGER PRIMARY KEY,
  customer_id         INTEGER NOT NULL REFERENCES customers (id),
  user_id             INTEGER NOT NULL,
  customer_service_id INTEGER NOT NULL,
  service_id          INTEGER NOT NULL REFERENCES services (id),
  plan_id             INTEGER NOT NULL,
  label               TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
  wanted              TEXT NOT NULL DEFAULT 'on' CHECK (wanted IN ('on', 'suspended', 'gone')),
  live                TEXT NOT NULL DEFAULT 'never' CHECK (live IN ('never', 'on', 'suspended', 'gone')),
  live_plan_id        INTEGER,
  last_request_id     INTEGER,
  ordered_with    TEXT NOT NULL DEFAULT '',                -- digest of the settings it was ordered with last
  version             INTEGER NOT NULL DEFAULT 1,
  created_at          TEXT NOT NULL,
  created_by          INTEGER,
  UNIQUE (customer_id, id),
  FOREIGN KEY (user_id) REFERENCES users (id),
  FOREIGN KEY (customer_id, service_id, customer_service_id) REFERENCES customer_services (customer_id, service_id, id)
    DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (service_id, plan_id) REFERENCES plans (service_id, id),
  FOREIGN KEY (service_id, live_plan_id) REFERENCES plans (service_id, id),
  FOREIGN KEY (last_request_id) REFERENCES requests (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX user_services_by_customer ON user_services (customer_id, service_id);
CREATE INDEX user_services_by_user ON user_services (user_id);
CREATE INDEX user_services_by_customer_service ON user_services (customer_service_id);
CREATE INDEX user_services_by_service ON user_services (service_id, plan_id);
CREATE INDEX user_services_by_live_plan ON user_services (live_plan_id);
CREATE INDEX user_services_by_last_request ON user_services (last_request_id);
-- Where its user moved, one may still be ending at the old customer.
CREATE UNIQUE INDEX user_services_once ON user_services (user_id, service_id, label, customer_id)
 WHERE live <> 'gone';

-- Nobody is given a service at another customer, and nobody leaves without theirs: what ended stays where
-- it was, all else is put below the new customer first.
CREATE TRIGGER user_services_stand_by_their_user BEFORE INSERT ON user_services
WHEN NEW.customer_id <> (SELECT customer_id FROM users WHERE id = NEW.user_id) BEGIN
  SELECT RAISE(ABORT, 'a service stands by its user');
END;
CREATE TRIGGER user_services_keep_their_user BEFORE UPDATE OF user_id ON user_services
WHEN NEW.user_id <> OLD.user_id BEGIN
  SELECT RAISE(ABORT, 'a service stands by its user');
END;
CREATE TRIGGER users_take_their_services BEFORE UPDATE OF customer_id ON users
WHEN EXISTS (SELECT 1 FROM user_services
              WHERE user_id = NEW.id AND wanted <> 'gone' AND customer_id <> NEW.customer_id) BEGIN
  SELECT RAISE(ABORT, 'a service stands by its user');
END;

-- Why an assignment is suspended; while there is a reason, it is.
CREATE TABLE suspensions (
  id                  INTEGER PRIMARY KEY,
  customer_service_id INTEGER REFERENCES customer_services (id) ON DELETE CASCADE,
  user_service_id     INTEGER REFERENCES user_services (id) ON DELETE CASCADE,
  reason              TEXT NOT NULL CHECK (reason IN ('operator', 'user_disabled', 'customer_disabled', 'expired', 'dunning')),
  at                  TEXT NOT NULL,
  by_id               INTEGER,
  CHECK ((customer_service_id IS NULL) <> (user_service_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX suspensions_of_customer_service ON suspensions (customer_service_id, reason) WHERE customer_service_id IS NOT NULL;
CREATE UNIQUE INDEX suspensions_of_user_service ON suspensions (user_service_id, reason) WHERE user_service_id IS NOT NULL;

-- A removal that is to happen later, and the run that will do it.
CREATE TABLE removals (
  run_id              INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  customer_service_id INTEGER REFERENCES customer_services (id) ON DELETE CASCADE,
  user_service_id     INTEGER REFERENCES user_services (id) ON DELETE CASCADE,
  at                  TEXT NOT NULL,
  CHECK ((customer_service_id IS NULL) <> (user_service_id IS NULL))
) STRICT;
CREATE INDEX removals_of_customer_service ON removals (customer_service_id) WHERE customer_service_id IS NOT NULL;
CREATE INDEX removals_of_user_service ON removals (user_service_id) WHERE user_service_id IS NOT NULL;

-- What an assignment occupies of each property that is counted. It is taken with the order; until that
-- is settled, the larger of what was and what is to be stays taken.
CREATE TABLE amounts (
  id                  INTEGER PRIMARY KEY,
  property_id         INTEGER NOT NULL REFERENCES properties (id) ON DELETE CASCADE,
  customer_service_id INTEGER REFERENCES customer_services (id) ON DELETE CASCADE,
  user_service_id     INTEGER REFERENCES user_services (id) ON DELETE CASCADE,
  amount              INTEGER NOT NULL CHECK (amount >= 0),
  CHECK ((customer_service_id IS NULL) <> (user_service_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX amounts_of_customer_service ON amounts (customer_service_id, property_id) WHERE customer_service_id IS NOT NULL;
CREATE UNIQUE INDEX amounts_of_user_service ON amounts (user_service_id, property_id) WHERE user_service_id IS NOT NULL;
CREATE INDEX amounts_by_property ON amounts (property_id);

-- Both kinds of assignment with what is shown of them. open_id is the work that has not ended.
CREATE VIEW assignments AS
SELECT 'customer' AS level, held.id, held.customer_id, NULL AS user_id, held.id AS customer_service_id,
       held.service_id, services.code, services.name, services.kind, services.multi, services.builtin,
       held.plan_id, coalesce(plans.code, '') AS plan, coalesce(plans.name, '') AS plan_name, held.label,
       held.wanted, held.live, held.live_plan_id, held.version, held.created_at,
       (SELECT coalesce(group_concat(reason, ','), '') FROM suspensions
         WHERE suspensions.customer_service_id = held.id) AS reasons,
       (SELECT min(requests.id) FROM requests
         WHERE requests.customer_service_id = held.id AND requests.user_service_id IS NULL
           AND requests.status IN ('waiting_approval', 'queued', 'running')) AS open_id,
       last.id AS last_id, last.status AS last_status, last.reason AS last_reason,
       (SELECT count(*) FROM user_services
         WHERE user_services.customer_service_id = held.id AND user_services.live <> 'gone') AS users
  FROM customer_services held
  JOIN services ON services.id = held.service_id
  LEFT JOIN plans ON plans.id = held.plan_id
  LEFT JOIN requests last ON last.id = held.last_request_id
UNION ALL
SELECT 'user', held.id, held.customer_id, held.user_id, held.customer_service_id,
       held.service_id, services.code, services.name, services.kind, services.multi, services.builtin,
       held.plan_id, plans.code, plans.name, held.label,
       held.wanted, held.live, held.live_plan_id, held.version, held.created_at,
       (SELECT coalesce(group_concat(reason, ','), '') FROM suspensions
         WHERE suspensions.user_service_id = held.id),
       (SELECT min(requests.id) FROM requests
         WHERE requests.user_service_id = held.id
           AND requests.status IN ('waiting_approval', 'queued', 'running')),
       last.id, last.status, last.reason, 0
  FROM user_services held
  JOIN services ON services.id = held.service_id
  JOIN plans ON plans.id = held.plan_id
  LEFT JOIN requests last ON last.id = held.last_request_id;

-- What a user was before a move, until the work of that move has ended: a move that fails is taken
-- back to it.
CREATE TABLE user_moves (
  id            INTEGER PRIMARY KEY,
  request_id    INTEGER UNIQUE REFERENCES requests (id),   -- the work as a whole
  user_id       INTEGER NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
  from_id       INTEGER NOT NULL REFERENCES customers (id),
  to_id         INTEGER NOT NULL REFERENCES customers (id),
  ledger_up_to  INTEGER NOT NULL,                          -- its last row before
  state         TEXT NOT NULL,
  test_user     INTEGER NOT NULL,
  upn           TEXT NOT NULL,
  mail          TEXT NOT NULL,
  username      TEXT NOT NULL,
  manager       INTEGER,
  department    INTEGER,
  location      INTEGER,
  main_contact  INTEGER NOT NULL,
  break_glass   INTEGER NOT NULL,
  reports       TEXT NOT NULL,                             -- JSON: numbers of users
  roles         TEXT NOT NULL,                             -- JSON: rows of role_grants
  contact       TEXT NOT NULL,                             -- JSON: rows of customer_contacts
  services      TEXT NOT NULL,                             -- JSON: rows of user_services
  devices       TEXT NOT NULL,                             -- JSON: numbers, and which was primary
  anew          TEXT NOT NULL DEFAULT '[]'                 -- JSON: services made in the place of others
) STRICT;
CREATE INDEX user_moves_by_from ON user_moves (from_id);
CREATE INDEX user_moves_by_to ON user_moves (to_id);
-- The names it had, which nobody gets meanwhile.
CREATE TABLE user_move_names (
  name      TEXT PRIMARY KEY,
  move_id   INTEGER NOT NULL REFERENCES user_moves (id) ON DELETE CASCADE,
  domain_id INTEGER NOT NULL REFERENCES domains (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX user_move_names_by_move ON user_move_names (move_id);
CREATE INDEX user_move_names_by_domain ON user_move_names (domain_id);

------------------------------------------------------------------------------------------------
-- Billing: prices, periods, invoices
------------------------------------------------------------------------------------------------

-- A seller's prices in one currency. markup_bp: what is not listed costs the seller's own price plus that.
CREATE TABLE price_lists (
  id          INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),  -- the seller
  code        TEXT NOT NULL COLLATE NOCASE,
  name        TEXT NOT NULL,
  currency    TEXT NOT NULL CHECK (length(currency) = 3),
  main        INTEGER NOT NULL DEFAULT 0 CHECK (main IN (0, 1)), -- the seller's default in this currency
  markup_bp   INTEGER CHECK (markup_bp BETWEEN -10000 AND 100000),
  version     INTEGER NOT NULL DEFAULT 1,
  UNIQUE (customer_id, code)
) STRICT;
CREATE UNIQUE INDEX price_lists_one_main ON price_lists (customer_id, currency) WHERE main = 1;

-- What a unit costs, from a day on; a change is a new row with a later valid_from. Either of a list,
-- or (an override) of one seller for one buyer.
CREATE TABLE prices (
  id          INTEGER PRIMARY KEY,
  list_id     INTEGER REFERENCES price_lists (id),
  seller_id   INTEGER NOT NULL REFERENCES customers (id),
  buyer_id    INTEGER REFERENCES customers (id),
  currency    TEXT NOT NULL CHECK (length(currency) = 3),
  kind        TEXT NOT NULL CHECK (kind IN ('customer', 'user', 'customer_service', 'user_service', 'domain')),
  service     TEXT,                                        -- code
  plan        TEXT,                                        -- code; NULL: all plans of the service
  charge      TEXT NOT NULL DEFAULT 'recurring' CHECK (charge IN ('recurring', 'setup')),
  counting    TEXT NOT NULL DEFAULT 'by_day' CHECK (counting IN ('by_day', 'at_end', 'any_day', 'once')),
  unit_price  INTEGER NOT NULL CHECK (unit_price >= 0),    -- ten-thousandths of a minor unit
  unit_cost   INTEGER CHECK (unit_cost >= 0),              -- the same; provider's lists only
  sku         TEXT NOT NULL DEFAULT '',
  label       TEXT NOT NULL DEFAULT '',
  valid_from  TEXT NOT NULL,
  valid_to    TEXT,
  created_at  TEXT NOT NULL,
  created_by  INTEGER,
  CHECK ((list_id IS NULL) <> (buyer_id IS NULL)),
  CHECK ((charge = 'setup') = (counting = 'once'))
) STRICT;
CREATE UNIQUE INDEX prices_once ON prices (coalesce(list_id, 0), seller_id, coalesce(buyer_id, 0), currency, kind,
  coalesce(service, ''), coalesce(plan, ''), charge, valid_from);
CREATE INDEX prices_by_list ON prices (list_id);
CREATE INDEX prices_by_seller ON prices (seller_id, service, plan);
CREATE INDEX prices_by_buyer ON prices (buyer_id);

-- Why an item is not billed. The shipped ones only, for now switchable.
CREATE TABLE billing_rules (
  code     TEXT PRIMARY KEY,
  name     TEXT NOT NULL,
  sort     INTEGER NOT NULL UNIQUE,
  reason   TEXT NOT NULL,
  enabled  INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT, WITHOUT ROWID;
INSERT INTO billing_rules (code, name, sort, reason, enabled) VALUES
  ('test_users', 'Test users', 10, 'Test user', 1),
  ('test_customers', 'Test customers', 20, 'Test customer', 1),
  ('demo_customers', 'Demo customers', 30, 'Demo customer', 1),
  ('disabled_users', 'Disabled users', 40, 'Disabled user', 0),
  ('disabled_customers', 'Disabled customers', 50, 'Disabled customer', 0),
  ('lived_less_than_a_day', 'Lived less than a day', 60, 'Lived less than a day', 0);

-- A billing period by its last day, as far as something was said of it; the calendar knows the rest.
CREATE TABLE periods (
  ends_on       TEXT PRIMARY KEY,
  starts_on     TEXT NOT NULL UNIQUE,
  locked_at     TEXT,
  locked_by     INTEGER
) STRICT, WITHOUT ROWID;

-- How often something changed that the bills of a customer's things are made of; row 0 counts what
-- they all are made of: prices, rules, names in the catalogue; row -1 who is below whom. Triggers
-- alone write it, so that nobody can forget to.
CREATE TABLE bill_marks (
  customer_id INTEGER PRIMARY KEY,
  n           INTEGER NOT NULL
) STRICT;
INSERT INTO bill_marks (customer_id, n) VALUES (0, 0), (-1, 0);
CREATE TRIGGER ledger_marks_bills AFTER INSERT ON ledger BEGIN
  INSERT INTO bill_marks (customer_id, n)
  SELECT below, 1 FROM customer_tree
   WHERE above = NEW.customer_id AND (depth = 0 OR NEW.kind = 'customer')
      ON CONFLICT (customer_id) DO UPDATE SET n = n + 1;
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = -1 AND NEW.kind = 'customer';
END;
-- What ends because its subject went to another customer, or goes on because that was taken back, is
-- of a bill that the new row does not name.
CREATE TRIGGER spans_mark_bills AFTER UPDATE OF ends_at ON ledger_spans
WHEN NEW.to_id IS NULL OR NEW.customer_id <> (SELECT customer_id FROM ledger WHERE id = NEW.to_id) BEGIN
  INSERT INTO bill_marks (customer_id, n) VALUES (NEW.customer_id, 1)
      ON CONFLICT (customer_id) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER customers_mark_bills AFTER UPDATE OF currency, billing_from, parent_id ON customers BEGIN
  INSERT INTO bill_marks (customer_id, n)
  SELECT below, 1 FROM customer_tree WHERE above = NEW.id
      ON CONFLICT (customer_id) DO UPDATE SET n = n + 1;
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = -1;
END;
CREATE TRIGGER customers_join_bills AFTER INSERT ON customers BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = -1;
END;
CREATE TRIGGER prices_mark_bills AFTER INSERT ON prices BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER prices_end_marks_bills AFTER UPDATE ON prices BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER prices_gone_marks_bills AFTER DELETE ON prices BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER price_lists_mark_bills AFTER INSERT ON price_lists BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER price_lists_change_marks_bills AFTER UPDATE OF main, markup_bp ON price_lists BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER billing_rules_mark_bills AFTER UPDATE ON billing_rules BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER services_mark_bills AFTER UPDATE OF name, kind ON services BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER plans_mark_bills AFTER INSERT ON plans BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;
CREATE TRIGGER plans_change_marks_bills AFTER UPDATE OF code, name, sku, not_sold ON plans BEGIN
  UPDATE bill_marks SET n = n + 1 WHERE customer_id = 0;
END;

-- Which customers' lines of a period are stored, and at which mark: they hold while the marks are
-- the same, and are computed anew when not.
CREATE TABLE bills (
  period_end    TEXT NOT NULL,
  customer_id   INTEGER NOT NULL REFERENCES customers (id),
  mark          INTEGER NOT NULL,
  calculated_at TEXT NOT NULL,
  ledger_up_to  INTEGER NOT NULL,                          -- the last ledger row it knew of
  PRIMARY KEY (period_end, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bills_by_customer ON bills (customer_id);

-- The bill of a hop, line by line, as last computed (or frozen).
CREATE TABLE summary_lines (
  id             INTEGER PRIMARY KEY,
  period_end     TEXT NOT NULL,
  seller_id      INTEGER NOT NULL REFERENCES customers (id),
  buyer_id       INTEGER NOT NULL REFERENCES customers (id),
  customer_id    INTEGER NOT NULL REFERENCES customers (id), -- whose things they are
  position       INTEGER NOT NULL,                         -- among the customer's, as rated
  kind           TEXT NOT NULL,
  service        TEXT,
  plan           TEXT,
  sku            TEXT NOT NULL,
  text           TEXT NOT NULL,
  charge         TEXT NOT NULL,
  counting       TEXT NOT NULL,
  price_id       INTEGER,                                  -- NULL: mark-up, or unpriced
  billable       INTEGER NOT NULL CHECK (billable IN (0, 1)),
  reason         TEXT NOT NULL DEFAULT '',
  items          INTEGER NOT NULL,
  quantity_num   INTEGER NOT NULL,                         -- exact fraction
  quantity_den   INTEGER NOT NULL,
  unit_price     INTEGER,                                  -- ten-thousandths of a minor unit; NULL: unpriced
  amount_minor   INTEGER NOT NULL,
  currency       TEXT NOT NULL,
  cost_minor     INTEGER,                                  -- NULL: not known
  UNIQUE (period_end, customer_id, seller_id, buyer_id, position)
) STRICT;
CREATE INDEX summary_lines_by_hop ON summary_lines (period_end, seller_id, buyer_id);
CREATE INDEX summary_lines_by_buyer ON summary_lines (buyer_id, period_end);
CREATE INDEX summary_lines_by_seller ON summary_lines (seller_id, period_end);
CREATE INDEX summary_lines_by_customer ON summary_lines (customer_id, period_end);

-- The bill of a hop, fixed when its invoice became final or its period was locked.
CREATE TABLE billing_freezes (
  id         INTEGER PRIMARY KEY,
  period_end TEXT NOT NULL,
  seller_id  INTEGER NOT NULL REFERENCES customers (id),
  buyer_id   INTEGER NOT NULL REFERENCES customers (id),
  invoice_id INTEGER REFERENCES invoices (id),             -- NULL: the lock did it
  at         TEXT NOT NULL,
  lifted_at  TEXT                                          -- its invoice was voided
) STRICT;
CREATE UNIQUE INDEX billing_freezes_once ON billing_freezes (period_end, seller_id, buyer_id) WHERE lifted_at IS NULL;
CREATE INDEX billing_freezes_by_seller ON billing_freezes (seller_id);
CREATE INDEX billing_freezes_by_buyer ON billing_freezes (buyer_id);
CREATE INDEX billing_freezes_by_invoice ON billing_freezes (invoice_id);

-- What a fixed bill was made of, customer by customer, for ever: items as canonical JSON, deflated,
-- with the digest of the JSON.
CREATE TABLE frozen_items (
  freeze_id   INTEGER NOT NULL REFERENCES billing_freezes (id),
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  items       BLOB NOT NULL,
  sha256      BLOB NOT NULL CHECK (length(sha256) = 32),
  PRIMARY KEY (freeze_id, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX frozen_items_by_customer ON frozen_items (customer_id);
CREATE TRIGGER frozen_items_stay BEFORE UPDATE ON frozen_items
BEGIN SELECT RAISE(ABORT, 'a fixed bill never changes'); END;
CREATE TRIGGER frozen_items_are_kept BEFORE DELETE ON frozen_items
BEGIN SELECT RAISE(ABORT, 'a fixed bill never changes'); END;

-- Who writes invoices, and how.
CREATE TABLE issuers (
  customer_id     INTEGER PRIMARY KEY REFERENCES customers (id),
  legal_name      TEXT NOT NULL,
  address         TEXT NOT NULL,
  country         TEXT NOT NULL,
  tax_id          TEXT NOT NULL DEFAULT '',
  registration_no TEXT NOT NULL DEFAULT '',
  bank            TEXT NOT NULL DEFAULT '',
  iban            TEXT NOT NULL DEFAULT '',
  bic             TEXT NOT NULL DEFAULT '',
  payment_days    INTEGER NOT NULL DEFAULT 14 CHECK (payment_days BETWEEN 0 AND 120),
  tax_rate_bp     INTEGER NOT NULL DEFAULT 0 CHECK (tax_rate_bp BETWEEN 0 AND 10000),
  tax_label       TEXT NOT NULL DEFAULT 'VAT',
  number_pattern  TEXT NOT NULL DEFAULT '{year}-{number:4}',
  credit_pattern  TEXT NOT NULL DEFAULT 'C{year}-{number:4}',
  note            TEXT NOT NULL DEFAULT '',
  version         INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Numbers without gaps: each is taken in the transaction that makes its document final. The year is
-- empty for patterns without one, which count on for ever.
CREATE TABLE series (
  customer_id INTEGER NOT NULL REFERENCES customers (id),  -- the issuer
  type        TEXT NOT NULL CHECK (type IN ('invoice', 'credit_note')),
  year        TEXT NOT NULL,
  next        INTEGER NOT NULL DEFAULT 1 CHECK (next >= 1),
  PRIMARY KEY (customer_id, type, year)
) STRICT, WITHOUT ROWID;

-- An invoice. Drafts follow the ledger; a final one never changes: everything printed is in snapshot.
CREATE TABLE invoices (
  id              INTEGER PRIMARY KEY,
  state           TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'final', 'void')),
  type            TEXT NOT NULL DEFAULT 'invoice' CHECK (type IN ('invoice', 'credit_note')),
  number          TEXT,
  seller_id       INTEGER NOT NULL REFERENCES customers (id),
  buyer_id        INTEGER NOT NULL REFERENCES customers (id),
  period_end      TEXT NOT NULL,
  currency        TEXT NOT NULL CHECK (length(currency) = 3),
  credits_id      INTEGER REFERENCES invoices (id),        -- of a credit note
  net_minor       INTEGER NOT NULL,
  tax_minor       INTEGER NOT NULL,
  gross_minor     INTEGER NOT NULL,
  blockers        TEXT NOT NULL DEFAULT '[]',              -- JSON list of words
  issued_on       TEXT,
  due_on          TEXT,
  snapshot        TEXT,                                    -- canonical JSON of all that is printed
  snapshot_sha256 BLOB,
  link_hash       BLOB UNIQUE,                             -- of the mailed link
  link_until      TEXT,
  version         INTEGER NOT NULL DEFAULT 1,
  created_at      TEXT NOT NULL,
  finalised_at    TEXT,
  finalised_by    INTEGER,
  sent_at         TEXT,
  UNIQUE (seller_id, number),
  CHECK ((state = 'draft') = (number IS NULL)),
  CHECK ((state = 'draft') = (snapshot IS NULL)),
  CHECK (gross_minor = net_minor + tax_minor)
) STRICT;
CREATE UNIQUE INDEX invoices_once ON invoices (period_end, seller_id, buyer_id, currency)
 WHERE state <> 'void' AND type = 'invoice';
CREATE INDEX invoices_by_number ON invoices (number) WHERE number IS NOT NULL;
CREATE INDEX invoices_by_period ON invoices (period_end);
CREATE INDEX invoices_by_buyer ON invoices (buyer_id, id);
CREATE INDEX invoices_by_seller ON invoices (seller_id, id);
CREATE INDEX invoices_by_credits ON invoices (credits_id);
CREATE INDEX invoices_by_state ON invoices (state, id);
CREATE TRIGGER invoices_stay_final BEFORE UPDATE ON invoices
WHEN OLD.state <> 'draft' AND (NEW.number IS NOT OLD.number OR NEW.snapshot IS NOT OLD.snapshot
  OR NEW.net_minor <> OLD.net_minor OR NEW.tax_minor <> OLD.tax_minor OR NEW.seller_id <> OLD.seller_id
  OR NEW.buyer_id <> OLD.buyer_id OR NEW.issued_on IS NOT OLD.issued_on OR NEW.due_on IS NOT OLD.due_on
  OR NEW.period_end <> OLD.period_end OR NEW.currency <> OLD.currency OR NEW.type <> OLD.type
  OR NEW.snapshot_sha256 IS NOT OLD.snapshot_sha256 OR NEW.state = 'draft')
BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
CREATE TRIGGER invoices_are_kept BEFORE DELETE ON invoices WHEN OLD.state <> 'draft'
BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;

-- What an invoice says, line by line; frozen with it.
CREATE TABLE invoice_lines (
  invoice_id  INTEGER NOT NULL REFERENCES invoices (id) ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  kind        TEXT NOT NULL CHECK (kind IN ('recurring', 'once', 'correction')),
  sku         TEXT NOT NULL,
  text        TEXT NOT NULL,
  quantity    TEXT NOT NULL,                               -- decimal, six places at most
  unit_price  INTEGER,                                     -- ten-thousandths of a minor unit
  net_minor   INTEGER NOT NULL,
  tax_rate_bp INTEGER NOT NULL,
  PRIMARY KEY (invoice_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX invoice_lines_by_customer ON invoice_lines (customer_id);
CREATE TRIGGER invoice_lines_stay BEFORE UPDATE ON invoice_lines
WHEN (SELECT state FROM invoices WHERE id = OLD.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
CREATE TRIGGER invoice_lines_are_kept BEFORE DELETE ON invoice_lines
WHEN (SELECT state FROM invoices WHERE id = OLD.invoice_id) <> 'draft'
BEGIN SELECT RAISE(ABORT, 'a final invoice never changes'); END;
