/*
 * Deliveries of an extension, as inputs of the engine. All is in the arena of the delivery, or
 * borrowed from its message.
 */
#include "api/access/principal.h"
#include "api/codec/json/text.h"
#include "api/codec/model/config.h"
#include "api/codec/model/digest.h"
#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "base/identifier.h"
#include "engine/core/config.h"
#include "engine/core/limits.h"

#include <stdio.h>

enum {
    SCRATCH_BYTES_MAX = 64 << 20, /* for a look at a document */
};

typedef Gofer__Extension__V1__StartRun start_message;
typedef Gofer__Extension__V1__ObservedEvent event_message;

/* ---- From the message to the input ---- */

/* What both kinds say, as a StartRun. Entries of maps are alike in all messages. */
static start_message start_of_event(const event_message *event) {
    start_message start = GOFER__EXTENSION__V1__START_RUN__INIT;
    start.idempotency_key = event->idempotency_key;
    start.n_variables = event->n_variables;
    start.variables = (Gofer__Extension__V1__StartRun__VariablesEntry **)event->variables;
    start.reason = event->reason;
    start.input = event->input;
    start.event_time = event->event_time;
    start.ordering_key = event->ordering_key;
    start.ordering_policy = event->ordering_policy;
    start.n_labels = event->n_labels;
    start.labels = (Gofer__Extension__V1__StartRun__LabelsEntry **)event->labels;
    start.checkpoint = event->checkpoint;
    start.cause_run = event->cause_run;
    return start;
}

static size_t count_chars(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static enum gf_code read_name(const Gofer__V1__SubscriptionReference *reference, const char *field,
                              struct gf_subscription_name *out, struct gf_error *err) {
    if (reference == NULL) {
        return gf_fail_field(err, field, "there is no subscription");
    }
    out->namespace_id = gf_str_from(reference->namespace_id);
    out->pipeline_id = gf_str_from(reference->pipeline_id);
    out->subscription_id = gf_str_from(reference->subscription_id);
    enum gf_code rc = gf_identifier_check(out->namespace_id, field, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(out->pipeline_id, field, err);
    }
    return rc == GF_OK ? gf_identifier_check(out->subscription_id, field, err) : rc;
}

static enum gf_code read_names(Gofer__V1__SubscriptionReference *const *references, size_t count,
                               struct gf_arena *arena, struct gf_extension_start *out,
                               struct gf_error *err) {
    if (count == 0 || count > GF_START_SUBSCRIPTIONS_MAX) {
        return gf_fail_field(err, "subscriptions", "there are %zu, expected 1 to %d", count,
                             GF_START_SUBSCRIPTIONS_MAX);
    }
    struct gf_subscription_name *names = GF_ARENA_ARRAY(arena, count, struct gf_subscription_name);
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = read_name(references[i], "subscriptions", &names[i], err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    out->subscriptions = names;
    out->subscription_count = count;
    return GF_OK;
}

static enum gf_code read_variables(const start_message *start, struct gf_arena *arena,
                                   struct gf_extension_start *out, struct gf_error *err) {
    const size_t count = start->n_variables;
    struct gf_variable *variables = GF_ARENA_ARRAY(arena, count, struct gf_variable);
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc =
            gf_variable_from_entry(start->variables[i]->key, start->variables[i]->value,
                                   GF_VARIABLE_SOURCE_EXTENSION, "variables", &variables[i], err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    gf_variables_sort(variables, count);
    out->variables = variables;
    out->variable_count = count;
    return GF_OK;
}

static bool is_json(struct gf_str content) {
    if (content.len > GF_RUN_INPUT_BYTES_MAX) {
        return false; /* it is refused whatever it is */
    }
    struct gf_arena scratch;
    const struct gf_json_value *value = NULL;
    gf_arena_init(&scratch, SCRATCH_BYTES_MAX);
    const bool valid = gf_json_parse(content, &scratch, &value, NULL) == GF_OK;
    gf_arena_fini(&scratch);
    return valid;
}

static enum gf_code read_document(const Gofer__V1__RunInput *input, struct gf_arena *arena,
                                  struct gf_extension_start *out, struct gf_error *err) {
    if (input == NULL) {
        return GF_OK;
    }
    if (input->source_case != GOFER__V1__RUN_INPUT__SOURCE_CONTENT) {
        return gf_fail_field(err, "input", "a run of an extension has its document in `content`");
    }
    const struct gf_str content = {(const char *)input->content.data, input->content.len};
    struct gf_run_document *document = GF_ARENA_NEW(arena, struct gf_run_document);
    *document = (struct gf_run_document){
        .content = content,
        .media_type = input->media_type[0] != '\0' ? gf_str_from(input->media_type)
                      : is_json(content)           ? GF_STR("application/json")
                                                   : GF_STR("application/octet-stream"),
        .digest = gf_digest_text(content, arena),
    };
    out->document = document;
    return GF_OK;
}

static enum gf_code read_cause(const Gofer__V1__RunReference *cause, struct gf_extension_start *out,
                               struct gf_error *err) {
    if (cause == NULL) {
        return GF_OK;
    }
    out->cause_namespace_id = gf_str_from(cause->namespace_id);
    out->cause_pipeline_id = gf_str_from(cause->pipeline_id);
    out->cause_run_id = cause->run_id;
    enum gf_code rc = gf_identifier_check(out->cause_namespace_id, "cause_run", err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(out->cause_pipeline_id, "cause_run", err);
    }
    if (rc == GF_OK && cause->run_id <= 0) {
        rc = gf_fail_field(err, "cause_run", "a run has a number of 1 or more");
    }
    return rc;
}

static enum gf_code read_event_time(const start_message *start, struct gf_extension_start *out,
                                    struct gf_error *err) {
    int64_t time = 0;
    enum gf_code rc = gf_message_read_time(start->event_time, "event_time", &time, err);
    if (rc == GF_OK && time < 0) {
        rc = gf_fail_field(err, "event_time", "is before 1970");
    }
    if (rc == GF_OK) {
        out->event_time = time;
    }
    return rc;
}

static enum gf_code read_key(const start_message *start, struct gf_extension_start *out,
                             struct gf_error *err) {
    const size_t chars = count_chars(start->idempotency_key);
    if (chars == 0 || chars > GF_START_KEY_CHARS_MAX) {
        return gf_fail_field(err, "idempotency_key", "has %zu characters, expected 1 to %d", chars,
                             GF_START_KEY_CHARS_MAX);
    }
    out->key = gf_str_from(start->idempotency_key);
    return GF_OK;
}

/* All but the key. */
static enum gf_code read_start(const start_message *start, struct gf_arena *arena,
                               struct gf_extension_start *out, struct gf_error *err) {
    if (count_chars(start->reason) > GF_REASON_CHARS_MAX) {
        return gf_fail_field(err, "reason", "has more than %d characters", GF_REASON_CHARS_MAX);
    }
    if (strlen(start->checkpoint) > GF_CHECKPOINT_BYTES_MAX) {
        return gf_fail_field(err, "checkpoint", "has more than %d bytes", GF_CHECKPOINT_BYTES_MAX);
    }
    const int policy = (int)start->ordering_policy;
    if (policy != 0 && !gf_run_ordering_policy_valid(policy)) {
        return gf_fail_field(err, "ordering_policy", "%d is no policy of an ordering key", policy);
    }
    out->reason = gf_str_from(start->reason);
    out->ordering_key = gf_str_from(start->ordering_key);
    out->ordering_policy = (enum gf_run_ordering_policy)policy;
    out->set_checkpoint = start->checkpoint[0] != '\0';
    out->checkpoint = gf_str_from(start->checkpoint);
    enum gf_code rc = read_variables(start, arena, out, err);
    if (rc == GF_OK) {
        rc = read_document(start->input, arena, out, err);
    }
    if (rc == GF_OK) {
        rc = read_cause(start->cause_run, out, err);
    }
    if (rc == GF_OK) {
        rc = read_event_time(start, out, err);
    }
    GF_LABELS_READ(start, arena, &out->labels, &out->label_count);
    return rc;
}

/* What is kept of it where it must wait, for each subscription. */
static struct gf_str content_of(const start_message *start, struct gf_arena *arena) {
    start_message kept = *start;
    kept.subscription = NULL;
    kept.checkpoint = (char *)(uintptr_t) "";
    uint8_t *bytes = gf_arena_alloc(arena, gf_wire_encoded_size(&kept.base) + 1);
    return (struct gf_str){(const char *)bytes, gf_wire_encode(&kept.base, bytes)};
}

enum gf_code gf_starts__read(const Gofer__Extension__V1__ConnectRequest *request,
                             struct gf_arena *arena, struct gf_extension_start *out,
                             struct gf_error *err) {
    start_message start;
    struct gf_extension_start read = {0};
    enum gf_code rc;
    if (request->message_case == GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN) {
        start = *request->start_run;
        rc = read_names(&request->start_run->subscription, 1, arena, &read, err);
    } else {
        start = start_of_event(request->observed_event);
        rc = read_names(request->observed_event->subscriptions,
                        request->observed_event->n_subscriptions, arena, &read, err);
    }
    if (rc == GF_OK) {
        rc = read_key(&start, &read, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_extension_start named = read;
    struct gf_error *wrong = GF_ARENA_NEW(arena, struct gf_error);
    *wrong = (struct gf_error){0};
    if (read_start(&start, arena, &read, wrong) == GF_OK) {
        read.content = content_of(&start, arena);
    } else {
        /* This is an outcome of the key too, so it goes where they are kept. */
        read = named;
        read.refusal = wrong;
    }
    *out = read;
    return GF_OK;
}

enum gf_code gf_starts__read_kept(struct gf_str content, const struct gf_delivery *row,
                                  struct gf_arena *arena, struct gf_extension_start *out,
                                  struct gf_error *err) {
    ProtobufCMessage *message = NULL;
    enum gf_code rc =
        gf_wire_decode(&gofer__extension__v1__start_run__descriptor, (const uint8_t *)content.ptr,
                       content.len, arena, &message, err);
    struct gf_extension_start read = {0};
    const start_message *start = (const start_message *)(const void *)message;
    if (rc == GF_OK) {
        rc = read_key(start, &read, err);
    }
    if (rc == GF_OK) {
        rc = read_start(start, arena, &read, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_subscription_name *name = GF_ARENA_NEW(arena, struct gf_subscription_name);
    *name =
        (struct gf_subscription_name){row->namespace_id, row->pipeline_id, row->subscription_id};
    read.subscriptions = name;
    read.subscription_count = 1;
    read.extension_key = row->extension_key;
    read.delivery_key = row->delivery_key;
    *out = read;
    return GF_OK;
}

/* ---- Checkpoints and reports ---- */

enum gf_code gf_starts__read_checkpoint(const Gofer__Extension__V1__Checkpoint *checkpoint,
                                        struct gf_extension_progress *out, struct gf_error *err) {
    if (strlen(checkpoint->value) > GF_CHECKPOINT_BYTES_MAX) {
        return gf_fail_field(err, "value", "has more than %d bytes", GF_CHECKPOINT_BYTES_MAX);
    }
    out->checkpoint = gf_str_from(checkpoint->value);
    return checkpoint->subscription == NULL
               ? GF_OK
               : read_name(checkpoint->subscription, "subscription", &out->subscription, err);
}

static enum gf_code check_report_texts(const Gofer__Extension__V1__Report *report,
                                       struct gf_error *err) {
    const size_t id_chars = count_chars(report->report_id);
    const size_t title_chars = count_chars(report->title);
    if (id_chars == 0 || id_chars > GF_REPORT_ID_CHARS_MAX) {
        return gf_fail_field(err, "report_id", "has %zu characters, expected 1 to %d", id_chars,
                             GF_REPORT_ID_CHARS_MAX);
    }
    if (title_chars == 0 || title_chars > GF_REPORT_TITLE_CHARS_MAX ||
        strchr(report->title, '\n') != NULL) {
        return gf_fail_field(err, "title", "is no line of 1 to %d characters",
                             GF_REPORT_TITLE_CHARS_MAX);
    }
    if (strlen(report->body) > GF_REPORT_BODY_BYTES_MAX) {
        return gf_fail_field(err, "body", "has more than %d bytes", GF_REPORT_BODY_BYTES_MAX);
    }
    if ((int)report->outcome != 0 && !gf_report_outcome_valid((int)report->outcome)) {
        return gf_fail_field(err, "outcome", "%d is no outcome", (int)report->outcome);
    }
    return GF_OK;
}

static enum gf_code check_url(const char *url, struct gf_arena *arena, struct gf_error *err) {
    Gofer__V1__ExtensionParameter parameter = GOFER__V1__EXTENSION_PARAMETER__INIT;
    parameter.type = GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_URL;
    struct gf_str sentence = GF_STR("");
    if (url[0] == '\0') {
        return GF_OK;
    }
    if (strlen(url) > GF_REPORT_URL_BYTES_MAX ||
        !gf_parameter_takes(&parameter, gf_str_from(url), arena, &sentence)) {
        return gf_fail_field(err, "url",
                             "must be an absolute URL of http or https of up to %d "
                             "bytes",
                             GF_REPORT_URL_BYTES_MAX);
    }
    return GF_OK;
}

/* Whether its roles let it know of what a report is about; its subscriptions need none. */
static bool may_read(const struct gf_hub_connection *self, const struct gf_report *row) {
    const struct gf_access_query query = {
        .resource = GF_PERMISSION_RESOURCE_RUNS,
        .action = GF_PERMISSION_ACTION_READ,
        .namespace_id = row->namespace_id,
        .id = row->pipeline_id,
        .run_id = row->run_id,
    };
    return self->principal == NULL || row->run_id == 0 ||
           gf_principal_allows(self->principal, &query);
}

enum gf_code gf_starts__read_report(const struct gf_hub_connection *self,
                                    const Gofer__Extension__V1__Report *report,
                                    struct gf_arena *arena, struct gf_report_put *out,
                                    struct gf_error *err) {
    struct gf_report *row = GF_ARENA_NEW(arena, struct gf_report);
    *row = (struct gf_report){
        .extension_key = self->extension_key,
        .extension_id = gf_str_from(self->extension_id),
        .report_id = gf_str_from(report->report_id),
        .outcome = (enum gf_report_outcome)report->outcome,
        .title = gf_str_from(report->title),
        .body = gf_str_from(report->body),
        .url = gf_str_from(report->url),
    };
    enum gf_code rc = check_report_texts(report, err);
    if (rc == GF_OK) {
        rc = check_url(report->url, arena, err);
    }
    if (rc == GF_OK && report->subscription != NULL) {
        struct gf_subscription_name name;
        rc = read_name(report->subscription, "subscription", &name, err);
        row->namespace_id = gf_str_from(report->subscription->namespace_id);
        row->pipeline_id = gf_str_from(report->subscription->pipeline_id);
        row->subscription_id = gf_str_from(report->subscription->subscription_id);
    }
    if (rc == GF_OK && report->run != NULL) {
        struct gf_extension_start place = {0};
        rc = read_cause(report->run, &place, err);
        if (rc == GF_OK && row->pipeline_id.len > 0 &&
            (!gf_str_eq(row->pipeline_id, place.cause_pipeline_id) ||
             !gf_str_eq(row->namespace_id, place.cause_namespace_id))) {
            rc = gf_fail_field(err, "run", "is none of the pipeline of the subscription");
        }
        row->namespace_id = place.cause_namespace_id;
        row->pipeline_id = place.cause_pipeline_id;
        row->run_id = place.cause_run_id;
    }
    out->row = row;
    out->own_only = rc == GF_OK && !may_read(self, row);
    return rc;
}
