/*
 * Where the master keys of a server come from (engine/secrets/master_key.h has what they are).
 *
 * In this order: a text of the environment, a credential of systemd, a file that the configuration
 * names, DATA_DIR/master.key. The last one alone is made where it is missing, and only as long as
 * there are no secrets: a new key opens nothing that is there.
 *
 * Thread: any; one at a time.
 */
#ifndef GOFER_API_SERVER_MASTER_KEY_SOURCE_H_
#define GOFER_API_SERVER_MASTER_KEY_SOURCE_H_

#include "api/server/data_dir.h"
#include "api/server/server.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/secrets/master_key.h"

struct gf_master_key_source {
    char *path;        /* of the file or the credential; NULL: the environment */
    char *directory;   /* of the credential; NULL: no credential */
    char *description; /* "the file '/var/lib/gofer/master.key'", for people */
};

/*
 * Finds the source and loads from it. Codes: those of master_key.h, GF_FAILED_PRECONDITION (the key
 * is gone, but the secrets are there).
 */
enum gf_code gf_master_key_source_open(const struct gf_server_options *options,
                                       const struct gf_data_dir *dir,
                                       struct gf_master_key_source *out_source,
                                       struct gf_master_keys **out_keys,
                                       struct gf_error *err) GF_MUST_USE;

/*
 * Loads from it anew. Code: GF_FAILED_PRECONDITION (reason NO_NEW_MASTER_KEY: the environment of a
 * process does not change).
 */
enum gf_code gf_master_key_source_load(const struct gf_master_key_source *source,
                                       struct gf_master_keys **out_keys,
                                       struct gf_error *err) GF_MUST_USE;

/* A zeroed one is fine. */
void gf_master_key_source_close(struct gf_master_key_source *source);

#endif /* GOFER_API_SERVER_MASTER_KEY_SOURCE_H_ */
