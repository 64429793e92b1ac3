/* What an extension says, message by message. Thread: rpc; nothing here blocks. */
#include "api/codec/model/message.h"
#include "api/extension/hub_internal.h"
#include "base/identifier.h"
#include "engine/core/limits.h"

#include <stdio.h>

typedef Gofer__Extension__V1__ConnectRequest request_message;

static void refuse(struct gf_hub_connection *self, const char *field, const char *message) {
    struct gf_error error = {0};
    (void)gf_fail_field(&error, field, "%s", message);
    gf_mutex_lock(&self->hub->mutex);
    gf_connection__end(self, &error);
    gf_mutex_unlock(&self->hub->mutex);
    gf_connection__kick(self);
}

/* ---- Words about itself ---- */

static void readied(struct gf_hub_command *command, const struct gf_reply *reply) {
    struct gf_hub_connection *self = command->connection;
    struct gf_extension_hub *hub = self->hub;
    gf_mutex_lock(&hub->mutex);
    if (reply->error.code != GF_OK) {
        gf_connection__end(self, &reply->error);
    } else if (!self->ended && self->extension != NULL) {
        self->phase = GF_PHASE_READY;
        gf_hub__choose_active(hub, self->extension);
    }
    gf_mutex_unlock(&hub->mutex);
    gf_connection__kick(self);
    gf_hub__tell(hub, self->extension_key);
}

struct gf_hub_command *gf_incoming__word(struct gf_hub_connection *self, enum gf_input_kind kind) {
    struct gf_hub_command *command = gf_hub__command(self->hub, kind);
    gf_connection__ref(self);
    command->connection = self;
    command->command.input.u.word = (struct gf_extension_word){
        .extension_key = self->extension_key,
        .attempt = self->attempt,
        .version = gf_arena_str(&command->arena, gf_str_from(self->version)),
    };
    return command;
}

static void take_ready(struct gf_hub_connection *self) {
    gf_mutex_lock(&self->hub->mutex);
    const bool expected = self->phase == GF_PHASE_COMPLETE;
    if (expected) {
        self->phase = GF_PHASE_READYING;
        self->phase_deadline = 0;
        self->was_ready = true;
    }
    gf_mutex_unlock(&self->hub->mutex);
    if (!expected) {
        refuse(self, "ready", "Ready comes once, after SubscriptionsComplete");
        return;
    }
    struct gf_hub_command *command = gf_incoming__word(self, GF_INPUT_EXTENSION_READY);
    command->done = readied;
    gf_hub__submit(command);
}

static void take_drained(struct gf_hub_connection *self) {
    gf_mutex_lock(&self->hub->mutex);
    const bool expected = self->drain_sent && !self->drained;
    self->drained = true;
    gf_mutex_unlock(&self->hub->mutex);
    if (!expected) {
        refuse(self, "drained", "Drained comes once, after a Drain");
        return;
    }
    gf_hub__submit(gf_incoming__word(self, GF_INPUT_EXTENSION_DRAINED));
}

static void take_pong(struct gf_hub_connection *self, const Gofer__Extension__V1__Pong *pong) {
    const struct gf_extension_hub_options *options = &self->hub->options;
    const int64_t now = gf_mono_ns();
    gf_mutex_lock(&self->hub->mutex);
    const bool expected = pong->ping_id == self->ping_id && self->ping_mono != 0;
    const bool first = self->latency_ns == 0;
    if (expected) {
        self->latency_ns = now - self->ping_mono;
        gf_histogram_add(&self->hub->latency, self->latency_ns);
        self->ping_mono = 0;
        self->next_ping_mono = now + gf_hub__ms(options->ping_ms, GF_EXTENSION_PING_MS);
        gf_connection__plan(self);
    }
    gf_mutex_unlock(&self->hub->mutex);
    if (!expected) {
        refuse(self, "pong.ping_id", "there was no such ping, or it is answered");
    } else if (first) {
        gf_hub__tell(self->hub, self->extension_key);
    }
}

static void take_health(struct gf_hub_connection *self,
                        const Gofer__Extension__V1__HealthReport *report) {
    if ((int)report->health < 1 ||
        protobuf_c_enum_descriptor_get_value(&gofer__v1__extension_health__descriptor,
                                             (int)report->health) == NULL) {
        refuse(self, "health.health", "is no health that gofer knows");
    } else if (report->n_metrics > GF_EXTENSION_METRICS_MAX) {
        refuse(self, "health.metrics", "there are more than 1000 figures");
    } else {
        gf_health__take(self, report);
    }
}

/* ---- Logs ---- */

void gf_hub__log(struct gf_extension_hub *hub, int64_t extension_key, const char *extension_id,
                 Gofer__Extension__V1__LogLevel level, const char *fmt, ...) {
    if (hub->options.log_line == NULL) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const struct gf_extension_log_line line = {
        .extension_key = extension_key,
        .extension_id = gf_str_from(extension_id),
        .from_gofer = true,
        .level = level,
        .text = gf_str_from(text),
        .write_time = gf_clock_wall_ns(hub->options.clock),
    };
    hub->options.log_line(hub->options.ctx, &line);
}

/* Lines of one second are counted; those beyond the limit are dropped, and told of. */
static bool may_log(struct gf_hub_connection *self) {
    const int64_t second = gf_mono_ns() / GF_NS_PER_SEC;
    if (second != self->log_second) {
        self->log_second = second;
        self->log_count = 0;
        if (self->log_dropped > 0) {
            gf_hub__log(self->hub, self->extension_key, self->extension_id,
                        GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_WARNING,
                        "%lld lines were dropped: more than %d came in a second",
                        (long long)self->log_dropped, GF_EXTENSION_LOGS_PER_SECOND_MAX);
            self->log_dropped = 0;
        }
    }
    const bool may = self->log_count < GF_EXTENSION_LOGS_PER_SECOND_MAX;
    self->log_count += may;
    self->log_dropped += !may;
    gf_counter_add(&self->hub->log_lines_refused, !may);
    return may;
}

static int compare_labels(const void *a, const void *b) {
    return gf_str_cmp(((const struct gf_label *)a)->key, ((const struct gf_label *)b)->key);
}

static size_t read_metadata(const Gofer__Extension__V1__LogEntry *entry,
                            struct gf_label out[GF_EXTENSION_LOG_METADATA_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < entry->n_metadata && count < GF_EXTENSION_LOG_METADATA_MAX; i++) {
        out[count++] =
            (struct gf_label){gf_str_from(entry->metadata[i]->key),
                              gf_hub__cut(entry->metadata[i]->value, GF_EXTENSION_LOG_BYTES_MAX)};
    }
    qsort(out, count, sizeof(out[0]), compare_labels);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || !gf_str_eq(out[i].key, out[unique - 1].key)) {
            out[unique++] = out[i];
        }
    }
    return unique;
}

static bool is_named(const Gofer__V1__SubscriptionReference *subscription) {
    return gf_identifier_check(gf_str_from(subscription->namespace_id), "", NULL) == GF_OK &&
           gf_identifier_check(gf_str_from(subscription->pipeline_id), "", NULL) == GF_OK &&
           gf_identifier_check(gf_str_from(subscription->subscription_id), "", NULL) == GF_OK;
}

static void take_log(struct gf_hub_connection *self, const Gofer__Extension__V1__LogEntry *entry) {
    const struct gf_extension_hub_options *options = &self->hub->options;
    struct gf_label metadata[GF_EXTENSION_LOG_METADATA_MAX];
    struct gf_extension_log_line line = {
        .extension_key = self->extension_key,
        .extension_id = gf_str_from(self->extension_id),
        .level = entry->level,
        .text = gf_hub__cut(entry->text, GF_EXTENSION_LOG_BYTES_MAX),
        .write_time = gf_clock_wall_ns(options->clock),
        .metadata = metadata,
    };
    if ((int)entry->level < 1 || (int)entry->level > 4) {
        line.level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_INFO;
    }
    int64_t time = 0;
    if (gf_message_read_time(entry->write_time, "log.write_time", &time, NULL) == GF_OK &&
        time != 0) {
        line.write_time = time;
    }
    /* Names that are none could make a line look like one of somebody else's. */
    if (entry->subscription != NULL && is_named(entry->subscription)) {
        line.namespace_id = gf_str_from(entry->subscription->namespace_id);
        line.pipeline_id = gf_str_from(entry->subscription->pipeline_id);
        line.subscription_id = gf_str_from(entry->subscription->subscription_id);
    }
    if (options->log_line != NULL && may_log(self)) {
        line.metadata_count = read_metadata(entry, metadata);
        options->log_line(options->ctx, &line);
    }
}

/* ---- Subscriptions ---- */

static void judge(struct gf_hub_connection *self,
                  const Gofer__Extension__V1__SubscriptionResult *result) {
    const struct gf_hub_names names = {gf_str_from(result->subscription->namespace_id),
                                       gf_str_from(result->subscription->pipeline_id),
                                       gf_str_from(result->subscription->subscription_id)};
    gf_mutex_lock(&self->hub->mutex);
    const struct gf_hub_subscription *known = gf_set__find(self, &names);
    const bool counts = known != NULL && known->sent && known->subscription_key != 0 &&
                        known->generation == result->generation;
    const int64_t key = counts ? known->subscription_key : 0;
    gf_mutex_unlock(&self->hub->mutex);
    if (!counts) {
        return; /* an answer to what is over, which came too late */
    }
    const bool accepted = result->outcome ==
                          GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_ACCEPTED;
    const bool refused =
        result->outcome == GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_REFUSED;
    const struct gf_str text = result->description[0] != '\0'
                                   ? gf_hub__cut(result->description, GF_REASON_CHARS_MAX)
                                   : GF_STR("the extension does not say why");
    const struct gf_subscription_judgement judgement = {
        .subscription_key = key,
        .generation = result->generation,
        .status = accepted ? GF_SUBSCRIPTION_ACTIVE : GF_SUBSCRIPTION_ERROR,
        .reason = accepted  ? GF_SUBSCRIPTION_REASON_UNSPECIFIED
                  : refused ? GF_SUBSCRIPTION_REASON_EXTENSION_REFUSED
                            : GF_SUBSCRIPTION_REASON_EXTENSION_FAILED,
        .reason_text = accepted ? GF_STR("") : text,
    };
    gf_set__judge(self, &judgement);
}

static void take_result(struct gf_hub_connection *self,
                        const Gofer__Extension__V1__SubscriptionResult *result) {
    if (result->subscription == NULL) {
        refuse(self, "subscription_result.subscription", "there is no subscription");
    } else if ((int)result->outcome < 1 || (int)result->outcome > 3) {
        refuse(self, "subscription_result.outcome", "is no outcome that gofer knows");
    } else if (result->n_setting_problems > GF_SETTING_PROBLEMS_MAX) {
        refuse(self, "subscription_result.setting_problems", "there are more than 100");
    } else if (!gf_asks__take(self, result)) {
        judge(self, result);
    }
}

/* ---- Acknowledgements ---- */

static struct gf_hub_sent *take_sent(struct gf_hub_connection *self, int64_t sequence) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    struct gf_hub_sent *sent = gf_map_i64_remove(&self->sent, sequence);
    if (sent != NULL) {
        gf_window_acknowledge(&self->out);
        self->answered_total++;
        gf_counter_add(&self->hub->answered, 1);
    }
    return sent;
}

int64_t gf_hub__retry_delay_ns(const Gofer__Extension__V1__DeliveryAck *ack) {
    int64_t delay_ms = 0;
    if (gf_message_read_duration_ms(ack->retry_delay, "ack.retry_delay", &delay_ms, NULL) !=
        GF_OK) {
        return 0;
    }
    if (delay_ms > GF_HUB_DELIVERY_RETRY_MS_MAX) {
        delay_ms = GF_HUB_DELIVERY_RETRY_MS_MAX;
    }
    return delay_ms * GF_NS_PER_MS;
}

static void settle(struct gf_hub_connection *self, const struct gf_hub_sent *sent,
                   const Gofer__Extension__V1__DeliveryAck *ack) {
    struct gf_str text = gf_hub__cut(ack->description, GF_REASON_CHARS_MAX);
    if (text.len == 0) {
        text = GF_STR("the extension does not say why");
    }
    switch ((int)ack->outcome) {
    case GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DONE:
        gf_deliveries__settle(self->hub, sent->delivery_key, GF_SETTLED_DONE, GF_STR(""), 0);
        break;
    case GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_RETRY:
        gf_deliveries__settle(self->hub, sent->delivery_key, GF_SETTLED_FAILED, text,
                              gf_hub__retry_delay_ns(ack));
        break;
    case GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSUPPORTED:
        /* It is not sent again; what somebody handed in is not thrown away either. */
        gf_deliveries__settle(self->hub, sent->delivery_key, GF_SETTLED_REJECTED,
                              GF_STR("the extension does not know such deliveries"), 0);
        break;
    default:
        gf_deliveries__settle(self->hub, sent->delivery_key, GF_SETTLED_REJECTED, text, 0);
        break;
    }
}

static void take_ack(struct gf_hub_connection *self, const Gofer__Extension__V1__DeliveryAck *ack) {
    if ((int)ack->outcome < 1 || (int)ack->outcome > 4) {
        refuse(self, "ack.outcome", "is no outcome that gofer knows");
        return;
    }
    struct gf_hub_sent *sent = take_sent(self, ack->acked_sequence);
    if (sent == NULL) {
        refuse(self, "ack.acked_sequence", "no delivery of this number waits for one");
        return;
    }
    if (sent->delivery_key != 0) {
        settle(self, sent, ack);
    } else {
        gf_feed__acked(self, sent->event_sequence, ack);
    }
    free(sent);
    gf_connection__kick(self); /* there is room for another one */
}

/* ---- Objects ---- */

static void take_object_request(struct gf_hub_connection *self,
                                const Gofer__Extension__V1__ObjectRequest *request) {
    const size_t length = strlen(request->request_id);
    if (length == 0 || length > 64) {
        refuse(self, "object_request.request_id", "expected 1 to 64 characters");
        return;
    }
    Gofer__Extension__V1__ObjectResponse response = GOFER__EXTENSION__V1__OBJECT_RESPONSE__INIT;
    response.request_id = request->request_id;
    response.outcome = GOFER__EXTENSION__V1__OBJECT_OUTCOME__OBJECT_OUTCOME_UNSUPPORTED;
    response.description = (char *)(uintptr_t) "this server keeps no objects";
    Gofer__Extension__V1__ConnectResponse message = GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
    message.message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_OBJECT_RESPONSE;
    message.object_response = &response;
    gf_mutex_lock(&self->hub->mutex);
    gf_connection__queue(self, &message);
    gf_mutex_unlock(&self->hub->mutex);
}

static void take_debug_info(struct gf_hub_connection *self,
                            const Gofer__Extension__V1__DebugInfo *info) {
    if (strlen(info->info) > GF_EXTENSION_DEBUG_BYTES_MAX) {
        refuse(self, "debug_info.info", "has more than 1 MiB");
        return;
    }
    gf_debugs__take(self, info);
}

/* ---- All of them ---- */

/* Messages that are no deliveries. */
static void take_other(struct gf_hub_connection *self, const request_message *request) {
    switch ((int)request->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION:
        refuse(self, "registration", "only the first message is a registration");
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY:
        take_ready(self);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_SUBSCRIPTION_RESULT:
        take_result(self, request->subscription_result);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_ACK:
        take_ack(self, request->ack);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_LOG:
        take_log(self, request->log);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_HEALTH:
        take_health(self, request->health);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DIALOG_STEP:
        gf_dialogs__take(self, request->dialog_step);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBJECT_REQUEST:
        take_object_request(self, request->object_request);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_PONG:
        take_pong(self, request->pong);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DEBUG_INFO:
        take_debug_info(self, request->debug_info);
        break;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_DRAINED:
        take_drained(self);
        break;
    default: /* of a later version of the protocol */
        break;
    }
}

static bool is_delivery(const request_message *request) {
    switch ((int)request->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REPORT:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_CHECKPOINT:
        return true;
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE__NOT_SET:
        return request->sequence != 0; /* one of a later version */
    default:
        return false;
    }
}

void gf_incoming__take(struct gf_hub_connection *self, const request_message *request) {
    if (!is_delivery(request)) {
        if (request->sequence != 0) {
            refuse(self, "sequence", "this message is no delivery, and has none");
            return;
        }
        take_other(self, request);
        return;
    }
    gf_mutex_lock(&self->hub->mutex);
    const bool early = self->phase < GF_PHASE_READYING;
    const bool late = self->drained;
    gf_mutex_unlock(&self->hub->mutex);
    if (early || late) {
        refuse(self, "sequence", early ? "deliveries begin after Ready" : "it has said Drained");
        return;
    }
    gf_starts__take(self, request);
}
