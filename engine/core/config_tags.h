/*
 * The numbers in the binary form of configs (config_codec.h), for its writer and its reader. They
 * are stored: a number is never used for something else.
 */
#ifndef GOFER_ENGINE_CORE_CONFIG_TAGS_H_
#define GOFER_ENGINE_CORE_CONFIG_TAGS_H_

enum {
    CONFIG_FORMAT = 1,
    TAGS_END = 27, /* every known tag is below */
    VARINT_BYTES_MAX = 10,
};

enum config_tag {
    CONFIG_NAME = 1,
    CONFIG_DESCRIPTION = 2,
    CONFIG_PARALLELISM = 3,
    CONFIG_TASK = 4,
    CONFIG_VARIABLE = 5,
    CONFIG_LABEL = 6,
    CONFIG_QUEUE_POLICY = 7,
    CONFIG_QUEUE_LIMIT = 8,
    CONFIG_PRIORITY = 9,
    CONFIG_TIMEOUT_MS = 10,
    CONFIG_TASK_PARALLELISM = 11,
    CONFIG_POOL = 12,
    CONFIG_DISABLE_LOGS = 13, /* 1 */
};

enum task_tag {
    TASK_ID = 1,
    TASK_DESCRIPTION = 2,
    TASK_IMAGE = 3,
    TASK_ENTRYPOINT = 4,
    TASK_COMMAND = 5,
    TASK_VARIABLE = 6,
    TASK_PARENT = 7,
    TASK_USER = 8,
    TASK_WORKING_DIRECTORY = 9,
    TASK_TIMEOUT_MS = 10,
    TASK_CPU_MILLIS = 11,
    TASK_MEMORY_BYTES = 12,
    TASK_PIDS_COUNT = 13,
    TASK_DISK_BYTES = 14,
    TASK_NETWORK = 15,
    TASK_PULL = 16,
    TASK_LABEL = 17,
    TASK_STOP_TIMEOUT_MS = 18,
    TASK_RETRY = 19,
    TASK_POOL = 20,
    TASK_INJECT_TOKEN = 21, /* 1 */
    TASK_KEEP_FAILED = 22,  /* 1 */
    TASK_DISABLE_LOGS = 23, /* 1 */
    TASK_OPEN_STDIN = 24,   /* 1 */
    TASK_TERMINAL = 25,     /* 1 */
    TASK_REGISTRY_AUTH = 26,
};

/* Of a label too. */
enum variable_tag {
    VARIABLE_KEY = 1,
    VARIABLE_VALUE = 2,
};

enum parent_tag {
    PARENT_TASK_ID = 1,
    PARENT_RULE = 2,
};

enum pool_tag {
    POOL_ID = 1,
    POOL_PARALLELISM = 2,
};

enum retry_tag {
    RETRY_MAX_ATTEMPTS = 1,
    RETRY_INITIAL_BACKOFF_MS = 2,
    RETRY_MAX_BACKOFF_MS = 3,
    RETRY_BACKOFF_MULTIPLIER = 4, /* the bits of the double, as a number */
    RETRY_JITTER_PERCENT = 5,
    RETRY_EXIT_CODE = 6,
    RETRY_ORPHANED = 7,  /* 1 */
    RETRY_TIMED_OUT = 8, /* 1 */
};

enum registry_auth_tag {
    REGISTRY_AUTH_SECRET_KEY = 1,
    REGISTRY_AUTH_USER = 2,
    REGISTRY_AUTH_PASSWORD = 3,
};

#endif /* GOFER_ENGINE_CORE_CONFIG_TAGS_H_ */
