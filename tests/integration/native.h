/*
 * What tests with real containers share: a server with an image, a pipeline that runs a script, and
 * the log of its task. Containers need root; without it each test is skipped, and says so.
 *
 * Thread: the test's.
 */
#ifndef GOFER_TESTS_INTEGRATION_NATIVE_H_
#define GOFER_TESTS_INTEGRATION_NATIVE_H_

#include "tests/integration/client.h"

#include <stdbool.h>

/* Whether native_setup has started a server: it is not where containers cannot be had. */
extern bool native_ready;

/* client_setup_native with the image "busybox:latest", the same with authentication, and the end of
 * both. */
void native_setup(void);
void native_setup_auth(void);
void native_teardown(void);

#define NEED_ROOT()                                                                                \
    do {                                                                                           \
        if (!native_ready) {                                                                       \
            cr_skip_test("containers need root");                                                  \
        }                                                                                          \
    } while (0)

/* Uploads the archive and gives the answer. */
enum gf_code native_import(const char *path, char *name, Gofer__V1__ImportImageResponse **out);

/* A pipeline "shell" of one task "one" that runs the script, deployed. */
void up_script_with(char *script, int32_t parallelism);
void up_script(char *script);

/* The same of a spec, which is changed so that all its tasks run the script. */
void up_spec(Gofer__V1__PipelineSpec *spec, char *script);

/* What was received of a log. */
struct followed_log {
    struct gf_strbuf text[4]; /* by stream */
    char *resume_token;
    Gofer__V1__LogEnd *end;
    size_t message_count;
};

/* Follows the log of the task "one" of the first run of "shell"; attempt 0 is the latest. */
struct gf_rpc_stream *follow_attempt(int32_t attempt, char *resume_token, bool no_wait,
                                     int64_t tail_bytes);
struct gf_rpc_stream *follow_log(char *resume_token, bool no_wait, int64_t tail_bytes);

void log_init(struct followed_log *log);
void log_fini(struct followed_log *log);
/* One message; false at the end. */
bool log_take(struct gf_rpc_stream *stream, struct followed_log *log);
/* To the end, which must come; destroys the stream. */
void log_take_all(struct gf_rpc_stream *stream, struct followed_log *log);
const char *log_stdout(struct followed_log *log);

#endif /* GOFER_TESTS_INTEGRATION_NATIVE_H_ */
