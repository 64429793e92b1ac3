-- Extensions, subscriptions, the keys that runs were started under, what waits to be delivered, and
-- reports.
--
-- Keys of extensions, subscriptions and deliveries come from the counter of runs.run_key.

-- What changes with each run that it starts is apart from what changes when somebody updates it,
-- which may be large. A deleted one is marked, and its id becomes '#' and its key; what belongs to it
-- goes in small portions.
CREATE TABLE extensions (
    extension_key   INTEGER PRIMARY KEY,
    extension_id    TEXT    NOT NULL UNIQUE,
    installer       INTEGER NOT NULL CHECK (installer IN (0, 1)),
    update_policy   INTEGER NOT NULL,
    disabled        INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    checkpoint      TEXT    NOT NULL,
    event_sequence  INTEGER NOT NULL,
    latest_attempt  INTEGER NOT NULL,
    state           BLOB    NOT NULL, -- see engine/store/sqlite/extension_columns.h
    restart_count   INTEGER NOT NULL,
    next_start_time INTEGER NOT NULL,
    last_trouble    TEXT    NOT NULL,
    run_count       INTEGER NOT NULL,
    create_time     INTEGER NOT NULL,
    update_time     INTEGER NOT NULL,
    deleted         INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1))
) STRICT;

-- What is left to remove.
CREATE INDEX extensions_deleted ON extensions (extension_key) WHERE deleted = 1;

CREATE TABLE extension_contents (
    extension_key INTEGER PRIMARY KEY REFERENCES extensions,
    spec          BLOB    NOT NULL, -- see engine/store/sqlite/extension_columns.h, as fallback
    has_fallback  INTEGER NOT NULL CHECK (has_fallback IN (0, 1)),
    fallback      BLOB    NOT NULL,
    registration  BLOB    NOT NULL
) STRICT;

-- The ids of its parents stand in each row, as no id ever changes: a list is in their order. That
-- there is one of a name is the core's to see to, because those of a deleted pipeline or extension
-- are still there when a new one has its id.
CREATE TABLE subscriptions (
    subscription_key INTEGER PRIMARY KEY,
    extension_key    INTEGER NOT NULL REFERENCES extensions,
    pipeline_key     INTEGER NOT NULL REFERENCES pipelines,
    namespace_key    INTEGER NOT NULL,
    namespace_id     TEXT    NOT NULL,
    pipeline_id      TEXT    NOT NULL,
    extension_id     TEXT    NOT NULL,
    subscription_id  TEXT    NOT NULL,
    create_time      INTEGER NOT NULL,
    settings         BLOB    NOT NULL,
    generation       INTEGER NOT NULL,
    status           INTEGER NOT NULL,
    reason           INTEGER NOT NULL,
    reason_text      TEXT    NOT NULL,
    checkpoint       TEXT    NOT NULL,
    update_time      INTEGER NOT NULL,
    last_run_time    INTEGER NOT NULL,
    last_run_id      INTEGER NOT NULL,
    run_count        INTEGER NOT NULL,
    deleted          INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1))
) STRICT;

-- No index has what changes with each run. The third has the pipeline, so that counting reads no row.
CREATE INDEX subscriptions_name
    ON subscriptions (namespace_id, pipeline_id, extension_id, subscription_id) WHERE deleted = 0;
CREATE INDEX subscriptions_extension_name
    ON subscriptions (extension_key, namespace_id, pipeline_id, subscription_id) WHERE deleted = 0;
CREATE INDEX subscriptions_extension ON subscriptions (extension_key, subscription_key, pipeline_key)
    WHERE deleted = 0;
CREATE INDEX subscriptions_owner ON subscriptions (extension_key);
CREATE INDEX subscriptions_pipeline ON subscriptions (pipeline_key);
CREATE INDEX subscriptions_deleted ON subscriptions (subscription_key) WHERE deleted = 1;

-- Each run that an extension starts brings a row. Keys of one subscription stand together and mostly
-- grow at their end, as times do.
CREATE TABLE start_keys (
    subscription_key INTEGER NOT NULL,
    key              TEXT    NOT NULL,
    outcome          INTEGER NOT NULL,
    run_id           INTEGER NOT NULL,
    reason           TEXT    NOT NULL,
    description      TEXT    NOT NULL,
    create_time      INTEGER NOT NULL,
    PRIMARY KEY (subscription_key, key)
) STRICT, WITHOUT ROWID;

-- The oldest, to drop them.
CREATE INDEX start_keys_create ON start_keys (create_time);

-- The content is the last column: a list does not read it.
CREATE TABLE deliveries (
    delivery_key      INTEGER PRIMARY KEY,
    extension_key     INTEGER NOT NULL,
    kind              INTEGER NOT NULL,
    subscription_key  INTEGER NOT NULL,
    namespace_id      TEXT    NOT NULL,
    pipeline_id       TEXT    NOT NULL,
    subscription_id   TEXT    NOT NULL,
    key               TEXT    NOT NULL,
    create_time       INTEGER NOT NULL,
    dead              INTEGER NOT NULL CHECK (dead IN (0, 1)),
    attempt_count     INTEGER NOT NULL,
    next_attempt_time INTEGER NOT NULL,
    dead_time         INTEGER NOT NULL,
    description       TEXT    NOT NULL,
    content_bytes     INTEGER NOT NULL,
    content           BLOB    NOT NULL
) STRICT;

-- With the sizes, so that summing them up reads no row.
CREATE INDEX deliveries_pending ON deliveries (extension_key, delivery_key, content_bytes)
    WHERE dead = 0;
CREATE INDEX deliveries_dead ON deliveries (extension_key, dead_time, delivery_key) WHERE dead = 1;

-- They name pipelines and runs by the ids of their time and outlive them.
CREATE TABLE reports (
    report_row      INTEGER PRIMARY KEY,
    extension_key   INTEGER NOT NULL,
    extension_id    TEXT    NOT NULL,
    report_id       TEXT    NOT NULL,
    subscription_id TEXT    NOT NULL,
    namespace_id    TEXT    NOT NULL,
    pipeline_id     TEXT    NOT NULL,
    pipeline_key    INTEGER NOT NULL,
    run_id          INTEGER NOT NULL,
    outcome         INTEGER NOT NULL,
    title           TEXT    NOT NULL,
    url             TEXT    NOT NULL,
    create_time     INTEGER NOT NULL,
    body            TEXT    NOT NULL,
    UNIQUE (extension_key, report_id)
) STRICT;

CREATE INDEX reports_extension ON reports (extension_key, create_time, report_row);
CREATE INDEX reports_run ON reports (pipeline_key, run_id, create_time, report_row) WHERE run_id <> 0;
