/*
 * From the registration to Welcome. What the token says comes first: nobody learns whether an
 * extension is installed that he has no token of.
 */
#include "api/access/principal.h"
#include "api/codec/model/event.h"
#include "api/codec/model/maps.h"
#include "api/extension/hub_internal.h"
#include "api/extension/settings.h"

typedef Gofer__Extension__V1__Registration registration_message;

static enum gf_connection_next refuse(struct gf_hub_connection *self,
                                      const struct gf_error *error) {
    gf_mutex_lock(&self->hub->mutex);
    gf_connection__end(self, error);
    gf_mutex_unlock(&self->hub->mutex);
    return GF_CONNECTION_WAIT;
}

/* Whose token it is; in development mode the registration is believed. */
static enum gf_code check_token(struct gf_hub_connection *self,
                                const registration_message *registration, struct gf_error *err) {
    const struct gf_principal *principal = self->principal;
    if (principal == NULL || principal->kind == GF_PRINCIPAL_DEVELOPMENT) {
        return GF_OK;
    }
    if (principal->token_kind != GF_TOKEN_KIND_EXTENSION) {
        return gf_fail(err, GF_UNAUTHENTICATED, "the token is not one of an extension");
    }
    if (!gf_str_eq(principal->extension_id, gf_str_from(registration->extension_id))) {
        return gf_fail(err, GF_UNAUTHENTICATED, "the token is one of another extension");
    }
    self->attempt = principal->attempt;
    return GF_OK;
}

static enum gf_code check_instance(const struct gf_hub_connection *self,
                                   const struct gf_extension *row, struct gf_error *err) {
    if (self->attempt == 0) {
        return row->spec.image.len == 0
                   ? GF_OK
                   : gf_fail_reason(err, GF_FAILED_PRECONDITION, "EXTENSION_HAS_IMAGE",
                                    "extension '%" GF_STR_FMT
                                    "' is run by gofer from its image; one that is run by hand is "
                                    "installed without an image",
                                    GF_STR_ARG(row->extension_id));
    }
    const struct gf_extension_instance *instance =
        self->attempt == row->serving.attempt     ? &row->serving
        : self->attempt == row->successor.attempt ? &row->successor
                                                  : NULL;
    if (instance == NULL || instance->state == GF_INSTANCE_DRAINING ||
        instance->state == GF_INSTANCE_STOPPING) {
        return gf_fail_reason(err, GF_ABORTED, "CONTAINER_REPLACED",
                              "this container of extension '%" GF_STR_FMT "' is to end",
                              GF_STR_ARG(row->extension_id));
    }
    return GF_OK;
}

static enum gf_code check_row(const struct gf_hub_connection *self, const struct gf_extension *row,
                              struct gf_error *err) {
    if (self->principal != NULL && self->principal->extension_key != 0 &&
        self->principal->extension_key != row->extension_key) {
        return gf_fail(err, GF_UNAUTHENTICATED, "the token is one of an extension that is gone");
    }
    if (row->disabled) {
        return gf_fail_reason(err, GF_PERMISSION_DENIED, "EXTENSION_DISABLED",
                              "extension '%" GF_STR_FMT "' is disabled",
                              GF_STR_ARG(row->extension_id));
    }
    return check_instance(self, row, err);
}

static enum gf_code read_row(struct gf_hub_connection *self, const char *extension_id,
                             struct gf_extension *out, struct gf_error *err) {
    struct gf_store *store = self->hub->options.store;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    enum gf_code rc =
        store->ops->extensions->get(reader, gf_str_from(extension_id), &self->arena, out, err);
    store->ops->close_reader(store, reader);
    if (rc == GF_NOT_FOUND) {
        rc = gf_fail_reason(err, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                            "extension '%s' is not installed", extension_id);
    }
    return rc;
}

/* Keeps what is asked later: all but the documentation. */
static void keep_declaration(struct gf_hub_connection *self,
                             const registration_message *registration) {
    struct gf_arena *arena = &self->declared_arena;
    registration_message copy = *registration;
    copy.documentation = (char *)(uintptr_t) "";
    struct gf_str bytes = {NULL, 0};
    const enum gf_code rc = gf_registration_write(&copy, &self->arena, &bytes, NULL);
    gf_assert(rc == GF_OK);
    const registration_message *declared = gf_registration_read(bytes, arena);
    gf_assert(declared != NULL || bytes.len == 0);
    self->declared = declared;
    self->selection_count = declared->n_event_filters;
    self->selections = GF_ARENA_ARRAY(arena, self->selection_count, struct gf_event_selection);
    for (size_t i = 0; i < self->selection_count; i++) {
        gf_ignore(gf_event_filter_from_message(declared->event_filters[i], &self->selections[i],
                                               NULL)); /* it was checked */
    }
}

static void keep_row(struct gf_hub_connection *self, const struct gf_extension *row) {
    struct gf_arena *arena = &self->declared_arena;
    self->settings = gf_arena_str(arena, gf_hub__spec_of(row, self->attempt)->settings);
    self->checkpoint = gf_arena_str(arena, row->checkpoint);
    self->extension_id = gf_arena_str(arena, row->extension_id).ptr;
    self->version = self->declared->version;
    self->settings_hash = gf_hub__settings_hash(row);
    self->mode = row->installer ? GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_INSTALLER
                                : GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_WORK;
    self->out.limit = self->facts.window;
}

static void entered(struct gf_hub_command *command, const struct gf_reply *reply) {
    struct gf_hub_connection *self = command->connection;
    gf_mutex_lock(&self->hub->mutex);
    if (reply->error.code == GF_OK) {
        self->phase = GF_PHASE_WELCOME;
    } else {
        gf_connection__end(self, &reply->error);
    }
    gf_mutex_unlock(&self->hub->mutex);
    gf_connection__kick(self);
}

static void enter(struct gf_hub_connection *self, struct gf_str bytes) {
    struct gf_hub_command *command = gf_hub__command(self->hub, GF_INPUT_EXTENSION_REGISTERED);
    gf_connection__ref(self);
    command->connection = self;
    command->done = entered;
    command->command.input.u.word = (struct gf_extension_word){
        .extension_key = self->extension_key,
        .attempt = self->attempt,
        .registration = gf_arena_str(&command->arena, bytes),
    };
    gf_hub__submit(command);
}

static enum gf_code take_registration(struct gf_hub_connection *self,
                                      const registration_message *registration,
                                      struct gf_error *err) {
    struct gf_extension row;
    struct gf_str bytes = {NULL, 0};
    enum gf_code rc = gf_registration_check(registration, &self->facts, err);
    if (rc == GF_OK) {
        rc = check_token(self, registration, err);
    }
    if (rc == GF_OK) {
        rc = read_row(self, registration->extension_id, &row, err);
    }
    if (rc == GF_OK) {
        rc = check_row(self, &row, err);
    }
    if (rc == GF_OK) {
        rc = gf_registration_write(registration, &self->arena, &bytes, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    keep_declaration(self, registration);
    keep_row(self, &row);
    const bool known = gf_str_eq(row.registration, bytes);
    gf_mutex_lock(&self->hub->mutex);
    self->extension_key = row.extension_key;
    self->phase_deadline = 0; /* what takes its time now is gofer's */
    self->phase = known ? GF_PHASE_WELCOME : GF_PHASE_ENTERING;
    gf_mutex_unlock(&self->hub->mutex);
    if (!known) {
        enter(self, bytes);
    }
    return GF_OK;
}

enum gf_connection_next gf_handshake__register(struct gf_hub_connection *self) {
    const Gofer__Extension__V1__ConnectRequest *request = self->registration;
    struct gf_error error = {0};
    enum gf_code rc = GF_OK;
    if (request->message_case != GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REGISTRATION) {
        rc = gf_fail_field(&error, "registration", "the first message must be a registration");
    } else if (request->sequence != 0) {
        rc = gf_fail_field(&error, "sequence", "a registration has none");
    } else {
        rc = take_registration(self, request->registration, &error);
    }
    return rc == GF_OK ? GF_CONNECTION_AGAIN : refuse(self, &error);
}

/* ---- Welcome ---- */

/* Takes the place of an older connection of the same program. */
static void let_in(struct gf_hub_connection *self) {
    struct gf_extension_hub *hub = self->hub;
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_hub_extension *extension = gf_hub__find(hub, self->extension_key);
    if (extension == NULL || extension->gone) {
        gf_connection__fail(self, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                            "extension '%s' is not installed any more", self->extension_id);
        return;
    }
    GF_LIST_FOREACH(link, &extension->connections) {
        struct gf_hub_connection *older =
            GF_CONTAINER_OF(link, struct gf_hub_connection, of_extension);
        if (older->attempt == self->attempt) {
            gf_connection__fail(older, GF_ABORTED, "NEWER_CONNECTION",
                                "a newer connection (%s) of extension '%s' took the place",
                                self->id, self->extension_id);
            gf_connection__kick(older);
        }
    }
    self->extension = extension;
    gf_list_push_back(&extension->connections, &self->of_extension);
    extension->protocol_major = self->facts.protocol_major;
    extension->accepts_external = self->declared->accepts_external_events;
    gf_intake__changed(extension);
    gf_hub__apply(hub, extension);
}

static void write_problems(Gofer__Extension__V1__Welcome *welcome,
                           const struct gf_settings_check *check, struct gf_arena *arena) {
    welcome->n_setting_problems = check->problem_count;
    welcome->setting_problems =
        GF_ARENA_ARRAY(arena, check->problem_count, Gofer__Extension__V1__SettingProblem *);
    for (size_t i = 0; i < check->problem_count; i++) {
        Gofer__Extension__V1__SettingProblem *problem = GF_MESSAGE_NEW(
            arena, Gofer__Extension__V1__SettingProblem, gofer__extension__v1__setting_problem);
        problem->parameter_name = gf_message_text(check->problems[i].parameter_name, arena);
        problem->description = gf_message_text(check->problems[i].description, arena);
        welcome->setting_problems[i] = problem;
    }
}

static enum gf_code fill_settings(struct gf_hub_connection *self,
                                  Gofer__Extension__V1__Welcome *welcome, struct gf_error *err) {
    GF_CLEANUP(gf_settings_close) struct gf_open_settings given = {0};
    const struct gf_str place =
        gf_settings_place_of_extension(gf_str_from(self->extension_id), &self->arena);
    if (gf_settings_open(self->hub->options.vault, place, self->settings, &given, err) != GF_OK) {
        return gf_wrap(err, "settings of extension '%s'", self->extension_id);
    }
    struct gf_hub_settings settings;
    gf_settings__prepare(self->hub, self->declared->config_parameters,
                         self->declared->n_config_parameters, given.items, given.count, NULL,
                         &self->arena, &settings);
    const struct gf_setting *items = settings.check.settings;
    GF_MAP_WRITE(welcome, settings, Gofer__Extension__V1__Welcome__SettingsEntry,
                 gofer__extension__v1__welcome__settings_entry, settings.check.count, items[i].name,
                 items[i].value, &self->arena);
    write_problems(welcome, &settings.check, &self->arena);
    return GF_OK;
}

enum gf_connection_next gf_handshake__welcome(struct gf_hub_connection *self) {
    struct gf_extension_hub *hub = self->hub;
    struct gf_arena *arena = &self->arena;
    Gofer__Extension__V1__Welcome *welcome =
        GF_MESSAGE_NEW(arena, Gofer__Extension__V1__Welcome, gofer__extension__v1__welcome);
    welcome->protocol_major_version = self->facts.protocol_major;
    welcome->protocol_minor_version = GF_EXTENSION_PROTOCOL_MINOR;
    welcome->gofer_version = (char *)(uintptr_t)hub->options.gofer_version;
    welcome->mode = self->mode;
    welcome->window = GF_EXTENSION_WINDOW;
    welcome->checkpoint = gf_message_text(self->checkpoint, arena);
    welcome->server_time = gf_message_time(gf_clock_wall_ns(hub->options.clock), arena);
    welcome->connection_id = self->id;
    struct gf_error error = {0};
    if (self->mode == GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_WORK &&
        fill_settings(self, welcome, &error) != GF_OK) {
        return refuse(self, &error);
    }
    let_in(self);
    gf_mutex_lock(&hub->mutex);
    const bool ending = self->ending;
    self->phase = ending ? self->phase : GF_PHASE_SUBSCRIBING;
    gf_mutex_unlock(&hub->mutex);
    if (ending) {
        return GF_CONNECTION_WAIT;
    }
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_WELCOME;
    message->welcome = welcome;
    const bool sent = gf_connection__send(self, message);
    self->registration = NULL;
    gf_rpc_resume_reading(self->call);
    gf_hub__tell(hub, self->extension_key);
    return sent ? GF_CONNECTION_AGAIN : GF_CONNECTION_WAIT;
}
