/*
 * A command line without a terminal, for tests: streams in memory and an environment of its own.
 *
 * Thread: one at a time, one fixture at a time.
 */
#ifndef GOFER_CLI_TESTING_FIXTURE_H_
#define GOFER_CLI_TESTING_FIXTURE_H_

#include "cli/cli.h"

struct gf_cli_fixture {
    struct gf_cli cli;
    struct gf_arena arena;
    char *out; /* what was printed so far; see gf_fixture_flush */
    char *err;
    size_t out_size;
    size_t err_size;
    bool owns_in;
};

/* The commands are borrowed. Variables: pairs of name and value, ended by NULL; NULL = none. */
void gf_fixture_init(struct gf_cli_fixture *fixture, const struct gf_command_set *commands,
                     const char *const *variables);
void gf_fixture_fini(struct gf_cli_fixture *fixture);

/* Forgets what was printed so far. */
void gf_fixture_reset(struct gf_cli_fixture *fixture);

/* Brings out and err up to date. */
void gf_fixture_flush(struct gf_cli_fixture *fixture);

/* Standard input of the next command lines: a pipe with this in it. May be called many times. */
void gf_fixture_input(struct gf_cli_fixture *fixture, const char *text);

/*
 * Runs a command line of words that are separated by single spaces. Each one has a connection of
 * its own, as a program has.
 */
enum gf_exit_code gf_fixture_run(struct gf_cli_fixture *fixture, const char *line);

#endif /* GOFER_CLI_TESTING_FIXTURE_H_ */
