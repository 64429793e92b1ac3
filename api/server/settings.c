#include "api/server/address.h"
#include "api/server/extension_care.h"
#include "api/server/settings_internal.h"
#include "base/clock.h"
#include "base/identifier.h"

#include <stdio.h>

const char *gf_settings__given(const char *text) {
    return text[0] != '\0' ? text : NULL;
}

int64_t gf_settings__limit(int64_t value) {
    return value == 0 ? -1 : value;
}

int64_t gf_settings__ms(const Google__Protobuf__Duration *duration) {
    const int64_t ns = duration->seconds * GF_NS_PER_SEC + duration->nanos;
    return (ns + GF_NS_PER_MS - 1) / GF_NS_PER_MS;
}

static enum gf_code take_tls(const Gofer__Config__V1__Tls *tls, const char *path,
                             struct gf_tls_files *out, struct gf_error *err) {
    *out = (struct gf_tls_files){
        .cert_file = gf_settings__given(tls->certificate_file),
        .key_file = gf_settings__given(tls->key_file),
        .client_ca_file = gf_settings__given(tls->client_ca_file),
        .clients_optional = tls->client_certificates ==
                            GOFER__CONFIG__V1__CLIENT_CERTIFICATES__CLIENT_CERTIFICATES_REQUEST,
    };
    if ((out->cert_file == NULL) != (out->key_file == NULL)) {
        return gf_fail_field(err, path, "%s: certificate_file and key_file must be given together",
                             path);
    }
    if (out->cert_file == NULL && out->client_ca_file != NULL) {
        return gf_fail_field(
            err, path, "%s: client_ca_file is given without a certificate of the service", path);
    }
    return GF_OK;
}

/* A list of listeners: whose it is, as the path of the setting, and where it goes. */
struct listeners {
    const char *path;
    Gofer__Config__V1__Listener **from;
    size_t count;
    struct gf_server_listener *out; /* GF_SERVER_LISTENERS_MAX */
};

static enum gf_code take_listener(const Gofer__Config__V1__Listener *from, const char *path,
                                  const struct gf_tls_files *common, struct gf_server_listener *out,
                                  struct gf_error *err) {
    *out = (struct gf_server_listener){
        .address = from->address,
        .allow_plaintext_beyond_this_machine = from->allow_plaintext_beyond_this_machine,
    };
    if (from->tls != NULL) {
        char field[GF_ERROR_FIELD_BYTES_MAX];
        (void)snprintf(field, sizeof(field), "%s[].tls", path);
        const enum gf_code rc = take_tls(from->tls, field, &out->tls, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    if (out->tls.cert_file == NULL && gf_address_unix_path(out->address) == NULL) {
        out->tls = *common;
    }
    return GF_OK;
}

static enum gf_code take_listeners(const struct listeners *listeners,
                                   const struct gf_tls_files *common, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    if (listeners->count > GF_SERVER_LISTENERS_MAX) {
        rc = gf_fail_field(err, listeners->path, "%s: there are %zu, more than %d", listeners->path,
                           listeners->count, GF_SERVER_LISTENERS_MAX);
    }
    for (size_t i = 0; rc == GF_OK && i < listeners->count; i++) {
        rc = take_listener(listeners->from[i], listeners->path, common, &listeners->out[i], err);
    }
    return rc;
}

static enum gf_code take_all_listeners(const Gofer__Config__V1__ServerConfig *config,
                                       struct gf_server_lists *lists,
                                       struct gf_server_options *options, struct gf_error *err) {
    const Gofer__Config__V1__Gateway *gateway = config->gateway;
    const Gofer__Config__V1__ExternalEvents *external = config->external_events;
    const struct listeners all[] = {
        {GF_SETTING_LISTENERS, config->listeners, config->n_listeners, lists->listeners},
        {GF_SETTING_GATEWAY_LISTENERS, gateway->listeners, gateway->n_listeners,
         lists->gateway_listeners},
        {GF_SETTING_EXTERNAL_LISTENERS, external->listeners, external->n_listeners,
         lists->external_listeners},
    };
    struct gf_tls_files common;
    enum gf_code rc = take_tls(config->tls, "tls", &common, err);
    for (size_t i = 0; rc == GF_OK && i < GF_ARRAY_COUNT(all); i++) {
        rc = take_listeners(&all[i], &common, err);
    }
    options->listeners = lists->listeners;
    options->listener_count = config->n_listeners;
    options->gateway.listeners = lists->gateway_listeners;
    options->gateway.listener_count = gateway->n_listeners;
    options->external.listeners = lists->external_listeners;
    options->external.listener_count = external->n_listeners;
    return rc;
}

static void take_gateway(const Gofer__Config__V1__Gateway *gateway,
                         struct gf_server_options *options) {
    options->gateway.static_dir = gf_settings__given(gateway->static_dir);
    options->gateway.origins = (const char *const *)gateway->allowed_origins;
    options->gateway.origin_count = gateway->n_allowed_origins;
    options->gateway.hosts = (const char *const *)gateway->allowed_hosts;
    options->gateway.host_count = gateway->n_allowed_hosts;
    options->gateway.connections_max = gateway->connections_max;
}

static void take_external(const Gofer__Config__V1__ExternalEvents *external,
                          struct gf_server_options *options) {
    options->external.body_bytes_max = external->body_bytes;
    options->external.address_rate_max = gf_settings__limit(external->address_requests_per_second);
    options->external.address_connections_max =
        gf_settings__limit(external->address_connections_max);
    options->external.connections_max = external->connections_max;
}

static void take_limits(const Gofer__Config__V1__Limits *limits,
                        struct gf_server_options *options) {
    options->runs_active_max = limits->runs_active_max;
    options->runs_running_max = limits->runs_max;
    options->namespace_runs_max = limits->namespace_runs_max;
    options->pipeline_runs_max = limits->pipeline_runs_max;
    options->pipeline_queue_max = limits->pipeline_queue_max;
    options->run_timeout_ms_max = gf_settings__ms(limits->run_timeout_max);
    options->task_timeout_ms_max = gf_settings__ms(limits->task_timeout_max);
    options->stop_timeout_ms = gf_settings__ms(limits->stop_timeout);
    options->upload_bytes_max = limits->upload_bytes;
    options->calls_max = limits->calls_max;
}

static void take_access(const Gofer__Config__V1__Access *access,
                        struct gf_server_options *options) {
    options->allow_anonymous = access->allow_anonymous;
    options->token_rate_max = gf_settings__limit(access->token_calls_per_second);
    options->address_rate_max = gf_settings__limit(access->address_calls_per_second);
    options->token_streams_max = gf_settings__limit(access->token_streams_max);
    options->address_streams_max = gf_settings__limit(access->address_calls_max);
}

static enum gf_code take_extensions(const Gofer__Config__V1__Extensions *extensions,
                                    struct gf_server_options *options, struct gf_error *err) {
    static const char field[] = "extensions.provided";
    if (extensions->n_provided > GF_PROVIDED_EXTENSIONS_MAX) {
        return gf_fail_field(err, field, "extensions.provided: there are %zu, more than %d",
                             extensions->n_provided, GF_PROVIDED_EXTENSIONS_MAX);
    }
    for (size_t i = 0; i < extensions->n_provided; i++) {
        const enum gf_code rc =
            gf_identifier_check(gf_str_from(extensions->provided[i]), field, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "extensions.provided");
        }
    }
    options->provided_extensions = (const char *const *)extensions->provided;
    options->provided_extension_count = extensions->n_provided;
    options->extension_image_dir = gf_settings__given(extensions->image_dir);
    options->extension_update_ms = gf_settings__ms(extensions->update_interval);
    return GF_OK;
}

enum gf_code gf_server_options_apply(const Gofer__Config__V1__ServerConfig *config,
                                     struct gf_server_lists *lists,
                                     struct gf_server_options *options, struct gf_error *err) {
    struct gf_server_options filled = *options;
    enum gf_code rc = take_all_listeners(config, lists, &filled, err);
    if (rc == GF_OK) {
        rc = gf_settings__take_scheduler(config->scheduler, &filled, err);
    }
    if (rc == GF_OK) {
        rc = gf_settings__take_images(config->images, lists, &filled, err);
    }
    if (rc == GF_OK) {
        rc = take_extensions(config->extensions, &filled, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    filled.data_dir = gf_settings__given(config->data_dir);
    filled.master_key_file = gf_settings__given(config->secrets->master_key_file);
    take_access(config->access, &filled);
    take_limits(config->limits, &filled);
    take_gateway(config->gateway, &filled);
    take_external(config->external_events, &filled);
    *options = filled;
    return GF_OK;
}
