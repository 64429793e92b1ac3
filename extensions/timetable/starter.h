/*
 * Starts runs by a timetable: what extensions that go by time share.
 *
 * A start is named by its time, so that a time starts one run of a subscription, whoever asks for
 * it and however often. The checkpoint of a subscription is the last time that was handled, with a
 * fingerprint of the settings that tell its times: after a change of those, times of the new
 * settings that lie before the change are none that were missed.
 *
 * Nothing is started while there is no connection: what becomes due then is late, and judged by the
 * timetable when there is one again.
 *
 * Thread: callbacks of the extension.
 */
#ifndef GOFER_EXTENSIONS_TIMETABLE_STARTER_H_
#define GOFER_EXTENSIONS_TIMETABLE_STARTER_H_

#include "base/str.h"
#include "base/time.h"
#include "extensions/timetable/timetable.h"

#include <gofer/extension.h>

enum {
    GF_START_VARIABLES_MAX = 8,
    GF_START_TEXT_BYTES_MAX = 1024,
    GF_ORDERING_KEY_BYTES_MAX = 160,
};

/* What happens when it is time and a run of the subscription has not ended. */
enum gf_overlap {
    GF_OVERLAP_ALLOW,  /* the new one runs beside it */
    GF_OVERLAP_QUEUE,  /* the new one waits for it */
    GF_OVERLAP_NEWEST, /* the new one waits for it; an older one that waits is cancelled */
};

/* "allow", "queue", "newest", NULL: the choices of a parameter. */
extern const char *const gf_overlap_choices[];

/* The overlap of a choice. False for what is none; NULL and empty are GF_OVERLAP_ALLOW. */
bool gf_overlap_parse(const char *choice, enum gf_overlap *out);

/* A subscription that has times. Memory of the caller; the timetable's own fields as there. */
struct gf_starter_job {
    struct gf_timetable_job job;
    struct gofer_subscription *subscription;
    enum gf_overlap overlap;
    uint64_t fingerprint; /* of the settings that tell its times */
};

/* What a start has beside its time. Text lives in `text`, and is made by gf_start_printf. */
struct gf_start {
    const char *reason;
    struct gofer_pair variables[GF_START_VARIABLES_MAX];
    size_t variable_count;
    char text[GF_START_TEXT_BYTES_MAX];
    size_t text_used;
};

/* Text that lives as long as the start; "" if there is no room for it. */
const char *gf_start_printf(struct gf_start *start, const char *format, ...) GF_PRINTF(2, 3);

/* Adds a variable. Borrowed: name and value, as long as the start. */
void gf_start_add(struct gf_start *start, const char *name, const char *value);

struct gf_starter {
    struct gf_timetable table;
    /* Fills in reason and variables of a start of a job, at job->job.time_ns. */
    void (*describe)(const struct gf_starter_job *job, struct gf_start *start);
};

void gf_starter_fini(struct gf_starter *starter);

/* The checkpoint of a job for which all times up to one are handled. */
char *gf_starter_checkpoint(int64_t handled_ns, uint64_t fingerprint,
                            char out[GF_TIME_BYTES_MAX + 20]);

/*
 * Up to where a job is handled when it is added: what its checkpoint says, if it is of the same
 * settings; now, if it is of others; its creation, if there is none.
 */
int64_t gf_starter_handled(const char *checkpoint, uint64_t fingerprint, int64_t create_time_ns,
                           int64_t now_ns);

/* Adds a job of a subscription. False if it has no time to come: then it is not added. */
bool gf_starter_add(struct gf_starter *starter, struct gofer_extension *extension,
                    struct gf_starter_job *job);

/* Removes a job. Does nothing for one that is not in it. */
void gf_starter_remove(struct gf_starter *starter, struct gofer_extension *extension,
                       struct gf_starter_job *job);

/* Starts what is due, and sees to it that the extension wakes when more is. For `wake`, `ready`,
 * `room` and `resume`. */
void gf_starter_tick(struct gf_starter *starter, struct gofer_extension *extension);

#endif /* GOFER_EXTENSIONS_TIMETABLE_STARTER_H_ */
