-- The first schema.
--
-- Columns are called as the members of the structs in engine/core/model.h; numbers of enumerations,
-- times (ns since 1970 UTC, 0 = not yet) and limits are as there. Text that is not given is ''.
--
-- Hot tables (runs, task_executions, events) only grow at their end: their keys are numbers that the
-- engine hands out in rising order. Every secondary index is paid for by each run, so there are three:
-- runs by number, runs that are not complete, runs by request.
--
-- Foreign keys refuse to leave children behind; nothing cascades. A namespace with a million runs
-- cannot be removed in one transaction without stopping the engine for seconds, so it is marked as
-- deleted, and its rows go in small portions, children first.

PRAGMA application_id = 0x676f6672; -- "gofr"

CREATE TABLE namespaces (
    namespace_key INTEGER PRIMARY KEY,
    namespace_id  TEXT    NOT NULL UNIQUE, -- '#' and the key once it is deleted
    name          TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    create_time   INTEGER NOT NULL,
    update_time   INTEGER NOT NULL,
    deleted       INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1))
) STRICT;

-- What is left to remove.
CREATE INDEX namespaces_deleted ON namespaces (namespace_key) WHERE deleted = 1;

CREATE TABLE pipelines (
    pipeline_key         INTEGER PRIMARY KEY,
    namespace_key        INTEGER NOT NULL REFERENCES namespaces,
    pipeline_id          TEXT    NOT NULL,
    state                INTEGER NOT NULL CHECK (state BETWEEN 1 AND 2),
    create_time          INTEGER NOT NULL,
    update_time          INTEGER NOT NULL,
    latest_version       INTEGER NOT NULL,
    live_version         INTEGER NOT NULL, -- 0 = nothing is deployed
    latest_run_id        INTEGER NOT NULL,
    latest_deployment_id INTEGER NOT NULL,
    UNIQUE (namespace_key, pipeline_id)
) STRICT;

-- A table with row numbers, because the bodies may be large.
CREATE TABLE configs (
    pipeline_key   INTEGER NOT NULL REFERENCES pipelines,
    version        INTEGER NOT NULL,
    state          INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
    register_time  INTEGER NOT NULL,
    deprecate_time INTEGER NOT NULL,
    content_hash   TEXT    NOT NULL,
    content        BLOB    NOT NULL, -- what gf_config_encode makes
    PRIMARY KEY (pipeline_key, version)
) STRICT;

CREATE TABLE deployments (
    pipeline_key  INTEGER NOT NULL REFERENCES pipelines,
    deployment_id INTEGER NOT NULL,
    start_version INTEGER NOT NULL,
    end_version   INTEGER NOT NULL,
    state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 2),
    status        INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),
    reason_kind   INTEGER NOT NULL,
    reason_text   TEXT    NOT NULL,
    start_time    INTEGER NOT NULL,
    end_time      INTEGER NOT NULL,
    PRIMARY KEY (pipeline_key, deployment_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    run_key          INTEGER PRIMARY KEY,
    pipeline_key     INTEGER NOT NULL REFERENCES pipelines,
    run_id           INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    state            INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
    status           INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
    reason_kind      INTEGER NOT NULL,
    reason_text      TEXT    NOT NULL,
    initiator_kind   INTEGER NOT NULL,
    initiator_id     TEXT    NOT NULL,
    initiator_reason TEXT    NOT NULL,
    variables        BLOB    NOT NULL, -- see engine/store/sqlite/variables.h
    request_id       TEXT    NOT NULL,
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    create_time      INTEGER NOT NULL,
    start_time       INTEGER NOT NULL,
    end_time         INTEGER NOT NULL,
    UNIQUE (pipeline_key, run_id)
) STRICT;

-- Runs that are not complete (4): what a start restores and what a list by state looks through.
CREATE INDEX runs_active ON runs (run_key, pipeline_key, run_id, state) WHERE state < 4;

-- Not unique: how long a request counts is the engine's to say, and a late one may come again.
CREATE INDEX runs_request ON runs (pipeline_key, request_id) WHERE request_id <> '';

CREATE TABLE task_executions (
    run_key           INTEGER NOT NULL REFERENCES runs,
    task_index        INTEGER NOT NULL,
    task_id           TEXT    NOT NULL,
    attempt           INTEGER NOT NULL,
    state             INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
    status            INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4),
    reason_kind       INTEGER NOT NULL,
    reason_text       TEXT    NOT NULL,
    exit_code         INTEGER,          -- NULL = it has none
    exit_signal       INTEGER NOT NULL,
    create_time       INTEGER NOT NULL,
    launch_time       INTEGER NOT NULL,
    start_time        INTEGER NOT NULL,
    end_time          INTEGER NOT NULL,
    image_digest      TEXT    NOT NULL,
    node              TEXT    NOT NULL,
    cpu_time_ns       INTEGER NOT NULL,
    peak_memory_bytes INTEGER NOT NULL,
    log_bytes         INTEGER NOT NULL,
    log_truncated     INTEGER NOT NULL CHECK (log_truncated IN (0, 1)),
    PRIMARY KEY (run_key, task_index)
) STRICT, WITHOUT ROWID;

-- The event log. It names things by the ids of their time and outlives them, so nothing refers to it
-- and it refers to nothing.
CREATE TABLE events (
    sequence      INTEGER PRIMARY KEY,
    time          INTEGER NOT NULL,
    kind          INTEGER NOT NULL,
    namespace_id  TEXT    NOT NULL,
    pipeline_id   TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    deployment_id INTEGER NOT NULL,
    run_id        INTEGER NOT NULL,
    task_id       TEXT    NOT NULL,
    attempt       INTEGER NOT NULL,
    status        INTEGER NOT NULL
) STRICT;

-- One row: the next keys as they were when rows were last deleted. A key is never used twice, also when
-- the row with the highest one is gone.
CREATE TABLE key_floors (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    namespace_key INTEGER NOT NULL,
    pipeline_key  INTEGER NOT NULL,
    run_key       INTEGER NOT NULL
) STRICT;

INSERT INTO key_floors VALUES (1, 1, 1, 1);
