/*
 * An extension that starts a run for each webhook of GitHub, or of a service whose webhooks look
 * alike. gofer has checked the signature before anything comes here, and stores a delivery once.
 *
 * docs/guides/webhooks.md goes through it from the secret to the first run.
 */
#include <gofer/extension.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VARIABLES_MAX = 5,
    TEXT_BYTES = 512,
    DEPTH_MAX = 32,
};

static const struct gofer_parameter config_parameters[] = {
    {.name = "secret",
     .type = GOFER_STRING,
     .required = true,
     .secret = true,
     .help = "The secret of the webhook, as it was given to GitHub."},
};

static const struct gofer_parameter subscription_parameters[] = {
    {.name = "repository",
     .type = GOFER_STRING,
     .help = "Only webhooks of this repository, as `octocat/hello-world`."},
    {.name = "event",
     .type = GOFER_STRING,
     .default_value = "push",
     .help = "Only webhooks of this kind (the header X-GitHub-Event)."},
    {.name = "ref", .type = GOFER_STRING, .help = "Only of this ref, as `refs/heads/main`."},
};

static const struct gofer_verification verification = {
    .algorithm = "SHA256",
    .key_parameter = "secret",
    .signature_header = "X-Hub-Signature-256",
    .signature_prefix = "sha256=",
    .delivery_id_header = "X-GitHub-Delivery",
};

/* ---- The little JSON that is needed ---- */

/* Reads the string that begins at *at; false: it has no end. What does not fit is cut. */
static bool read_string(const char **at, const char *end, char out[TEXT_BYTES]) {
    size_t used = 0;
    for ((*at)++; *at < end && **at != '"'; (*at)++) {
        char c = **at;
        if (c == '\\') {
            if (++*at == end) {
                return false;
            }
            c = **at == 'n' || **at == 't' || **at == 'r' ? ' ' : **at == 'u' ? '?' : **at;
        }
        if (used + 1 < TEXT_BYTES) {
            out[used++] = c;
        }
    }
    out[used] = '\0';
    return (*at)++ < end;
}

/* The text under `key` of a document, or, with `inner`, under `inner` of the object there; empty:
 * there is none. */
static void find_text(const char *at, size_t bytes, const char *key, const char *inner,
                      char out[TEXT_BYTES]) {
    const char *end = at + bytes;
    const int wanted = inner == NULL ? 1 : 2;
    int depth = 0;
    int matched = 0;     /* how many keys of the way here are the wanted ones */
    bool is_key = false; /* the next string is one */
    bool objects[DEPTH_MAX] = {false};
    char text[TEXT_BYTES];
    out[0] = '\0';
    while (at < end) {
        const char c = *at;
        if (c == '"') {
            if (!read_string(&at, end, text)) {
                return;
            }
            if (is_key && matched >= depth - 1) {
                const char *name = depth == 1 ? key : depth == 2 ? inner : NULL;
                matched = depth - 1 + (name != NULL && strcmp(text, name) == 0);
            } else if (!is_key && depth == wanted && matched == wanted) {
                memcpy(out, text, sizeof(text));
                return;
            }
            is_key = false;
            continue;
        }
        if (c == '{' || c == '[') {
            if (++depth == DEPTH_MAX) {
                return;
            }
            objects[depth] = c == '{';
        } else if ((c == '}' || c == ']') && --depth <= 0) {
            return;
        }
        if (depth < matched) {
            matched = depth;
        }
        if (c == '{' || c == ',') {
            is_key = objects[depth];
        }
        at++;
    }
}

/* ---- Runs ---- */

/* A webhook while its runs are on their way. */
struct hook {
    struct gofer_delivery *delivery;
    int runs_left; /* that have no outcome yet, and one for the callback itself */
    bool failed;
};

static void finish_one(struct hook *hook) {
    if (--hook->runs_left > 0) {
        return;
    }
    if (hook->failed) {
        gofer_delivery_retry(hook->delivery, 0, "a run could not be asked for");
    } else {
        gofer_delivery_done(hook->delivery); /* only now: every run is durable */
    }
    free(hook);
}

static void run_outcome(struct gofer_extension *extension, const struct gofer_run_outcome *outcome,
                        void *ctx) {
    (void)extension;
    (void)ctx;
    finish_one(outcome->data);
}

static const char *header_of(const struct gofer_external_event *event, const char *name) {
    for (size_t i = 0; i < event->header_count; i++) {
        if (strcmp(event->headers[i].name, name) == 0) {
            return event->headers[i].value;
        }
    }
    return "";
}

/* Whether a setting is not there or has this value. */
static bool wants(const struct gofer_subscription *subscription, const char *name,
                  const char *value) {
    const char *wanted = gofer_settings_get(gofer_subscription_settings(subscription), name);
    return wanted == NULL || wanted[0] == '\0' || strcmp(wanted, value) == 0;
}

static void external_event(struct gofer_extension *extension, struct gofer_delivery *delivery,
                           const struct gofer_external_event *event, void *ctx) {
    char repository[TEXT_BYTES];
    char ref[TEXT_BYTES];
    char commit[TEXT_BYTES];
    const char *kind = header_of(event, "x-github-event");
    (void)ctx;
    if (!event->verified) {
        gofer_delivery_reject(delivery, "it is not verified");
        return;
    }
    find_text(event->body, event->body_bytes, "repository", "full_name", repository);
    find_text(event->body, event->body_bytes, "ref", NULL, ref);
    find_text(event->body, event->body_bytes, "after", NULL, commit);
    const struct gofer_pair variables[VARIABLES_MAX] = {
        {"WEBHOOK_EVENT", kind},
        {"WEBHOOK_REPOSITORY", repository},
        {"WEBHOOK_REF", ref},
        {"WEBHOOK_COMMIT", commit},
        {"WEBHOOK_DELIVERY_ID", event->delivery_id},
    };
    struct hook *hook = calloc(1, sizeof(*hook));
    if (hook == NULL) {
        gofer_delivery_retry(delivery, 0, "out of memory");
        return;
    }
    *hook = (struct hook){.delivery = delivery, .runs_left = 1};
    const struct gofer_run_start start = {
        .size = sizeof(start),
        .idempotency_key =
            event->delivery_id, /* the same webhook starts one run, whatever happens */
        .variables = variables,
        .variable_count = VARIABLES_MAX,
        .reason = "a webhook came",
        .input = event->body_bytes <= GOFER_INPUT_BYTES_MAX ? event->body : NULL,
        .input_bytes = event->body_bytes <= GOFER_INPUT_BYTES_MAX ? event->body_bytes : 0,
        .event_time_ns = event->receive_time_ns,
        .data = hook,
    };
    struct gofer_subscription *each = NULL;
    while ((each = gofer_extension_next_subscription(extension, each)) != NULL) {
        if (!wants(each, "event", kind) || !wants(each, "repository", repository) ||
            !wants(each, "ref", ref)) {
            continue;
        }
        const enum gofer_result result = gofer_extension_start_run(extension, each, &start);
        hook->runs_left += result == GOFER_OK;
        hook->failed = hook->failed || (result != GOFER_OK && result != GOFER_GONE);
    }
    finish_one(hook);
}

int main(int argc, char **argv) {
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .name = "webhook",
        .version = "1.0.0",
        .documentation =
            "Starts a run for each webhook of GitHub. The run has `WEBHOOK_EVENT`, "
            "`WEBHOOK_REPOSITORY`, `WEBHOOK_REF`, `WEBHOOK_COMMIT` and `WEBHOOK_DELIVERY_ID`, and "
            "the body of the webhook as its input.",
        .config_parameters = config_parameters,
        .config_parameter_count = sizeof(config_parameters) / sizeof(config_parameters[0]),
        .subscription_parameters = subscription_parameters,
        .subscription_parameter_count =
            sizeof(subscription_parameters) / sizeof(subscription_parameters[0]),
        .verification = &verification,
        .accepts_external_events = true,
        .external_event = external_event,
        .run_outcome = run_outcome,
    };
    return gofer_extension_run(&definition, argc, argv);
}
