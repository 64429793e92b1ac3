/*
 * Completion of a command line, for shells.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_COMPLETE_H_
#define GOFER_CLI_COMPLETE_H_

#include "cli/cli.h"

enum {
    GF_COMPLETE_TIMEOUT_MS = 300, /* for the server; after that there is nothing to offer */
    GF_COMPLETE_IDS_MAX = 100,
};

/*
 * Prints to cli->out what could stand in the place of the last word (the words are without the
 * program's name), one candidate a line: the word, a tab, what it is. ":file" stands for names of
 * files. Errors print nothing: a shell has no place for them.
 */
void gf_complete(struct gf_cli *cli, const char *const *words, size_t word_count);

#endif /* GOFER_CLI_COMPLETE_H_ */
