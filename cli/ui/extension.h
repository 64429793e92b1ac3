/*
 * Extensions, what they report and what could not be delivered, for people.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_EXTENSION_H_
#define GOFER_CLI_UI_EXTENSION_H_

#include "cli/call.h"
#include "gofer/v1/extension.pb-c.h"

/* How lists are shown. */
extern const struct gf_listing gf_extension_listing;
extern const struct gf_listing gf_report_listing;
extern const struct gf_listing gf_dead_letter_listing;

/* All about one extension but its documentation. */
void gf_print_extension(struct gf_cli *cli, const Gofer__V1__Extension *extension);

/* One change of a stream: a row without a header, or JSON in one line. */
enum gf_exit_code gf_print_extension_row(struct gf_cli *cli, const Gofer__V1__Extension *extension);

/* All about one dead letter. */
void gf_print_dead_letter(struct gf_cli *cli, const Gofer__V1__DeadLetter *letter);

/* A text of several lines that somebody else wrote, each line as gf_show_line has it. */
void gf_print_text(struct gf_cli *cli, FILE *to, const char *text);

#endif /* GOFER_CLI_UI_EXTENSION_H_ */
