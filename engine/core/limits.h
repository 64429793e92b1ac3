/*
 * The limits of the engine: how large what a user hands in may be, and how much the core keeps.
 *
 * A limit on what is stored may be raised, never lowered: a stored config is checked again when it
 * is loaded.
 */
#ifndef GOFER_ENGINE_CORE_LIMITS_H_
#define GOFER_ENGINE_CORE_LIMITS_H_

#include <stddef.h>
#include <stdint.h>

/* ---- Of a pipeline config; characters are those of Unicode, bytes those of UTF-8. ---- */
enum {
    GF_NAME_CHARS_MAX = 128,
    GF_DESCRIPTION_CHARS_MAX = 4096,
    GF_IMAGE_CHARS_MAX = 512,
    GF_USER_CHARS_MAX = 256,
    GF_PATH_BYTES_MAX = 4095, /* of a working directory */
    GF_REGISTRY_USER_CHARS_MAX = 255,
    GF_REGISTRY_PASSWORD_CHARS_MAX = 16 << 10, /* tokens that serve as one are long */

    GF_CONFIG_TASKS_MAX = 100000,
    GF_CONFIG_PARENTS_MAX = 1000000, /* of all tasks together */
    GF_CONFIG_BYTES_MAX = 32 << 20,  /* encoded by gf_config_encode */

    GF_TASK_PARENTS_MAX = 100000,
    GF_TASK_VARIABLES_MAX = 1000,
    GF_TASK_ARGUMENTS_MAX = 1000,      /* of entrypoint and command each */
    GF_ARGUMENT_BYTES_MAX = 128 << 10, /* of one argument; the kernel's own limit */
    GF_VARIABLE_KEY_BYTES_MAX = 255,
    GF_VARIABLE_VALUE_BYTES_MAX = 128 << 10,

    GF_QUEUE_LIMIT_MAX = INT32_MAX,
    GF_PRIORITY_MAX = 1000, /* and -GF_PRIORITY_MAX at least */
    GF_TASK_POOLS_MAX = 64,
    GF_TASK_POOL_PARALLELISM_MAX = 100000,
    GF_RETRY_ATTEMPTS_MAX = 100,
    GF_RETRY_INITIAL_BACKOFF_MS_DEFAULT = 1000,
    GF_RETRY_INITIAL_BACKOFF_MS_MAX = 3600 * 1000,
    GF_RETRY_MAX_BACKOFF_MS_DEFAULT = 300 * 1000,
    GF_RETRY_MAX_BACKOFF_MS_MAX = 24 * 3600 * 1000,
    GF_RETRY_BACKOFF_MULTIPLIER_DEFAULT = 2,
    GF_RETRY_BACKOFF_MULTIPLIER_MAX = 10,
    GF_EXIT_CODE_MAX = 255,
    GF_RETRY_EXIT_CODES_MAX = GF_EXIT_CODE_MAX, /* each once */

    GF_LABELS_MAX = 64, /* of a config and of each task */
    GF_LABEL_KEY_CHARS_MAX = 63,
    GF_LABEL_VALUE_CHARS_MAX = 255,
};

#define GF_PARALLELISM_MAX INT32_MAX
#define GF_RESOURCE_BYTES_MAX (INT64_MAX / 2) /* what a scheduler can pass on */
#define GF_TASK_TIMEOUT_MS_MAX (INT64_C(366) * 24 * 3600 * 1000)
#define GF_RUN_TIMEOUT_MS_MAX (INT64_C(366) * 24 * 3600 * 1000)
#define GF_STOP_TIMEOUT_MS_MAX (INT64_C(24) * 3600 * 1000)

/* ---- Of runs. ---- */
enum {
    GF_RUN_VARIABLES_MAX = GF_TASK_VARIABLES_MAX,
    GF_RUN_VARIABLES_BYTES_MAX = 1 << 20, /* keys and values together */
    GF_REASON_CHARS_MAX = 1024,           /* of a reason that somebody gives */
    GF_REASON_BYTES_MAX = 4096,           /* a sentence; longer ones are cut */
    GF_RUN_INPUT_BYTES_MAX = 256 << 10,
    GF_MEDIA_TYPE_BYTES_MAX = 255,
    GF_ORDERING_KEY_CHARS_MAX = 255,
    GF_REPLY_RUN_IDS_MAX = 1000,
    GF_REPLY_ACTIONS_MAX = 1000, /* of a repair; those beyond are counted */
    GF_REQUEST_ID_BYTES_MAX = 64,
    GF_CALLER_BYTES_MAX = 255,
    GF_INITIATOR_ID_BYTES_MAX = 255,
    GF_NODE_BYTES_MAX = 255,         /* longer ones are cut */
    GF_IMAGE_DIGEST_BYTES_MAX = 255, /* longer ones are cut */
    GF_CONTAINER_ID_BYTES_MAX = 255, /* longer ones are cut */
};

_Static_assert((int)GF_REASON_BYTES_MAX >= 4 * (int)GF_REASON_CHARS_MAX,
               "what somebody gives is not cut");

/* How long the first outcome of a request is kept and answered. */
#define GF_REQUEST_AGE_NS_MAX (INT64_C(24) * 3600 * 1000000000)

/* ---- Of tokens and roles. ---- */
enum {
    /* All are in memory, at about 1.5 KiB for each token, and as much for each role of few globs.
     */
    GF_TOKENS_MAX = 100000,
    GF_TOKENS_BYTES_MAX = 256 << 20, /* texts of all tokens together */
    GF_ROLES_MAX = 1000,             /* of users; those of the system come on top */
    GF_TOKEN_USER_CHARS_MAX = 128,
    GF_TOKEN_DESCRIPTION_CHARS_MAX = 4096,
    GF_TOKEN_LIFETIME_MS_MIN = 60 * 1000,
    GF_TOKEN_USES_MAX = 10000, /* of one TOUCH_TOKENS */
    GF_ACTOR_BYTES_MAX = 512,  /* of each text of an actor; longer ones are cut */
};

/* ---- Of extensions. ---- */
enum {
    GF_EXTENSIONS_MAX = 2000,             /* all are in memory */
    GF_EXTENSIONS_BYTES_MAX = 512 << 20,  /* texts of all of them together */
    GF_SUBSCRIPTIONS_MAX = 200000,        /* likewise, of all extensions */
    GF_PIPELINE_SUBSCRIPTIONS_MAX = 1000, /* of one pipeline */
    GF_SETTINGS_MAX = 100,
    GF_SETTING_BYTES_MAX = 64 << 10,          /* of one value */
    GF_SETTINGS_BYTES_MAX = 256 << 10,        /* names and values together */
    GF_SETTINGS_SEALED_BYTES_MAX = 320 << 10, /* what becomes of them */
    GF_REGISTRATION_BYTES_MAX = 1 << 20,
    GF_CHECKPOINT_BYTES_MAX = 4096,
    GF_START_KEY_CHARS_MAX = 255,
    GF_START_SUBSCRIPTIONS_MAX = 1000,
    /* Variables and documents of all runs of one input together: each run has its own. */
    GF_START_BYTES_MAX = 64 << 20,
    GF_CHAIN_DEPTH_MAX = 32,
    GF_DELIVERY_ATTEMPTS_MAX = 20,
    GF_DELIVERY_BYTES_MAX = 4 << 20,             /* of one content */
    GF_DELIVERIES_PENDING_MAX = 10000,           /* of one extension; no more are taken in */
    GF_DELIVERIES_PENDING_BYTES_MAX = 256 << 20, /* likewise */
    GF_DEAD_LETTERS_MAX = 10000,                 /* of one extension; the oldest go */
    GF_DELIVERY_IDS_MAX = 1000000,               /* likewise; on the disk, at about 150 bytes */
    GF_CORE_STEP_DELIVERIES_MAX = 10000,         /* that one REPLAY_DELIVERIES deals with */
    GF_REPORTS_MAX = 10000,                      /* of one extension; the oldest go */
    GF_REPORT_ID_CHARS_MAX = 255,
    GF_REPORT_TITLE_CHARS_MAX = 255,
    GF_REPORT_BODY_BYTES_MAX = 64 << 10,
    GF_REPORT_URL_BYTES_MAX = 2048,
};

/* How long what became of a start is kept and answered to the same key. */
#define GF_START_KEY_AGE_NS (INT64_C(30) * 24 * 3600 * 1000000000)

/* How long a delivery that comes again under the same id is known. */
#define GF_DELIVERY_ID_AGE_NS (INT64_C(7) * 24 * 3600 * 1000000000)

/* For how long an extension may put off a delivery at a time. */
#define GF_DELIVERY_RETRY_NS_MAX (INT64_C(24) * 3600 * 1000000000)

/* How long an expired token can still be seen before gofer removes it by itself. */
#define GF_TOKEN_EXPIRED_KEPT_NS (INT64_C(3600) * 1000000000)

/* ---- Of time; gf_core_limits may say otherwise. ---- */
enum {
    GF_STOP_TIMEOUT_MS_DEFAULT = 10 * 1000,
    GF_LAUNCH_LEASE_MS_DEFAULT = 15 * 60 * 1000, /* fetching an image takes its time */
    GF_STOP_LEASE_MS_DEFAULT = 30 * 1000,
    GF_INQUIRY_MS_DEFAULT = 10 * 1000,
    /* Of extensions: from the start of a container until it is ready; from Drain to its end; the
     * waits before it is started again, doubled each time, back to the first after it was ready for
     * as long as the longest. */
    GF_EXTENSION_READY_LEASE_MS = 60 * 1000,
    GF_EXTENSION_DRAIN_LEASE_MS = 30 * 1000,
    GF_EXTENSION_BACKOFF_MS_MIN = 1000,
    GF_EXTENSION_BACKOFF_MS_MAX = 5 * 60 * 1000,
    /* Of deliveries, likewise. */
    GF_DELIVERY_BACKOFF_MS_MIN = 1000,
    GF_DELIVERY_BACKOFF_MS_MAX = 10 * 60 * 1000,
};

/* ---- Of the core. ---- */
enum {
    GF_NAMESPACES_MAX = 10000, /* all are in memory */
    /* Kept in memory without an active run, the least recently used go first. */
    GF_CORE_PIPELINES_IDLE_MAX = 2048,
    GF_CORE_CONFIGS_IDLE_MAX = 2048,
    GF_CORE_CONFIGS_IDLE_BYTES_MAX = 4 << 20,
    /* Of the queued runs that one step begins, but for the last one's; the clock goes on. */
    GF_CORE_STEP_TASKS_MAX = 10000,
    /* Expired tokens that one step removes; the clock goes on. */
    GF_CORE_STEP_TOKENS_MAX = 10000,
};

/* The least of two limits of which 0 is none. */
static inline int64_t gf_least_limit(int64_t a, int64_t b) {
    if (a == 0 || b == 0) {
        return a + b;
    }
    return a < b ? a : b;
}

/* Caps of arenas: far above what the limits above allow, so that none is reached. */
#define GF_CORE_TOKEN_BYTES_MAX ((size_t)1 << 24)
#define GF_CORE_ROLE_BYTES_MAX ((size_t)1 << 24)
#define GF_CORE_RUN_BYTES_MAX ((size_t)1 << 30)
#define GF_CORE_CONFIG_BYTES_MAX ((size_t)1 << 30)
#define GF_CORE_BATCH_BYTES_MAX ((size_t)1 << 30)

#endif /* GOFER_ENGINE_CORE_LIMITS_H_ */
