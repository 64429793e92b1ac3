#include "api/config/config.h"
#include "api/config/yaml.h"
#include "base/file.h"
#include "base/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <google/protobuf/duration.pb-c.h>

static struct gf_arena arena;
static struct gf_error err;
static struct gf_config_values config;
static char folder[64];
static char path[96];

static void setup(void) {
    gf_arena_init(&arena, GF_CONFIG_ARENA_BYTES_MAX);
    (void)snprintf(folder, sizeof(folder), "/tmp/gofer-config-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/config.yaml", folder);
}

static void teardown(void) {
    gf_arena_fini(&arena);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, folder, NULL), GF_OK);
}

TestSuite(config, .init = setup, .fini = teardown);

static void write_file(const char *text, mode_t mode) {
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, gf_str_from(text), mode, GF_FILE_SYNC_NONE, &err),
                 GF_OK, "%s", err.message);
}

static const Gofer__Config__V1__ServerConfig *parse(const char *text) {
    cr_assert_eq(gf_config_parse(gf_str_from(text), "f.yaml", &arena, &config, &err), GF_OK, "%s",
                 err.message);
    return config.message;
}

static void refused(const char *text, const char *message) {
    const enum gf_code rc = gf_config_parse(gf_str_from(text), "f.yaml", &arena, &config, &err);
    cr_expect_eq(rc, GF_INVALID_ARGUMENT, "%s", text);
    cr_expect_str_eq(err.message, message);
}

static size_t index_of(const char *setting) {
    return gf_config_find(gf_str_from(setting))->index;
}

/* ---- The file ---- */

Test(config, everything_has_a_default) {
    const Gofer__Config__V1__ServerConfig *message = parse("");
    cr_expect_str_eq(message->data_dir, "");
    cr_assert_eq(message->n_listeners, 1);
    cr_expect_str_eq(message->listeners[0]->address, "127.0.0.1:8080");
    cr_expect_null(message->listeners[0]->tls);
    cr_expect_not(message->listeners[0]->allow_plaintext_beyond_this_machine);
    cr_expect_not(message->access->allow_anonymous);
    cr_expect_str_eq(message->tls->certificate_file, "");
    cr_expect_eq((int)message->tls->client_certificates,
                 GOFER__CONFIG__V1__CLIENT_CERTIFICATES__CLIENT_CERTIFICATES_REQUIRE);
    cr_expect_eq((int)message->scheduler->name,
                 GOFER__CONFIG__V1__SCHEDULER_NAME__SCHEDULER_NAME_NATIVE);
    cr_expect_eq(message->scheduler->containers_max, 256);
    cr_expect_eq(message->limits->upload_bytes, INT64_C(16) << 30);
    cr_expect_eq(message->limits->stop_timeout->seconds, 10);
    cr_expect_eq((int)message->logging->level, GOFER__CONFIG__V1__LOG_LEVEL__LOG_LEVEL_INFO);
}

Test(config, values_of_every_type_are_read) {
    const Gofer__Config__V1__ServerConfig *message =
        parse("data_dir: /data\n"
              "listeners:\n"
              "  - address: unix:/run/gofer.sock\n"
              "  - address: 0.0.0.0:443\n"
              "    allow_plaintext_beyond_this_machine: true\n"
              "    tls: {certificate_file: /c, key_file: '/k', client_certificates: request}\n"
              "scheduler:\n"
              "  name: 'null'\n"
              "  task_log_bytes: 64KiB\n"
              "limits: {runs_max: 12, run_timeout_max: 1h30m, stop_timeout: 250ms}\n"
              "logging:\n"
              "access: {allow_anonymous: true}\n");
    cr_expect_str_eq(message->data_dir, "/data");
    cr_assert_eq(message->n_listeners, 2);
    cr_expect_str_eq(message->listeners[0]->address, "unix:/run/gofer.sock");
    const Gofer__Config__V1__Listener *second = message->listeners[1];
    cr_expect(second->allow_plaintext_beyond_this_machine);
    cr_expect_str_eq(second->tls->key_file, "/k");
    cr_expect_eq((int)second->tls->client_certificates,
                 GOFER__CONFIG__V1__CLIENT_CERTIFICATES__CLIENT_CERTIFICATES_REQUEST);
    cr_expect_str_eq(second->tls->client_ca_file, "");
    cr_expect_eq((int)message->scheduler->name,
                 GOFER__CONFIG__V1__SCHEDULER_NAME__SCHEDULER_NAME_NULL);
    cr_expect_eq(message->scheduler->task_log_bytes, 64 << 10);
    cr_expect_eq(message->scheduler->containers_max, 256);
    cr_expect_eq(message->limits->runs_max, 12);
    cr_expect_eq(message->limits->run_timeout_max->seconds, 5400);
    cr_expect_eq(message->limits->stop_timeout->nanos, 250000000);
    cr_expect(message->access->allow_anonymous);
}

Test(config, json_is_read_too) {
    const Gofer__Config__V1__ServerConfig *message =
        parse("{\"data_dir\": \"/d\", \"listeners\": [{\"address\": \"[::1]:0\"}],\n"
              " \"limits\": {\"runs_max\": 3, \"stop_timeout\": \"1s\"}}");
    cr_expect_str_eq(message->data_dir, "/d");
    cr_expect_eq(message->limits->runs_max, 3);
    cr_expect_str_eq(message->listeners[0]->address, "[::1]:0");
    cr_expect_eq(message->limits->stop_timeout->seconds, 1);
}

Test(config, unknown_settings_are_refused_with_their_place) {
    refused("data_dir: /d\ndta_dir: /e\n",
            "f.yaml:2:1: there is no setting 'dta_dir' here; did you mean 'data_dir'?");
    refused("scheduler:\n  nmae: native\n",
            "f.yaml:2:3: scheduler: there is no setting 'nmae' here; did you mean 'name'?");
    refused("zzz: 1\n", "f.yaml:1:1: there is no setting 'zzz' here");
    refused("listeners:\n  - address: a:1\n    port: 3\n",
            "f.yaml:3:5: listeners: there is no setting 'port' here");
}

Test(config, settings_that_come_twice_are_refused) {
    refused("data_dir: /a\nlimits: {runs_max: 1}\ndata_dir: /b\n",
            "f.yaml:3:1: 'data_dir' is given a second time, first in line 1");
}

Test(config, wrong_types_are_refused_with_what_was_expected) {
    refused("limits:\n  runs_max: many\n",
            "f.yaml:2:13: limits.runs_max: is 'many', expected a whole number, 0 to 2147483647");
    refused("limits: {runs_max: \"3\"}\n",
            "f.yaml:1:20: limits.runs_max: is the text '3', expected "
            "a whole number, 0 to 2147483647");
    refused("limits: {runs_max: [3]}\n",
            "f.yaml:1:20: limits.runs_max: is a list, expected a whole "
            "number, 0 to 2147483647");
    refused("limits: 3\n", "f.yaml:1:9: limits: is '3', expected a mapping of settings");
    refused("listeners: {address: x}\n",
            "f.yaml:1:12: listeners: is a mapping, expected a list of mappings, as "
            "[{address: \"127.0.0.1:8080\"}]");
    refused("listeners: [x]\n", "f.yaml:1:13: listeners: is 'x', expected a list of mappings, as "
                                "[{address: \"127.0.0.1:8080\"}]");
    refused("access: {allow_anonymous: yes}\n",
            "f.yaml:1:27: access.allow_anonymous: is 'yes', expected true or false");
    refused("scheduler: {name: docker}\n",
            "f.yaml:1:19: scheduler.name: is 'docker', expected one of native, null");
    refused("limits: {stop_timeout: 10}\n", "f.yaml:1:24: limits.stop_timeout: is '10', expected a "
                                            "duration, as 10s or 1h30m, 1ms to 24h");
    refused("limits: {upload_bytes: 1MB}\n", "f.yaml:1:24: limits.upload_bytes: is '1MB', expected "
                                             "a number of bytes, as 4096 or 64KiB, 1MiB to 1TiB");
    refused("limits: {upload_bytes: 064MiB}\n",
            "f.yaml:1:24: limits.upload_bytes: is '064MiB', expected a number of bytes, as 4096 or "
            "64KiB, 1MiB to 1TiB");
    refused("scheduler: {containers_max: 0100}\n", "f.yaml:1:29: scheduler.containers_max: is "
                                                   "'0100', expected a whole number, 1 to 1000000");
    refused("\xef\xbb\xbf"
            "data_dir: /data\n",
            "f.yaml:1:1: begins with a byte order mark: store it as UTF-8 without");
    refused("data_dir: data\n", "f.yaml:1:11: data_dir: is 'data', expected an absolute path");
    refused("[1, 2]\n", "f.yaml:1:1: is a list, expected a mapping of settings");
}

Test(config, values_out_of_range_are_refused) {
    refused("scheduler: {containers_max: 0}\n", "f.yaml:1:29: scheduler.containers_max: is '0', "
                                                "expected a whole number, 1 to 1000000");
    refused("scheduler: {containers_max: 1000001}\n",
            "f.yaml:1:29: scheduler.containers_max: is '1000001', expected a whole number, 1 to "
            "1000000");
    refused("limits: {runs_max: 99999999999999999999}\n",
            "f.yaml:1:20: limits.runs_max: is '99999999999999999999', expected a whole number, 0 "
            "to 2147483647");
    refused("limits: {stop_timeout: 25h}\n", "f.yaml:1:24: limits.stop_timeout: is '25h', expected "
                                             "a duration, as 10s or 1h30m, 1ms to 24h");
}

Test(config, what_is_required_must_be_there) {
    refused("listeners:\n  - tls: {key_file: /k}\n", "f.yaml:2:5: listeners[].address: is missing");
    refused("listeners:\n  - address:\n", "f.yaml:2:5: listeners[].address: is missing");
}

Test(config, lists_of_texts_are_read) {
    const Gofer__Config__V1__ServerConfig *message =
        parse("scheduler: {dns_servers: [192.0.2.1, \"2001:db8::1\"], task_max: {pid_count: 7}}\n"
              "images:\n"
              "  registries:\n"
              "    - host: a.example.com\n"
              "      mirrors: [m1.example.com, m2.example.com]\n");
    cr_assert_eq(message->scheduler->n_dns_servers, 2);
    cr_expect_str_eq(message->scheduler->dns_servers[1], "2001:db8::1");
    cr_expect_eq(message->scheduler->task_max->pid_count, 7);
    cr_expect_eq(message->scheduler->n_required_protections, 0);
    cr_assert_eq(message->images->n_registries, 1);
    cr_assert_eq(message->images->registries[0]->n_mirrors, 2);
    cr_expect_str_eq(message->images->registries[0]->mirrors[1], "m2.example.com");
}

Test(config, errors_that_are_found_later_get_the_place_of_the_value) {
    (void)parse("scheduler:\n  bridge_subnet: nowhere\n");
    struct gf_error error = {0};
    (void)gf_fail_field(&error, "scheduler.bridge_subnet", "it is none");
    gf_config_add_place(&config, &error);
    cr_expect_str_eq(error.message, "f.yaml:2:18: it is none");
    (void)gf_fail_field(&error, "scheduler.bridge_name", "a default");
    gf_config_add_place(&config, &error);
    cr_expect_str_eq(error.message, "a default");
    (void)gf_fail_field(&error, "tls", "a section");
    gf_config_add_place(&config, &error);
    cr_expect_str_eq(error.message, "a section");
}

Test(config, null_is_not_given) {
    const Gofer__Config__V1__ServerConfig *message =
        parse("data_dir:\nlisteners: ~\nscheduler:\n  containers_max: null\n");
    cr_expect_str_eq(message->data_dir, "");
    cr_expect_eq(message->n_listeners, 1);
    cr_expect_eq(message->scheduler->containers_max, 256);
    cr_expect_eq((int)config.sources[index_of("scheduler.containers_max")],
                 GF_CONFIG_SOURCE_DEFAULT);
}

/* ---- Sources ---- */

static enum gf_code load(const char *const *environment, const struct gf_config_flag *flags,
                         size_t flag_count) {
    const struct gf_config_options options = {
        .environment = environment,
        .flags = flags,
        .flag_count = flag_count,
    };
    return gf_config_load(&options, &arena, &config, &err);
}

Test(config, later_sources_win) {
    write_file("data_dir: /file\nscheduler: {containers_max: 3, name: 'null'}\n", 0644);
    char file_variable[128];
    (void)snprintf(file_variable, sizeof(file_variable), "GOFER_CONFIG=%s", path);
    const char *const environment[] = {file_variable, "GOFER_DATA_DIR=/environment",
                                       "GOFER_SCHEDULER_CONTAINERS_MAX=4", NULL};
    const struct gf_config_flag flags[] = {
        {"--data-dir", "data_dir", "./flag"},
        {"--listen", "listeners", "[{address: \"unix:/s\"}, {address: \"localhost:0\"}]"}};
    cr_assert_eq(load(environment, flags, 2), GF_OK, "%s", err.message);
    cr_expect_str_eq(config.file, path);
    cr_expect_str_eq(config.message->data_dir, "./flag");
    cr_expect_eq(config.message->scheduler->containers_max, 4);
    cr_expect_eq((int)config.message->scheduler->name,
                 GOFER__CONFIG__V1__SCHEDULER_NAME__SCHEDULER_NAME_NULL);
    cr_assert_eq(config.message->n_listeners, 2);
    cr_expect_str_eq(config.message->listeners[1]->address, "localhost:0");
    cr_expect_eq((int)config.sources[index_of("data_dir")], GF_CONFIG_SOURCE_FLAG);
    cr_expect_eq((int)config.sources[index_of("scheduler.containers_max")],
                 GF_CONFIG_SOURCE_ENVIRONMENT);
    cr_expect_eq((int)config.sources[index_of("scheduler.name")], GF_CONFIG_SOURCE_FILE);
    cr_expect_eq((int)config.sources[index_of("limits.runs_max")], GF_CONFIG_SOURCE_DEFAULT);
    cr_expect_str_eq(config.texts[index_of("listeners")],
                     "[{\"address\": \"unix:/s\"}, {\"address\": \"localhost:0\"}]");
    cr_expect_str_eq(config.texts[index_of("limits.stop_timeout")], "10s");
}

Test(config, file_in_the_home_directory_is_read_where_it_is) {
    char home[128];
    (void)snprintf(home, sizeof(home), "HOME=%s", folder);
    const char *const environment[] = {home, NULL};
    cr_assert_eq(load(environment, NULL, 0), GF_OK, "%s", err.message);
    cr_expect_null(config.file);
    char below[128];
    (void)snprintf(below, sizeof(below), "%s/.config/gofer", folder);
    cr_assert_eq(gf_tree_make(AT_FDCWD, below, 0700, &err), GF_OK);
    (void)snprintf(path, sizeof(path), "%s/.config/gofer/config.yaml", folder);
    write_file("limits: {runs_max: 8}\n", 0600);
    cr_assert_eq(load(environment, NULL, 0), GF_OK, "%s", err.message);
    cr_expect_str_eq(config.file, path);
    cr_expect_eq(config.message->limits->runs_max, 8);
}

Test(config, empty_variables_count_as_not_given) {
    const char *const environment[] = {"GOFER_DATA_DIR=", "GOFER_CONFIG=", "HOME=", NULL};
    cr_assert_eq(load(environment, NULL, 0), GF_OK, "%s", err.message);
    cr_expect_eq((int)config.sources[index_of("data_dir")], GF_CONFIG_SOURCE_DEFAULT);
}

Test(config, bad_variables_and_flags_are_named) {
    const char *const number[] = {"GOFER_LIMITS_RUNS_MAX=x", NULL};
    cr_expect_eq(load(number, NULL, 0), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, "GOFER_LIMITS_RUNS_MAX: is 'x', expected a whole number, 0 to "
                                  "2147483647");
    cr_expect_str_eq(err.field, "limits.runs_max");
    const char *const list[] = {"GOFER_LISTENERS=[{addres: x}]", NULL};
    cr_expect_eq(load(list, NULL, 0), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, "GOFER_LISTENERS: there is no setting 'addres' here; did you "
                                  "mean 'address'?");
    const char *const yaml[] = {"GOFER_LISTENERS=[", NULL};
    cr_expect_eq(load(yaml, NULL, 0), GF_INVALID_ARGUMENT);
    cr_expect_eq(strncmp(err.message, "GOFER_LISTENERS:", 16), 0, "%s", err.message);
    const char *const text[] = {"GOFER_DATA_DIR=/\xff", NULL};
    cr_expect_eq(load(text, NULL, 0), GF_INVALID_ARGUMENT);
    const struct gf_config_flag null = {"--scheduler", "scheduler.name", "null"};
    cr_expect_eq(load(NULL, &null, 1), GF_OK, "%s", err.message);
    cr_expect_eq((int)config.message->scheduler->name,
                 GOFER__CONFIG__V1__SCHEDULER_NAME__SCHEDULER_NAME_NULL, "a name, not nothing");
    const struct gf_config_flag flag = {"--scheduler", "scheduler.name", "magic"};
    cr_expect_eq(load(NULL, &flag, 1), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, "--scheduler: is 'magic', expected one of native, null");
}

Test(config, variables_that_look_like_settings_are_told_of) {
    const char *const environment[] = {"GOFER_LIMITS_RUNS=3",
                                       "GOFER_DATA_DR=/x",
                                       "GOFER_TOKEN=secret",
                                       "GOFER_HOST=h:1",
                                       "GOFER_NAMESPACE=n",
                                       "GOFER_FETCH=/f",
                                       "GOFER_TLS_CA=/ca",
                                       "GOFER_MASTER_KEY=k",
                                       "GOFER_CONTEXT=c",
                                       "GOFER_RUN_ID=1",
                                       "GOFER_API_TOKEN=other",
                                       "PATH=/bin",
                                       NULL};
    cr_assert_eq(load(environment, NULL, 0), GF_OK, "%s", err.message);
    cr_assert_eq(config.unknown_count, 2);
    cr_expect_str_eq(config.unknown[0], "GOFER_LIMITS_RUNS");
    cr_expect_str_eq(config.unknown[1], "GOFER_DATA_DR");
}

/* ---- Whose file it is ---- */

static enum gf_code load_file(void) {
    const struct gf_config_options options = {.file = path};
    return gf_config_load(&options, &arena, &config, &err);
}

Test(config, file_that_others_may_write_is_refused) {
    const mode_t refused_modes[] = {0664, 0646, 0622};
    for (size_t i = 0; i < GF_ARRAY_COUNT(refused_modes); i++) {
        write_file("", refused_modes[i]);
        cr_expect_eq(load_file(), GF_FAILED_PRECONDITION);
        cr_expect_not_null(strstr(err.message, "can be changed by others"), "%s", err.message);
    }
    write_file("", 0644);
    cr_expect_eq(load_file(), GF_OK, "%s", err.message);
}

Test(config, file_that_is_none_is_refused) {
    cr_expect_eq(load_file(), GF_NOT_FOUND);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect_eq(load_file(), GF_FAILED_PRECONDITION, "%s", err.message);
    cr_assert_eq(rmdir(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(load_file(), GF_FAILED_PRECONDITION, "%s", err.message);
}

Test(config, file_that_is_too_large_is_refused) {
    char *text = gf_arena_alloc(&arena, GF_YAML_BYTES_MAX + 2);
    memset(text, '#', GF_YAML_BYTES_MAX + 1);
    write_file(text, 0600);
    cr_expect_eq(load_file(), GF_RESOURCE_EXHAUSTED);
    cr_expect_not_null(strstr(err.message, "more than 262144 bytes"), "%s", err.message);
}

/* ---- Pages ---- */

/* Takes the '#' in front of every setting away; those of comments have one blank behind them. */
static char *uncommented(struct gf_str text) {
    char *out = gf_arena_alloc(&arena, text.len + 1);
    size_t len = 0;
    bool begin = true;
    for (size_t i = 0; i < text.len; i++) {
        const char next = i + 1 < text.len ? text.ptr[i + 1] : '\n';
        const char after = i + 2 < text.len ? text.ptr[i + 2] : '\n';
        const bool is_comment = next == '\n' || (next == ' ' && after != ' ');
        if (!(begin && text.ptr[i] == '#' && !is_comment)) {
            out[len++] = text.ptr[i];
        }
        begin = text.ptr[i] == '\n' || (begin && text.ptr[i] == ' ');
    }
    return out;
}

Test(config, starter_changes_nothing) {
    struct gf_strbuf starter;
    gf_strbuf_init(&starter, GF_CONFIG_PAGE_BYTES_MAX);
    gf_config_write_starter(&starter);
    (void)parse(starter.ptr);
    for (size_t i = 0; i < GF_CONFIG_SETTINGS_MAX; i++) {
        cr_expect_eq((int)config.sources[i], GF_CONFIG_SOURCE_DEFAULT);
    }
    gf_strbuf_fini(&starter);
}

static void expect_given(const struct gf_config_setting *section) {
    for (size_t i = 0; i < section->child_count; i++) {
        const struct gf_config_setting *child = &section->children[i];
        if (child->index != SIZE_MAX) {
            cr_expect_eq((int)config.sources[child->index], GF_CONFIG_SOURCE_FILE, "%s",
                         child->path);
            if (child->example == NULL && child->kind != GF_CONFIG_LIST) {
                cr_expect_str_eq(config.texts[child->index], child->fallback);
            }
        } else {
            expect_given(child);
        }
    }
}

Test(config, starter_has_every_setting_with_its_default) {
    struct gf_strbuf starter;
    gf_strbuf_init(&starter, GF_CONFIG_PAGE_BYTES_MAX);
    gf_config_write_starter(&starter);
    const Gofer__Config__V1__ServerConfig *message = parse(uncommented(gf_strbuf_view(&starter)));
    expect_given(gf_config_schema());
    cr_assert_eq(message->n_listeners, 1);
    cr_expect_str_eq(message->listeners[0]->address, "127.0.0.1:8080");
    cr_expect_str_eq(message->listeners[0]->tls->key_file, "/etc/gofer/tls/server.key");
    gf_strbuf_fini(&starter);
}

static void expect_told(const struct gf_config_setting *section, const char *page) {
    for (size_t i = 0; i < section->child_count; i++) {
        const struct gf_config_setting *child = &section->children[i];
        char heading[128];
        (void)snprintf(heading, sizeof(heading), "\n## %s\n", child->path);
        cr_expect_not_null(strstr(page, heading), "%s", child->path);
        cr_expect(child->env == NULL || strstr(page, child->env) != NULL, "%s", child->path);
        expect_told(child, page);
    }
}

Test(config, reference_has_every_setting) {
    struct gf_strbuf page;
    gf_strbuf_init(&page, GF_CONFIG_PAGE_BYTES_MAX);
    gf_config_write_reference(&page);
    expect_told(gf_config_schema(), page.ptr);
    gf_strbuf_fini(&page);
}
