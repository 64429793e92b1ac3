#include "api/server/settings_internal.h"
#include "engine/core/limits.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/network/bridge.h"
#include "engine/scheduler/native/network/resolv.h"
#include "engine/scheduler/native/network/subnet.h"

#include <inttypes.h>

enum {
    USER_IDS_PER_RANGE = 65536,
};

/* Ids have 32 bits, and the last one means "none". */
#define USER_ID_MAX INT64_C(4294967294)

/* ---- Networks ---- */

/* What was found wrong with one of them is its message. */
static enum gf_code fail_network(const char *field, const struct gf_error *cause,
                                 struct gf_error *err) {
    return gf_fail_field(err, field, "%s: %s", field, cause->message);
}

static enum gf_code check_network(const Gofer__Config__V1__Scheduler *scheduler,
                                  struct gf_error *err) {
    struct gf_error cause;
    struct gf_subnet subnet;
    struct gf_resolv resolv;
    if (gf_bridge_check_name(scheduler->bridge_name, &cause) != GF_OK) {
        return fail_network("scheduler.bridge_name", &cause, err);
    }
    if (gf_subnet_parse(gf_str_from(scheduler->bridge_subnet), &subnet, &cause) != GF_OK) {
        return fail_network("scheduler.bridge_subnet", &cause, err);
    }
    if (gf_resolv_from_list((const char *const *)scheduler->dns_servers, scheduler->n_dns_servers,
                            &resolv, &cause) != GF_OK) {
        return fail_network("scheduler.dns_servers", &cause, err);
    }
    return GF_OK;
}

static enum gf_code take_network(const Gofer__Config__V1__Scheduler *scheduler,
                                 struct gf_server_network *network, struct gf_error *err) {
    const enum gf_code rc = check_network(scheduler, err);
    if (rc != GF_OK) {
        return rc;
    }
    *network = (struct gf_server_network){
        .default_mode = scheduler->default_network == GOFER__CONFIG__V1__NETWORK__NETWORK_BRIDGE
                            ? GF_NETWORK_BRIDGE
                            : GF_NETWORK_NONE,
        .allow_host = scheduler->allow_host_network,
        .bridge_name = scheduler->bridge_name,
        .bridge_subnet = scheduler->bridge_subnet,
        .dns_servers = (const char *const *)scheduler->dns_servers,
        .dns_server_count = scheduler->n_dns_servers,
        .ready_count = gf_settings__limit(scheduler->ready_networks),
    };
    return GF_OK;
}

/* ---- Containers ---- */

static enum gf_code take_protections(char *const *names, size_t count, uint32_t *out,
                                     struct gf_error *err) {
    uint32_t protections = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t one = gf_protection_of(gf_str_from(names[i]));
        if (one == 0) {
            return gf_fail_field(err, "scheduler.required_protections",
                                 "scheduler.required_protections: there is no protection '%.64s'",
                                 names[i]);
        }
        protections |= one;
    }
    *out = protections;
    return GF_OK;
}

/* Every container and every kept root has ids of its own, and all of them exist. */
static enum gf_code check_user_ids(const Gofer__Config__V1__Scheduler *scheduler,
                                   struct gf_error *err) {
    if (scheduler->user_id_first + scheduler->user_ranges * USER_IDS_PER_RANGE - 1 > USER_ID_MAX) {
        return gf_fail_field(err, "scheduler.user_ranges",
                             "scheduler.user_ranges: there are no %" PRId64
                             " ranges of %d user ids from %" PRId64 " on",
                             scheduler->user_ranges, USER_IDS_PER_RANGE, scheduler->user_id_first);
    }
    const int64_t kept_max = scheduler->allow_debugging ? scheduler->keep_failed_max : 0;
    if (scheduler->containers_max + kept_max > scheduler->user_ranges) {
        return gf_fail_field(err, "scheduler.containers_max",
                             "scheduler.containers_max: %" PRId64 " containers and %" PRId64
                             " kept file systems need a range of user ids each, and "
                             "scheduler.user_ranges has %" PRId64,
                             scheduler->containers_max, kept_max, scheduler->user_ranges);
    }
    return GF_OK;
}

/* What a task gets that does not say is what it may ask for at most, where that is less. */
static int64_t default_of(int64_t value, int64_t max) {
    return gf_settings__limit(gf_least_limit(value, max));
}

static void take_resources(const Gofer__Config__V1__TaskDefault *wanted,
                           const Gofer__Config__V1__TaskMax *max,
                           struct gf_server_options *options) {
    options->task_max = (struct gf_resources){
        .cpu_millis = max->cpu_millis,
        .memory_bytes = max->memory_bytes,
        .pid_count = max->pid_count,
        .disk_bytes = max->disk_bytes,
    };
    options->task_default = (struct gf_resources){
        .cpu_millis = default_of(wanted->cpu_millis, max->cpu_millis),
        .memory_bytes = default_of(wanted->memory_bytes, max->memory_bytes),
        .pid_count = default_of(wanted->pid_count, max->pid_count),
        .disk_bytes = default_of(wanted->disk_bytes, max->disk_bytes),
    };
}

enum gf_code gf_settings__take_scheduler(const Gofer__Config__V1__Scheduler *scheduler,
                                         struct gf_server_options *options, struct gf_error *err) {
    const bool is_null = scheduler->name == GOFER__CONFIG__V1__SCHEDULER_NAME__SCHEDULER_NAME_NULL;
    enum gf_code rc = take_network(scheduler, &options->network, err);
    if (rc == GF_OK) {
        rc = take_protections(scheduler->required_protections, scheduler->n_required_protections,
                              &options->required_protections, err);
    }
    if (rc == GF_OK && !is_null) {
        rc = check_user_ids(scheduler, err);
    }
    options->scheduler = is_null ? GF_SERVER_SCHEDULER_NULL : GF_SERVER_SCHEDULER_NATIVE;
    options->containers_max = scheduler->containers_max;
    options->task_log_bytes = gf_settings__limit(scheduler->task_log_bytes);
    take_resources(scheduler->task_default, scheduler->task_max, options);
    options->user_id_first = scheduler->user_id_first;
    options->user_ranges = scheduler->user_ranges;
    options->debugging_disabled = !scheduler->allow_debugging;
    options->keep_failed_ms = gf_settings__ms(scheduler->keep_failed_duration);
    options->keep_failed_count = gf_settings__limit(scheduler->keep_failed_max);
    return rc;
}

/* ---- Images ---- */

/* "registry.example.com:5000": no scheme, no path. */
static bool is_host(const char *text) {
    return text[0] != '\0' && strpbrk(text, "/ \t@?#") == NULL;
}

static enum gf_code take_registry(const Gofer__Config__V1__Registry *from,
                                  struct gf_image_registry *out, struct gf_error *err) {
    static const char field[] = "images.registries";
    *out = (struct gf_image_registry){
        .host = from->host,
        .mirrors = (const char *const *)from->mirrors,
        .mirror_count = from->n_mirrors,
        .user = gf_settings__given(from->user),
        .password_file = gf_settings__given(from->password_file),
        .ca_file = gf_settings__given(from->ca_file),
        .plain_http = from->plain_http,
    };
    if (!is_host(from->host)) {
        return gf_fail_field(err, field, "%s: '%.64s' is no host, as registry.example.com:5000",
                             field, from->host);
    }
    if (from->n_mirrors > GF_IMAGE_MIRRORS_MAX) {
        return gf_fail_field(err, field, "%s: '%.64s' has %zu mirrors, more than %d", field,
                             from->host, from->n_mirrors, GF_IMAGE_MIRRORS_MAX);
    }
    for (size_t i = 0; i < from->n_mirrors; i++) {
        if (!is_host(from->mirrors[i])) {
            return gf_fail_field(err, field, "%s: '%.64s' is no host, as mirror.example.com", field,
                                 from->mirrors[i]);
        }
    }
    if ((out->user == NULL) != (out->password_file == NULL)) {
        return gf_fail_field(err, field,
                             "%s: of '%.64s' user and password_file must be given together", field,
                             from->host);
    }
    if (out->plain_http && out->ca_file != NULL) {
        return gf_fail_field(err, field, "%s: '%.64s' is asked by plain_http and has a ca_file",
                             field, from->host);
    }
    return GF_OK;
}

static enum gf_code take_registries(const Gofer__Config__V1__Images *images,
                                    struct gf_image_registry *registries, struct gf_error *err) {
    if (images->n_registries > GF_IMAGE_REGISTRIES_MAX) {
        return gf_fail_field(err, "images.registries",
                             "images.registries: there are %zu, more than %d", images->n_registries,
                             GF_IMAGE_REGISTRIES_MAX);
    }
    for (size_t i = 0; i < images->n_registries; i++) {
        const enum gf_code rc = take_registry(images->registries[i], &registries[i], err);
        if (rc != GF_OK) {
            return rc;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(registries[k].host, registries[i].host) == 0) {
                return gf_fail_field(err, "images.registries",
                                     "images.registries: '%.64s' is there twice",
                                     registries[i].host);
            }
        }
    }
    return GF_OK;
}

static enum gf_code check_patterns(char *const *patterns, size_t count, struct gf_error *err) {
    static const char field[] = "images.allow";
    if (count > GF_IMAGE_PATTERNS_MAX) {
        return gf_fail_field(err, field, "%s: there are %zu, more than %d", field, count,
                             GF_IMAGE_PATTERNS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        struct gf_error why = {0};
        if (gf_image_pattern_check(gf_str_from(patterns[i]), &why) != GF_OK) {
            return gf_fail_field(err, field, "%s: %s", field, why.message);
        }
    }
    return GF_OK;
}

enum gf_code gf_settings__take_images(const Gofer__Config__V1__Images *images,
                                      struct gf_server_lists *lists,
                                      struct gf_server_options *options, struct gf_error *err) {
    enum gf_code rc = take_registries(images, lists->registries, err);
    if (rc == GF_OK) {
        rc = check_patterns(images->allow, images->n_allow, err);
    }
    options->images = (struct gf_image_settings){
        .pull_timeout_ms = gf_settings__ms(images->pull_timeout),
        .cache_bytes = images->cache_bytes,
        .allow = (const char *const *)images->allow,
        .allow_count = images->n_allow,
        .registries = lists->registries,
        .registry_count = images->n_registries,
        .proxy = gf_settings__given(images->proxy),
        .no_proxy = gf_settings__given(images->no_proxy),
        .docker_config_file = gf_settings__given(images->docker_config_file),
        .blobs_at_once = images->blobs_at_once,
        .pulls_at_once = images->pulls_at_once,
    };
    return rc;
}
