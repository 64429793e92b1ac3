/*
 * Design: one heap, and one timer of the caller's at its top, whatever the number of jobs. The
 * search for missed times asks the rule for its last time again and again, from now backwards, so
 * that it costs the same after a minute and after a year.
 */
#include "extensions/timetable/timetable.h"

#include "base/macros.h"
#include "base/siphash.h"
#include "base/str.h"

/* A clock that went back by less was only corrected. */
#define SET_BACK_NS GF_NS_PER_SEC

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

void gf_timetable_fini(struct gf_timetable *table) {
    gf_heap_fini(&table->heap);
    *table = (struct gf_timetable){0};
}

/* The oldest missed time that is made up for; false if there is none. */
static bool find_missed(const struct gf_timetable_job *job, int64_t until_ns, int64_t *out_ns) {
    const bool catches_up = job->catch_up_ns > GF_TIMETABLE_LATE_NS;
    const int64_t window_ns = catches_up ? job->catch_up_ns : GF_TIMETABLE_LATE_NS;
    const int64_t from_ns = later(job->handled_ns, until_ns - window_ns);
    const int count_max = catches_up ? job->catch_up_count : 1;
    int64_t before_ns = until_ns;
    int count = 0;
    while (count < count_max && before_ns > from_ns &&
           job->rule->last_until(job->rule_ctx, from_ns, before_ns, out_ns)) {
        before_ns = *out_ns - 1;
        count++;
    }
    return count > 0;
}

/* Finds the next time of a job that is in no heap, and pushes it. */
static bool plan(struct gf_timetable *table, struct gf_timetable_job *job, int64_t now_ns) {
    const int64_t until_ns = now_ns - job->share_ns;
    int64_t due_ns = 0;
    job->planned_ns = until_ns;
    if (find_missed(job, until_ns, &job->time_ns)) {
        const bool is_late = job->time_ns < until_ns - GF_TIMETABLE_LATE_NS;
        due_ns = is_late ? now_ns + earlier(job->share_ns, GF_TIMETABLE_LATE_NS)
                         : job->time_ns + job->share_ns;
    } else if (job->rule->next_after(job->rule_ctx, later(job->handled_ns, until_ns),
                                     &job->time_ns)) {
        due_ns = job->time_ns + job->share_ns;
    } else {
        return false;
    }
    gf_heap_push(&table->heap, &job->node, due_ns);
    return true;
}

bool gf_timetable_add(struct gf_timetable *table, struct gf_timetable_job *job, int64_t now_ns) {
    gf_assert(!gf_heap_contains(&job->node));
    gf_assert(job->share_ns >= 0 && job->catch_up_ns >= 0);
    gf_assert(job->catch_up_count >= 1 && job->catch_up_count <= GF_TIMETABLE_CATCH_UP_MAX);
    table->seen_ns = later(table->seen_ns, now_ns);
    job->handled_ns = earlier(job->handled_ns, now_ns);
    return plan(table, job, now_ns);
}

void gf_timetable_remove(struct gf_timetable *table, struct gf_timetable_job *job) {
    gf_heap_remove(&table->heap, &job->node);
}

int64_t gf_timetable_next_due(const struct gf_timetable *table) {
    const struct gf_heap_node *first = gf_heap_peek(&table->heap);
    return first == NULL ? INT64_MAX : first->key;
}

/* The clock was set back: what was handled in a future that is one again is to come once more. */
static void plan_again(struct gf_timetable *table, int64_t now_ns) {
    struct gf_heap all = table->heap;
    table->heap = (struct gf_heap){0};
    struct gf_heap_node *node = NULL;
    while ((node = gf_heap_pop(&all)) != NULL) {
        struct gf_timetable_job *job = GF_CONTAINER_OF(node, struct gf_timetable_job, node);
        job->handled_ns = earlier(job->handled_ns, now_ns - job->share_ns);
        gf_ignore(plan(table, job, now_ns)); /* with a time before, there is one after it */
    }
    gf_heap_fini(&all);
}

struct gf_timetable_job *gf_timetable_due(struct gf_timetable *table, int64_t now_ns) {
    if (now_ns < table->seen_ns - SET_BACK_NS) {
        plan_again(table, now_ns);
        table->seen_ns = now_ns;
    }
    table->seen_ns = later(table->seen_ns, now_ns);
    for (;;) {
        struct gf_heap_node *first = gf_heap_peek(&table->heap);
        if (first == NULL || first->key > now_ns) {
            return NULL;
        }
        struct gf_timetable_job *job = GF_CONTAINER_OF(first, struct gf_timetable_job, node);
        const bool was_judged = job->time_ns <= job->planned_ns;
        if (was_judged || first->key >= now_ns - GF_TIMETABLE_LATE_NS) {
            return job;
        }
        gf_heap_remove(&table->heap, &job->node);
        gf_ignore(plan(table, job, now_ns)); /* without a time it is left out */
    }
}

bool gf_timetable_done(struct gf_timetable *table, struct gf_timetable_job *job, int64_t now_ns) {
    gf_assert(gf_heap_contains(&job->node));
    gf_heap_remove(&table->heap, &job->node);
    job->handled_ns = job->time_ns;
    if (!job->rule->next_after(job->rule_ctx, job->handled_ns, &job->time_ns)) {
        return false;
    }
    const bool was_judged = job->time_ns <= job->planned_ns;
    const int64_t due_ns = job->time_ns + job->share_ns;
    gf_heap_push(&table->heap, &job->node, was_judged ? earlier(now_ns, due_ns) : due_ns);
    return true;
}

int64_t gf_timetable_share(const char *const *names, int name_count, int64_t range_ns) {
    /* Not a secret: the share must be the same in every program and after every restart. */
    static const uint64_t key[2] = {0x676f6665722d7469, 0x6d657461626c6521};
    if (range_ns <= 0) {
        return 0;
    }
    uint64_t hash = 0;
    for (int i = 0; i < name_count; i++) {
        const struct gf_str name = gf_str_from(names[i]);
        hash = gf_siphash(key, name.ptr, name.len) ^ (hash << 5 | hash >> 59) * 31;
    }
    return (int64_t)(((unsigned __int128)hash * (uint64_t)range_ns) >> 64);
}
