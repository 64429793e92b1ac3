/*
 * The simulator's program: tells stories, one seed each, on all processors.
 *
 *   run [--seeds=FROM..TO] [--steps=N] [--jobs=N]   seeds in turn; 1..200 if nothing is said
 *   run --for=10m [--seeds=FROM..]                  seeds in turn for as long as that (s, m, h)
 *   run --seed=N [--steps=N] [--trace]              one seed again, exactly
 *   run --expect=NAME[,NAME...]                     passes only if one of these invariants is
 *                                                   broken, and none before it (planted bugs)
 *   run --list                                      the invariants and what they say
 *
 * A story that breaks an invariant is told with its seed, its step and its last inputs. The exit
 * code is 0 when all went as it was to go, 1 when not, 2 for bad arguments.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STEPS_DEFAULT = 2000,
    SEEDS_DEFAULT = 200,
    JOBS_MAX = 256,
    FAILURES_MAX = 5, /* told; then it ends */
    TRIM_BYTES = 256 << 20,
};

struct arguments {
    int64_t first;
    int64_t last;
    int64_t steps;
    int64_t jobs;
    int64_t for_ns; /* 0 = no such bound */
    bool trace;
    struct gf_str expect; /* empty = nothing is to be found */
};

/* What the processes share. */
struct board {
    _Atomic int64_t next_seed;
    _Atomic int64_t told;
    _Atomic int64_t failures;
    _Atomic int64_t found; /* the expected */
    _Atomic int64_t steps;
    _Atomic int64_t crashes;
    _Atomic int64_t runs;
    _Atomic int64_t launches;
    _Atomic int64_t retries;
    _Atomic int64_t events;
    _Atomic int64_t done;
};

static const struct arguments *given; /* for the handler of faults */
static struct board *shared;

/* ---- Telling ---- */

static bool is_expected(const struct arguments *arguments, enum sim_invariant invariant) {
    struct gf_str rest = arguments->expect;
    while (rest.len > 0) {
        struct gf_str name = rest;
        (void)gf_str_cut(rest, ',', &name, &rest);
        if (gf_str_eq(name, gf_str_from(sim_invariant_name(invariant)))) {
            return true;
        }
    }
    return false;
}

static void print_broken(const struct sim *sim) {
    const struct sim_result *result = &sim->result;
    struct gf_strbuf text;
    if (is_expected(given, result->invariant)) {
        return;
    }
    gf_strbuf_init(&text, 1 << 16);
    gf_strbuf_printf(&text,
                     "seed %" PRIu64 ", step %" PRId64 ": broken: %s (%s)\n  %s\n  the last inputs:"
                     "\n",
                     sim->options.seed, sim->step, sim_invariant_name(result->invariant),
                     sim_invariant_sentence(result->invariant), result->text);
    sim_print_history(&text, sim);
    gf_strbuf_printf(&text,
                     "  again: tests/sim/run --seed=%" PRIu64 " --steps=%" PRId64 " --trace\n",
                     sim->options.seed, sim->options.steps);
    (void)fputs(text.ptr, stdout);
    (void)fflush(stdout);
    gf_strbuf_fini(&text);
}

static void count_broken(const struct arguments *arguments, enum sim_invariant invariant) {
    if (is_expected(arguments, invariant)) {
        shared->found++;
    } else {
        shared->failures++;
    }
}

/* An assertion of the core, or worse: this process cannot go on. */
static void on_fault(GF_UNUSED int number) {
    struct sim *sim = sim_story_current();
    if (sim != NULL) {
        sim->result.invariant = SIM_INVARIANT_core_assertion;
        (void)snprintf(sim->result.text, sizeof(sim->result.text), "see above");
        print_broken(sim);
        count_broken(given, SIM_INVARIANT_core_assertion);
    }
    _exit(sim == NULL ? 3 : 0);
}

static void add_result(const struct sim_result *result) {
    shared->told++;
    shared->steps += result->steps;
    shared->crashes += result->crashes;
    shared->runs += result->runs;
    shared->launches += result->launches;
    shared->retries += result->retries;
    shared->events += result->events;
    shared->done += result->commands_done;
}

static void work(const struct arguments *arguments, int64_t end_time) {
    struct sim_options options = {
        .steps = arguments->steps, .trace = arguments->trace, .print = print_broken};
    while (shared->failures < FAILURES_MAX && (shared->found == 0 || arguments->expect.len == 0) &&
           (arguments->for_ns == 0 || gf_mono_ns() < end_time)) {
        const int64_t seed = shared->next_seed++;
        if (seed > arguments->last) {
            return;
        }
        struct sim_result result;
        options.seed = (uint64_t)seed;
        sim_story_tell(&options, &result);
        add_result(&result);
        if (result.broken) {
            count_broken(arguments, result.invariant);
        }
    }
}

/* ---- Processes ---- */

static void catch_faults(void) {
    static const int faults[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < GF_ARRAY_COUNT(faults); i++) {
        struct sigaction action;
        /* A sanitizer that has one of its own tells more, and aborts then. */
        if (sigaction(faults[i], NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
            (void)signal(faults[i], on_fault);
        }
    }
}

static void start_worker(const struct arguments *arguments, int64_t end_time) {
    (void)fflush(stdout);
    const pid_t pid = fork();
    gf_assert(pid >= 0);
    if (pid == 0) {
        catch_faults();
        work(arguments, end_time);
        (void)fflush(stdout);
        _exit(0);
    }
}

/* Waits for all; a worker that an assertion ended is followed by another one. */
static bool wait_for_workers(const struct arguments *arguments, int64_t end_time) {
    bool well = true;
    int status = 0;
    while (wait(&status) > 0) {
        const bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!ended_well) {
            (void)printf("a process ended with status %d\n", status);
            well = false;
        } else if (shared->next_seed <= arguments->last && shared->failures < FAILURES_MAX &&
                   (shared->found == 0 || arguments->expect.len == 0) &&
                   (arguments->for_ns == 0 || gf_mono_ns() < end_time)) {
            start_worker(arguments, end_time);
        }
    }
    return well;
}

static int run_all(const struct arguments *arguments) {
    const int64_t begin = gf_mono_ns();
    const int64_t end_time = begin + arguments->for_ns;
    shared->next_seed = arguments->first;
    for (int64_t i = 0; i < arguments->jobs; i++) {
        start_worker(arguments, end_time);
    }
    const bool well = wait_for_workers(arguments, end_time);
    const double seconds = (double)(gf_mono_ns() - begin) / 1e9;
    (void)printf("%" PRId64 " seeds, %" PRId64 " steps in %.1f s (%.0f steps/s): %" PRId64
                 " crashes, %" PRId64 " commands done, %" PRId64 " runs, %" PRId64
                 " launches, %" PRId64 " retries, %" PRId64 " events\n",
                 shared->told, shared->steps, seconds, (double)shared->steps / seconds,
                 shared->crashes, shared->done, shared->runs, shared->launches, shared->retries,
                 shared->events);
    if (arguments->expect.len > 0) {
        (void)printf("%s: %" GF_STR_FMT "\n", shared->found > 0 ? "found" : "NOT FOUND",
                     GF_STR_ARG(arguments->expect));
        return shared->found > 0 && shared->failures == 0 && well ? 0 : 1;
    }
    (void)printf("%" PRId64 " broken\n", shared->failures);
    return shared->failures == 0 && well && shared->told > 0 ? 0 : 1;
}

/* ---- Arguments ---- */

static bool parse_seeds(struct gf_str text, struct arguments *out) {
    struct gf_str head;
    struct gf_str rest;
    if (!gf_str_cut(text, '.', &head, &rest)) {
        return gf_parse_i64(text, &out->first) && gf_parse_i64(text, &out->last);
    }
    if (!gf_parse_i64(head, &out->first) || rest.len < 1 || rest.ptr[0] != '.') {
        return false;
    }
    rest = (struct gf_str){rest.ptr + 1, rest.len - 1};
    out->last = INT64_MAX;
    return rest.len == 0 || gf_parse_i64(rest, &out->last);
}

static bool parse_duration(struct gf_str text, int64_t *out_ns) {
    static const struct {
        char letter;
        int64_t ns;
    } units[] = {{'s', GF_NS_PER_SEC}, {'m', GF_NS_PER_MIN}, {'h', GF_NS_PER_HOUR}};
    for (size_t i = 0; text.len > 1 && i < GF_ARRAY_COUNT(units); i++) {
        int64_t number = 0;
        if (text.ptr[text.len - 1] == units[i].letter) {
            const bool valid = gf_parse_i64((struct gf_str){text.ptr, text.len - 1}, &number);
            *out_ns = number * units[i].ns;
            return valid && number > 0;
        }
    }
    return false;
}

static bool parse_one(struct gf_str argument, struct arguments *out) {
    struct gf_str name;
    struct gf_str value;
    (void)gf_str_cut(argument, '=', &name, &value);
    if (gf_str_eq(name, GF_STR("--seed"))) {
        out->jobs = 1;
        return gf_parse_i64(value, &out->first) && gf_parse_i64(value, &out->last);
    }
    if (gf_str_eq(name, GF_STR("--seeds"))) {
        return parse_seeds(value, out);
    }
    if (gf_str_eq(name, GF_STR("--steps"))) {
        return gf_parse_i64(value, &out->steps) && out->steps > 0;
    }
    if (gf_str_eq(name, GF_STR("--jobs"))) {
        return gf_parse_i64(value, &out->jobs) && out->jobs > 0 && out->jobs <= JOBS_MAX;
    }
    if (gf_str_eq(name, GF_STR("--for"))) {
        return parse_duration(value, &out->for_ns);
    }
    if (gf_str_eq(name, GF_STR("--expect"))) {
        out->expect = value;
        return value.len > 0;
    }
    out->trace = gf_str_eq(argument, GF_STR("--trace"));
    return out->trace;
}

static int list(void) {
    for (int i = 0; i < (int)SIM_INVARIANT_COUNT; i++) {
        (void)printf("%-24s %s\n", sim_invariant_name((enum sim_invariant)i),
                     sim_invariant_sentence((enum sim_invariant)i));
    }
    return 0;
}

int main(int argc, char **argv) {
    static struct arguments arguments = {.first = 1, .last = SEEDS_DEFAULT, .steps = STEPS_DEFAULT};
    arguments.jobs = sysconf(_SC_NPROCESSORS_ONLN);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        return list();
    }
    for (int i = 1; i < argc; i++) {
        if (!parse_one(gf_str_from(argv[i]), &arguments)) {
            (void)fprintf(stderr, "run: bad argument '%s'; see the head of tests/sim/run.c\n",
                          argv[i]);
            return 2;
        }
    }
    if (arguments.for_ns > 0 && arguments.last == SEEDS_DEFAULT) {
        arguments.last = INT64_MAX;
    }
    /* Every story takes and gives back the same few megabytes. */
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, TRIM_BYTES);
    given = &arguments;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    gf_assert(shared != MAP_FAILED);
    return run_all(&arguments);
}
