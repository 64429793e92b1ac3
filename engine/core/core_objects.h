/*
 * The objects of the core: the rows, and what the core knows besides.
 *
 * Objects live as long as the core needs them and at least until the batch in which they were last
 * seen is done, because rows, events and replies of the batch point into them. So nothing is freed
 * in a step: what ends goes to a list of the dead, and gf_core_batch_done buries it.
 *
 * Who keeps whom: a run keeps its pipeline and its config in memory, a config its pipeline, a
 * pipeline its namespace. Pipelines and configs without active runs stay in a bounded cache.
 */
#ifndef GOFER_ENGINE_CORE_CORE_OBJECTS_H_
#define GOFER_ENGINE_CORE_CORE_OBJECTS_H_

#include "base/arena.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/core/core.h"
#include "engine/core/core_intake.h"
#include "engine/core/limits.h"

/* What became of a search for something that may not be in memory (lookup.c). */
enum core_found {
    CORE_FOUND,
    CORE_ABSENT, /* it does not exist */
    CORE_NEED,   /* a need names what must be given first */
};

/*
 * The row is the first member of every object, so that a pointer to the row, as it stands in the
 * batch, is a pointer to the object. `dirty`: the row is in the batch.
 */
struct core_namespace {
    struct gf_namespace row; /* texts on the heap, owned */
    struct gf_list pipelines;
    struct gf_list subscriptions; /* struct core_subscription by its namespace_link */
    int64_t runs_active;
    int64_t runs_running;
    /* Pipelines with a run that may begin as far as they are concerned, by their first run. */
    struct gf_heap startable;
    struct gf_heap_node startable_node; /* in the core's, while its own limit allows a run */
    struct gf_list_link dead_link;
    bool dirty;
    bool deleted;
};

struct core_pipeline {
    struct gf_pipeline row; /* namespace_id is the namespace's, the other texts on the heap */
    struct core_namespace *ns;
    struct gf_list configs; /* all in memory */
    struct gf_list runs;    /* active ones that nothing ends yet, the oldest first */
    struct gf_list ending;  /* active ones that are being ended */
    int64_t runs_unended;   /* in `runs` */
    struct gf_heap queue;   /* queued runs that their ordering key lets go, the next one first */
    struct gf_heap_node startable_node; /* in its namespace's */
    struct gf_map orders;               /* struct core_order by ordering key */
    struct gf_list pools;               /* struct core_pool of the active runs */
    int64_t runs_queued;                /* also those that their ordering key holds back */
    int64_t runs_running;
    int64_t runs_held; /* runs in memory; above 0 it cannot leave */
    struct gf_list_link ns_link;
    struct gf_list_link idle_link; /* among the idle ones, or among the dead */
    bool dirty;
    bool deleted;
};

struct core_config {
    struct gf_config row;
    struct gf_arena arena;
    struct core_pipeline *pipeline;
    int64_t runs_active;
    int64_t runs_held;
    struct gf_list_link pipeline_link;
    struct gf_list_link idle_link; /* among the idle ones, or among the dead */
    bool dirty;
    bool deleted;
};

struct core_run;

/* The runs of a pipeline that have the same ordering key; there while there is one. */
struct core_order {
    struct gf_list waiting; /* queued, the oldest first */
    int64_t waiting_count;
    const struct core_run *leader; /* in the pipeline's queue, or running; NULL = none */
};

/* A bound on tasks of a pipeline, over all its runs; there while a run in memory names it. */
struct core_pool {
    struct gf_str pool_id; /* on the heap */
    int64_t running;
    int64_t groups;         /* that belong to it */
    struct gf_heap waiting; /* groups that wait for a slot of it */
    struct gf_list_link pipeline_link;
};

/* Where a group of ready tasks waits. */
enum core_place {
    CORE_PLACE_NONE = 0, /* it is empty */
    CORE_PLACE_RUN,      /* for another task of its run to end (task_parallelism) */
    CORE_PLACE_POOL,     /* for a slot of its pool */
    CORE_PLACE_READY,    /* for a slot of the server */
};

/* The ready tasks of a run that belong to the same pool, or to none. */
struct core_group {
    struct core_run *run;
    struct core_pool *pool; /* NULL = none */
    int64_t pool_limit;     /* as the run's config has it */
    struct gf_list tasks;   /* the longest ready first */
    enum core_place place;
    struct gf_heap_node node; /* in the pool's or in the server's heap */
};

/* Something that happens at a time. */
enum core_timer_kind {
    CORE_TIMER_TASK = 1, /* its next attempt, or the patience with the scheduler is at an end */
    CORE_TIMER_RUN,      /* its timeout */
    CORE_TIMER_REPAIR,   /* the patience with inquiries is at an end */
    CORE_TIMER_START,    /* an extension's container is started again */
    CORE_TIMER_INSTANCE, /* the patience with a container of an extension is at an end */
};
struct core_timer {
    struct gf_heap_node node;        /* its key is the time, wherever it is */
    struct gf_list_link launch_link; /* in the core's launches, where it is not in the heap */
    enum core_timer_kind kind;
};

struct core_task {
    struct gf_task_execution row;
    struct core_run *run;
    struct gf_list_link ready_link; /* in its group, while it waits for a slot */
    int64_t ready_sequence;         /* grows with the time at which tasks became ready */
    struct core_timer timer;
    int32_t parents_left; /* that are not COMPLETE */
    bool dirty;
    bool inquired;  /* an inquiry about it is not answered yet */
    bool last_call; /* its patience ends with the timer: then it is given up */
};

/* A REPAIR_RUN under way. */
struct core_repair {
    GF_VEC(void *) tokens;         /* of the commands that wait */
    GF_VEC(struct gf_str) actions; /* in the run's arena; the first GF_REPLY_ACTIONS_MAX */
    int64_t action_total;
    int64_t pending; /* inquiries without an answer */
    struct core_timer timer;
    struct core_run *run;
    struct gf_actor actor; /* of the first command; in the run's arena */
};

struct core_run {
    struct gf_run row; /* texts in the arena; ids are the pipeline's */
    struct gf_arena arena;
    struct core_pipeline *pipeline;
    struct core_config *config;
    struct core_task *tasks;   /* NULL until it starts */
    struct core_group *groups; /* of the tasks without a pool, then one for each pool */
    size_t tasks_left;         /* that are not COMPLETE */
    size_t failed_count;
    size_t cancelled_count;
    size_t timed_out_count; /* that ended because of a timeout, whatever their status */
    int64_t attempts_running;
    /* Texts that most tasks of a run share: kept once. */
    struct gf_str image_digest;
    struct gf_str node;
    struct gf_heap_node queue_node;    /* in its pipeline's queue */
    struct core_order *order;          /* NULL = it has no ordering key */
    struct gf_list_link order_link;    /* in order->waiting */
    struct gf_list_link pipeline_link; /* in its pipeline's runs, or ending */
    struct gf_list_link dead_link;
    struct core_timer deadline;
    struct core_repair *repair; /* NULL = none is under way */
    bool ending;                /* it is in its pipeline's list of those */
    bool stop_forced;           /* whatever runs of it was told to end at once */
    bool dirty;
};

struct core_task_vec GF_VEC_FIELDS(struct core_task *);

/* A role of a user. */
struct core_role {
    struct gf_role row;      /* role_id on the heap, the rest in the arena */
    struct gf_arena arena;   /* another one with each change */
    int64_t token_count;     /* tokens that have it */
    int64_t extension_count; /* extensions that have it */
    struct gf_list_link dead_link;
    bool dirty;
    bool deleted;
};

struct core_token {
    struct gf_token row;        /* last_use_peer on the heap, the rest in the arena */
    struct gf_arena arena;      /* never changes */
    struct gf_heap_node expiry; /* in the core's, by expire_time */
    struct gf_list_link dead_link;
    bool dirty;
    bool deleted; /* it is in the map until the batch is done, so that its id is not used again */
};

/* The places that a container of an extension may have. */
enum core_seat {
    CORE_SEAT_SERVING = 0,
    CORE_SEAT_SUCCESSOR,
    CORE_SEAT_LEAVING,
    CORE_SEATS,
};

struct core_extension;

/* What the core knows of a container besides its row (struct gf_extension_instance). */
struct core_instance {
    struct core_extension *extension;
    enum core_seat seat;
    struct core_timer timer;    /* while there is a container that is not ready */
    struct gf_str registration; /* of a successor, for when it serves; on the heap */
    bool connected;             /* it has said Ready, and its connection has not ended since */
    bool last_call;             /* its patience ends with the timer: then it is given up */
    bool image_is_here;         /* its image need not be looked up again */
};

/* An installed extension. All are in memory. */
struct core_extension {
    /* Its roles are in the arena, every other text is on the heap and goes when another one takes
     * its place: what is to outlive the step is copied. */
    struct gf_extension row;
    struct gf_arena arena; /* of the roles; another one with each change of them */
    size_t bytes;          /* of its texts on the heap */
    struct core_instance instances[CORE_SEATS];
    bool connected_by_hand;  /* somebody who runs it has said Ready, and is there */
    struct core_timer start; /* it waits to be started again */
    int32_t failures;        /* in a row, of the serving container: what the back-off follows */
    /* Kept by subscriptions.c and deliveries.c. */
    struct gf_list subscriptions; /* struct core_subscription by its extension_link */
    int64_t subscription_count;   /* in the list */
    int64_t pending_count;        /* deliveries that are not dead */
    int64_t pending_bytes;        /* their contents together */
    int64_t latest_id_number;     /* of the ids of its deliveries; 0 = it has none */
    struct gf_list_link dead_link;
    bool dirty;
    bool deleted;
};

/* Removing the tokens that have expired. */
struct core_sweep {
    int64_t until;           /* those that expired then or before; 0 = none is under way */
    int64_t count;           /* removed so far */
    GF_VEC(void *) commands; /* that wait for its end */
    struct gf_actor actor;   /* of the first of them; in the arena */
    struct gf_arena arena;
};

struct gf_core {
    struct gf_core_limits limits;
    struct gf_core_start next;
    int64_t now;                       /* of the step under way */
    const struct gf_actor *actor;      /* of the command under way; NULL = gofer does it */
    struct gf_actor actor_copy;        /* the last one of this batch that an event has; its arena */
    struct gf_preferences preferences; /* texts on the heap */

    struct gf_map namespaces;            /* by namespace_id */
    struct gf_map_i64 namespaces_by_key; /* without deleted ones */
    struct gf_map pipelines;             /* by namespace_key and pipeline_id */
    struct gf_map_i64 pipelines_by_key;
    struct gf_map configs;         /* by pipeline_key and version */
    struct gf_map_i64 runs;        /* by run_key: active ones, and those that ended in this batch */
    struct gf_map runs_by_id;      /* the same by pipeline_key and run_id */
    struct gf_map runs_by_request; /* those with a request_id, by pipeline_key and it */
    struct gf_map given;           /* answers to NEEDs that are not objects above */
    struct gf_map roles;           /* of users, by role_id */
    struct gf_map tokens;          /* by token_id; also those that were deleted in this batch */
    size_t token_count;            /* without those */
    size_t token_bytes;            /* texts of those */
    struct gf_heap expiries;       /* tokens that expire */
    struct core_sweep sweep;
    struct gf_map extensions;            /* by extension_id, without deleted ones */
    struct gf_map_i64 extensions_by_key; /* likewise */
    size_t extension_bytes;              /* texts of all of them */
    struct core_intake intake;

    struct gf_list idle_pipelines; /* the least recently used first */
    struct gf_list idle_configs;
    size_t idle_pipeline_count;
    size_t idle_config_count;
    size_t idle_config_bytes;

    struct gf_heap startable; /* namespaces with a run that may begin but for the server's limit */
    struct gf_heap ready; /* groups with a task that may be launched but for the server's limit */
    struct gf_heap timers;
    struct gf_list launches; /* timers of launches, which are due in the order in which they came */
    int64_t launch_count;    /* in the list */
    int64_t ready_sequence;
    int64_t ready_count;   /* tasks in groups */
    int64_t backoff_count; /* tasks that wait for the time of their next attempt */
    int64_t attempts_running;
    int64_t runs_active;
    int64_t runs_queued;
    int64_t runs_running;
    bool starts_left;           /* queued runs may begin for which the step had no time */
    struct core_task_vec ended; /* tasks whose children are still to be told; empty between steps */

    struct gf_batch batch;
    struct gf_arena batch_arena; /* replies, deployments and answers of this batch */
    struct gf_list dead_tokens;
    struct gf_list dead_roles;
    struct gf_list dead_extensions;
    struct gf_list dead_runs;
    struct gf_list dead_configs;
    struct gf_list dead_pipelines;
    struct gf_list dead_namespaces;
};

#endif /* GOFER_ENGINE_CORE_CORE_OBJECTS_H_ */
