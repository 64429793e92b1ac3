/*
 * The statements about extensions: a part of sql.h, whose rules hold here. Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_SQL_EXTENSIONS_H_
#define GOFER_ENGINE_STORE_SQLITE_SQL_EXTENSIONS_H_

#define GF_SQL_EXTENSION_COLUMNS                                                                   \
    "e.extension_key, e.extension_id, e.installer, e.create_time, e.update_policy, e.disabled, "   \
    "e.checkpoint, e.event_sequence, e.latest_attempt, e.state, e.restart_count, "                 \
    "e.next_start_time, e.last_trouble, e.run_count, e.update_time, c.spec, c.has_fallback, "      \
    "c.fallback, c.registration"

#define GF_SQL_FROM_EXTENSIONS                                                                     \
    " FROM extensions e CROSS JOIN extension_contents c ON c.extension_key = e.extension_key"

#define GF_SQL_SUBSCRIPTION_COLUMNS                                                                \
    "s.subscription_key, s.extension_key, s.pipeline_key, s.namespace_key, s.namespace_id, "       \
    "s.pipeline_id, s.extension_id, s.subscription_id, s.create_time, s.settings, s.generation, "  \
    "s.status, s.reason, s.reason_text, s.checkpoint, s.update_time, s.last_run_time, "            \
    "s.last_run_id, s.run_count"

/* None of what is above it is deleted. */
#define GF_SQL_BELOW_SUBSCRIPTION                                                                  \
    " CROSS JOIN pipelines p ON p.pipeline_key = s.pipeline_key AND p.deleted = 0"                 \
    " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key AND n.deleted = 0"              \
    " CROSS JOIN extensions e ON e.extension_key = s.extension_key AND e.deleted = 0"

#define GF_SQL_FROM_SUBSCRIPTIONS(index)                                                           \
    "SELECT " GF_SQL_SUBSCRIPTION_COLUMNS                                                          \
    " FROM subscriptions s INDEXED BY " index GF_SQL_BELOW_SUBSCRIPTION

#define GF_SQL_DELIVERY_COLUMNS                                                                    \
    "delivery_key, extension_key, kind, subscription_key, namespace_id, pipeline_id, "             \
    "subscription_id, key, create_time, content_bytes, dead, attempt_count, next_attempt_time, "   \
    "dead_time, "                                                                                  \
    "description"

#define GF_SQL_REPORT_COLUMNS                                                                      \
    "report_row, extension_key, extension_id, report_id, subscription_id, namespace_id, "          \
    "pipeline_id, pipeline_key, run_id, outcome, title, url, create_time, body"

/* X(NAME, text) */
#define GF_SQL_INSTALLED_STATEMENTS(X)                                                             \
    X(INSERT_EXTENSION,                                                                            \
      "INSERT INTO extensions (extension_key, extension_id, installer, create_time,"               \
      " update_policy, disabled, checkpoint, event_sequence, latest_attempt, state,"               \
      " restart_count, next_start_time, last_trouble, run_count, update_time)"                     \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")                \
    X(INSERT_EXTENSION_CONTENT,                                                                    \
      "INSERT INTO extension_contents (spec, has_fallback, fallback, registration,"                \
      " extension_key) VALUES (?1, ?2, ?3, ?4, ?5)")                                               \
    X(UPDATE_EXTENSION,                                                                            \
      "UPDATE extensions SET update_policy = ?1, disabled = ?2, checkpoint = ?3,"                  \
      " event_sequence = ?4, latest_attempt = ?5, state = ?6, restart_count = ?7,"                 \
      " next_start_time = ?8, last_trouble = ?9, run_count = ?10, update_time = ?11"               \
      " WHERE extension_key = ?12")                                                                \
    X(UPDATE_EXTENSION_CONTENT,                                                                    \
      "UPDATE extension_contents SET spec = ?1, has_fallback = ?2, fallback = ?3,"                 \
      " registration = ?4 WHERE extension_key = ?5"                                                \
      " AND (spec, has_fallback, fallback, registration) IS NOT (?1, ?2, ?3, ?4)")                 \
    X(GET_EXTENSION, "SELECT " GF_SQL_EXTENSION_COLUMNS GF_SQL_FROM_EXTENSIONS                     \
                     " WHERE e.extension_id = ?1 AND e.deleted = 0")                               \
    X(LIST_EXTENSIONS, "SELECT " GF_SQL_EXTENSION_COLUMNS GF_SQL_FROM_EXTENSIONS                   \
                       " WHERE e.extension_id > ?1 AND e.deleted = 0"                              \
                       " ORDER BY e.extension_id LIMIT ?2")                                        \
    X(COUNT_OF_EXTENSION,                                                                          \
      "SELECT (SELECT count(*) FROM subscriptions s INDEXED BY subscriptions_extension"            \
      " CROSS JOIN pipelines p ON p.pipeline_key = s.pipeline_key AND p.deleted = 0"               \
      " CROSS JOIN namespaces n ON n.namespace_key = p.namespace_key AND n.deleted = 0"            \
      " WHERE s.extension_key = ?1 AND s.deleted = 0),"                                            \
      " (SELECT count(*) FROM deliveries INDEXED BY deliveries_pending"                            \
      " WHERE extension_key = ?1 AND dead = 0),"                                                   \
      " (SELECT ifnull(sum(content_bytes), 0) FROM deliveries INDEXED BY deliveries_pending"       \
      " WHERE extension_key = ?1 AND dead = 0),"                                                   \
      " (SELECT count(*) FROM deliveries INDEXED BY deliveries_dead"                               \
      " WHERE extension_key = ?1 AND dead = 1),"                                                   \
      " (SELECT ifnull(max(number), 0) FROM delivery_ids INDEXED BY delivery_ids_number"           \
      " WHERE extension_key = ?1)")                                                                \
    X(GET_EXTENSION_NAME, "SELECT extension_id FROM extensions"                                    \
                          " WHERE extension_key = ?1 AND deleted = 0")                             \
    X(GET_NAMESPACE_NAME, "SELECT namespace_id FROM namespaces"                                    \
                          " WHERE namespace_key = ?1 AND deleted = 0")

/* ?1 and the following are what stands in the index before the place to go on behind. */
#define GF_SQL_SUBSCRIPTION_STATEMENTS(X)                                                          \
    X(INSERT_SUBSCRIPTION,                                                                         \
      "INSERT INTO subscriptions (subscription_key, extension_key, pipeline_key, namespace_key,"   \
      " namespace_id, pipeline_id, extension_id, subscription_id, create_time, settings,"          \
      " generation, status, reason, reason_text, checkpoint, update_time, last_run_time,"          \
      " last_run_id, run_count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"        \
      " ?13, ?14, ?15, ?16, ?17, ?18, ?19)")                                                       \
    X(UPDATE_SUBSCRIPTION,                                                                         \
      "UPDATE subscriptions SET settings = ?1, generation = ?2, status = ?3, reason = ?4,"         \
      " reason_text = ?5, checkpoint = ?6, update_time = ?7, last_run_time = ?8,"                  \
      " last_run_id = ?9, run_count = ?10 WHERE subscription_key = ?11")                           \
    X(GET_SUBSCRIPTION,                                                                            \
      GF_SQL_FROM_SUBSCRIPTIONS(                                                                   \
          "subscriptions_name") " WHERE s.namespace_id = ?1 AND s.pipeline_id = ?2 AND "           \
                                "s.extension_id = ?3"                                              \
                                " AND s.subscription_id = ?4 AND s.deleted = 0 LIMIT 1")           \
    X(LIST_SUBSCRIPTIONS, GF_SQL_FROM_SUBSCRIPTIONS(                                               \
                              "subscriptions_name") " WHERE (s.namespace_id, s.pipeline_id, "      \
                                                    "s.extension_id, s.subscription_id)"           \
                                                    " > (?1, ?2, ?3, ?4) AND s.deleted = 0"        \
                                                    " ORDER BY s.namespace_id, s.pipeline_id, "    \
                                                    "s.extension_id, s.subscription_id LIMIT ?5")  \
    X(LIST_SUBSCRIPTIONS_OF_NAMESPACE,                                                             \
      GF_SQL_FROM_SUBSCRIPTIONS(                                                                   \
          "subscriptions_name") " WHERE s.namespace_id = ?1"                                       \
                                " AND (s.pipeline_id, s.extension_id, s.subscription_id) > (?2, "  \
                                "?3, ?4) AND s.deleted = 0"                                        \
                                " ORDER BY s.pipeline_id, s.extension_id, s.subscription_id "      \
                                "LIMIT ?5")                                                        \
    X(LIST_SUBSCRIPTIONS_OF_PIPELINE,                                                              \
      GF_SQL_FROM_SUBSCRIPTIONS(                                                                   \
          "subscriptions_name") " WHERE s.namespace_id = ?1 AND s.pipeline_id = ?2"                \
                                " AND (s.extension_id, s.subscription_id) > (?3, ?4) AND "         \
                                "s.deleted = 0"                                                    \
                                " AND (?5 = 0 OR s.extension_key = ?5)"                            \
                                " ORDER BY s.extension_id, s.subscription_id LIMIT ?6")            \
    X(LIST_SUBSCRIPTIONS_OF_EXTENSION,                                                             \
      GF_SQL_FROM_SUBSCRIPTIONS(                                                                   \
          "subscriptions_extension_name") " WHERE s.extension_key = ?1"                            \
                                          " AND (s.namespace_id, s.pipeline_id, "                  \
                                          "s.subscription_id) > (?2, ?3, ?4) AND s.deleted = 0"    \
                                          " ORDER BY s.namespace_id, s.pipeline_id, "              \
                                          "s.subscription_id LIMIT ?5")                            \
    X(LIST_SUBSCRIPTIONS_OF_BOTH,                                                                  \
      GF_SQL_FROM_SUBSCRIPTIONS(                                                                   \
          "subscriptions_extension_name") " WHERE s.extension_key = ?1 AND s.namespace_id = ?2"    \
                                          " AND (s.pipeline_id, s.subscription_id) > (?3, ?4) "    \
                                          "AND s.deleted = 0"                                      \
                                          " ORDER BY s.pipeline_id, s.subscription_id LIMIT ?5")   \
    X(SCAN_SUBSCRIPTIONS,                                                                          \
      "SELECT " GF_SQL_SUBSCRIPTION_COLUMNS " FROM subscriptions s" GF_SQL_BELOW_SUBSCRIPTION      \
      " WHERE s.subscription_key > ?1 AND s.deleted = 0"                                           \
      " ORDER BY s.subscription_key LIMIT ?2")                                                     \
    X(SCAN_SUBSCRIPTIONS_OF_EXTENSION,                                                             \
      GF_SQL_FROM_SUBSCRIPTIONS(                                                                   \
          "subscriptions_extension") " WHERE s.extension_key = ?1 AND s.subscription_key > ?2 "    \
                                     "AND s.deleted = 0"                                           \
                                     " ORDER BY s.subscription_key LIMIT ?3")

#define GF_SQL_DELIVERY_STATEMENTS(X)                                                              \
    X(WRITE_START_KEY, "INSERT OR REPLACE INTO start_keys (subscription_key, key, outcome,"        \
                       " run_id, reason, description, create_time)"                                \
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                     \
    X(GET_START_KEY, "SELECT subscription_key, key, outcome, run_id, reason, description,"         \
                     " create_time FROM start_keys WHERE subscription_key = ?1 AND key = ?2")      \
    X(DROP_START_KEYS, "DELETE FROM start_keys WHERE (subscription_key, key) IN"                   \
                       " (SELECT subscription_key, key FROM start_keys"                            \
                       " INDEXED BY start_keys_create"                                             \
                       " WHERE create_time < ?1 ORDER BY create_time LIMIT ?2)")                   \
    X(WRITE_DELIVERY_ID, "INSERT OR REPLACE INTO delivery_ids (delivery_key, extension_key, id,"   \
                         " number, create_time) VALUES (?1, ?2, ?3, ?4, ?5)")                      \
    X(GET_DELIVERY_ID, "SELECT delivery_key, extension_key, id, number, create_time"               \
                       " FROM delivery_ids WHERE extension_key = ?1 AND id = ?2")                  \
    X(DROP_OLD_DELIVERY_IDS, "DELETE FROM delivery_ids WHERE delivery_key IN"                      \
                             " (SELECT delivery_key FROM delivery_ids"                             \
                             " INDEXED BY delivery_ids_create"                                     \
                             " WHERE create_time < ?1 ORDER BY create_time LIMIT ?2)")             \
    X(DROP_MANY_DELIVERY_IDS, "DELETE FROM delivery_ids WHERE delivery_key IN"                     \
                              " (SELECT delivery_key FROM delivery_ids"                            \
                              " INDEXED BY delivery_ids_number"                                    \
                              " WHERE extension_key = ?1 AND number <= ?2"                         \
                              " ORDER BY number LIMIT ?3)")                                        \
    X(WRITE_DELIVERY, "INSERT OR REPLACE INTO deliveries (" GF_SQL_DELIVERY_COLUMNS ", content)"   \
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15," \
                      " ?16)")                                                                     \
    X(UPDATE_DELIVERY, "UPDATE deliveries SET dead = ?1, attempt_count = ?2,"                      \
                       " next_attempt_time = ?3, dead_time = ?4, description = ?5"                 \
                       " WHERE delivery_key = ?6")                                                 \
    X(DELETE_DELIVERY, "DELETE FROM deliveries WHERE delivery_key = ?1")                           \
    X(GET_DELIVERY, "SELECT " GF_SQL_DELIVERY_COLUMNS ", content FROM deliveries"                  \
                    " WHERE delivery_key = ?1")                                                    \
    X(GET_DELIVERY_HEAD,                                                                           \
      "SELECT " GF_SQL_DELIVERY_COLUMNS " FROM deliveries WHERE delivery_key = ?1")                \
    X(LIST_PENDING_DELIVERIES,                                                                     \
      "SELECT " GF_SQL_DELIVERY_COLUMNS " FROM deliveries INDEXED BY deliveries_pending"           \
      " WHERE extension_key = ?1 AND delivery_key > ?2 AND dead = 0"                               \
      " ORDER BY delivery_key LIMIT ?3")                                                           \
    X(LIST_DEAD_LETTERS,                                                                           \
      "SELECT " GF_SQL_DELIVERY_COLUMNS " FROM deliveries INDEXED BY deliveries_dead"              \
      " WHERE extension_key = ?1 AND (dead_time, delivery_key) < (?2, ?3) AND dead = 1"            \
      " ORDER BY dead_time DESC, delivery_key DESC LIMIT ?4")                                      \
    X(GIVE_UP_START_KEYS,                                                                          \
      "UPDATE start_keys SET outcome = ?4, reason = ?5, description = ?6"                          \
      " WHERE (subscription_key, key, create_time) IN"                                             \
      " (SELECT subscription_key, key, create_time FROM deliveries WHERE delivery_key IN"          \
      " (SELECT delivery_key FROM deliveries INDEXED BY deliveries_dead"                           \
      " WHERE extension_key = ?1 AND dead = 1"                                                     \
      " ORDER BY dead_time DESC, delivery_key DESC LIMIT ?2 OFFSET ?3) AND kind = ?7)"             \
      " AND outcome = ?8")                                                                         \
    X(DROP_DEAD_LETTERS, "DELETE FROM deliveries WHERE delivery_key IN"                            \
                         " (SELECT delivery_key FROM deliveries INDEXED BY deliveries_dead"        \
                         " WHERE extension_key = ?1 AND dead = 1"                                  \
                         " ORDER BY dead_time DESC, delivery_key DESC LIMIT ?2 OFFSET ?3)")        \
    X(INSERT_REPORT,                                                                               \
      "INSERT INTO reports (extension_id, subscription_id, namespace_id, pipeline_id,"             \
      " pipeline_key, run_id, outcome, title, url, create_time, body, extension_key, report_id)"   \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                          \
    X(UPDATE_REPORT,                                                                               \
      "UPDATE reports SET extension_id = ?1, subscription_id = ?2, namespace_id = ?3,"             \
      " pipeline_id = ?4, pipeline_key = ?5, run_id = ?6, outcome = ?7, title = ?8, url = ?9,"     \
      " create_time = ?10, body = ?11 WHERE extension_key = ?12 AND report_id = ?13")              \
    X(LIST_REPORTS_OF_EXTENSION,                                                                   \
      "SELECT " GF_SQL_REPORT_COLUMNS " FROM reports INDEXED BY reports_extension"                 \
      " WHERE extension_key = ?1 AND (create_time, report_row) < (?2, ?3)"                         \
      " ORDER BY create_time DESC, report_row DESC LIMIT ?4")                                      \
    X(LIST_REPORTS_OF_RUN,                                                                         \
      "SELECT " GF_SQL_REPORT_COLUMNS " FROM reports INDEXED BY reports_run"                       \
      " WHERE pipeline_key = ?1 AND run_id = ?2 AND run_id <> 0"                                   \
      " AND (create_time, report_row) < (?3, ?4) AND (?5 = 0 OR extension_key = ?5)"               \
      " ORDER BY create_time DESC, report_row DESC LIMIT ?6")                                      \
    X(DROP_REPORTS, "DELETE FROM reports WHERE report_row IN"                                      \
                    " (SELECT report_row FROM reports INDEXED BY reports_extension"                \
                    " WHERE extension_key = ?1"                                                    \
                    " ORDER BY create_time DESC, report_row DESC LIMIT ?2 OFFSET ?3)")

#define GF_SQL_EXTENSION_PURGE_STATEMENTS(X)                                                       \
    X(BURY_EXTENSION, "UPDATE extensions SET extension_id = '#' || extension_key, deleted = 1"     \
                      " WHERE extension_key = ?1 AND deleted = 0")                                 \
    X(BURY_SUBSCRIPTION, "UPDATE subscriptions SET deleted = 1"                                    \
                         " WHERE subscription_key = ?1 AND deleted = 0")                           \
    X(GET_BURIED_EXTENSION, "SELECT extension_key FROM extensions INDEXED BY extensions_deleted"   \
                            " WHERE deleted = 1 LIMIT 1")                                          \
    X(GET_BURIED_SUBSCRIPTION,                                                                     \
      "SELECT subscription_key FROM subscriptions INDEXED BY subscriptions_deleted"                \
      " WHERE deleted = 1 LIMIT 1")                                                                \
    X(GET_SUBSCRIPTION_OF_EXTENSION,                                                               \
      "SELECT subscription_key FROM subscriptions INDEXED BY subscriptions_owner"                  \
      " WHERE extension_key = ?1 LIMIT 1")                                                         \
    X(GET_SUBSCRIPTION_OF_PIPELINE,                                                                \
      "SELECT subscription_key FROM subscriptions INDEXED BY subscriptions_pipeline"               \
      " WHERE pipeline_key = ?1 LIMIT 1")                                                          \
    X(GET_DELIVERY_OF_EXTENSION,                                                                   \
      "SELECT delivery_key, content_bytes FROM deliveries INDEXED BY deliveries_pending"           \
      " WHERE extension_key = ?1 AND dead = 0 LIMIT 1")                                            \
    X(GET_DEAD_LETTER_OF_EXTENSION,                                                                \
      "SELECT delivery_key, content_bytes FROM deliveries INDEXED BY deliveries_dead"              \
      " WHERE extension_key = ?1 AND dead = 1 LIMIT 1")                                            \
    X(PURGE_START_KEYS, "DELETE FROM start_keys WHERE subscription_key = ?1 AND key IN"            \
                        " (SELECT key FROM start_keys WHERE subscription_key = ?1 LIMIT ?2)")      \
    X(PURGE_DELIVERY_IDS, "DELETE FROM delivery_ids WHERE delivery_key IN"                         \
                          " (SELECT delivery_key FROM delivery_ids INDEXED BY delivery_ids_number" \
                          " WHERE extension_key = ?1 LIMIT ?2)")                                   \
    X(PURGE_SUBSCRIPTION, "DELETE FROM subscriptions WHERE subscription_key = ?1")                 \
    X(PURGE_REPORTS, "DELETE FROM reports WHERE report_row IN (SELECT report_row FROM reports"     \
                     " INDEXED BY reports_extension WHERE extension_key = ?1 LIMIT ?2)")           \
    X(PURGE_EXTENSION_CONTENT, "DELETE FROM extension_contents WHERE extension_key = ?1")          \
    X(PURGE_EXTENSION, "DELETE FROM extensions WHERE extension_key = ?1")

#define GF_SQL_EXTENSION_STATEMENTS(X)                                                             \
    GF_SQL_INSTALLED_STATEMENTS(X)                                                                 \
    GF_SQL_SUBSCRIPTION_STATEMENTS(X)                                                              \
    GF_SQL_DELIVERY_STATEMENTS(X)                                                                  \
    GF_SQL_EXTENSION_PURGE_STATEMENTS(X)

#endif /* GOFER_ENGINE_STORE_SQLITE_SQL_EXTENSIONS_H_ */
