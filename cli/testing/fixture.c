#include "cli/testing/fixture.h"

#include "base/str.h"
#include "clients/c/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WORDS_MAX = 32,
};

static const char *const *fixture_variables;

static const char *read_variable(const char *name) {
    for (const char *const *at = fixture_variables; at != NULL && *at != NULL; at += 2) {
        if (strcmp(at[0], name) == 0) {
            return at[1];
        }
    }
    return NULL;
}

void gf_fixture_init(struct gf_cli_fixture *fixture, const struct gf_command_set *commands,
                     const char *const *variables) {
    *fixture = (struct gf_cli_fixture){0};
    gf_arena_init(&fixture->arena, GF_CLI_ARENA_BYTES_MAX);
    fixture_variables = variables;
    fixture->cli = (struct gf_cli){
        .commands = commands,
        .out = open_memstream(&fixture->out, &fixture->out_size),
        .err = open_memstream(&fixture->err, &fixture->err_size),
        .program = "gofer",
        .getenv = read_variable,
        .arena = &fixture->arena,
    };
    gf_assert(fixture->cli.out != NULL && fixture->cli.err != NULL);
}

void gf_fixture_input(struct gf_cli_fixture *fixture, const char *text) {
    if (fixture->cli.in != NULL) {
        (void)fclose(fixture->cli.in);
    }
    fixture->cli.in = tmpfile();
    gf_assert(fixture->cli.in != NULL);
    gf_assert(fputs(text, fixture->cli.in) >= 0 && fflush(fixture->cli.in) == 0);
    gf_assert(lseek(fileno(fixture->cli.in), 0, SEEK_SET) == 0);
    fixture->owns_in = true;
}

void gf_fixture_fini(struct gf_cli_fixture *fixture) {
    if (fixture->owns_in) {
        (void)fclose(fixture->cli.in);
    }
    gf_client_destroy(fixture->cli.client);
    (void)fclose(fixture->cli.out);
    (void)fclose(fixture->cli.err);
    free(fixture->out);
    free(fixture->err);
    gf_arena_fini(&fixture->arena);
}

void gf_fixture_reset(struct gf_cli_fixture *fixture) {
    (void)fclose(fixture->cli.out);
    (void)fclose(fixture->cli.err);
    free(fixture->out);
    free(fixture->err);
    fixture->cli.out = open_memstream(&fixture->out, &fixture->out_size);
    fixture->cli.err = open_memstream(&fixture->err, &fixture->err_size);
    gf_assert(fixture->cli.out != NULL && fixture->cli.err != NULL);
}

void gf_fixture_flush(struct gf_cli_fixture *fixture) {
    (void)fflush(fixture->cli.out);
    (void)fflush(fixture->cli.err);
}

enum gf_exit_code gf_fixture_run(struct gf_cli_fixture *fixture, const char *line) {
    const char *words[WORDS_MAX];
    size_t count = 0;
    struct gf_str rest = gf_str_from(line);
    while (rest.len > 0) {
        struct gf_str word;
        (void)gf_str_cut(rest, ' ', &word, &rest);
        gf_assert(count < WORDS_MAX);
        words[count++] = gf_arena_str(&fixture->arena, word).ptr;
    }
    gf_client_destroy(fixture->cli.client);
    fixture->cli.client = NULL;
    enum gf_exit_code code = gf_cli_main(&fixture->cli, words, count);
    gf_fixture_flush(fixture);
    return code;
}
