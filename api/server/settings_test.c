#include "api/access/gate.h"
#include "api/config/config.h"
#include "api/server/settings.h"
#include "engine/core/limits.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/native.h"

#include <criterion/criterion.h>

static struct gf_arena arena;
static struct gf_error err;
static struct gf_config_values config;
static struct gf_server_lists lists;
static struct gf_server_options options;

static void setup(void) {
    gf_arena_init(&arena, GF_CONFIG_ARENA_BYTES_MAX);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(server_settings, .init = setup, .fini = teardown);

static enum gf_code apply(const char *text) {
    cr_assert_eq(gf_config_parse(gf_str_from(text), "f", &arena, &config, &err), GF_OK, "%s",
                 err.message);
    return gf_server_options_apply(config.message, &lists, &options, &err);
}

/* The schema and the code must not differ. */
Test(server_settings, defaults_are_those_of_the_code) {
    const struct gf_native_options native = GF_NATIVE_OPTIONS_DEFAULT;
    cr_assert_eq(apply(""), GF_OK, "%s", err.message);
    cr_expect_null(options.data_dir);
    cr_expect_null(options.master_key_file);
    cr_assert_eq(options.listener_count, 1);
    cr_expect_str_eq(options.listeners[0].address, "127.0.0.1:8080");
    cr_expect_null(options.listeners[0].tls.cert_file);
    cr_expect_not(options.listeners[0].allow_plaintext_beyond_this_machine);
    cr_expect_not(options.allow_anonymous);
    cr_expect_eq(options.token_rate_max, GF_GATE_TOKEN_RATE_MAX_DEFAULT);
    cr_expect_eq(options.address_rate_max, GF_GATE_ADDRESS_RATE_MAX_DEFAULT);
    cr_expect_eq(options.token_streams_max, GF_GATE_TOKEN_STREAMS_MAX_DEFAULT);
    cr_expect_eq(options.address_streams_max, GF_GATE_ADDRESS_STREAMS_MAX_DEFAULT);
    cr_expect_eq((int)options.scheduler, GF_SERVER_SCHEDULER_NATIVE);
    cr_expect_eq(options.containers_max, GF_SERVER_CONTAINERS_MAX_DEFAULT);
    cr_expect_eq(options.network.allow_host, native.network.allow_host);
    cr_expect_eq((int)options.network.default_mode, GF_NETWORK_NONE);
    cr_expect_eq(options.network.dns_server_count, 0);
    cr_expect_eq(options.task_default.pid_count, native.defaults.pid_count);
    cr_expect_lt(options.task_default.cpu_millis, 0);
    cr_expect_eq(options.task_default.disk_bytes, INT64_C(10) << 30);
    cr_expect_eq(options.task_max.memory_bytes, 0);
    cr_expect_eq(options.required_protections, 0);
    cr_expect_eq(options.user_id_first, GF_NATIVE_USER_ID_FIRST_DEFAULT);
    cr_expect_eq(options.user_ranges, GF_NATIVE_USER_RANGES_DEFAULT);
    cr_expect_not(options.debugging_disabled);
    cr_expect_eq(options.keep_failed_ms, native.keep_failed_ms);
    cr_expect_eq(options.keep_failed_count, native.keep_failed_count);
    cr_expect_eq(options.images.registry_count, 0);
    cr_expect_null(options.images.proxy);
    cr_expect_eq(options.task_log_bytes, native.log_bytes_max);
    cr_expect_eq(options.runs_active_max, GF_SERVER_RUNS_ACTIVE_MAX_DEFAULT);
    cr_expect_eq(options.runs_running_max, 0);
    cr_expect_eq(options.run_timeout_ms_max, 0);
    cr_expect_eq(options.stop_timeout_ms, GF_STOP_TIMEOUT_MS_DEFAULT);
    cr_expect_eq(options.upload_bytes_max, GF_SERVER_UPLOAD_BYTES_MAX_DEFAULT);
    cr_expect_eq(options.calls_max, GF_RPC_CALLS_MAX_DEFAULT);
}

Test(server_settings, http_is_for_this_machine_and_external_events_for_nobody_by_default) {
    cr_assert_eq(apply(""), GF_OK, "%s", err.message);
    cr_assert_eq(options.gateway.listener_count, 1);
    cr_expect_str_eq(options.gateway.listeners[0].address, "127.0.0.1:8081");
    cr_expect_null(options.gateway.static_dir);
    cr_expect_eq(options.gateway.origin_count, 0);
    cr_expect_eq(options.gateway.host_count, 0);
    cr_expect_eq(options.external.listener_count, 0);
    cr_expect_eq(gf_server_check_addresses(&options, &err), GF_OK);
}

Test(server_settings, http_and_external_events_are_taken) {
    cr_assert_eq(apply("tls: {certificate_file: /c, key_file: /k}\n"
                       "gateway:\n"
                       "  listeners: [{address: \"0.0.0.0:1\"}, {address: \"unix:/h\"}]\n"
                       "  static_dir: /ui\n"
                       "  allowed_origins: [\"https://ui.example.com\"]\n"
                       "  allowed_hosts: [a.example.com, b.example.com]\n"
                       "  connections_max: 77\n"
                       "external_events:\n"
                       "  listeners:\n"
                       "    - {address: \"0.0.0.0:2\", tls: {certificate_file: /o, key_file: /p}}\n"
                       "  body_bytes: 2MiB\n"
                       "  address_requests_per_second: 0\n"
                       "  address_connections_max: 5\n"
                       "  connections_max: 55\n"),
                 GF_OK, "%s", err.message);
    cr_assert_eq(options.gateway.listener_count, 2);
    cr_expect_str_eq(options.gateway.listeners[0].tls.cert_file, "/c");
    cr_expect_null(options.gateway.listeners[1].tls.cert_file);
    cr_expect_str_eq(options.gateway.static_dir, "/ui");
    cr_assert_eq(options.gateway.origin_count, 1);
    cr_expect_str_eq(options.gateway.origins[0], "https://ui.example.com");
    cr_assert_eq(options.gateway.host_count, 2);
    cr_expect_str_eq(options.gateway.hosts[1], "b.example.com");
    cr_expect_eq(options.gateway.connections_max, 77);
    cr_assert_eq(options.external.listener_count, 1);
    cr_expect_str_eq(options.external.listeners[0].tls.cert_file, "/o");
    cr_expect_eq(options.external.body_bytes_max, 2 << 20);
    cr_expect_lt(options.external.address_rate_max, 0);
    cr_expect_eq(options.external.address_connections_max, 5);
    cr_expect_eq(options.external.connections_max, 55);
}

static void expect_addresses(const char *text, enum gf_code code, const char *field) {
    err = (struct gf_error){0};
    cr_assert_eq(apply(text), GF_OK, "%s: %s", text, err.message);
    cr_expect_eq(gf_server_check_addresses(&options, &err), code, "%s: %s", text, err.message);
    cr_expect_str_eq(err.field, field, "%s", text);
}

Test(server_settings, every_listener_is_checked) {
    const char *const plain = "tls: {}\n";
    expect_addresses(plain, GF_OK, "");
    expect_addresses("listeners: []", GF_INVALID_ARGUMENT, "listeners");
    expect_addresses("gateway: {listeners: []}", GF_OK, "");
    expect_addresses("gateway: {listeners: [{address: \"80\"}]}", GF_INVALID_ARGUMENT,
                     "gateway.listeners");
    expect_addresses("gateway: {listeners: [{address: \"0.0.0.0:80\"}]}", GF_FAILED_PRECONDITION,
                     "gateway.listeners");
    expect_addresses("gateway: {listeners: [{address: \"0.0.0.0:80\", "
                     "allow_plaintext_beyond_this_machine: true}]}",
                     GF_OK, "");
    expect_addresses("external_events: {listeners: [{address: \"[::]:80\"}]}",
                     GF_FAILED_PRECONDITION, "external_events.listeners");
    expect_addresses("external_events: {listeners: [{address: \"[::]:80\", tls: "
                     "{certificate_file: /c, key_file: /k}}]}",
                     GF_OK, "");
}

Test(server_settings, in_development_mode_nothing_leaves_this_machine) {
    const char *const text = "tls: {certificate_file: /c, key_file: /k}\n"
                             "external_events: {listeners: [{address: \"0.0.0.0:80\"}]}\n";
    expect_addresses(text, GF_OK, "");
    options.development_mode = true;
    expect_addresses(text, GF_FAILED_PRECONDITION, "external_events.listeners");
}

Test(server_settings, an_address_is_given_once) {
    expect_addresses("listeners: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]", GF_OK,
                     "");
    expect_addresses("listeners: [{address: \"127.0.0.1:10\"}, {address: \"127.0.0.1:10\"}]",
                     GF_INVALID_ARGUMENT, "listeners");
    expect_addresses("listeners: [{address: \"127.0.0.1:8081\"}]", GF_INVALID_ARGUMENT,
                     "gateway.listeners");
    cr_expect_str_eq(err.message, "address '127.0.0.1:8081' is given twice, first in listeners");
    expect_addresses("listeners: [{address: \"unix:/s:0\"}]\n"
                     "external_events: {listeners: [{address: \"unix:/s:0\"}]}",
                     GF_INVALID_ARGUMENT, "external_events.listeners");
}

Test(server_settings, half_a_certificate_of_the_gateway_is_refused) {
    cr_expect_eq(apply("gateway: {listeners: [{address: \"a:1\", tls: {key_file: /k}}]}\n"),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "gateway.listeners[].tls");
}

Test(server_settings, no_limit_is_told_from_the_default) {
    cr_assert_eq(
        apply("access: {token_calls_per_second: 0, address_calls_max: 0}\n"
              "scheduler: {task_default: {pid_count: 0}, task_log_bytes: 0, keep_failed_max: 0}\n"
              "limits: {run_timeout_max: 1500us}\n"),
        GF_OK);
    cr_expect_lt(options.token_rate_max, 0);
    cr_expect_lt(options.address_streams_max, 0);
    cr_expect_lt(options.task_default.pid_count, 0);
    cr_expect_lt(options.keep_failed_count, 0);
    cr_expect_lt(options.task_log_bytes, 0);
    cr_expect_eq(options.run_timeout_ms_max, 2);
}

Test(server_settings, certificate_of_all_is_for_those_without_their_own) {
    cr_assert_eq(
        apply("tls: {certificate_file: /c, key_file: /k}\n"
              "listeners:\n"
              "  - address: 0.0.0.0:1\n"
              "  - address: unix:/s\n"
              "  - address: 0.0.0.0:2\n"
              "    tls: {certificate_file: /own, key_file: /own.key, client_ca_file: /ca,\n"
              "          client_certificates: request}\n"),
        GF_OK, "%s", err.message);
    cr_assert_eq(options.listener_count, 3);
    cr_expect_str_eq(lists.listeners[0].tls.cert_file, "/c");
    cr_expect_null(lists.listeners[0].tls.client_ca_file);
    cr_expect_null(lists.listeners[1].tls.cert_file);
    cr_expect_str_eq(lists.listeners[2].tls.key_file, "/own.key");
    cr_expect_str_eq(lists.listeners[2].tls.client_ca_file, "/ca");
    cr_expect(lists.listeners[2].tls.clients_optional);
}

Test(server_settings, half_a_certificate_is_refused) {
    cr_expect_eq(apply("tls: {certificate_file: /c}\n"), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "tls");
    cr_expect_eq(apply("tls: {client_ca_file: /c}\n"), GF_INVALID_ARGUMENT);
    cr_expect_eq(apply("listeners: [{address: \"a:1\", tls: {key_file: /k}}]\n"),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "listeners[].tls");
}

Test(server_settings, listeners_have_a_limit) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 4096);
    gf_strbuf_append_cstr(&text, "listeners:\n");
    for (int i = 0; i <= GF_SERVER_LISTENERS_MAX; i++) {
        gf_strbuf_append_cstr(&text, "  - address: 127.0.0.1:0\n");
    }
    cr_expect_eq(apply(text.ptr), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "listeners");
    gf_strbuf_fini(&text);
}

static void expect_refused(const char *text, const char *field) {
    cr_expect_eq(apply(text), GF_INVALID_ARGUMENT, "%s", text);
    cr_expect_str_eq(err.field, field, "%s", text);
    cr_expect_not_null(strstr(err.message, field), "%s", err.message);
}

Test(server_settings, containers_are_told_what_they_may) {
    cr_assert_eq(apply("scheduler:\n"
                       "  required_protections: [user_namespace, disk_limit]\n"
                       "  default_network: bridge\n"
                       "  bridge_subnet: 192.0.2.0/24\n"
                       "  dns_servers: [192.0.2.53]\n"
                       "  task_max: {memory_bytes: 1GiB, pid_count: 10}\n"
                       "  allow_debugging: false\n"),
                 GF_OK, "%s", err.message);
    cr_expect_eq(options.required_protections,
                 (uint32_t)GF_PROTECTION_USER_NAMESPACE | GF_PROTECTION_DISK_LIMIT);
    cr_expect_eq((int)options.network.default_mode, GF_NETWORK_BRIDGE);
    cr_expect_str_eq(options.network.bridge_subnet, "192.0.2.0/24");
    cr_assert_eq(options.network.dns_server_count, 1);
    cr_expect_str_eq(options.network.dns_servers[0], "192.0.2.53");
    cr_expect_eq(options.task_max.memory_bytes, 1 << 30);
    cr_expect(options.debugging_disabled);
}

Test(server_settings, defaults_of_tasks_are_within_their_maximums) {
    cr_assert_eq(apply("scheduler: {task_max: {memory_bytes: 1GiB, pid_count: 10}}\n"), GF_OK);
    cr_expect_eq(options.task_default.memory_bytes, 1 << 30);
    cr_expect_eq(options.task_default.pid_count, 10);
    cr_expect_lt(options.task_default.cpu_millis, 0);
}

Test(server_settings, what_no_network_is_is_refused) {
    expect_refused("scheduler: {bridge_subnet: 10.0.0.0}", "scheduler.bridge_subnet");
    expect_refused("scheduler: {bridge_subnet: 10.0.0.0/8}", "scheduler.bridge_subnet");
    expect_refused("scheduler: {bridge_subnet: 10.0.0.0/29}", "scheduler.bridge_subnet");
    expect_refused("scheduler: {bridge_subnet: 10.0.0.1/24}", "scheduler.bridge_subnet");
    expect_refused("scheduler: {bridge_subnet: \"2001:db8::/24\"}", "scheduler.bridge_subnet");
    expect_refused("scheduler: {bridge_subnet: 169.254.0.0/16}", "scheduler.bridge_subnet");
    expect_refused("scheduler: {bridge_subnet: 127.1.0.0/16}", "scheduler.bridge_subnet");
    expect_refused("scheduler: {bridge_name: \"\"}", "scheduler.bridge_name");
    expect_refused("scheduler: {bridge_name: a234567890123456}", "scheduler.bridge_name");
    expect_refused("scheduler: {bridge_name: a/b}", "scheduler.bridge_name");
    expect_refused("scheduler: {dns_servers: [dns.example.com]}", "scheduler.dns_servers");
    expect_refused("scheduler: {dns_servers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]}",
                   "scheduler.dns_servers");
}

Test(server_settings, what_does_not_go_together_is_refused) {
    expect_refused("scheduler: {required_protections: [luck]}", "scheduler.required_protections");
    expect_refused("scheduler: {containers_max: 300, user_ranges: 200}",
                   "scheduler.containers_max");
    expect_refused("scheduler: {containers_max: 10, keep_failed_max: 5, user_ranges: 14}",
                   "scheduler.containers_max");
    cr_expect_eq(apply("scheduler: {containers_max: 10, keep_failed_max: 5, user_ranges: 15}"),
                 GF_OK);
    expect_refused("scheduler: {user_id_first: 4294836224, user_ranges: 300}",
                   "scheduler.user_ranges");
    cr_expect_eq(apply("scheduler: {name: \"null\", containers_max: 300000}"), GF_OK);
}

Test(server_settings, registries_are_checked) {
    cr_assert_eq(apply("images: {registries: [{host: \"r.example.com:5000\", mirrors: [m], "
                       "user: u, password_file: /p}], proxy: \"http://p:1\"}"),
                 GF_OK, "%s", err.message);
    cr_assert_eq(options.images.registry_count, 1);
    cr_expect_str_eq(options.images.registries[0].mirrors[0], "m");
    cr_expect_str_eq(options.images.proxy, "http://p:1");
    expect_refused("images: {registries: [{host: \"https://r\"}]}", "images.registries");
    expect_refused("images: {registries: [{host: r, user: u}]}", "images.registries");
    expect_refused("images: {registries: [{host: r}, {host: r}]}", "images.registries");
    expect_refused("images: {registries: [{host: r, plain_http: true, ca_file: /c}]}",
                   "images.registries");
    expect_refused("images: {allow: [\"a b\"]}", "images.allow");
}

Test(server_settings, extensions_are_taken) {
    cr_assert_eq(apply("extensions: {provided: [cron, interval], image_dir: /images, "
                       "update_interval: 2h}\n"),
                 GF_OK, "%s", err.message);
    cr_assert_eq(options.provided_extension_count, 2);
    cr_expect_str_eq(options.provided_extensions[1], "interval");
    cr_expect_str_eq(options.extension_image_dir, "/images");
    cr_expect_eq(options.extension_update_ms, 2 * 3600 * 1000);
    cr_assert_eq(apply(""), GF_OK);
    cr_expect_eq(options.provided_extension_count, 0);
    cr_expect_null(options.extension_image_dir);
    cr_expect_eq(options.extension_update_ms, 24 * 3600 * 1000);
    expect_refused("extensions: {provided: [\"a b\"]}", "extensions.provided");
}
