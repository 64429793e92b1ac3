/*
 * Every SQL statement of the store but the schema (migrations/); those about extensions are in
 * sql_extensions.h.
 *
 * A statement is prepared once per connection, when it is first used, and kept. Values are bound,
 * never written into the text; the numbers of the parameters are the order in which the noun's file
 * binds them, and the columns come in the order in which it reads them.
 *
 * The store keeps no statistics for the planner, so plans depend on the text alone: CROSS JOIN
 * fixes the order of the tables, INDEXED BY makes a statement fail rather than scan. A test looks
 * at the plan of each statement.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_SQL_H_
#define GOFER_ENGINE_STORE_SQLITE_SQL_H_

#include "engine/sqlite/db.h"
#include "engine/store/sqlite/sql_extensions.h"

#define GF_SQL_NAMESPACE_COLUMNS                                                                   \
    "namespace_key, namespace_id, name, description, create_time, update_time, run_parallelism"

#define GF_SQL_PIPELINE_COLUMNS                                                                    \
    "p.pipeline_key, p.namespace_key, n.namespace_id, p.pipeline_id, p.state, p.state_reason, "    \
    "p.create_time, p.update_time, p.latest_version, p.live_version, p.latest_run_id, "            \
    "p.latest_deployment_id"

#define GF_SQL_CONFIG_COLUMNS                                                                      \
    "c.pipeline_key, n.namespace_id, p.pipeline_id, c.version, c.state, c.register_time, "         \
    "c.deprecate_time, c.content_hash, c.register_user, c.content"

#define GF_SQL_DEPLOYMENT_COLUMNS                                                                  \
    "d.pipeline_key, n.namespace_id, p.pipeline_id, d.deployment_id, d.start_version, "            \
    "d.end_version, d.state, d.status, d.reason_kind, d.reason_text, d.start_time, d.end_time, "   \
    "d.start_user"

#define GF_SQL_RUN_COLUMNS                                                                         \
    "r.run_key, r.pipeline_key, n.namespace_id, p.pipeline_id, r.run_id, r.version, "              \
    "r.initiator_kind, r.initiator_id, r.initiator_reason, r.variables, r.options, "               \
    "r.request_id, r.create_time, r.state, r.status, r.reason_kind, r.reason_text, "               \
    "r.cancel_requested, r.start_time, r.deadline_time, r.end_time"

/* Of task_executions and of task_attempts. */
#define GF_SQL_TASK_COLUMNS                                                                        \
    "run_key, task_index, task_id, create_time, attempt, state, status, reason_kind, "             \
    "reason_text, cancel_requested, exit_code, exit_signal, ready_time, queue_time, launch_time, " \
    "pull_start_time, pull_end_time, start_time, stop_time, end_time, next_attempt_time, "         \
    "kept_run_id, image_digest, node, cpu_time_ns, peak_memory_bytes, log_bytes, log_truncated, "  \
    "peak_pid_count, disk_bytes, container_id, missing_protections, root_expire_time, "            \
    "log_disabled"

#define GF_SQL_TASK_VALUES                                                                         \
    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, "  \
    "?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34"

#define GF_SQL_REQUEST_COLUMNS                                                                     \
    "caller, request_id, kind, fingerprint, create_time, namespace_id, pipeline_id, "              \
    "resource_key, number, changed, created_first, subject_id"

#define GF_SQL_PREFERENCES_COLUMNS                                                                 \
    "run_starts_paused, run_starts_paused_reason, attach_disabled, update_time"

#define GF_SQL_EVENT_COLUMNS                                                                       \
    "sequence, time, kind, namespace_id, pipeline_id, version, deployment_id, run_id, task_id, "   \
    "attempt, status, details"

#define GF_SQL_TOKEN_COLUMNS                                                                       \
    "token_id, digest, kind, user, description, lists, extension_id, create_time, expire_time, "   \
    "disabled, last_use_time, last_use_peer"

#define GF_SQL_ROLE_COLUMNS "role_id, description, permissions, create_time, update_time"

/* A row of `table` with the pipeline and the namespace above it, neither of them deleted. */
#define GF_SQL_BELOW_PIPELINE(table, alias)                                                        \
    " FROM " table " " alias " CROSS JOIN pipelines p ON p.pipeline_key = " alias ".pipeline_key"  \
    " AND p.deleted = 0"                                                                           \
    " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key AND n.deleted = 0"

#define GF_SQL_FROM_CONFIGS GF_SQL_BELOW_PIPELINE("configs", "c")
#define GF_SQL_FROM_DEPLOYMENTS GF_SQL_BELOW_PIPELINE("deployments", "d")
#define GF_SQL_FROM_RUNS GF_SQL_BELOW_PIPELINE("runs", "r")

#define GF_SQL_FROM_ACTIVE_RUNS                                                                    \
    " FROM runs r INDEXED BY runs_active"                                                          \
    " CROSS JOIN pipelines p ON p.pipeline_key = r.pipeline_key AND p.deleted = 0"                 \
    " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key AND n.deleted = 0"

/* X(NAME, text) */
#define GF_SQL_TRANSACTION_STATEMENTS(X)                                                           \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")

#define GF_SQL_NAMESPACE_STATEMENTS(X)                                                             \
    X(INSERT_NAMESPACE,                                                                            \
      "INSERT INTO namespaces (" GF_SQL_NAMESPACE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
    X(UPDATE_NAMESPACE, "UPDATE namespaces SET name = ?1, description = ?2, update_time = ?3,"     \
                        " run_parallelism = ?4 WHERE namespace_key = ?5")                          \
    X(GET_NAMESPACE, "SELECT " GF_SQL_NAMESPACE_COLUMNS                                            \
                     " FROM namespaces WHERE namespace_id = ?1 AND deleted = 0")                   \
    X(LIST_NAMESPACES, "SELECT " GF_SQL_NAMESPACE_COLUMNS                                          \
                       " FROM namespaces WHERE namespace_id > ?1 AND deleted = 0"                  \
                       " ORDER BY namespace_id LIMIT ?2")

#define GF_SQL_PIPELINE_STATEMENTS(X)                                                              \
    X(INSERT_PIPELINE,                                                                             \
      "INSERT INTO pipelines (pipeline_key, namespace_key, pipeline_id, create_time, state,"       \
      " state_reason, update_time, latest_version, live_version, latest_run_id,"                   \
      " latest_deployment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")              \
    X(UPDATE_PIPELINE,                                                                             \
      "UPDATE pipelines SET state = ?1, state_reason = ?2, update_time = ?3, latest_version = ?4," \
      " live_version = ?5, latest_run_id = ?6, latest_deployment_id = ?7 WHERE pipeline_key = ?8") \
    X(GET_PIPELINE,                                                                                \
      "SELECT " GF_SQL_PIPELINE_COLUMNS " FROM namespaces n"                                       \
      " CROSS JOIN pipelines p ON p.namespace_key = n.namespace_key AND p.pipeline_id = ?2"        \
      " AND p.deleted = 0 WHERE n.namespace_id = ?1 AND n.deleted = 0")                            \
    X(GET_PIPELINE_BY_KEY, "SELECT " GF_SQL_PIPELINE_COLUMNS " FROM pipelines p"                   \
                           " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key"         \
                           " AND n.deleted = 0 WHERE p.pipeline_key = ?1 AND p.deleted = 0")       \
    X(LIST_PIPELINES,                                                                              \
      "SELECT " GF_SQL_PIPELINE_COLUMNS " FROM namespaces n"                                       \
      " CROSS JOIN pipelines p ON p.namespace_key = n.namespace_key AND p.pipeline_id > ?2"        \
      " AND p.deleted = 0 WHERE n.namespace_key = ?1 AND n.deleted = 0 ORDER BY p.pipeline_id "    \
      "LIMIT ?3")

#define GF_SQL_CONFIG_STATEMENTS(X)                                                                \
    X(INSERT_CONFIG,                                                                               \
      "INSERT INTO configs (pipeline_key, version, register_time, content_hash, register_user,"    \
      " content, state, deprecate_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                  \
    X(UPDATE_CONFIG, "UPDATE configs SET state = ?1, deprecate_time = ?2 WHERE pipeline_key = ?3 " \
                     "AND version = ?4")                                                           \
    X(DELETE_CONFIG, "DELETE FROM configs WHERE pipeline_key = ?1 AND version = ?2")               \
    X(GET_CONFIG, "SELECT " GF_SQL_CONFIG_COLUMNS GF_SQL_FROM_CONFIGS                              \
                  " WHERE c.pipeline_key = ?1 AND c.version = ?2")                                 \
    X(LIST_CONFIGS, "SELECT " GF_SQL_CONFIG_COLUMNS GF_SQL_FROM_CONFIGS                            \
                    " WHERE c.pipeline_key = ?1 AND c.version < ?2"                                \
                    " ORDER BY c.version DESC LIMIT ?3")

#define GF_SQL_DEPLOYMENT_STATEMENTS(X)                                                            \
    X(INSERT_DEPLOYMENT,                                                                           \
      "INSERT INTO deployments (pipeline_key, deployment_id, start_version, end_version,"          \
      " start_time, start_user, state, status, reason_kind, reason_text, end_time)"                \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                                    \
    X(UPDATE_DEPLOYMENT,                                                                           \
      "UPDATE deployments SET state = ?1, status = ?2, reason_kind = ?3, reason_text = ?4,"        \
      " end_time = ?5 WHERE pipeline_key = ?6 AND deployment_id = ?7")                             \
    X(GET_DEPLOYMENT, "SELECT " GF_SQL_DEPLOYMENT_COLUMNS GF_SQL_FROM_DEPLOYMENTS                  \
                      " WHERE d.pipeline_key = ?1 AND d.deployment_id = ?2")                       \
    X(LIST_DEPLOYMENTS, "SELECT " GF_SQL_DEPLOYMENT_COLUMNS GF_SQL_FROM_DEPLOYMENTS                \
                        " WHERE d.pipeline_key = ?1 AND d.deployment_id < ?2"                      \
                        " ORDER BY d.deployment_id DESC LIMIT ?3")

#define GF_SQL_RUN_STATEMENTS(X)                                                                   \
    X(INSERT_RUN,                                                                                  \
      "INSERT INTO runs (run_key, pipeline_key, run_id, version, initiator_kind, initiator_id,"    \
      " initiator_reason, variables, options, request_id, create_time, state, status,"             \
      " reason_kind, reason_text, cancel_requested, start_time, deadline_time, end_time)"          \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"       \
      " ?18, ?19)")                                                                                \
    X(UPDATE_RUN, "UPDATE runs SET state = ?1, status = ?2, reason_kind = ?3, reason_text = ?4,"   \
                  " cancel_requested = ?5, start_time = ?6, deadline_time = ?7, end_time = ?8"     \
                  " WHERE run_key = ?9")                                                           \
    X(GET_RUN, "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                                       \
               " WHERE r.pipeline_key = ?1 AND r.run_id = ?2")                                     \
    X(GET_RUN_BY_REQUEST, "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                            \
                          " WHERE r.pipeline_key = ?1 AND r.request_id = ?2"                       \
                          " AND r.request_id <> '' ORDER BY r.run_key DESC LIMIT 1")               \
    X(GET_RUN_NAME,                                                                                \
      "SELECT r.run_id, p.pipeline_id, n.namespace_id" GF_SQL_FROM_RUNS " WHERE r.run_key = ?1")   \
    X(LIST_RUNS_DESCENDING,                                                                        \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                                                \
      " WHERE r.pipeline_key = ?1 AND r.run_id < ?2 AND r.run_id >= ?3"                            \
      " AND (?4 >> r.state & 1) AND (?5 >> r.status & 1) ORDER BY r.run_id DESC LIMIT ?6")         \
    X(LIST_RUNS_ASCENDING,                                                                         \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                                                \
      " WHERE r.pipeline_key = ?1 AND r.run_id > ?2 AND r.run_id <= ?3"                            \
      " AND (?4 >> r.state & 1) AND (?5 >> r.status & 1) ORDER BY r.run_id LIMIT ?6")              \
    X(LIST_OPEN_RUNS_DESCENDING,                                                                   \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_ACTIVE_RUNS                                         \
      " WHERE r.pipeline_key = ?1 AND r.run_id < ?2 AND r.run_id >= ?3 AND (?4 >> r.state & 1)"    \
      " AND (?5 >> r.status & 1) AND r.state < 4 ORDER BY r.run_key DESC LIMIT ?6")                \
    X(LIST_OPEN_RUNS_ASCENDING,                                                                    \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_ACTIVE_RUNS                                         \
      " WHERE r.pipeline_key = ?1 AND r.run_id > ?2 AND r.run_id <= ?3 AND (?4 >> r.state & 1)"    \
      " AND (?5 >> r.status & 1) AND r.state < 4 ORDER BY r.run_key LIMIT ?6")                     \
    X(GET_RUN_BOUNDS, "SELECT (SELECT min(run_id) FROM runs WHERE pipeline_key = ?1),"             \
                      " (SELECT max(run_id) FROM runs WHERE pipeline_key = ?1)")                   \
    X(LIST_ACTIVE_RUNS, "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_ACTIVE_RUNS                       \
                        " WHERE r.run_key > ?1 AND r.state < 4 ORDER BY r.run_key LIMIT ?2")       \
    X(LIST_ENDED_RUNS,                                                                             \
      "SELECT r.status, r.create_time, r.start_time, r.end_time FROM pipelines p"                  \
      " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key AND n.deleted = 0"            \
      " CROSS JOIN runs r INDEXED BY runs_ended ON r.pipeline_key = p.pipeline_key"                \
      " AND r.end_time >= ?2 AND r.state = 4"                                                      \
      " WHERE p.pipeline_key = ?1 AND p.deleted = 0 ORDER BY r.end_time DESC LIMIT ?3")            \
    X(INSERT_RUN_INPUT, "INSERT OR REPLACE INTO run_inputs (run_key, content) VALUES (?1, ?2)")    \
    X(GET_RUN_INPUT, "SELECT content FROM run_inputs WHERE run_key = ?1")

#define GF_SQL_TASK_STATEMENTS(X)                                                                  \
    X(INSERT_TASK, "INSERT INTO task_executions (" GF_SQL_TASK_COLUMNS ")"                         \
                   " VALUES (" GF_SQL_TASK_VALUES ")")                                             \
    X(UPDATE_TASK,                                                                                 \
      "UPDATE task_executions SET attempt = ?1, state = ?2, status = ?3, reason_kind = ?4,"        \
      " reason_text = ?5, cancel_requested = ?6, exit_code = ?7, exit_signal = ?8,"                \
      " ready_time = ?9, queue_time = ?10, launch_time = ?11, pull_start_time = ?12,"              \
      " pull_end_time = ?13, start_time = ?14, stop_time = ?15, end_time = ?16,"                   \
      " next_attempt_time = ?17, kept_run_id = ?18, image_digest = ?19, node = ?20,"               \
      " cpu_time_ns = ?21, peak_memory_bytes = ?22, log_bytes = ?23, log_truncated = ?24,"         \
      " peak_pid_count = ?25, disk_bytes = ?26, container_id = ?27, missing_protections = ?28,"    \
      " root_expire_time = ?29, log_disabled = ?30 WHERE run_key = ?31 AND task_index = ?32")      \
    X(GET_TASK, "SELECT " GF_SQL_TASK_COLUMNS                                                      \
                " FROM task_executions WHERE run_key = ?1 AND task_id = ?2 LIMIT 1")               \
    X(LIST_TASKS, "SELECT " GF_SQL_TASK_COLUMNS " FROM task_executions"                            \
                  " WHERE run_key = ?1 AND task_index > ?2 ORDER BY task_index LIMIT ?3")          \
    X(LIST_TASK_STATES, "SELECT state, status FROM task_executions WHERE run_key = ?1")            \
    X(INSERT_ATTEMPT, "INSERT OR REPLACE INTO task_attempts (" GF_SQL_TASK_COLUMNS ")"             \
                      " VALUES (" GF_SQL_TASK_VALUES ")")                                          \
    X(LIST_ATTEMPTS, "SELECT " GF_SQL_TASK_COLUMNS " FROM task_attempts"                           \
                     " WHERE run_key = ?1 AND task_index = ?2 ORDER BY attempt LIMIT ?3")

#define GF_SQL_EVENT_STATEMENTS(X)                                                                 \
    X(INSERT_EVENT, "INSERT INTO events (" GF_SQL_EVENT_COLUMNS                                    \
                    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"                           \
                    " ?11, ?12)")                                                                  \
    X(GET_EVENT, "SELECT " GF_SQL_EVENT_COLUMNS " FROM events WHERE sequence = ?1")                \
    X(LIST_EVENTS,                                                                                 \
      "SELECT " GF_SQL_EVENT_COLUMNS " FROM events WHERE sequence > ?1 AND sequence <= ?2"         \
      " AND (?3 = '' OR namespace_id = ?3) AND (?4 = '' OR pipeline_id = ?4)"                      \
      " AND (?5 = 0 OR run_id = ?5)"                                                               \
      " AND ((?6 | ?7 | ?8) = 0"                                                                   \
      "      OR (CASE kind / 64 WHEN 0 THEN ?6 WHEN 1 THEN ?7 WHEN 2 THEN ?8 END >> kind % 64) & " \
      "1)"                                                                                         \
      " AND (?9 = x'' OR instr(details, ?9))"                                                      \
      " ORDER BY sequence LIMIT ?10")                                                              \
    X(GET_EVENT_BOUNDS,                                                                            \
      "SELECT (SELECT min(sequence) FROM events), (SELECT max(sequence) FROM events)")

#define GF_SQL_REQUEST_STATEMENTS(X)                                                               \
    X(INSERT_REQUEST, "INSERT OR REPLACE INTO requests (" GF_SQL_REQUEST_COLUMNS ")"               \
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")               \
    X(GET_REQUEST,                                                                                 \
      "SELECT " GF_SQL_REQUEST_COLUMNS " FROM requests WHERE caller = ?1 AND request_id = ?2")     \
    X(DROP_REQUESTS, "DELETE FROM requests WHERE (caller, request_id) IN"                          \
                     " (SELECT caller, request_id FROM requests INDEXED BY requests_create"        \
                     " WHERE create_time < ?1 ORDER BY create_time LIMIT ?2)")                     \
    X(WRITE_PREFERENCES,                                                                           \
      "INSERT OR REPLACE INTO preferences (one, " GF_SQL_PREFERENCES_COLUMNS ")"                   \
      " VALUES (1, ?1, ?2, ?3, ?4)")                                                               \
    X(GET_PREFERENCES, "SELECT " GF_SQL_PREFERENCES_COLUMNS " FROM preferences WHERE one = 1")

/* The key of a token holds its create_time, which no change knows: they find it by its id. */
#define GF_SQL_ACCESS_STATEMENTS(X)                                                                \
    X(INSERT_TOKEN, "INSERT INTO tokens (" GF_SQL_TOKEN_COLUMNS ")"                                \
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")                 \
    X(UPDATE_TOKEN, "UPDATE tokens SET disabled = ?1, last_use_time = ?2, last_use_peer = ?3"      \
                    " WHERE token_id = ?4")                                                        \
    X(DELETE_TOKEN, "DELETE FROM tokens WHERE token_id = ?1")                                      \
    X(GET_TOKEN, "SELECT " GF_SQL_TOKEN_COLUMNS " FROM tokens WHERE token_id = ?1")                \
    X(LIST_TOKENS, "SELECT " GF_SQL_TOKEN_COLUMNS " FROM tokens"                                   \
                   " WHERE (create_time, token_id) < (?1, ?2)"                                     \
                   " ORDER BY create_time DESC, token_id DESC LIMIT ?3")                           \
    X(WRITE_ROLE, "INSERT INTO roles (" GF_SQL_ROLE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)"        \
                  " ON CONFLICT (role_id) DO UPDATE SET description = excluded.description,"       \
                  " permissions = excluded.permissions, update_time = excluded.update_time")       \
    X(DELETE_ROLE, "DELETE FROM roles WHERE role_id = ?1")                                         \
    X(GET_ROLE, "SELECT " GF_SQL_ROLE_COLUMNS " FROM roles WHERE role_id = ?1")                    \
    X(LIST_ROLES,                                                                                  \
      "SELECT " GF_SQL_ROLE_COLUMNS " FROM roles WHERE role_id > ?1 ORDER BY role_id LIMIT ?2")    \
    X(UPDATE_SERVICE_STATE, "UPDATE service_state SET bootstrapped = ?1, source_sequence = ?2"     \
                            " WHERE one = 1")

/* Removing what belongs to what is deleted, in portions, and the keys that must not come again. */
#define GF_SQL_PURGE_STATEMENTS(X)                                                                 \
    X(BURY_NAMESPACE, "UPDATE namespaces SET namespace_id = '#' || namespace_key, deleted = 1"     \
                      " WHERE namespace_key = ?1 AND deleted = 0")                                 \
    X(BURY_PIPELINE, "UPDATE pipelines SET pipeline_id = '#' || pipeline_key, deleted = 1"         \
                     " WHERE pipeline_key = ?1 AND deleted = 0")                                   \
    X(GET_BURIED_NAMESPACE, "SELECT namespace_key FROM namespaces INDEXED BY namespaces_deleted"   \
                            " WHERE deleted = 1 LIMIT 1")                                          \
    X(GET_BURIED_PIPELINE, "SELECT pipeline_key FROM pipelines INDEXED BY pipelines_deleted"       \
                           " WHERE deleted = 1 LIMIT 1")                                           \
    X(GET_BURIED_CHILD, "SELECT pipeline_key FROM pipelines WHERE namespace_key = ?1 LIMIT 1")     \
    X(GET_BURIED_RUN, "SELECT run_key FROM runs WHERE pipeline_key = ?1 ORDER BY run_id LIMIT 1")  \
    X(GET_BURIED_CONFIG, "SELECT version, length(content) FROM configs WHERE pipeline_key = ?1"    \
                         " ORDER BY version LIMIT 1")                                              \
    X(PURGE_TASKS, "DELETE FROM task_executions WHERE run_key = ?1 AND task_index IN"              \
                   " (SELECT task_index FROM task_executions WHERE run_key = ?1 LIMIT ?2)")        \
    X(PURGE_ATTEMPTS, "DELETE FROM task_attempts WHERE run_key = ?1 AND (task_index, attempt) IN"  \
                      " (SELECT task_index, attempt FROM task_attempts WHERE run_key = ?1"         \
                      " LIMIT ?2)")                                                                \
    X(PURGE_RUN_INPUT, "DELETE FROM run_inputs WHERE run_key = ?1")                                \
    X(PURGE_RUN, "DELETE FROM runs WHERE run_key = ?1")                                            \
    X(PURGE_DEPLOYMENTS,                                                                           \
      "DELETE FROM deployments WHERE pipeline_key = ?1 AND deployment_id IN"                       \
      " (SELECT deployment_id FROM deployments WHERE pipeline_key = ?1 LIMIT ?2)")                 \
    X(PURGE_PIPELINE, "DELETE FROM pipelines WHERE pipeline_key = ?1")                             \
    X(PURGE_NAMESPACE, "DELETE FROM namespaces WHERE namespace_key = ?1")                          \
    X(UPDATE_KEY_FLOORS,                                                                           \
      "UPDATE key_floors SET namespace_key = max(namespace_key, ?1),"                              \
      " pipeline_key = max(pipeline_key, ?2), run_key = max(run_key, ?3) WHERE one = 1")           \
    X(GET_NEXT_KEYS,                                                                               \
      "SELECT max(f.namespace_key, (SELECT ifnull(max(namespace_key), 0) + 1 FROM namespaces)),"   \
      " max(f.pipeline_key, (SELECT ifnull(max(pipeline_key), 0) + 1 FROM pipelines)),"            \
      " max(f.run_key, (SELECT ifnull(max(run_key), 0) + 1 FROM runs),"                            \
      " (SELECT ifnull(max(extension_key), 0) + 1 FROM extensions),"                               \
      " (SELECT ifnull(max(subscription_key), 0) + 1 FROM subscriptions),"                         \
      " (SELECT ifnull(max(delivery_key), 0) + 1 FROM deliveries)),"                               \
      " (SELECT ifnull(max(sequence), 0) + 1 FROM events),"                                        \
      " s.bootstrapped, s.source_sequence"                                                         \
      " FROM key_floors f CROSS JOIN service_state s ON s.one = 1 WHERE f.one = 1")

#define GF_SQL_STATEMENTS(X)                                                                       \
    GF_SQL_TRANSACTION_STATEMENTS(X)                                                               \
    GF_SQL_NAMESPACE_STATEMENTS(X)                                                                 \
    GF_SQL_PIPELINE_STATEMENTS(X)                                                                  \
    GF_SQL_CONFIG_STATEMENTS(X)                                                                    \
    GF_SQL_DEPLOYMENT_STATEMENTS(X)                                                                \
    GF_SQL_RUN_STATEMENTS(X)                                                                       \
    GF_SQL_TASK_STATEMENTS(X)                                                                      \
    GF_SQL_EVENT_STATEMENTS(X)                                                                     \
    GF_SQL_REQUEST_STATEMENTS(X)                                                                   \
    GF_SQL_ACCESS_STATEMENTS(X)                                                                    \
    GF_SQL_PURGE_STATEMENTS(X)                                                                     \
    GF_SQL_EXTENSION_STATEMENTS(X)

enum gf_sql {
#define GF_X(name, text) GF_SQL_##name,
    GF_SQL_STATEMENTS(GF_X)
#undef GF_X
    GF_SQL_COUNT,
};

/* The text of a statement. Static storage. */
const char *gf_sqlite__sql(enum gf_sql sql);

/* What the databases of the store are like. */
extern const struct gf_sqlite_profile gf_sqlite__profile;

#endif /* GOFER_ENGINE_STORE_SQLITE_SQL_H_ */
