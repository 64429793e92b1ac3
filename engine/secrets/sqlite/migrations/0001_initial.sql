-- The first schema of the secret store.
--
-- Columns are called as the members of the structs in engine/secrets (secret.h, keyring.h,
-- secret_store.h); numbers of enumerations and times (ns since 1970 UTC, 0 = never) are as there. No
-- value and no key is here but encrypted. What is deleted is overwritten (secure_delete).

PRAGMA application_id = 0x676f6673; -- "gofs"

CREATE TABLE secrets (
    secret_key      INTEGER PRIMARY KEY,
    namespace_key   INTEGER NOT NULL,
    pipeline_key    INTEGER NOT NULL,
    key             TEXT    NOT NULL,
    namespace_id    TEXT    NOT NULL,
    pipeline_id     TEXT    NOT NULL,
    namespaces      TEXT    NOT NULL, -- globs, with a newline between them
    description     TEXT    NOT NULL,
    latest_version  INTEGER NOT NULL,
    create_time     INTEGER NOT NULL,
    update_time     INTEGER NOT NULL,
    last_use_time   INTEGER NOT NULL,
    mark            BLOB    NOT NULL,
    mark_key_number INTEGER NOT NULL, -- what gf_secret_mark_key_number says of the mark
    UNIQUE (namespace_key, pipeline_key, key)
) STRICT;

CREATE INDEX secrets_by_mark_key ON secrets (namespace_key, mark_key_number);

-- `versions`: a value is stored for each of them. A table with row numbers, because values may be
-- large.
CREATE TABLE versions (
    secret_key    INTEGER NOT NULL REFERENCES secrets,
    version       INTEGER NOT NULL,
    namespace_key INTEGER NOT NULL, -- that of the secret
    key_number    INTEGER NOT NULL,
    create_time   INTEGER NOT NULL,
    create_user   TEXT    NOT NULL,
    size_bytes    INTEGER NOT NULL,
    sealed        BLOB    NOT NULL,
    UNIQUE (secret_key, version)
) STRICT;

CREATE INDEX versions_by_key ON versions (namespace_key, key_number);

CREATE TABLE keys (
    purpose       INTEGER NOT NULL,
    namespace_key INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    wrapped       BLOB    NOT NULL,
    master_key_id TEXT    NOT NULL,
    create_time   INTEGER NOT NULL,
    state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 2),
    PRIMARY KEY (purpose, namespace_key, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_by_master_key ON keys (master_key_id);
CREATE INDEX keys_retired ON keys (purpose, namespace_key) WHERE state = 2;

-- What becomes events. A number is never used again, and is not below the time in microseconds.
CREATE TABLE changes (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          INTEGER NOT NULL,
    namespace_key INTEGER NOT NULL,
    pipeline_key  INTEGER NOT NULL,
    key           TEXT    NOT NULL,
    namespace_id  TEXT    NOT NULL,
    pipeline_id   TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    time          INTEGER NOT NULL,
    user          TEXT    NOT NULL,
    address       TEXT    NOT NULL,
    token_id      TEXT    NOT NULL
) STRICT;

CREATE TABLE requests (
    caller      TEXT    NOT NULL,
    request_id  TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    create_time INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    created     INTEGER NOT NULL CHECK (created IN (0, 1)),
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_by_time ON requests (create_time);
