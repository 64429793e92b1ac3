/*
 * The parts of the cron extension's program among themselves.
 *
 * Thread: callbacks of the extension.
 */
#ifndef GOFER_EXTENSIONS_CRON_EXTENSION_H_
#define GOFER_EXTENSIONS_CRON_EXTENSION_H_

#include "extensions/timetable/starter.h"

struct gf_cron {
    struct gf_starter starter;
    const char *default_zone; /* of subscriptions that name none; lives as the settings do */
};

/* Dialogs that lead people to settings; the callbacks of the definition, with a struct gf_cron. */
void gf_cron_dialog_started(struct gofer_extension *extension, struct gofer_dialog *dialog,
                            void *ctx);
void gf_cron_dialog_answered(struct gofer_extension *extension, struct gofer_dialog *dialog,
                             const char *answer, void *ctx);
void gf_cron_dialog_ended(struct gofer_extension *extension, struct gofer_dialog *dialog,
                          void *ctx);

#endif /* GOFER_EXTENSIONS_CRON_EXTENSION_H_ */
