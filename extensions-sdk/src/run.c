/* gofer_extension_run: the command line, the making of all parts, the loop, and the end. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "extensions-sdk/src/deliveries.h"
#include "extensions-sdk/src/health.h"
#include "extensions-sdk/src/internal.h"
#include "extensions-sdk/src/registration.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    DESCRIPTION_BYTES_MAX = 16 << 20,
};

const char *gofer_result_text(enum gofer_result result) {
    switch (result) {
    case GOFER_OK:
        return "ok";
    case GOFER_INVALID:
        return "invalid: an argument is wrong, the log says which";
    case GOFER_FULL:
        return "full: too much is unacknowledged";
    case GOFER_GONE:
        return "gone: the subscription, the delivery or the dialog is over";
    case GOFER_DRAINED:
        return "drained: nothing may be begun any more";
    }
    return "not known";
}

const char *gofer_extension_id(const struct gofer_extension *extension) {
    return extension->environment.extension_id;
}

const struct gofer_settings *gofer_extension_settings(const struct gofer_extension *extension) {
    return extension->settings;
}

const char *gofer_extension_checkpoint(const struct gofer_extension *extension) {
    GF_MUTEX_GUARD((struct gf_mutex *)(uintptr_t)&extension->state_mutex);
    return extension->checkpoint;
}

bool gofer_extension_is_ready(const struct gofer_extension *extension) {
    return atomic_load(&extension->is_ready);
}

/* ---- The command line ---- */

static void print_help(const struct gofer_extension_definition *definition, const char *program) {
    printf(
        "%s %s: an extension of gofer\n\n"
        "usage: %s [--help | --version | --describe]\n\n"
        "  --help      this text\n"
        "  --version   its version\n"
        "  --describe  what it is and what settings it has, as JSON\n\n"
        "Without any it connects to gofer and works until it is told to end. Its environment:\n\n"
        "  GOFER_EXTENSION_ID  its id, as it is installed%s%s%s\n"
        "  GOFER_HOST          HOST:PORT or unix:/PATH (default 127.0.0.1:8080)\n"
        "  GOFER_TOKEN         its token; or GOFER_TOKEN_FILE, a file with it\n"
        "  GOFER_TLS           1: with TLS; GOFER_TLS_CA, GOFER_TLS_CERT, GOFER_TLS_KEY and\n"
        "                      GOFER_TLS_SERVER_NAME say how\n"
        "  GOFER_TOKEN_IN_CLEAR  1: the token may go to another machine without TLS\n"
        "  GOFER_LOG_LEVEL     debug, info, warning or error (default info)\n\n"
        "Exit codes: 0 told to end, 1 it failed, 2 bad usage, 3 replaced by another, 4 gofer does\n"
        "not let it in.\n",
        definition->name != NULL ? definition->name : program, definition->version, program,
        definition->name != NULL ? " (default " : "",
        definition->name != NULL ? definition->name : "", definition->name != NULL ? ")" : "");
}

/* True when the command line asks for something else than to run. */
static bool answer_words(const struct gofer_extension_definition *definition, int argc,
                         char *const *argv, int *out_exit_code) {
    const char *program = argc > 0 && argv[0] != NULL ? argv[0] : "extension";
    *out_exit_code = GOFER_EXIT_OK;
    if (argc <= 1) {
        return false;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(definition, program);
    } else if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("%s (gofer-c/%s)\n", definition->version, GOFER_EXTENSION_SDK_VERSION);
    } else if (argc == 2 && strcmp(argv[1], "--describe") == 0) {
        struct gf_strbuf text;
        gf_strbuf_init(&text, DESCRIPTION_BYTES_MAX);
        gf_sdk_describe(definition, &text);
        (void)fwrite(text.ptr, 1, text.len, stdout);
        gf_strbuf_fini(&text);
    } else {
        fprintf(stderr, "%s: no such word: '%s' (see --help)\n", program, argv[1]);
        *out_exit_code = GOFER_EXIT_USAGE;
    }
    if (fflush(stdout) != 0) {
        *out_exit_code = GOFER_EXIT_FAILED;
    }
    return true;
}

/* ---- Making and ending ---- */

static void block_signals(sigset_t *out_old) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &wanted, out_old); /* cannot fail with these arguments */
}

static int open_signals(void) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum gf_code open_all(struct gofer_extension *extension, struct gf_error *err) {
    extension->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    extension->signal_fd = open_signals();
    extension->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (extension->event_fd < 0 || extension->signal_fd < 0 || extension->timer_fd < 0) {
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "there are no descriptors");
    }
    const enum gf_code rc = gf_sdk_link_create(&extension->environment, extension->outbox,
                                               extension->event_fd, &extension->link, err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "environment (GOFER_HOST, GOFER_TOKEN, GOFER_TLS_...)");
    }
    return rc;
}

static void init(struct gofer_extension *extension) {
    extension->event_fd = -1;
    extension->signal_fd = -1;
    extension->timer_fd = -1;
    extension->phase = GF_SDK_APART;
    extension->phase_mono_ns = GF_NEVER;
    extension->end_mono_ns = GF_NEVER;
    extension->checkpoint = gf_strdup("");
    extension->settings = gf_sdk_settings_create(NULL, 0);
    extension->outbox = gf_sdk_outbox_create();
    extension->deliveries = gf_sdk_deliveries_create(extension);
    extension->health = gf_sdk_health_create(extension);
    gf_mutex_init(&extension->state_mutex, GF_RANK_EXTENSION_SUBSCRIPTION);
    gf_list_init(&extension->subscription_list);
}

/* The program hears of the end of everything, and then everything ends. */
static void say_stopped(struct gofer_extension *extension) {
    const bool was_configured = extension->is_configured;
    atomic_store(&extension->program_drained, true);
    gf_sdk_dialogs_end(extension);
    gf_sdk_subscriptions_fini(extension);
    if (was_configured && extension->definition.stopped != NULL) {
        extension->definition.stopped(extension, extension->definition.ctx);
    }
}

static void fini(struct gofer_extension *extension) {
    gf_sdk_link_destroy(extension->link);
    gf_sdk_outbox_destroy(extension->outbox);
    gf_sdk_deliveries_destroy(extension->deliveries);
    gf_sdk_health_destroy(extension->health);
    gf_sdk_settings_destroy(extension->settings);
    gf_mutex_fini(&extension->state_mutex);
    free(extension->checkpoint);
    free(extension->gofer_version);
    gf_close(&extension->event_fd);
    gf_close(&extension->signal_fd);
    gf_close(&extension->timer_fd);
}

static int fail(const char *program, const struct gf_error *error) {
    fprintf(stderr, "%s: %s\n", program, error->message);
    return GOFER_EXIT_USAGE;
}

static int run(struct gofer_extension *extension, const char *program) {
    struct gf_error error;
    init(extension);
    int exit_code = GOFER_EXIT_USAGE;
    if (open_all(extension, &error) == GF_OK) {
        gf_sdk_loop(extension);
        exit_code = extension->exit_code;
        say_stopped(extension);
    } else {
        (void)fail(program, &error);
    }
    fini(extension);
    return exit_code;
}

int gofer_extension_run(const struct gofer_extension_definition *definition, int argc,
                        char **argv) {
    const char *program = argc > 0 && argv[0] != NULL ? argv[0] : "extension";
    struct gofer_extension extension = {0};
    struct gf_error error;
    int exit_code = GOFER_EXIT_OK;
    if (gf_sdk_definition_read(definition, &extension.definition, &error) != GF_OK) {
        (void)gf_wrap(&error, "the definition of this extension is wrong");
        return fail(program, &error);
    }
    if (answer_words(&extension.definition, argc, argv, &exit_code)) {
        return exit_code;
    }
    if (gf_sdk_environment_read(&extension.environment, extension.definition.name, getenv,
                                &error) != GF_OK) {
        exit_code = fail(program, &error);
    } else {
        sigset_t old;
        block_signals(&old);
        exit_code = run(&extension, program);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    gf_sdk_environment_fini(&extension.environment);
    return exit_code;
}
