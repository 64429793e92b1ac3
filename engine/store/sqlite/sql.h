/*
 * Every SQL statement of the store but the schema (migrations/).
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

#define GF_SQL_NAMESPACE_COLUMNS                                                                   \
    "namespace_key, namespace_id, name, description, create_time, update_time"

#define GF_SQL_PIPELINE_COLUMNS                                                                    \
    "p.pipeline_key, p.namespace_key, n.namespace_id, p.pipeline_id, p.state, p.create_time, "     \
    "p.update_time, p.latest_version, p.live_version, p.latest_run_id, p.latest_deployment_id"

#define GF_SQL_CONFIG_COLUMNS                                                                      \
    "c.pipeline_key, n.namespace_id, p.pipeline_id, c.version, c.state, c.register_time, "         \
    "c.deprecate_time, c.content_hash, c.content"

#define GF_SQL_DEPLOYMENT_COLUMNS                                                                  \
    "d.pipeline_key, n.namespace_id, p.pipeline_id, d.deployment_id, d.start_version, "            \
    "d.end_version, d.state, d.status, d.reason_kind, d.reason_text, d.start_time, d.end_time"

#define GF_SQL_RUN_COLUMNS                                                                         \
    "r.run_key, r.pipeline_key, n.namespace_id, p.pipeline_id, r.run_id, r.version, "              \
    "r.initiator_kind, r.initiator_id, r.initiator_reason, r.variables, r.request_id, "            \
    "r.create_time, r.state, r.status, r.reason_kind, r.reason_text, r.cancel_requested, "         \
    "r.start_time, r.end_time"

#define GF_SQL_TASK_COLUMNS                                                                        \
    "run_key, task_index, task_id, create_time, attempt, state, status, reason_kind, "             \
    "reason_text, exit_code, exit_signal, launch_time, start_time, end_time, image_digest, node, " \
    "cpu_time_ns, peak_memory_bytes, log_bytes, log_truncated"

#define GF_SQL_EVENT_COLUMNS                                                                       \
    "sequence, time, kind, namespace_id, pipeline_id, version, deployment_id, run_id, task_id, "   \
    "attempt, status"

/* A row of `table` with the pipeline and the namespace above it, which is not deleted. */
#define GF_SQL_BELOW_PIPELINE(table, alias)                                                        \
    " FROM " table " " alias " CROSS JOIN pipelines p ON p.pipeline_key = " alias ".pipeline_key"  \
    " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key AND n.deleted = 0"

#define GF_SQL_FROM_CONFIGS GF_SQL_BELOW_PIPELINE("configs", "c")
#define GF_SQL_FROM_DEPLOYMENTS GF_SQL_BELOW_PIPELINE("deployments", "d")
#define GF_SQL_FROM_RUNS GF_SQL_BELOW_PIPELINE("runs", "r")

#define GF_SQL_FROM_ACTIVE_RUNS                                                                    \
    " FROM runs r INDEXED BY runs_active"                                                          \
    " CROSS JOIN pipelines p ON p.pipeline_key = r.pipeline_key"                                   \
    " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key AND n.deleted = 0"

/* X(NAME, text) */
#define GF_SQL_TRANSACTION_STATEMENTS(X)                                                           \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")

#define GF_SQL_NAMESPACE_STATEMENTS(X)                                                             \
    X(INSERT_NAMESPACE,                                                                            \
      "INSERT INTO namespaces (" GF_SQL_NAMESPACE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)")     \
    X(UPDATE_NAMESPACE, "UPDATE namespaces SET name = ?1, description = ?2, update_time = ?3"      \
                        " WHERE namespace_key = ?4")                                               \
    X(GET_NAMESPACE, "SELECT " GF_SQL_NAMESPACE_COLUMNS                                            \
                     " FROM namespaces WHERE namespace_id = ?1 AND deleted = 0")                   \
    X(LIST_NAMESPACES, "SELECT " GF_SQL_NAMESPACE_COLUMNS                                          \
                       " FROM namespaces WHERE namespace_id > ?1 AND deleted = 0"                  \
                       " ORDER BY namespace_id LIMIT ?2")

#define GF_SQL_PIPELINE_STATEMENTS(X)                                                              \
    X(INSERT_PIPELINE,                                                                             \
      "INSERT INTO pipelines (pipeline_key, namespace_key, pipeline_id, create_time, state,"       \
      " update_time, latest_version, live_version, latest_run_id, latest_deployment_id)"           \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")                                         \
    X(UPDATE_PIPELINE,                                                                             \
      "UPDATE pipelines SET state = ?1, update_time = ?2, latest_version = ?3, live_version = ?4," \
      " latest_run_id = ?5, latest_deployment_id = ?6 WHERE pipeline_key = ?7")                    \
    X(GET_PIPELINE,                                                                                \
      "SELECT " GF_SQL_PIPELINE_COLUMNS " FROM namespaces n"                                       \
      " CROSS JOIN pipelines p ON p.namespace_key = n.namespace_key AND p.pipeline_id = ?2"        \
      " WHERE n.namespace_id = ?1 AND n.deleted = 0")                                              \
    X(GET_PIPELINE_BY_KEY, "SELECT " GF_SQL_PIPELINE_COLUMNS " FROM pipelines p"                   \
                           " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key"         \
                           " AND n.deleted = 0 WHERE p.pipeline_key = ?1")                         \
    X(LIST_PIPELINES,                                                                              \
      "SELECT " GF_SQL_PIPELINE_COLUMNS " FROM namespaces n"                                       \
      " CROSS JOIN pipelines p ON p.namespace_key = n.namespace_key AND p.pipeline_id > ?2"        \
      " WHERE n.namespace_key = ?1 AND n.deleted = 0 ORDER BY p.pipeline_id LIMIT ?3")

#define GF_SQL_CONFIG_STATEMENTS(X)                                                                \
    X(INSERT_CONFIG,                                                                               \
      "INSERT INTO configs (pipeline_key, version, register_time, content_hash, content, state,"   \
      " deprecate_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                      \
    X(UPDATE_CONFIG, "UPDATE configs SET state = ?1, deprecate_time = ?2 WHERE pipeline_key = ?3 " \
                     "AND version = ?4")                                                           \
    X(GET_CONFIG, "SELECT " GF_SQL_CONFIG_COLUMNS GF_SQL_FROM_CONFIGS                              \
                  " WHERE c.pipeline_key = ?1 AND c.version = ?2")                                 \
    X(LIST_CONFIGS, "SELECT " GF_SQL_CONFIG_COLUMNS GF_SQL_FROM_CONFIGS                            \
                    " WHERE c.pipeline_key = ?1 AND c.version < ?2"                                \
                    " ORDER BY c.version DESC LIMIT ?3")

#define GF_SQL_DEPLOYMENT_STATEMENTS(X)                                                            \
    X(INSERT_DEPLOYMENT,                                                                           \
      "INSERT INTO deployments (pipeline_key, deployment_id, start_version, end_version,"          \
      " start_time, state, status, reason_kind, reason_text, end_time)"                            \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")                                         \
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
      " initiator_reason, variables, request_id, create_time, state, status, reason_kind,"         \
      " reason_text, cancel_requested, start_time, end_time)"                                      \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)")      \
    X(UPDATE_RUN, "UPDATE runs SET state = ?1, status = ?2, reason_kind = ?3, reason_text = ?4,"   \
                  " cancel_requested = ?5, start_time = ?6, end_time = ?7 WHERE run_key = ?8")     \
    X(GET_RUN, "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                                       \
               " WHERE r.pipeline_key = ?1 AND r.run_id = ?2")                                     \
    X(GET_RUN_BY_REQUEST, "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                            \
                          " WHERE r.pipeline_key = ?1 AND r.request_id = ?2"                       \
                          " AND r.request_id <> '' ORDER BY r.run_key DESC LIMIT 1")               \
    X(GET_RUN_NAME,                                                                                \
      "SELECT r.run_id, p.pipeline_id, n.namespace_id" GF_SQL_FROM_RUNS " WHERE r.run_key = ?1")   \
    X(LIST_RUNS_DESCENDING,                                                                        \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                                                \
      " WHERE r.pipeline_key = ?1 AND r.run_id < ?2 AND (?3 = 0 OR r.state = ?3)"                  \
      " ORDER BY r.run_id DESC LIMIT ?4")                                                          \
    X(LIST_RUNS_ASCENDING,                                                                         \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_RUNS                                                \
      " WHERE r.pipeline_key = ?1 AND r.run_id > ?2 AND (?3 = 0 OR r.state = ?3)"                  \
      " ORDER BY r.run_id LIMIT ?4")                                                               \
    X(LIST_STATE_RUNS_DESCENDING,                                                                  \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_ACTIVE_RUNS                                         \
      " WHERE r.pipeline_key = ?1 AND r.run_id < ?2 AND r.state = ?3 AND r.state < 4"              \
      " ORDER BY r.run_key DESC LIMIT ?4")                                                         \
    X(LIST_STATE_RUNS_ASCENDING,                                                                   \
      "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_ACTIVE_RUNS                                         \
      " WHERE r.pipeline_key = ?1 AND r.run_id > ?2 AND r.state = ?3 AND r.state < 4"              \
      " ORDER BY r.run_key LIMIT ?4")                                                              \
    X(LIST_ACTIVE_RUNS, "SELECT " GF_SQL_RUN_COLUMNS GF_SQL_FROM_ACTIVE_RUNS                       \
                        " WHERE r.run_key > ?1 AND r.state < 4 ORDER BY r.run_key LIMIT ?2")

#define GF_SQL_TASK_STATEMENTS(X)                                                                  \
    X(INSERT_TASK, "INSERT INTO task_executions (" GF_SQL_TASK_COLUMNS ")"                         \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"    \
                   " ?16, ?17, ?18, ?19, ?20)")                                                    \
    X(UPDATE_TASK,                                                                                 \
      "UPDATE task_executions SET attempt = ?1, state = ?2, status = ?3, reason_kind = ?4,"        \
      " reason_text = ?5, exit_code = ?6, exit_signal = ?7, launch_time = ?8, start_time = ?9,"    \
      " end_time = ?10, image_digest = ?11, node = ?12, cpu_time_ns = ?13,"                        \
      " peak_memory_bytes = ?14, log_bytes = ?15, log_truncated = ?16"                             \
      " WHERE run_key = ?17 AND task_index = ?18")                                                 \
    X(GET_TASK, "SELECT " GF_SQL_TASK_COLUMNS                                                      \
                " FROM task_executions WHERE run_key = ?1 AND task_id = ?2 LIMIT 1")               \
    X(LIST_TASKS, "SELECT " GF_SQL_TASK_COLUMNS " FROM task_executions"                            \
                  " WHERE run_key = ?1 AND task_index > ?2 ORDER BY task_index LIMIT ?3")

#define GF_SQL_EVENT_STATEMENTS(X)                                                                 \
    X(INSERT_EVENT, "INSERT INTO events (" GF_SQL_EVENT_COLUMNS                                    \
                    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"                           \
                    " ?11)")                                                                       \
    X(GET_EVENT, "SELECT " GF_SQL_EVENT_COLUMNS " FROM events WHERE sequence = ?1")                \
    X(LIST_EVENTS,                                                                                 \
      "SELECT " GF_SQL_EVENT_COLUMNS " FROM events WHERE sequence > ?1 AND sequence <= ?2"         \
      " AND (?3 = '' OR namespace_id = ?3) AND (?4 = '' OR pipeline_id = ?4)"                      \
      " AND (?5 = 0 OR run_id = ?5)"                                                               \
      " AND ((?6 | ?7 | ?8) = 0"                                                                   \
      "      OR (CASE kind / 64 WHEN 0 THEN ?6 WHEN 1 THEN ?7 WHEN 2 THEN ?8 END >> kind % 64) & " \
      "1)"                                                                                         \
      " ORDER BY sequence LIMIT ?9")                                                               \
    X(GET_EVENT_BOUNDS,                                                                            \
      "SELECT (SELECT min(sequence) FROM events), (SELECT max(sequence) FROM events)")

/* Removing what belongs to deleted namespaces, in portions, and the keys that must not come again.
 */
#define GF_SQL_PURGE_STATEMENTS(X)                                                                 \
    X(BURY_NAMESPACE, "UPDATE namespaces SET namespace_id = '#' || namespace_key, deleted = 1"     \
                      " WHERE namespace_key = ?1 AND deleted = 0")                                 \
    X(GET_BURIED_NAMESPACE, "SELECT namespace_key FROM namespaces INDEXED BY namespaces_deleted"   \
                            " WHERE deleted = 1 LIMIT 1")                                          \
    X(GET_BURIED_PIPELINE, "SELECT pipeline_key FROM pipelines WHERE namespace_key = ?1 LIMIT 1")  \
    X(GET_BURIED_RUN, "SELECT run_key FROM runs WHERE pipeline_key = ?1 ORDER BY run_id LIMIT 1")  \
    X(PURGE_TASKS, "DELETE FROM task_executions WHERE run_key = ?1 AND task_index IN"              \
                   " (SELECT task_index FROM task_executions WHERE run_key = ?1 LIMIT ?2)")        \
    X(PURGE_RUN, "DELETE FROM runs WHERE run_key = ?1")                                            \
    X(PURGE_DEPLOYMENTS,                                                                           \
      "DELETE FROM deployments WHERE pipeline_key = ?1 AND deployment_id IN"                       \
      " (SELECT deployment_id FROM deployments WHERE pipeline_key = ?1 LIMIT ?2)")                 \
    X(PURGE_CONFIGS, "DELETE FROM configs WHERE pipeline_key = ?1 AND version IN"                  \
                     " (SELECT version FROM configs WHERE pipeline_key = ?1 LIMIT ?2)")            \
    X(PURGE_PIPELINE, "DELETE FROM pipelines WHERE pipeline_key = ?1")                             \
    X(PURGE_NAMESPACE, "DELETE FROM namespaces WHERE namespace_key = ?1")                          \
    X(UPDATE_KEY_FLOORS,                                                                           \
      "UPDATE key_floors SET namespace_key = max(namespace_key, ?1),"                              \
      " pipeline_key = max(pipeline_key, ?2), run_key = max(run_key, ?3) WHERE one = 1")           \
    X(GET_NEXT_KEYS,                                                                               \
      "SELECT max(f.namespace_key, (SELECT ifnull(max(namespace_key), 0) + 1 FROM namespaces)),"   \
      " max(f.pipeline_key, (SELECT ifnull(max(pipeline_key), 0) + 1 FROM pipelines)),"            \
      " max(f.run_key, (SELECT ifnull(max(run_key), 0) + 1 FROM runs)),"                           \
      " (SELECT ifnull(max(sequence), 0) + 1 FROM events)"                                         \
      " FROM key_floors f WHERE f.one = 1")

#define GF_SQL_STATEMENTS(X)                                                                       \
    GF_SQL_TRANSACTION_STATEMENTS(X)                                                               \
    GF_SQL_NAMESPACE_STATEMENTS(X)                                                                 \
    GF_SQL_PIPELINE_STATEMENTS(X)                                                                  \
    GF_SQL_CONFIG_STATEMENTS(X)                                                                    \
    GF_SQL_DEPLOYMENT_STATEMENTS(X)                                                                \
    GF_SQL_RUN_STATEMENTS(X)                                                                       \
    GF_SQL_TASK_STATEMENTS(X)                                                                      \
    GF_SQL_EVENT_STATEMENTS(X)                                                                     \
    GF_SQL_PURGE_STATEMENTS(X)

enum gf_sql {
#define GF_X(name, text) GF_SQL_##name,
    GF_SQL_STATEMENTS(GF_X)
#undef GF_X
    GF_SQL_COUNT,
};

/* The text of a statement. Static storage. */
const char *gf_sqlite__sql(enum gf_sql sql);

#endif /* GOFER_ENGINE_STORE_SQLITE_SQL_H_ */
