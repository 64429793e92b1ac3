/*
 * The objects of the core that are about subscriptions, the runs that extensions want by them, and
 * deliveries (a part of core_objects.h).
 *
 * Subscriptions are all in memory. Keys and deliveries are not: what a batch asks for or changes of
 * them is remembered until it is done.
 */
#ifndef GOFER_ENGINE_CORE_CORE_INTAKE_H_
#define GOFER_ENGINE_CORE_CORE_INTAKE_H_

#include "base/list.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/core/core.h"

struct core_config;
struct core_extension;
struct core_namespace;
struct core_pipeline;

/* A subscription. It goes with its namespace, its pipeline and its extension. */
struct core_subscription {
    /* Its ids never change and are one piece of the heap; the other texts are there singly, and go
     * when others take their place. */
    struct gf_subscription row;
    char *ids;
    struct core_extension *extension;
    struct gf_list_link extension_link;
    struct gf_list_link namespace_link;
    struct gf_list_link pipeline_link; /* in its core_subscriber */
    struct gf_list_link dead_link;
    bool dirty;
    bool deleted;
};

/* A pipeline that subscribes to something, itself in memory or not; there while it does. */
struct core_subscriber {
    struct gf_list subscriptions;
    int64_t count;
};

/* What this batch knows of a key, because it asked or because of what has become of it. In the
 * batch's arena. */
struct core_start_key {
    struct gf_start_key row;
    bool exists;
    size_t place; /* of the row in the batch, from 1; 0 = it is not there */
};

/* Likewise of a delivery. Its content is here only where it came with this batch. */
struct core_delivery {
    struct gf_delivery row;
    bool exists;
    bool listed; /* among the dead letters of its extension as they are stored */
    bool chosen; /* by the step under way */
    size_t place;
};

/* Likewise of the id of a delivery. */
struct core_delivery_id {
    struct gf_delivery_id row;
    bool exists;
};

/* Dead letters of an extension as they are stored. In the batch's arena. */
struct core_dead_letters {
    const int64_t *keys;
    size_t count;
};

/* Where the batch has a report. In its arena. */
struct core_report {
    size_t place;
};

/* A run that is wanted, while its step goes on. */
struct core_wanted {
    struct core_subscription *subscription; /* NULL = there is none of this name */
    const struct core_start_key *known;     /* what became of the key before; NULL = nothing */
    struct core_pipeline *pipeline;         /* NULL where nothing is to be started */
    struct core_config *config;             /* likewise, and where nothing is live */
};

/* What the core has of all this. */
struct core_intake {
    struct gf_map_i64 subscriptions;      /* by subscription_key */
    struct gf_map subscriptions_by_name;  /* by extension_key and the other ids */
    struct gf_map_i64 subscribers;        /* struct core_subscriber by pipeline_key */
    struct gf_list dead_subscriptions;    /* buried with the batch */
    struct gf_map start_keys;             /* by subscription_key and key */
    GF_VEC(struct core_start_key *) keys; /* of the rows of the batch, in their order */
    int64_t pending_count;                /* deliveries that are not dead, of all extensions */
    struct gf_map_i64 deliveries;         /* by delivery_key */
    GF_VEC(struct core_delivery *) rows;  /* of the rows of the batch, in their order */
    struct gf_map delivery_ids;           /* struct core_delivery_id by extension_key and id */
    struct gf_map_i64 dead_letters;       /* struct core_dead_letters by extension_key */
    struct gf_map reports;                /* struct core_report by extension_key and report_id */
    GF_VEC(struct core_wanted) wanted;    /* of the step under way */
    GF_VEC(struct gf_need) needs;         /* likewise */
};

#endif /* GOFER_ENGINE_CORE_CORE_INTAKE_H_ */
