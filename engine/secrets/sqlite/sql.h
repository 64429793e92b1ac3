/*
 * Every SQL statement of the secret store but the schema (migrations/). As in engine/store/sqlite:
 * values are bound, never written into the text, and a test looks at the plan of each statement.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SECRETS_SQLITE_SQL_H_
#define GOFER_ENGINE_SECRETS_SQLITE_SQL_H_

#include "engine/sqlite/db.h"

#define GF_SECRET_SQL_COLUMNS                                                                      \
    "s.namespace_key, s.pipeline_key, s.key, s.namespace_id, s.pipeline_id, s.namespaces,"         \
    " s.description, s.latest_version, s.create_time, s.update_time, s.last_use_time, s.mark"

#define GF_SECRET_SQL_VERSION_COLUMNS                                                              \
    "v.version, v.create_time, v.create_user, v.size_bytes, v.key_number, v.sealed"

#define GF_SECRET_SQL_KEY_COLUMNS                                                                  \
    "purpose, namespace_key, number, wrapped, master_key_id, create_time, state"

#define GF_SECRET_SQL_CHANGE_COLUMNS                                                               \
    "kind, namespace_key, pipeline_key, key, namespace_id, pipeline_id, version, time, user,"      \
    " address, token_id"

#define GF_SECRET_SQL_REQUEST_COLUMNS                                                              \
    "caller, request_id, fingerprint, create_time, number, created"

/* A secret by its place: parameters 1 to 3. */
#define GF_SECRET_SQL_PLACE "namespace_key = ?1 AND pipeline_key = ?2 AND key = ?3"

/* X(NAME, text) */
#define GF_SECRET_SQL_TRANSACTION_STATEMENTS(X)                                                    \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")

#define GF_SECRET_SQL_SECRET_STATEMENTS(X)                                                         \
    X(FIND_SECRET, "SELECT secret_key, latest_version FROM secrets WHERE " GF_SECRET_SQL_PLACE)    \
    X(COUNT_SECRETS,                                                                               \
      "SELECT count(*) FROM secrets WHERE namespace_key = ?1 AND pipeline_key = ?2")               \
    X(INSERT_SECRET,                                                                               \
      "INSERT INTO secrets (namespace_key, pipeline_key, key, namespace_id, pipeline_id,"          \
      " namespaces, description, latest_version, create_time, update_time, last_use_time, mark,"   \
      " mark_key_number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")         \
    X(UPDATE_SECRET,                                                                               \
      "UPDATE secrets SET namespace_id = ?2, pipeline_id = ?3, namespaces = ?4, description = ?5," \
      " latest_version = ?6, update_time = ?7, mark = ?8, mark_key_number = ?9"                    \
      " WHERE secret_key = ?1")                                                                    \
    X(INSERT_VERSION,                                                                              \
      "INSERT INTO versions (secret_key, version, namespace_key, key_number, create_time,"         \
      " create_user, size_bytes, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                 \
    X(DELETE_OLD_VERSIONS, "DELETE FROM versions WHERE secret_key = ?1 AND version <= ?2")         \
    X(GET_SECRET, "SELECT " GF_SECRET_SQL_COLUMNS " FROM secrets s WHERE " GF_SECRET_SQL_PLACE)    \
    X(GET_VERSION, "SELECT " GF_SECRET_SQL_COLUMNS ", " GF_SECRET_SQL_VERSION_COLUMNS              \
                   " FROM secrets s CROSS JOIN versions v ON v.secret_key = s.secret_key"          \
                   " AND v.version = iif(?4 = 0, s.latest_version, ?4)"                            \
                   " WHERE s.namespace_key = ?1 AND s.pipeline_key = ?2 AND s.key = ?3")           \
    X(LIST_VERSIONS, "SELECT v.version, v.create_time, v.create_user, v.size_bytes, v.key_number," \
                     " x'' FROM secrets s CROSS JOIN versions v ON v.secret_key = s.secret_key"    \
                     " WHERE s.namespace_key = ?1 AND s.pipeline_key = ?2 AND s.key = ?3"          \
                     " ORDER BY v.version DESC LIMIT ?4")                                          \
    X(LIST_SECRETS, "SELECT " GF_SECRET_SQL_COLUMNS " FROM secrets s WHERE s.namespace_key = ?1"   \
                    " AND s.pipeline_key = ?2 AND s.key > ?3 ORDER BY s.key LIMIT ?4")             \
    X(NEXT_PLACE, "SELECT namespace_key, pipeline_key FROM secrets"                                \
                  " WHERE (namespace_key, pipeline_key) > (?1, ?2)"                                \
                  " ORDER BY namespace_key, pipeline_key LIMIT 1")                                 \
    X(DELETE_VERSIONS, "DELETE FROM versions WHERE secret_key = ?1")                               \
    X(DELETE_SECRET, "DELETE FROM secrets WHERE secret_key = ?1")                                  \
    X(DELETE_PIPELINE_VERSIONS,                                                                    \
      "DELETE FROM versions WHERE secret_key IN (SELECT secret_key FROM secrets"                   \
      " WHERE namespace_key = ?1 AND pipeline_key = ?2)")                                          \
    X(DELETE_PIPELINE_SECRETS,                                                                     \
      "DELETE FROM secrets WHERE namespace_key = ?1 AND pipeline_key = ?2")                        \
    X(DELETE_NAMESPACE_VERSIONS,                                                                   \
      "DELETE FROM versions WHERE secret_key IN (SELECT secret_key FROM secrets"                   \
      " WHERE namespace_key = ?1)")                                                                \
    X(DELETE_NAMESPACE_SECRETS, "DELETE FROM secrets WHERE namespace_key = ?1")                    \
    X(TOUCH, "UPDATE secrets SET last_use_time = max(last_use_time, ?4)"                           \
             " WHERE " GF_SECRET_SQL_PLACE)

#define GF_SECRET_SQL_KEY_STATEMENTS(X)                                                            \
    X(NEWEST_KEY, "SELECT number FROM keys WHERE purpose = ?1 AND namespace_key = ?2"              \
                  " ORDER BY number DESC LIMIT 1")                                                 \
    X(GET_KEY, "SELECT " GF_SECRET_SQL_KEY_COLUMNS                                                 \
               " FROM keys WHERE purpose = ?1 AND namespace_key = ?2 AND number = ?3")             \
    X(INSERT_KEY,                                                                                  \
      "INSERT INTO keys (" GF_SECRET_SQL_KEY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")      \
    X(RETIRE_KEYS, "UPDATE keys SET state = 2 WHERE purpose = ?1 AND namespace_key = ?2"           \
                   " AND state = 1")                                                               \
    X(LIST_KEYS, "SELECT " GF_SECRET_SQL_KEY_COLUMNS                                               \
                 " FROM keys WHERE purpose = ?1 AND namespace_key = ?2 ORDER BY number LIMIT ?3")  \
    X(NEXT_KEY_NAMESPACE,                                                                          \
      "SELECT namespace_key FROM keys WHERE purpose = ?1 AND namespace_key > ?2"                   \
      " ORDER BY namespace_key LIMIT 1")                                                           \
    X(NEXT_RETIRED_NAMESPACE,                                                                      \
      "SELECT namespace_key FROM keys INDEXED BY keys_retired WHERE purpose = ?1"                  \
      " AND namespace_key > ?2 AND state = 2 ORDER BY namespace_key LIMIT 1")                      \
    X(LIST_MASTER_KEYS, "SELECT master_key_id, count(*) FROM keys INDEXED BY keys_by_master_key"   \
                        " GROUP BY master_key_id ORDER BY master_key_id LIMIT ?1")                 \
    X(LIST_KEYS_NOT_WRAPPED_BY,                                                                    \
      "SELECT " GF_SECRET_SQL_KEY_COLUMNS " FROM keys WHERE master_key_id <> ?1"                   \
      " ORDER BY purpose, namespace_key, number LIMIT ?2")                                         \
    X(REPLACE_KEY, "UPDATE keys SET wrapped = ?5, master_key_id = ?6 WHERE purpose = ?1"           \
                   " AND namespace_key = ?2 AND number = ?3 AND wrapped = ?4")                     \
    X(DELETE_KEY, "DELETE FROM keys WHERE purpose = ?1 AND namespace_key = ?2 AND number = ?3")    \
    X(DELETE_NAMESPACE_KEYS, "DELETE FROM keys WHERE purpose = ?1 AND namespace_key = ?2")         \
    X(KEY_IS_USED, "SELECT EXISTS (SELECT 1 FROM versions INDEXED BY versions_by_key"              \
                   " WHERE namespace_key = ?1 AND key_number = ?2)"                                \
                   " OR EXISTS (SELECT 1 FROM secrets INDEXED BY secrets_by_mark_key"              \
                   " WHERE namespace_key = ?1 AND mark_key_number = ?2)")

#define GF_SECRET_SQL_VALUE_STATEMENTS(X)                                                          \
    X(LIST_VALUES_BELOW, "SELECT s.namespace_key, s.pipeline_key, s.key,"                          \
                         " " GF_SECRET_SQL_VERSION_COLUMNS                                         \
                         " FROM versions v INDEXED BY versions_by_key CROSS JOIN secrets s"        \
                         " ON s.secret_key = v.secret_key AND s.namespace_key = v.namespace_key"   \
                         " WHERE v.namespace_key = ?1"                                             \
                         " AND v.key_number < ?2 ORDER BY v.key_number, v.rowid LIMIT ?3")         \
    X(COUNT_VALUES_BELOW, "SELECT count(*) FROM versions INDEXED BY versions_by_key"               \
                          " WHERE namespace_key = ?1 AND key_number < ?2")                         \
    X(REPLACE_VALUE, "UPDATE versions SET sealed = ?6, key_number = ?7"                            \
                     " WHERE secret_key = (SELECT secret_key FROM secrets"                         \
                     " WHERE " GF_SECRET_SQL_PLACE ") AND version = ?4 AND sealed = ?5")           \
    X(LIST_MARKS_BELOW,                                                                            \
      "SELECT " GF_SECRET_SQL_COLUMNS " FROM secrets s INDEXED BY secrets_by_mark_key"             \
      " WHERE s.namespace_key = ?1 AND s.mark_key_number < ?2"                                     \
      " ORDER BY s.mark_key_number, s.secret_key LIMIT ?3")                                        \
    X(REPLACE_MARK, "UPDATE secrets SET mark = ?5, mark_key_number = ?6"                           \
                    " WHERE " GF_SECRET_SQL_PLACE " AND mark = ?4")

#define GF_SECRET_SQL_CHANGE_STATEMENTS(X)                                                         \
    X(INSERT_CHANGE, "INSERT INTO changes (sequence, " GF_SECRET_SQL_CHANGE_COLUMNS                \
                     ") VALUES (max(?8 / 1000, 1 + coalesce((SELECT seq FROM sqlite_sequence"      \
                     " WHERE name = 'changes'), 0)),"                                              \
                     " ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                             \
    X(LIST_CHANGES, "SELECT sequence, " GF_SECRET_SQL_CHANGE_COLUMNS                               \
                    " FROM changes WHERE sequence > ?1 ORDER BY sequence LIMIT ?2")                \
    X(DELETE_CHANGES, "DELETE FROM changes WHERE sequence <= ?1")                                  \
    X(GET_REQUEST, "SELECT " GF_SECRET_SQL_REQUEST_COLUMNS                                         \
                   " FROM requests WHERE caller = ?1 AND request_id = ?2")                         \
    X(DELETE_OLD_REQUESTS, "DELETE FROM requests WHERE create_time < ?1")                          \
    X(INSERT_REQUEST,                                                                              \
      "INSERT INTO requests (" GF_SECRET_SQL_REQUEST_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)")

#define GF_SECRET_SQL_STATEMENTS(X)                                                                \
    GF_SECRET_SQL_TRANSACTION_STATEMENTS(X)                                                        \
    GF_SECRET_SQL_SECRET_STATEMENTS(X)                                                             \
    GF_SECRET_SQL_KEY_STATEMENTS(X)                                                                \
    GF_SECRET_SQL_VALUE_STATEMENTS(X)                                                              \
    GF_SECRET_SQL_CHANGE_STATEMENTS(X)

enum gf_secret_sql {
#define GF_X(name, text) GF_SECRET_SQL_##name,
    GF_SECRET_SQL_STATEMENTS(GF_X)
#undef GF_X
    GF_SECRET_SQL_COUNT,
};

/* What the databases of the secret store are like. */
extern const struct gf_sqlite_profile gf_sqlite_secret__profile;

#endif /* GOFER_ENGINE_SECRETS_SQLITE_SQL_H_ */
