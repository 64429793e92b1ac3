/*
 * What a case of the conformance suite works with: a back end that is open, and the engine's ears.
 * Everything that it reports is kept and can be waited for, and is held against the rules of the
 * port that hold always: for each launch one end, at most one start and that before it, and more
 * only where somebody has asked; nothing once the back end is closed.
 *
 * A failure fails the test. Thread: the test's; reports come on any.
 */
#ifndef GOFER_TESTS_CONFORMANCE_SCHEDULER_STAGE_H_
#define GOFER_TESTS_CONFORMANCE_SCHEDULER_STAGE_H_

#include "base/sync.h"
#include "base/vec.h"
#include "tests/conformance/scheduler/driver.h"

#include <stdbool.h>

enum {
    STAGE_WAIT_MS = 30000,
    STAGE_STOP_TIMEOUT_MS = 10000, /* of launches that do not say */
};

enum stage_event_kind {
    STAGE_STARTED = 1,
    STAGE_EXITED,
    STAGE_LAUNCH_FAILED,
    STAGE_LOST,
    STAGE_NEVER_STARTED,
};

struct stage_event {
    enum stage_event_kind kind;
    struct gf_attempt attempt;
    struct gf_start start;          /* of STARTED */
    struct gf_exit exit;            /* of EXITED */
    enum gf_launch_failure failure; /* of LAUNCH_FAILED */
    char *text;                     /* a message or a failure */
    bool has_place;                 /* the report has a digest and a node */
    char container_id[64];          /* cut; may be empty */
};

/* What was done about an attempt, and what may be reported of it therefore. */
struct stage_attempt {
    struct gf_attempt attempt;
    size_t launches;
    size_t questions; /* inquiries, and recoveries that named it */
    size_t starts;
    size_t ends;
    bool forgotten;
};

struct stage {
    const struct conformance_driver *driver;
    char *dir;
    void *back_end;
    struct gf_scheduler scheduler;
    struct gf_scheduler_events events;
    struct gf_mutex mutex; /* of the rest */
    struct gf_cond changed;
    bool open;
    const char *fault; /* the first rule that was broken */
    GF_VEC(struct stage_event *) seen;
    GF_VEC(struct stage_attempt) attempts;
};

/* Makes the directory, opens the back end and recovers nothing. */
void stage_open(struct stage *stage, const struct conformance_driver *driver);
/* Ends what still runs, closes the back end, and says which rule was broken. */
void stage_close(struct stage *stage);

/* Whether the back end has all of these. */
bool stage_can(const struct stage *stage, unsigned capabilities);

/* A server ends, and another one starts: it has not recovered anything yet. */
void stage_restart(struct stage *stage);
void stage_recover(struct stage *stage, const struct gf_attempt *attempts, size_t count);
/* Both, with one attempt. */
void stage_restart_with(struct stage *stage, struct gf_attempt attempt);

/* The first attempt of task 2 of a run. */
struct gf_attempt stage_attempt(int64_t run_key);

/* A launch of the task with the suite's own ids and nothing else, for stage_launch. */
struct gf_launch stage_make_launch(struct gf_attempt attempt, const struct gf_task *task);
void stage_launch(struct stage *stage, const struct gf_launch *launch);

/* A task that runs the program, or with `script` sh -c. Borrows; NULL ends the arguments. */
struct stage_task {
    struct gf_task task;
    struct gf_str command[8];
};
void stage_make_task(const struct stage *stage, struct stage_task *out, const char *const *command);
void stage_make_script(const struct stage *stage, struct stage_task *out, const char *script);

/* All of it for a script. */
void stage_launch_script(struct stage *stage, struct gf_attempt attempt, const char *script);
/* The same, waits for its end, and gives its standard output; the caller frees it. */
char *stage_run_script(struct stage *stage, struct gf_attempt attempt, const char *script);
char *stage_run_task(struct stage *stage, struct gf_attempt attempt, const struct gf_task *task);

void stage_stop(struct stage *stage, struct gf_attempt attempt, bool force);
void stage_forget(struct stage *stage, struct gf_attempt attempt);
void stage_inquire(struct stage *stage, struct gf_attempt attempt);

/* The first report of that kind about the attempt; a copy that borrows from the stage. Fails where
 * the attempt ends otherwise before, and after STAGE_WAIT_MS. */
struct stage_event stage_wait(struct stage *stage, struct gf_attempt attempt,
                              enum stage_event_kind kind);
/* Its first end, whichever it is. */
struct stage_event stage_wait_end(struct stage *stage, struct gf_attempt attempt);
/* The report that makes it `count` of them; of that kind, or with 0 of any. */
struct stage_event stage_wait_count(struct stage *stage, struct gf_attempt attempt,
                                    enum stage_event_kind kind, size_t count);
size_t stage_count(struct stage *stage, struct gf_attempt attempt, enum stage_event_kind kind);

/* Waits until its start was told and its log has some output: it has come that far. A program may
 * well write before its start is told, and is then one that may still be kept from starting. */
void stage_wait_output(struct stage *stage, struct gf_attempt attempt);

/* A log as it is now. */
struct stage_log {
    struct gf_strbuf out;
    struct gf_strbuf err;
    bool ended;
    bool cut;
    bool ordered; /* no frame has an earlier time than the one before it */
};
/* False where there is none. */
bool stage_read_log(struct stage *stage, struct gf_attempt attempt, struct stage_log *out);
void stage_log_fini(struct stage_log *log);

#endif /* GOFER_TESTS_CONFORMANCE_SCHEDULER_STAGE_H_ */
