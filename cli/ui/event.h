/*
 * Events as rows.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_EVENT_H_
#define GOFER_CLI_UI_EVENT_H_

#include "cli/call.h"
#include "gofer/v1/event.pb-c.h"

/* How a list of events is shown. */
extern const struct gf_listing gf_event_listing;

/* All that is known of one event. */
void gf_print_event_details(struct gf_cli *cli, const Gofer__V1__Event *event);

/* One event of a stream, in the form that was asked for: a row without a header, or JSON in one
 * line. */
enum gf_exit_code gf_print_event(struct gf_cli *cli, const Gofer__V1__Event *event);

#endif /* GOFER_CLI_UI_EVENT_H_ */
