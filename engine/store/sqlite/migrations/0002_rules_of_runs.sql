-- What the rules of runs need: queues, timeouts, attempts, documents, requests, deletion of pipelines.
--
-- Every run pays for each column of the hot tables (runs, task_executions): one byte in the row, and
-- the bytes of its value. What few runs have and nothing searches for shares one column, runs.options.

ALTER TABLE namespaces ADD COLUMN run_parallelism INTEGER NOT NULL DEFAULT 0;

-- A deleted pipeline is marked, and its id becomes '#' and its key; its rows go in small portions, as
-- those of a deleted namespace do.
ALTER TABLE pipelines ADD COLUMN state_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE pipelines ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1));

-- What is left to remove.
CREATE INDEX pipelines_deleted ON pipelines (pipeline_key) WHERE deleted = 1;

ALTER TABLE runs ADD COLUMN options BLOB NOT NULL DEFAULT x''; -- see engine/store/sqlite/run_options.h
ALTER TABLE runs ADD COLUMN deadline_time INTEGER NOT NULL DEFAULT 0;

-- How the runs of a pipeline have fared, without looking at their rows. A run enters it once, at its
-- end, next to the run of its pipeline that ended before it.
CREATE INDEX runs_ended ON runs (pipeline_key, end_time, state, status, create_time, start_time)
    WHERE state = 4;

-- The document of a run, apart from its row, so that lists of runs do not read past it.
CREATE TABLE run_inputs (
    run_key INTEGER PRIMARY KEY REFERENCES runs,
    content BLOB    NOT NULL
) STRICT;

ALTER TABLE task_executions
    ADD COLUMN cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1));
ALTER TABLE task_executions ADD COLUMN ready_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN queue_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN pull_start_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN pull_end_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN stop_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN next_attempt_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_executions ADD COLUMN kept_run_id INTEGER NOT NULL DEFAULT 0;

-- The earlier attempts of a task: rows of task_executions as they were when that attempt had ended.
CREATE TABLE task_attempts (
    run_key           INTEGER NOT NULL REFERENCES runs,
    task_index        INTEGER NOT NULL,
    task_id           TEXT    NOT NULL,
    attempt           INTEGER NOT NULL,
    state             INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
    status            INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4),
    reason_kind       INTEGER NOT NULL,
    reason_text       TEXT    NOT NULL,
    cancel_requested  INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    exit_code         INTEGER,          -- NULL = it has none
    exit_signal       INTEGER NOT NULL,
    create_time       INTEGER NOT NULL,
    ready_time        INTEGER NOT NULL,
    queue_time        INTEGER NOT NULL,
    launch_time       INTEGER NOT NULL,
    pull_start_time   INTEGER NOT NULL,
    pull_end_time     INTEGER NOT NULL,
    start_time        INTEGER NOT NULL,
    stop_time         INTEGER NOT NULL,
    end_time          INTEGER NOT NULL,
    next_attempt_time INTEGER NOT NULL,
    kept_run_id       INTEGER NOT NULL,
    image_digest      TEXT    NOT NULL,
    node              TEXT    NOT NULL,
    cpu_time_ns       INTEGER NOT NULL,
    peak_memory_bytes INTEGER NOT NULL,
    log_bytes         INTEGER NOT NULL,
    log_truncated     INTEGER NOT NULL CHECK (log_truncated IN (0, 1)),
    PRIMARY KEY (run_key, task_index, attempt)
) STRICT, WITHOUT ROWID;

-- The first outcomes of commands that may be repeated. They name things by the ids of their time and
-- refer to nothing. Few commands have one: runs keep theirs in their own rows.
CREATE TABLE requests (
    caller        TEXT    NOT NULL,
    request_id    TEXT    NOT NULL,
    kind          INTEGER NOT NULL,
    fingerprint   INTEGER NOT NULL,
    create_time   INTEGER NOT NULL,
    namespace_id  TEXT    NOT NULL,
    pipeline_id   TEXT    NOT NULL,
    resource_key  INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    changed       INTEGER NOT NULL CHECK (changed IN (0, 1)),
    created_first INTEGER NOT NULL CHECK (created_first IN (0, 1)),
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;

-- The oldest, to drop them.
CREATE INDEX requests_create ON requests (create_time);

-- The switches of the service: one row, or none while nothing was ever changed.
CREATE TABLE preferences (
    one                      INTEGER PRIMARY KEY CHECK (one = 1),
    run_starts_paused        INTEGER NOT NULL CHECK (run_starts_paused IN (0, 1)),
    run_starts_paused_reason TEXT    NOT NULL,
    attach_disabled          INTEGER NOT NULL CHECK (attach_disabled IN (0, 1)),
    update_time              INTEGER NOT NULL
) STRICT;
