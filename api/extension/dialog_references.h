/*
 * Which secrets a person named in a dialog: settings that an extension makes of it are handed in
 * with the person's rights, so an extension could have any secret of theirs by putting a reference
 * into them that the person never gave.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_API_EXTENSION_DIALOG_REFERENCES_H_
#define GOFER_API_EXTENSION_DIALOG_REFERENCES_H_

#include "base/str.h"
#include "base/vec.h"
#include "engine/secrets/references.h"
#include "gofer/v1/extension.pb-c.h"

enum {
    GF_DIALOG_REFERENCES_MAX = 256, /* of one dialog; more are as if they had not been given */
};

struct gf_dialog_reference {
    enum gf_reference_kind kind;
    char *key;
};

/* A value; zeroed is empty. */
struct gf_dialog_references {
    GF_VEC(struct gf_dialog_reference) items;
};

/* Notes the references of an answer: `global_secret{{KEY}}` as the person gave it. */
void gf_dialog_references_note(struct gf_dialog_references *self, struct gf_str answer);

/* Whether all references of the settings were noted, and all that looks like one is one. */
bool gf_dialog_references_allow(const struct gf_dialog_references *self,
                                const Gofer__V1__ExtensionSettings *settings);

void gf_dialog_references_fini(struct gf_dialog_references *self);

#endif /* GOFER_API_EXTENSION_DIALOG_REFERENCES_H_ */
