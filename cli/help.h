/*
 * Help, made from the tables of the commands.
 */
#ifndef GOFER_CLI_HELP_H_
#define GOFER_CLI_HELP_H_

#include "cli/cli.h"

/* The list of all commands. */
void gf_help_overview(struct gf_cli *cli, FILE *to);

/* The verbs of one noun; `group` is the first word of those that are wanted, NULL = all. */
void gf_help_noun(struct gf_cli *cli, FILE *to, const char *noun, const char *group);

/* One command: what it does, usage, arguments, options, examples. */
void gf_help_command(FILE *to, const struct gf_command *command);

/* The same without the common options, which are alike everywhere. */
void gf_help_own(FILE *to, const struct gf_command *command);

/* The options of every command, one a line. */
void gf_help_common_options(FILE *to);

/* "gofer pipeline run PIPELINE [options]", without a newline. */
void gf_help_usage_line(FILE *to, const struct gf_command *command);

/* A topic: "connection", "environment", "exit-codes", "output". False when there is none of that
 * name. */
bool gf_help_topic(FILE *to, const char *topic);

#endif /* GOFER_CLI_HELP_H_ */
