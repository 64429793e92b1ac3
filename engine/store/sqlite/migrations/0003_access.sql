-- Who may do what: tokens and roles, and events that tell who did what.
--
-- Of a token there is its digest, never its text: nobody who reads this file can call with it.
--
-- Lists within a row (the roles and facts of a token, the permissions of a role) are packed: nothing
-- searches for what is in them, and the start, which reads every row, finds all of a token in one
-- place instead of in three tables.

-- In the order in which they are listed and read at the start: no row is looked up apart from its key.
CREATE TABLE tokens (
    token_id      TEXT    NOT NULL UNIQUE,
    digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    kind          INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
    user          TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    lists         BLOB    NOT NULL, -- see engine/store/sqlite/token_lists.h
    extension_id  TEXT    NOT NULL,
    create_time   INTEGER NOT NULL,
    expire_time   INTEGER NOT NULL, -- 0 = never
    disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    last_use_time INTEGER NOT NULL, -- 0 = never
    last_use_peer TEXT    NOT NULL,
    PRIMARY KEY (create_time, token_id)
) STRICT, WITHOUT ROWID;

-- Roles of users; those of the system are part of the program.
CREATE TABLE roles (
    role_id     TEXT    NOT NULL PRIMARY KEY,
    description TEXT    NOT NULL,
    permissions BLOB    NOT NULL, -- see engine/store/sqlite/permissions.h
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL
) STRICT;

-- One row: what the core remembers of its whole life.
CREATE TABLE service_state (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    bootstrapped    INTEGER NOT NULL CHECK (bootstrapped IN (0, 1)),
    source_sequence INTEGER NOT NULL -- the last one of an event that was recorded; 0 = none
) STRICT;

INSERT INTO service_state VALUES (1, 0, 0);

-- Who did it, and what only few events tell. Most are of runs that go on by themselves and have none
-- of it: one column costs them one byte.
ALTER TABLE events ADD COLUMN details BLOB NOT NULL DEFAULT x''; -- engine/store/sqlite/event_details.h

ALTER TABLE configs ADD COLUMN register_user TEXT NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN start_user TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN subject_id TEXT NOT NULL DEFAULT '';
