/*
 * Dialogs of persons with extensions, over the whole server: the test is the person, the extension
 * and the scheduler that starts its container.
 */
#include "base/clock.h"
#include "base/sync.h"
#include "gofer/extension/v1/extension.gofer.h"
#include "gofer/v1/extension.gofer.h"
#include "tests/integration/access.h"

#include <string.h>

#include <criterion/criterion.h>

typedef Gofer__Extension__V1__ConnectRequest to_gofer;
typedef Gofer__Extension__V1__ConnectResponse from_gofer;
typedef Gofer__V1__RunExtensionInstallerResponse installer_response;

#define SAYS(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define SHOWS(name) GOFER__V1__RUN_EXTENSION_INSTALLER_RESPONSE__MESSAGE_##name

/* ---- The scheduler: containers run until they are stopped ---- */

static struct {
    const struct gf_scheduler_events *events;
    struct gf_mutex mutex;
    struct gf_cond changed;
    int launched;
    int stopped;
    bool fails; /* launches do */
    char id[128];
    char token[128];
} back;

static void take_variable(const struct gf_launch *launch, const char *key, char *out, size_t size) {
    const size_t key_size = strlen(key);
    for (size_t i = 0; i < launch->environment_count; i++) {
        if (strncmp(launch->environment[i], key, key_size) == 0) {
            (void)snprintf(out, size, "%s", launch->environment[i] + key_size);
        }
    }
}

static void launch(GF_UNUSED void *self, const struct gf_launch *launch) {
    const struct gf_start start = {
        .start_time = gf_wall_ns(), .node = GF_STR("here"), .image_digest = GF_STR("sha256:feed")};
    gf_mutex_lock(&back.mutex);
    back.launched++;
    take_variable(launch, "GOFER_EXTENSION_ID=", back.id, sizeof(back.id));
    take_variable(launch, "GOFER_TOKEN=", back.token, sizeof(back.token));
    gf_cond_broadcast(&back.changed);
    gf_mutex_unlock(&back.mutex);
    if (back.fails) {
        back.events->launch_failed(back.events->ctx, launch->attempt,
                                   GF_LAUNCH_FAILURE_IMAGE_REFUSED,
                                   GF_STR("there is no such image"));
    } else {
        back.events->started(back.events->ctx, launch->attempt, &start);
    }
}

static void stop(GF_UNUSED void *self, struct gf_attempt attempt, GF_UNUSED bool force) {
    const int64_t now = gf_wall_ns();
    const struct gf_exit exit = {
        .exit_code = 137, .exit_signal = 9, .stopped = true, .start_time = now, .end_time = now};
    gf_mutex_lock(&back.mutex);
    back.stopped++;
    gf_cond_broadcast(&back.changed);
    gf_mutex_unlock(&back.mutex);
    back.events->exited(back.events->ctx, attempt, &exit, GF_STR("sha256:feed"), GF_STR("here"));
}

static void ignore(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt) {
}

static void recover(GF_UNUSED void *self, GF_UNUSED const struct gf_attempt *attempts,
                    GF_UNUSED size_t count) {
}

static enum gf_code check_image(GF_UNUSED void *self, struct gf_str image,
                                GF_UNUSED enum gf_pull_policy pull, struct gf_error *err) {
    return gf_str_eq(image, GF_STR("unknown"))
               ? gf_fail(err, GF_NOT_FOUND, "there is no image 'unknown'")
               : GF_OK;
}

static void stop_reporting(GF_UNUSED void *self) {
}

static const struct gf_scheduler_ops ops = {
    .name = "played",
    .launch = launch,
    .stop = stop,
    .forget = ignore,
    .inquire = ignore,
    .recover = recover,
    .check_image = check_image,
    .stop_reporting = stop_reporting,
};

static struct gf_scheduler make(GF_UNUSED void *ctx, const struct gf_scheduler_events *events) {
    back.events = events;
    return (struct gf_scheduler){.ops = &ops, .self = &back};
}

static void wait_for(const int *count, int at_least) {
    const int64_t deadline = gf_mono_ns() + TIMEOUT_MS * GF_NS_PER_MS;
    GF_MUTEX_GUARD(&back.mutex);
    while (*count < at_least) {
        cr_assert(gf_cond_wait_until(&back.changed, &back.mutex, deadline), "waited in vain");
    }
}

static void setup(void) {
    memset(&back, 0, sizeof(back));
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_mutex_init(&back.mutex, GF_RANK_SESSION);
    gf_cond_init(&back.changed);
    gf_harness_start_given(&harness, make, NULL);
}

static void teardown(void) {
    access_teardown();
    gf_cond_fini(&back.changed);
    gf_mutex_fini(&back.mutex);
}

TestSuite(extension_dialog, .init = setup, .fini = teardown);

/* ---- The extension ---- */

struct played {
    struct gf_rpc_channel *channel;
    struct gf_rpc_stream *stream;
};

static void say(struct played *self, const to_gofer *message) {
    const enum gf_code rc =
        gofer_extension_v1_extension_service_connect_stream_send(self->stream, message, &error);
    cr_assert(rc == GF_OK || rc == GF_CANCELLED, "%s", error.message);
}

/* The next message of this kind; others that come before are left out. */
static from_gofer *hear(struct played *self, int kind) {
    from_gofer *message = NULL;
    do {
        cr_assert_eq(gofer_extension_v1_extension_service_connect_stream_recv(
                         self->stream, TIMEOUT_MS, &arena, &message, &error),
                     GF_OK, "%s", error.message);
        cr_assert_not_null(message);
    } while ((int)message->message_case != kind);
    return message;
}

/* The container that was launched last connects and is ready; gives what it is let in for. */
static Gofer__Extension__V1__ConnectionMode connect(struct played *self, bool has_dialogs) {
    Gofer__Extension__V1__Registration registration = GOFER__EXTENSION__V1__REGISTRATION__INIT;
    Gofer__Extension__V1__Ready ready = GOFER__EXTENSION__V1__READY__INIT;
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    int32_t majors[] = {1};
    self->channel = gf_harness_open(&harness, harness.task_address, back.token);
    cr_assert_eq(gofer_extension_v1_extension_service_connect_stream_open(self->channel, NULL,
                                                                          &self->stream, &error),
                 GF_OK);
    registration.extension_id = back.id;
    registration.n_protocol_major_versions = 1;
    registration.protocol_major_versions = majors;
    registration.version = (char *)(uintptr_t) "1.0.0";
    registration.has_installer = has_dialogs;
    registration.has_configurator = has_dialogs;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION;
    message.registration = &registration;
    say(self, &message);
    const from_gofer *welcome = hear(self, SAYS(WELCOME));
    const Gofer__Extension__V1__ConnectionMode mode = welcome->welcome->mode;
    (void)hear(self, SAYS(SUBSCRIPTIONS_COMPLETE));
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY;
    message.ready = &ready;
    say(self, &message);
    return mode;
}

static void disconnect(struct played *self) {
    gf_rpc_stream_destroy(self->stream);
    gf_rpc_channel_destroy(self->channel);
}

static void say_step(struct played *self, Gofer__Extension__V1__DialogStep *step, char *dialog_id) {
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    step->dialog_id = dialog_id;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DIALOG_STEP;
    message.dialog_step = step;
    say(self, &message);
}

static void ask(struct played *self, char *dialog_id, char *text) {
    Gofer__V1__DialogQuestion question = GOFER__V1__DIALOG_QUESTION__INIT;
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    question.text = text;
    question.default_answer = (char *)(uintptr_t) "UTC";
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_QUESTION;
    step.question = &question;
    say_step(self, &step, dialog_id);
}

static void give(struct played *self, char *dialog_id, char *key, char *value) {
    Gofer__V1__ExtensionSettings__SettingsEntry entry =
        GOFER__V1__EXTENSION_SETTINGS__SETTINGS_ENTRY__INIT;
    Gofer__V1__ExtensionSettings__SettingsEntry *entries[] = {&entry};
    Gofer__V1__ExtensionSettings settings = GOFER__V1__EXTENSION_SETTINGS__INIT;
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    entry.key = key;
    entry.value = value;
    settings.n_settings = 1;
    settings.settings = entries;
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_SETTINGS;
    step.settings = &settings;
    say_step(self, &step, dialog_id);
}

static void give_up(struct played *self, char *dialog_id, char *why) {
    Gofer__Extension__V1__DialogStep step = GOFER__EXTENSION__V1__DIALOG_STEP__INIT;
    step.step_case = GOFER__EXTENSION__V1__DIALOG_STEP__STEP_FAILURE;
    step.failure = why;
    say_step(self, &step, dialog_id);
}

/* ---- The person ---- */

static struct gf_rpc_stream *open_installer_on(struct gf_rpc_channel *channel, char *image) {
    struct gf_rpc_stream *stream = NULL;
    Gofer__V1__RunExtensionInstallerRequest request =
        GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__INIT;
    Gofer__V1__ExtensionInstallerStart start = GOFER__V1__EXTENSION_INSTALLER_START__INIT;
    start.image = image;
    request.message_case = GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__MESSAGE_START;
    request.start = &start;
    cr_assert_eq(gofer_v1_extension_service_run_extension_installer_stream_open(channel, NULL,
                                                                                &stream, &error),
                 GF_OK);
    const enum gf_code rc =
        gofer_v1_extension_service_run_extension_installer_stream_send(stream, &request, &error);
    cr_assert(rc == GF_OK || rc == GF_CANCELLED, "%s", error.message);
    return stream;
}

static struct gf_rpc_stream *open_installer(char *image) {
    return open_installer_on(harness.channel, image);
}

static void reply(struct gf_rpc_stream *stream, char *text) {
    Gofer__V1__RunExtensionInstallerRequest request =
        GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__INIT;
    Gofer__V1__DialogReply answer = GOFER__V1__DIALOG_REPLY__INIT;
    answer.text = text;
    request.message_case = GOFER__V1__RUN_EXTENSION_INSTALLER_REQUEST__MESSAGE_REPLY;
    request.reply = &answer;
    const enum gf_code rc =
        gofer_v1_extension_service_run_extension_installer_stream_send(stream, &request, &error);
    cr_assert(rc == GF_OK || rc == GF_CANCELLED, "%s", error.message);
}

static installer_response *see(struct gf_rpc_stream *stream) {
    installer_response *message = NULL;
    cr_assert_eq(gofer_v1_extension_service_run_extension_installer_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_OK, "%s", error.message);
    return message;
}

static void expect_failure(struct gf_rpc_stream *stream, enum gf_code code, const char *reason,
                           const char *part) {
    ProtobufCMessage *message = NULL;
    enum gf_code rc = GF_OK;
    do {
        rc = gf_rpc_stream_recv(stream, TIMEOUT_MS, &arena, &message, &error);
    } while (rc == GF_OK && message != NULL);
    cr_expect_eq(rc, code, "%s", error.message);
    cr_expect_str_eq(error.reason, reason, "%s", error.message);
    cr_expect_not_null(strstr(error.message, part), "'%s' does not tell of '%s'", error.message,
                       part);
    gf_rpc_stream_destroy(stream);
}

/* A dialog whose extension has asked one thing. */
static struct gf_rpc_stream *begin(struct played *extension, char **out_dialog_id) {
    struct gf_rpc_stream *stream = open_installer("cron:1");
    wait_for(&back.launched, 1);
    cr_expect_eq((int)connect(extension, /* has_dialogs= */ true),
                 GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_INSTALLER);
    const from_gofer *start = hear(extension, SAYS(DIALOG_START));
    cr_expect_eq((int)start->dialog_start->kind,
                 GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_INSTALLER);
    *out_dialog_id = start->dialog_start->dialog_id;
    ask(extension, *out_dialog_id, "Which zone?");
    const installer_response *question = see(stream);
    cr_assert_eq((int)question->message_case, SHOWS(QUESTION));
    cr_expect_str_eq(question->question->text, "Which zone?");
    return stream;
}

/* ---- Installers ---- */

Test(extension_dialog, an_installer_leads_to_settings) {
    struct played extension = {0};
    char *dialog_id = NULL;
    struct gf_rpc_stream *stream = begin(&extension, &dialog_id);
    reply(stream, "Europe/Oslo");
    const from_gofer *answer = hear(&extension, SAYS(DIALOG_ANSWER));
    cr_expect_str_eq(answer->dialog_answer->text, "Europe/Oslo");
    cr_expect_str_eq(answer->dialog_answer->dialog_id, dialog_id);
    ask(&extension, dialog_id, "And which one if not that?");
    (void)see(stream);
    reply(stream, "");
    cr_expect_str_eq(hear(&extension, SAYS(DIALOG_ANSWER))->dialog_answer->text, "UTC");
    give(&extension, dialog_id, "zone", "Europe/Oslo");
    const installer_response *settings = see(stream);
    cr_assert_eq((int)settings->message_case, SHOWS(SETTINGS));
    cr_assert_eq(settings->settings->n_settings, 1);
    cr_expect_str_eq(settings->settings->settings[0]->value, "Europe/Oslo");
    cr_expect_null(see(stream), "the stream ends");
    gf_rpc_stream_destroy(stream);
    wait_for(&back.stopped, 1);
    disconnect(&extension);
}

Test(extension_dialog, a_person_who_goes_away_ends_the_container) {
    struct played extension = {0};
    char *dialog_id = NULL;
    struct gf_rpc_stream *stream = begin(&extension, &dialog_id);
    gf_rpc_stream_cancel(stream);
    wait_for(&back.stopped, 1);
    gf_rpc_stream_destroy(stream);
    disconnect(&extension);
}

Test(extension_dialog, a_person_who_leaves_before_there_is_a_container_ends_it_too) {
    struct gf_rpc_stream *stream = open_installer("cron:1");
    wait_for(&back.launched, 1);
    gf_rpc_stream_cancel(stream);
    wait_for(&back.stopped, 1);
    gf_rpc_stream_destroy(stream);
}

Test(extension_dialog, an_extension_that_gives_up_says_why) {
    struct played extension = {0};
    char *dialog_id = NULL;
    struct gf_rpc_stream *stream = begin(&extension, &dialog_id);
    reply(stream, "nowhere");
    (void)hear(&extension, SAYS(DIALOG_ANSWER));
    give_up(&extension, dialog_id, "There is no such zone.");
    expect_failure(stream, GF_FAILED_PRECONDITION, "DIALOG_FAILED", "There is no such zone.");
    wait_for(&back.stopped, 1);
    disconnect(&extension);
}

Test(extension_dialog, an_extension_that_goes_away_is_told_of) {
    struct played extension = {0};
    char *dialog_id = NULL;
    struct gf_rpc_stream *stream = begin(&extension, &dialog_id);
    disconnect(&extension);
    expect_failure(stream, GF_UNAVAILABLE, "NOT_CONNECTED", "went away");
    wait_for(&back.stopped, 1);
}

Test(extension_dialog, an_extension_without_a_dialog_is_told_of) {
    struct played extension = {0};
    struct gf_rpc_stream *stream = open_installer("cron:1");
    wait_for(&back.launched, 1);
    (void)connect(&extension, /* has_dialogs= */ false);
    expect_failure(stream, GF_FAILED_PRECONDITION, "NO_DIALOG", "has no such dialog");
    wait_for(&back.stopped, 1);
    disconnect(&extension);
}

Test(extension_dialog, a_container_that_does_not_start_is_told_of) {
    back.fails = true;
    expect_failure(open_installer("cron:1"), GF_UNAVAILABLE, "NOT_CONNECTED",
                   "there is no such image");
}

Test(extension_dialog, what_is_wrong_with_a_start_has_its_place) {
    expect_failure(open_installer(""), GF_INVALID_ARGUMENT, "", "required");
    cr_expect_str_eq(error.field, "start.image");
    expect_failure(open_installer("unknown"), GF_NOT_FOUND, "IMAGE_NOT_FOUND", "'unknown'");
    cr_expect_str_eq(error.field, "start.image");
    cr_expect_eq(back.launched, 0);
}

Test(extension_dialog, the_first_message_is_the_start_and_no_other) {
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(gofer_v1_extension_service_run_extension_installer_stream_open(
                     harness.channel, NULL, &stream, &error),
                 GF_OK);
    reply(stream, "hello");
    expect_failure(stream, GF_INVALID_ARGUMENT, "", "must be `start`");
    stream = open_installer("cron:1");
    reply(stream, "too soon");
    expect_failure(stream, GF_INVALID_ARGUMENT, "", "nothing was asked");
    wait_for(&back.stopped, back.launched);
}

Test(extension_dialog, installers_have_a_limit_and_are_in_no_list) {
    enum {
        INSTALLERS = 8
    };
    struct gf_rpc_stream *streams[INSTALLERS];
    for (int i = 0; i < INSTALLERS; i++) {
        streams[i] = open_installer("cron:1");
        wait_for(&back.launched, i + 1);
    }
    expect_failure(open_installer("cron:1"), GF_RESOURCE_EXHAUSTED, "", "no more are possible");
    Gofer__V1__ListExtensionsRequest request = GOFER__V1__LIST_EXTENSIONS_REQUEST__INIT;
    Gofer__V1__ListExtensionsResponse *response = NULL;
    cr_assert_eq(gofer_v1_extension_service_list_extensions(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(response->n_extensions, 0);
    for (int i = 0; i < INSTALLERS; i++) {
        gf_rpc_stream_destroy(streams[i]);
    }
    wait_for(&back.stopped, INSTALLERS);
}

/* ---- Configurators ---- */

/* Extension "cron" of an image, connected and ready, and pipeline "nightly". */
static void install(struct played *extension) {
    Gofer__V1__InstallExtensionRequest request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    Gofer__V1__InstallExtensionResponse *response = NULL;
    request.extension_id = (char *)(uintptr_t) "cron";
    request.image = (char *)(uintptr_t) "cron:1";
    cr_assert_eq(gofer_v1_extension_service_install_extension(harness.channel, NULL, &request,
                                                              &arena, &response, &error),
                 GF_OK, "%s", error.message);
    register_in("default", "nightly");
    wait_for(&back.launched, 1);
    cr_expect_eq((int)connect(extension, /* has_dialogs= */ true),
                 GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_WORK);
}

static void wait_until_ready(void) {
    Gofer__V1__WatchExtensionRequest request = GOFER__V1__WATCH_EXTENSION_REQUEST__INIT;
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    Gofer__V1__WatchExtensionResponse *message = NULL;
    request.extension_id = (char *)(uintptr_t) "cron";
    cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_open(harness.channel, NULL,
                                                                        &request, &stream, &error),
                 GF_OK);
    do {
        cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_recv(
                         stream, TIMEOUT_MS, &arena, &message, &error),
                     GF_OK, "%s", error.message);
    } while (message->extension->state != GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_RUNNING);
}

static struct gf_rpc_stream *open_configurator(struct gf_rpc_channel *channel, char *pipeline_id,
                                               char *extension_id) {
    struct gf_rpc_stream *stream = NULL;
    Gofer__V1__RunSubscriptionConfiguratorRequest request =
        GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__INIT;
    Gofer__V1__SubscriptionConfiguratorStart start =
        GOFER__V1__SUBSCRIPTION_CONFIGURATOR_START__INIT;
    start.pipeline_id = pipeline_id;
    start.extension_id = extension_id;
    request.message_case = GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_REQUEST__MESSAGE_START;
    request.start = &start;
    cr_assert_eq(gofer_v1_extension_service_run_subscription_configurator_stream_open(
                     channel, NULL, &stream, &error),
                 GF_OK);
    const enum gf_code rc = gofer_v1_extension_service_run_subscription_configurator_stream_send(
        stream, &request, &error);
    cr_assert(rc == GF_OK || rc == GF_CANCELLED, "%s", error.message);
    return stream;
}

Test(extension_dialog, a_configurator_knows_its_pipeline) {
    struct played extension = {0};
    Gofer__V1__RunSubscriptionConfiguratorResponse *message = NULL;
    install(&extension);
    wait_until_ready();
    struct gf_rpc_stream *stream = open_configurator(harness.channel, "nightly", "cron");
    const from_gofer *start = hear(&extension, SAYS(DIALOG_START));
    cr_expect_eq((int)start->dialog_start->kind,
                 GOFER__EXTENSION__V1__DIALOG_KIND__DIALOG_KIND_SUBSCRIPTION);
    cr_expect_str_eq(start->dialog_start->namespace_id, "default");
    cr_expect_str_eq(start->dialog_start->pipeline_id, "nightly");
    give(&extension, start->dialog_start->dialog_id, "expression", "0 1 * * *");
    cr_assert_eq(gofer_v1_extension_service_run_subscription_configurator_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq((int)message->message_case,
                 GOFER__V1__RUN_SUBSCRIPTION_CONFIGURATOR_RESPONSE__MESSAGE_SETTINGS);
    cr_expect_str_eq(message->settings->settings[0]->key, "expression");
    cr_expect_eq(gf_rpc_stream_finish(stream, &error), GF_OK, "%s", error.message);
    gf_rpc_stream_destroy(stream);
    cr_expect_eq(back.stopped, 0, "the extension works on");
    disconnect(&extension);
}

Test(extension_dialog, a_person_who_leaves_a_configurator_cancels_it) {
    struct played extension = {0};
    install(&extension);
    wait_until_ready();
    struct gf_rpc_stream *stream = open_configurator(harness.channel, "nightly", "cron");
    char *dialog_id = hear(&extension, SAYS(DIALOG_START))->dialog_start->dialog_id;
    gf_rpc_stream_destroy(stream);
    cr_expect_str_eq(hear(&extension, SAYS(DIALOG_CANCEL))->dialog_cancel->dialog_id, dialog_id);
    /* A client that has said all it has to say cannot answer. */
    stream = open_configurator(harness.channel, "nightly", "cron");
    gf_rpc_stream_close_send(stream);
    ask(&extension, hear(&extension, SAYS(DIALOG_START))->dialog_start->dialog_id, "Which zone?");
    expect_failure(stream, GF_CANCELLED, "", "does not answer");
    (void)hear(&extension, SAYS(DIALOG_CANCEL));
    disconnect(&extension);
}

Test(extension_dialog, a_configurator_needs_a_pipeline_and_a_connected_extension) {
    expect_failure(open_configurator(harness.channel, "nightly", "cron"), GF_NOT_FOUND, "",
                   "pipeline 'nightly'");
    register_in("default", "nightly");
    expect_failure(open_configurator(harness.channel, "nightly", "cron"), GF_NOT_FOUND,
                   "EXTENSION_NOT_INSTALLED", "'cron'");
    expect_failure(open_configurator(harness.channel, "nightly", "x"), GF_INVALID_ARGUMENT, "",
                   "expected 3 to 64");
    cr_expect_str_eq(error.field, "start.extension_id");
    back.fails = true;
    Gofer__V1__InstallExtensionRequest request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    Gofer__V1__InstallExtensionResponse *response = NULL;
    request.extension_id = (char *)(uintptr_t) "cron";
    request.image = (char *)(uintptr_t) "cron:1";
    cr_assert_eq(gofer_v1_extension_service_install_extension(harness.channel, NULL, &request,
                                                              &arena, &response, &error),
                 GF_OK, "%s", error.message);
    expect_failure(open_configurator(harness.channel, "nightly", "cron"), GF_UNAVAILABLE,
                   "NOT_CONNECTED", "not connected");
}

Test(extension_dialog, a_configurator_is_for_those_who_may_subscribe) {
    make_role("looker", may("*", RESOURCE(PIPELINES), NULL, ACTION(READ)), NULL);
    register_in("default", "nightly");
    expect_failure(open_configurator(log_in("looker", "looker"), "nightly", "cron"),
                   GF_PERMISSION_DENIED, "PERMISSION_MISSING", "SUBSCRIPTIONS");
    expect_failure(open_installer_on(log_in("looker-2", "looker"), "cron:1"), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING", "EXTENSIONS");
    cr_expect_eq(back.launched, 0);
}
