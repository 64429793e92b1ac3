/*
 * gofer-extension-conformance: shows whether an extension keeps to the protocol.
 *
 * It plays gofer to the extension, which may be written in any language, and tries it in one case
 * after another, each with the program started anew.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "base/tree.h"
#include "extensions-sdk/conformance/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_PASSED = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    QUIET_MS_DEFAULT = 1000,
    BODY_BYTES_MAX = 1 << 20,
};

static const char USAGE[] =
    "usage: gofer-extension-conformance [options] -- PROGRAM [ARGUMENT]...\n"
    "\n"
    "Plays gofer to an extension and shows whether it keeps to the protocol.\n"
    "\n"
    "  --id ID                   id that the extension gets (default: conformance)\n"
    "  -s, --setting NAME=VALUE  a right setting of a subscription; may be given many times\n"
    "  --config NAME=VALUE       a right setting of the extension; may be given many times\n"
    "  --bad NAME=VALUE          a wrong setting of a subscription, put in the place of the right\n"
    "                            one; may be given many times\n"
    "  --expect-run-within TIME  with the right settings it starts a run within this time, as 5s,\n"
    "                            after it is ready or after the request of --external-event\n"
    "  --external-event FILE     body of a request from outside that makes it start a run\n"
    "  --external-header NAME=VALUE  a header of that request; may be given many times\n"
    "  --quiet-time TIME         how long is waited for what must not come (default: 1s)\n"
    "  --only CASE[,CASE...]     these cases alone\n"
    "  --list                    prints the cases and what each shows\n"
    "  -v, --verbose             shows what the extension prints\n"
    "\n"
    "Prints one line for each case. Exit codes: 0 no case failed, 1 some did, 2 bad usage.\n";

static const struct gf_case *const tables[] = {gf_cases_connection, gf_cases_subscription,
                                               gf_cases_run, gf_cases_end};

struct command_line {
    struct gf_suite_options options;
    const char *only; /* NULL: all */
    bool list;
};

static int fail_usage(const char *what, const char *word) {
    fprintf(stderr, "gofer-extension-conformance: %s%s%s%s\n\n%s", what, word == NULL ? "" : " '",
            word == NULL ? "" : word, word == NULL ? "" : "'", USAGE);
    return EXIT_USAGE;
}

static bool add_pair(struct gf_suite_pairs *pairs, const char *text) {
    struct gf_str name;
    struct gf_str value;
    if (!gf_str_cut(gf_str_from(text), '=', &name, &value) || name.len == 0 ||
        pairs->count == GF_SUITE_PAIRS_MAX) {
        return false;
    }
    const struct gf_suite_pair pair = {gf_str_dup(name), gf_str_dup(value)};
    gf_vec_push(pairs, pair);
    return true;
}

static bool read_time(const char *text, int64_t *out_ms) {
    int64_t ns = 0;
    if (gf_duration_parse(gf_str_from(text), &ns, NULL) != GF_OK) {
        return false;
    }
    *out_ms = ns / GF_NS_PER_MS;
    return true;
}

static bool read_body(struct gf_suite_options *options, const char *path) {
    struct gf_strbuf text;
    GF_CLEANUP(gf_close_p) int fd = -1;
    gf_strbuf_init(&text, BODY_BYTES_MAX);
    if (gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, NULL) != GF_OK ||
        gf_read_all(fd, &text, NULL) != GF_OK) {
        gf_strbuf_fini(&text);
        return false;
    }
    options->external_body_bytes = text.len;
    options->external_body = gf_strbuf_take(&text);
    return true;
}

/* Takes an option with its value; false where the value is wrong. */
static bool take_value(struct command_line *line, const char *option, const char *value) {
    struct gf_suite_options *options = &line->options;
    if (strcmp(option, "--id") == 0) {
        options->extension_id = value;
        return true;
    }
    if (strcmp(option, "-s") == 0 || strcmp(option, "--setting") == 0) {
        return add_pair(&options->settings, value);
    }
    if (strcmp(option, "--config") == 0) {
        return add_pair(&options->config, value);
    }
    if (strcmp(option, "--bad") == 0) {
        return add_pair(&options->bad, value);
    }
    if (strcmp(option, "--expect-run-within") == 0) {
        return read_time(value, &options->run_within_ms);
    }
    if (strcmp(option, "--quiet-time") == 0) {
        return read_time(value, &options->quiet_ms);
    }
    if (strcmp(option, "--external-event") == 0) {
        return read_body(options, value);
    }
    if (strcmp(option, "--external-header") == 0) {
        return add_pair(&options->external_headers, value);
    }
    if (strcmp(option, "--only") == 0) {
        line->only = value;
        return true;
    }
    return false;
}

/* EXIT_PASSED, or what to end with. */
static int read_words(int argc, char **argv, struct command_line *line) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            line->options.command = (const char *const *)(argv + i + 1);
            return EXIT_PASSED;
        }
        if (strcmp(argv[i], "--list") == 0) {
            line->list = true;
        } else if (strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--verbose") == 0) {
            line->options.verbose = true;
        } else if (i + 1 == argc || !take_value(line, argv[i], argv[i + 1])) {
            return fail_usage("no such option, or a wrong value of it:", argv[i]);
        } else {
            i++;
        }
    }
    return EXIT_PASSED;
}

/* Whether a case is wanted: all are where none is named. */
static bool is_wanted(const char *only, const char *name) {
    struct gf_str rest = gf_str_from(only);
    struct gf_str head;
    if (only == NULL) {
        return true;
    }
    while (rest.len > 0) {
        (void)gf_str_cut(rest, ',', &head, &rest);
        if (gf_str_eq(head, gf_str_from(name))) {
            return true;
        }
    }
    return false;
}

/* The first name of the list that no case has; NULL: none. */
static const char *unknown_name(const char *only) {
    struct gf_str rest = gf_str_from(only);
    struct gf_str head;
    while (rest.len > 0) {
        bool known = false;
        (void)gf_str_cut(rest, ',', &head, &rest);
        for (size_t t = 0; t < GF_ARRAY_COUNT(tables); t++) {
            for (const struct gf_case *one = tables[t]; one->name != NULL; one++) {
                known = known || gf_str_eq(head, gf_str_from(one->name));
            }
        }
        if (!known) {
            return head.ptr;
        }
    }
    return NULL;
}

static void list_cases(void) {
    for (size_t t = 0; t < GF_ARRAY_COUNT(tables); t++) {
        for (const struct gf_case *one = tables[t]; one->name != NULL; one++) {
            printf("%-20s %s\n", one->name, one->summary);
        }
    }
}

/* Shows what the extension printed, so that a failure can be understood. */
static void show_log(const struct gf_suite *suite) {
    char path[256];
    struct gf_strbuf text;
    GF_CLEANUP(gf_close_p) int fd = -1;
    (void)snprintf(path, sizeof(path), "%s/extension.log", suite->folder);
    gf_strbuf_init(&text, BODY_BYTES_MAX);
    if (!suite->options->verbose && gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, NULL) == GF_OK &&
        gf_read_all(fd, &text, NULL) == GF_OK && text.len > 0) {
        fprintf(stderr, "--- what the extension printed ---\n%s---\n", text.ptr);
    }
    gf_strbuf_fini(&text);
}

static enum gf_case_outcome run_case(const struct gf_case *one,
                                     const struct gf_suite_options *options, const char *folder) {
    static const char *const words[] = {
        [GF_CASE_PASSED] = "passed", [GF_CASE_FAILED] = "FAILED", [GF_CASE_SKIPPED] = "skipped"};
    struct gf_suite suite = {.options = options, .folder = folder, .last_ping_id = 1000};
    struct gf_error error;
    gf_arena_init(&suite.arena, GF_SUITE_ARENA_BYTES_MAX);
    if (gf_play_create(folder, options->extension_id, &suite.play, &error) != GF_OK) {
        gf_case_fail(&suite, "the suite cannot play gofer: %s", error.message);
    } else {
        one->run(&suite);
    }
    gf_suite_stop(&suite);
    printf("%-20s %s%s%s\n", one->name, words[suite.outcome], suite.reason == NULL ? "" : ": ",
           suite.reason == NULL ? "" : suite.reason);
    (void)fflush(stdout);
    if (suite.outcome == GF_CASE_FAILED) {
        show_log(&suite);
    }
    gf_arena_fini(&suite.arena);
    return suite.outcome;
}

static int run_cases(const struct command_line *line) {
    size_t counts[3] = {0};
    char folder[] = "/tmp/gofer-conformance-XXXXXX";
    if (mkdtemp(folder) == NULL) {
        fprintf(stderr, "gofer-extension-conformance: there is no place for a socket in /tmp\n");
        return EXIT_USAGE;
    }
    for (size_t t = 0; t < GF_ARRAY_COUNT(tables); t++) {
        for (const struct gf_case *one = tables[t]; one->name != NULL; one++) {
            if (is_wanted(line->only, one->name)) {
                counts[run_case(one, &line->options, folder)]++;
            }
        }
    }
    (void)!gf_tree_remove(AT_FDCWD, folder, NULL);
    printf("%zu passed, %zu failed, %zu skipped\n", counts[GF_CASE_PASSED], counts[GF_CASE_FAILED],
           counts[GF_CASE_SKIPPED]);
    return counts[GF_CASE_FAILED] > 0 ? EXIT_FAILED : EXIT_PASSED;
}

static void free_pairs(struct gf_suite_pairs *pairs) {
    for (size_t i = 0; i < pairs->count; i++) {
        free((char *)(uintptr_t)pairs->items[i].name);
        free((char *)(uintptr_t)pairs->items[i].value);
    }
    gf_vec_fini(pairs);
}

static void free_line(struct command_line *line) {
    free_pairs(&line->options.settings);
    free_pairs(&line->options.config);
    free_pairs(&line->options.bad);
    free_pairs(&line->options.external_headers);
    free((char *)(uintptr_t)line->options.external_body);
}

static int run_line(struct command_line *line) {
    if (line->list) {
        list_cases();
        return EXIT_PASSED;
    }
    if (unknown_name(line->only) != NULL) {
        return fail_usage("no such case:", unknown_name(line->only));
    }
    if (line->options.command == NULL || line->options.command[0] == NULL) {
        return fail_usage("there is no program to try", NULL);
    }
    gf_log_set_level(GF_LOG_WARN);
    return run_cases(line);
}

int main(int argc, char **argv) {
    struct command_line line = {
        .options = {.extension_id = "conformance", .quiet_ms = QUIET_MS_DEFAULT}};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("%s", USAGE);
        return EXIT_PASSED;
    }
    int rc = read_words(argc, argv, &line);
    if (rc == EXIT_PASSED) {
        rc = run_line(&line);
    }
    free_line(&line);
    return rc;
}
