/*
 * An extension that keeps a ledger: what it has seen happen, and what gofer has made of it.
 *
 * Numbered events happen one after another, up to EVENT_LOAD_COUNT. Each is written to the file
 * EVENT_LOAD_LEDGER before gofer hears of it, as an extension would find it again at its source,
 * and what became of it when gofer has told:
 *
 *     asked NUMBER
 *     acked PIPELINE NUMBER started|duplicate|refused|pending RUN_ID
 *
 * Every tenth event concerns all subscriptions, the others one of them in turn. When the program is
 * started again it asks again for what it has no answer to, and for some of what was answered, too.
 * It ends when everything was answered. The ledger is written without a sync: it outlives the
 * program, and the machine is not what fails here.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "base/vec.h"

#include <fcntl.h>
#include <gofer/extension.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SUBSCRIPTIONS = 3,
    ALL_EVERY = 10,
    BURST = 5,
    PAUSE_NS = 5 * 1000 * 1000,
    AGAIN_EVERY = 16, /* of what was answered */
    EVENTS_MAX = 1000000,
};

static const char *const pipelines[SUBSCRIPTIONS] = {"one", "two", "three"};

struct load {
    int fd;
    int64_t count;
    int64_t asked;         /* the highest number in the ledger */
    uint8_t *answered;     /* by number: bit i = for pipelines[i] */
    GF_VEC(int64_t) again; /* to be asked for again */
    size_t again_next;
    int64_t left; /* answers that are missing, of all events */
    struct gofer_subscription *subscriptions[SUBSCRIPTIONS];
};

static uint8_t wanted(int64_t number) {
    return number % ALL_EVERY == 0 ? (1 << SUBSCRIPTIONS) - 1
                                   : (uint8_t)(1 << number % SUBSCRIPTIONS);
}

static void write_line(const struct load *load, const char *line) {
    const size_t size = strlen(line);
    if (write(load->fd, line, size) != (ssize_t)size) {
        perror("event_load: the ledger");
        _exit(GOFER_EXIT_FAILED);
    }
}

static int pipeline_index(struct gf_str name) {
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        if (gf_str_eq(name, gf_str_from(pipelines[i]))) {
            return i;
        }
    }
    return -1;
}

static void take_answer(struct load *load, int64_t number, int index) {
    const uint8_t bit = (uint8_t)(1 << index);
    if ((load->answered[number] & bit) == 0) {
        load->answered[number] |= bit;
        load->left--;
    }
}

/* ---- The ledger ---- */

static void read_line(struct load *load, const char *line) {
    char pipeline[16] = "";
    int64_t number = 0;
    if (sscanf(line, "asked %" SCNd64, &number) == 1) {
        load->asked = number > load->asked ? number : load->asked;
    } else if (sscanf(line, "acked %15s %" SCNd64, pipeline, &number) == 2) {
        const int index = pipeline_index(gf_str_from(pipeline));
        if (index >= 0 && number > 0 && number <= load->count) {
            take_answer(load, number, index);
        }
    }
}

static bool open_ledger(struct load *load) {
    const char *path = getenv("EVENT_LOAD_LEDGER");
    const char *count = getenv("EVENT_LOAD_COUNT");
    if (path == NULL || count == NULL || sscanf(count, "%" SCNd64, &load->count) != 1 ||
        load->count < 1 || load->count > EVENTS_MAX) {
        fprintf(stderr, "event_load: EVENT_LOAD_LEDGER and EVENT_LOAD_COUNT say what to do\n");
        return false;
    }
    load->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    FILE *file = fopen(path, "re");
    if (load->fd < 0 || file == NULL) {
        perror(path);
        return false;
    }
    load->answered = gf_calloc((size_t)load->count + 1, 1);
    for (int64_t number = 1; number <= load->count; number++) {
        load->left += __builtin_popcount(wanted(number));
    }
    char line[256];
    while (fgets(line, sizeof(line), file) != NULL) {
        read_line(load, line);
    }
    fclose(file);
    for (int64_t number = 1; number <= load->asked; number++) {
        const bool open = load->answered[number] != wanted(number);
        if (open || (number * 2654435761 ^ getpid()) % AGAIN_EVERY == 0) {
            gf_vec_push(&load->again, number);
        }
    }
    return true;
}

/* ---- Asking ---- */

static bool ask(struct load *load, struct gofer_extension *extension, int64_t number) {
    char key[32];
    snprintf(key, sizeof(key), "event-%" PRId64, number);
    const struct gofer_pair label = {"key", key};
    const struct gofer_run_start start = {
        .size = sizeof(start),
        .idempotency_key = key,
        .reason = "something happened",
        .labels = &label,
        .label_count = 1,
    };
    const enum gofer_result result =
        wanted(number) == (uint8_t)(1 << number % SUBSCRIPTIONS)
            ? gofer_extension_start_run(extension, load->subscriptions[number % SUBSCRIPTIONS],
                                        &start)
            : gofer_extension_observe(extension, load->subscriptions, SUBSCRIPTIONS, &start);
    return result == GOFER_OK;
}

static bool ask_next(struct load *load, struct gofer_extension *extension) {
    if (load->again_next < load->again.count) {
        const bool asked = ask(load, extension, load->again.items[load->again_next]);
        load->again_next += asked;
        return asked;
    }
    if (load->asked >= load->count) {
        return false;
    }
    char line[48];
    snprintf(line, sizeof(line), "asked %" PRId64 "\n", load->asked + 1);
    write_line(load, line);
    load->asked++;
    if (!ask(load, extension, load->asked)) {
        gf_vec_push(&load->again, load->asked);
        return false;
    }
    return true;
}

static void work(struct gofer_extension *extension, void *ctx) {
    struct load *load = ctx;
    if (load->left == 0) {
        gofer_extension_stop(extension);
        return;
    }
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        if (load->subscriptions[i] == NULL) {
            return; /* `ready` comes again */
        }
    }
    for (int i = 0; i < BURST && ask_next(load, extension); i++) {
    }
    gofer_extension_wake_at(extension, gofer_now_ns() + PAUSE_NS);
}

/* ---- Callbacks ---- */

static enum gofer_outcome subscribe(struct gofer_extension *extension,
                                    struct gofer_subscription *subscription, void *ctx) {
    struct load *load = ctx;
    const int index = pipeline_index(gf_str_from(gofer_subscription_pipeline_id(subscription)));
    (void)extension;
    if (index < 0) {
        return gofer_subscription_refuse(subscription, NULL, "only one, two and three are known");
    }
    load->subscriptions[index] = subscription;
    return GOFER_ACCEPTED;
}

static void unsubscribe(struct gofer_extension *extension, struct gofer_subscription *subscription,
                        enum gofer_end why, void *ctx) {
    struct load *load = ctx;
    (void)extension;
    (void)why;
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        if (load->subscriptions[i] == subscription) {
            load->subscriptions[i] = NULL;
        }
    }
}

static const char *kind_name(enum gofer_run_kind kind) {
    switch (kind) {
    case GOFER_RUN_STARTED:
        return "started";
    case GOFER_RUN_DUPLICATE:
        return "duplicate";
    case GOFER_RUN_REFUSED:
        return "refused";
    case GOFER_RUN_PENDING:
        return "pending";
    }
    return "unknown";
}

static void run_outcome(struct gofer_extension *extension, const struct gofer_run_outcome *outcome,
                        void *ctx) {
    struct load *load = ctx;
    const char *pipeline = gofer_subscription_pipeline_id(outcome->subscription);
    int64_t number = 0;
    char line[96];
    (void)extension;
    if (sscanf(outcome->idempotency_key, "event-%" SCNd64, &number) != 1 || number < 1 ||
        number > load->count) {
        return;
    }
    snprintf(line, sizeof(line), "acked %s %" PRId64 " %s %" PRId64 "\n", pipeline, number,
             kind_name(outcome->kind), outcome->run_id);
    write_line(load, line);
    take_answer(load, number, pipeline_index(gf_str_from(pipeline)));
}

int main(int argc, char **argv) {
    struct load load = {.fd = -1};
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .name = "event-load",
        .version = "1.0.0",
        .documentation = "Counts.",
        .ctx = &load,
        .subscribe = subscribe,
        .unsubscribe = unsubscribe,
        .ready = work,
        .room = work,
        .wake = work,
        .run_outcome = run_outcome,
    };
    if (!open_ledger(&load)) {
        return GOFER_EXIT_USAGE;
    }
    const int code = gofer_extension_run(&definition, argc, argv);
    free(load.answered);
    gf_vec_fini(&load.again);
    close(load.fd);
    return code;
}
