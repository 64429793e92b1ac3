#include "base/clock.h"
#include "base/file.h"
#include "clients/c/secret_value.h"
#include "engine/secrets/master_key.h"
#include "tests/integration/access.h"

#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* One that must never be seen but where it is asked for. */
#define VALUE "correct-horse-battery-staple"

static void setup(void) {
    access_setup();
    register_in("default", "hello");
}

TestSuite(secret, .init = setup, .fini = access_teardown);

/* ---- Calls ---- */

static Gofer__V1__SecretValue *plain(char *text, size_t size) {
    Gofer__V1__SecretValue *value = GF_ARENA_NEW(&arena, Gofer__V1__SecretValue);
    gofer__v1__secret_value__init(value);
    value->form_case = GOFER__V1__SECRET_VALUE__FORM_PLAINTEXT;
    value->plaintext.data = (uint8_t *)text;
    value->plaintext.len = size;
    return value;
}

static Gofer__V1__PutPipelineSecretRequest wanted(char *key, char *text) {
    Gofer__V1__PutPipelineSecretRequest request = GOFER__V1__PUT_PIPELINE_SECRET_REQUEST__INIT;
    request.pipeline_id = "hello";
    request.key = key;
    request.value = plain(text, strlen(text));
    return request;
}

static Gofer__V1__PutPipelineSecretResponse *stored;

static enum gf_code put_with(Gofer__V1__PutPipelineSecretRequest *request) {
    return gofer_v1_secret_service_put_pipeline_secret(harness.channel, NULL, request, &arena,
                                                       &stored, &error);
}

static enum gf_code put(char *key, char *text, bool force) {
    Gofer__V1__PutPipelineSecretRequest request = wanted(key, text);
    request.force = force;
    return put_with(&request);
}

static enum gf_code get_in(char *pipeline_id, char *key, Gofer__V1__Secret **out) {
    Gofer__V1__GetPipelineSecretRequest request = GOFER__V1__GET_PIPELINE_SECRET_REQUEST__INIT;
    Gofer__V1__GetPipelineSecretResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    request.key = key;
    const enum gf_code rc = gofer_v1_secret_service_get_pipeline_secret(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->secret;
    }
    return rc;
}

static enum gf_code get(char *key, Gofer__V1__Secret **out) {
    return get_in("hello", key, out);
}

static enum gf_code reveal(char *key, int64_t version,
                           Gofer__V1__RevealPipelineSecretResponse **out) {
    Gofer__V1__RevealPipelineSecretRequest request =
        GOFER__V1__REVEAL_PIPELINE_SECRET_REQUEST__INIT;
    request.pipeline_id = "hello";
    request.key = key;
    request.version = version;
    return gofer_v1_secret_service_reveal_pipeline_secret(harness.channel, NULL, &request, &arena,
                                                          out, &error);
}

static void expect_value(char *key, int64_t version, const char *value) {
    Gofer__V1__RevealPipelineSecretResponse *response = NULL;
    cr_assert_eq(reveal(key, version, &response), GF_OK, "%s", error.message);
    cr_assert_eq(response->plaintext.len, strlen(value));
    cr_expect_eq(memcmp(response->plaintext.data, value, strlen(value)), 0);
}

static enum gf_code delete_one(char *key) {
    Gofer__V1__DeletePipelineSecretRequest request =
        GOFER__V1__DELETE_PIPELINE_SECRET_REQUEST__INIT;
    Gofer__V1__DeletePipelineSecretResponse *response = NULL;
    request.pipeline_id = "hello";
    request.key = key;
    return gofer_v1_secret_service_delete_pipeline_secret(harness.channel, NULL, &request, &arena,
                                                          &response, &error);
}

static enum gf_code put_global(char *key, char *glob, bool force,
                               Gofer__V1__PutGlobalSecretResponse **out) {
    Gofer__V1__PutGlobalSecretRequest request = GOFER__V1__PUT_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__PutGlobalSecretResponse *response = NULL;
    request.key = key;
    request.value = plain(VALUE, strlen(VALUE));
    request.force = force;
    request.namespaces = &glob;
    request.n_namespaces = glob == NULL ? 0 : 1;
    return gofer_v1_secret_service_put_global_secret(harness.channel, NULL, &request, &arena,
                                                     out == NULL ? &response : out, &error);
}

/* ---- Of a pipeline ---- */

Test(secret, has_versions) {
    Gofer__V1__Secret *secret = NULL;
    cr_assert_eq(put("DB_PASSWORD", VALUE, false), GF_OK, "%s", error.message);
    cr_expect(stored->created);
    cr_expect_eq(stored->n_warnings, 0);
    cr_expect_eq(stored->secret->latest_version, 1);
    expect_error(put("DB_PASSWORD", "another-value", false), GF_ALREADY_EXISTS, "",
                 "secret 'DB_PASSWORD' exists already; force stores a next version");
    cr_assert_eq(put("DB_PASSWORD", "another-value", true), GF_OK, "%s", error.message);
    cr_expect_not(stored->created);
    cr_expect_eq(stored->secret->latest_version, 2);
    gf_harness_restart(&harness);
    expect_value("DB_PASSWORD", 0, "another-value");
    expect_value("DB_PASSWORD", 1, VALUE);
    cr_assert_eq(get("DB_PASSWORD", &secret), GF_OK, "%s", error.message);
    cr_expect_str_eq(secret->namespace_id, "default");
    cr_expect_str_eq(secret->pipeline_id, "hello");
    cr_assert_eq(secret->n_versions, 2);
    cr_expect_eq(secret->versions[0]->version, 2);
    cr_expect_eq(secret->versions[1]->size_bytes, (int64_t)strlen(VALUE));
    cr_expect_str_eq(secret->versions[1]->create_user, "bootstrap");
    cr_assert_eq(delete_one("DB_PASSWORD"), GF_OK, "%s", error.message);
    cr_expect_eq(delete_one("DB_PASSWORD"), GF_NOT_FOUND);
    expect_error(get("DB_PASSWORD", &secret), GF_NOT_FOUND, "", "secret 'DB_PASSWORD' not found");
}

Test(secret, a_request_id_stores_one_version) {
    Gofer__V1__PutPipelineSecretRequest request = wanted("TOKEN", VALUE);
    request.force = true;
    request.request_id = "req-1";
    for (int i = 0; i < 2; i++) {
        request.value = plain(VALUE, strlen(VALUE));
        cr_assert_eq(put_with(&request), GF_OK, "%s", error.message);
        cr_expect_eq(stored->secret->latest_version, 1);
        cr_expect(stored->created);
    }
    request.value = plain("another-value", 13);
    cr_expect_eq(put_with(&request), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
}

Test(secret, bad_requests_name_their_field) {
    static char large[(64 << 10) + 1];
    Gofer__V1__Secret *secret = NULL;
    Gofer__V1__RevealPipelineSecretResponse *revealed = NULL;
    Gofer__V1__PutPipelineSecretRequest request = wanted("x", VALUE);
    cr_expect_eq(put_with(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "key");
    request = wanted("TOKEN", VALUE);
    request.value = NULL;
    expect_error(put_with(&request), GF_INVALID_ARGUMENT, "value", "there is no value");
    request.value = plain("", 0);
    cr_expect_eq(put_with(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "value.plaintext");
    memset(large, 'x', sizeof(large));
    request.value = plain(large, sizeof(large));
    cr_expect_eq(put_with(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "value.plaintext");
    request.value = plain(large, sizeof(large) - 1);
    cr_expect_eq(put_with(&request), GF_OK, "%s", error.message);
    request = wanted("TOKEN", VALUE);
    request.pipeline_id = "nobody";
    expect_error(put_with(&request), GF_NOT_FOUND, "",
                 "pipeline 'nobody' not found in namespace 'default'");
    request.namespace_id = "nowhere";
    expect_error(put_with(&request), GF_NOT_FOUND, "", "namespace 'nowhere' not found");
    cr_expect_eq(get_in("nobody", "TOKEN", &secret), GF_NOT_FOUND);
    cr_expect_eq(reveal("TOKEN", 2, &revealed), GF_NOT_FOUND);
    cr_expect_eq(reveal("TOKEN", -1, &revealed), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "version");
}

Test(secret, one_that_is_too_short_is_warned_about) {
    cr_assert_eq(put("PIN", "1234", false), GF_OK, "%s", error.message);
    cr_assert_eq(stored->n_warnings, 1);
    cr_expect_not_null(strstr(stored->warnings[0], "too few to be masked"));
    cr_expect_null(strstr(stored->warnings[0], "1234"));
}

Test(secret, lists_in_pages) {
    Gofer__V1__ListPipelineSecretsRequest request = GOFER__V1__LIST_PIPELINE_SECRETS_REQUEST__INIT;
    Gofer__V1__ListPipelineSecretsResponse *response = NULL;
    int seen = 0;
    for (int i = 0; i < 7; i++) {
        cr_assert_eq(put(gf_arena_printf(&arena, "KEY_%d", i), VALUE, false), GF_OK);
    }
    request.pipeline_id = "hello";
    request.page_size = 3;
    do {
        cr_assert_eq(gofer_v1_secret_service_list_pipeline_secrets(harness.channel, NULL, &request,
                                                                   &arena, &response, &error),
                     GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_secrets; i++) {
            cr_expect_str_eq(response->secrets[i]->key, gf_arena_printf(&arena, "KEY_%d", seen++));
            cr_expect_eq(response->secrets[i]->n_versions, 0);
        }
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    cr_expect_eq(seen, 7);
    request.page_token = "AAAA";
    cr_expect_eq(gofer_v1_secret_service_list_pipeline_secrets(harness.channel, NULL, &request,
                                                               &arena, &response, &error),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "page_token");
}

/* ---- Sealed ---- */

static Gofer__V1__GetSecretSealingKeyResponse *sealing_key(void) {
    Gofer__V1__GetSecretSealingKeyRequest request = GOFER__V1__GET_SECRET_SEALING_KEY_REQUEST__INIT;
    Gofer__V1__GetSecretSealingKeyResponse *response = NULL;
    cr_assert_eq(gofer_v1_secret_service_get_secret_sealing_key(harness.channel, NULL, &request,
                                                                &arena, &response, &error),
                 GF_OK, "%s", error.message);
    return response;
}

static Gofer__V1__SecretValue *seal(const Gofer__V1__GetSecretSealingKeyResponse *key,
                                    const char *text) {
    Gofer__V1__SecretValue *message = GF_ARENA_NEW(&arena, Gofer__V1__SecretValue);
    Gofer__V1__SealedSecretValue *sealed = GF_ARENA_NEW(&arena, Gofer__V1__SealedSecretValue);
    GF_CLEANUP(gf_secret_value_fini) struct gf_secret_value value = {0};
    struct gf_str box = {0};
    gofer__v1__secret_value__init(message);
    gofer__v1__sealed_secret_value__init(sealed);
    gf_secret_value_init(&value);
    cr_assert(gf_secret_value_append(&value, gf_str_from(text)));
    cr_assert_eq(gf_secret_value_seal(
                     &value,
                     (struct gf_str){(const char *)key->public_key.data, key->public_key.len},
                     &arena, &box, &error),
                 GF_OK, "%s", error.message);
    sealed->key_id = key->key_id;
    sealed->ciphertext.data = (uint8_t *)(uintptr_t)box.ptr;
    sealed->ciphertext.len = box.len;
    message->form_case = GOFER__V1__SECRET_VALUE__FORM_SEALED;
    message->sealed = sealed;
    return message;
}

Test(secret, a_sealed_value_is_opened_by_the_server) {
    const Gofer__V1__GetSecretSealingKeyResponse *key = sealing_key();
    Gofer__V1__PutPipelineSecretRequest request = wanted("SEALED", "");
    cr_expect_eq((int)key->algorithm,
                 GOFER__V1__SECRET_SEALING_ALGORITHM__SECRET_SEALING_ALGORITHM_SEALED_BOX);
    request.value = seal(key, VALUE);
    cr_assert_eq(put_with(&request), GF_OK, "%s", error.message);
    expect_value("SEALED", 0, VALUE);
    request.force = true;
    request.value = seal(key, VALUE);
    request.value->sealed->ciphertext.data[40] ^= 1;
    cr_expect_eq(put_with(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "value.sealed");
    request.value = seal(key, VALUE);
    request.value->sealed->key_id = "no-such-key";
    cr_expect_eq(put_with(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "value.sealed");
    request.value = seal(key, "");
    cr_expect_eq(put_with(&request), GF_INVALID_ARGUMENT);
}

/* ---- Global ---- */

Test(secret, global_ones_say_where_they_may_be_used) {
    Gofer__V1__PutGlobalSecretResponse *response = NULL;
    Gofer__V1__GetGlobalSecretRequest request = GOFER__V1__GET_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__GetGlobalSecretResponse *got = NULL;
    cr_expect_eq(put_global("REGISTRY", NULL, false, NULL), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "namespaces");
    cr_expect_eq(put_global("REGISTRY", "no good", false, NULL), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "namespaces[0]");
    cr_assert_eq(put_global("REGISTRY", "team-*", false, &response), GF_OK, "%s", error.message);
    cr_expect(response->created);
    cr_expect_eq(put_global("REGISTRY", "team-*", false, NULL), GF_ALREADY_EXISTS);
    cr_assert_eq(put_global("REGISTRY", NULL, true, &response), GF_OK, "%s", error.message);
    cr_expect_eq(response->secret->latest_version, 2);
    cr_assert_eq(response->secret->n_namespaces, 1, "they stay as they were");
    cr_expect_str_eq(response->secret->namespaces[0], "team-*");
    request.key = "REGISTRY";
    cr_assert_eq(gofer_v1_secret_service_get_global_secret(harness.channel, NULL, &request, &arena,
                                                           &got, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(got->secret->n_versions, 2);
    cr_expect_str_eq(got->secret->namespace_id, "");
    Gofer__V1__RevealGlobalSecretRequest show = GOFER__V1__REVEAL_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__RevealGlobalSecretResponse *shown = NULL;
    show.key = "REGISTRY";
    cr_assert_eq(gofer_v1_secret_service_reveal_global_secret(harness.channel, NULL, &show, &arena,
                                                              &shown, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(shown->version, 2);
    cr_expect_eq(memcmp(shown->plaintext.data, VALUE, strlen(VALUE)), 0);
    Gofer__V1__DeleteGlobalSecretRequest drop = GOFER__V1__DELETE_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__DeleteGlobalSecretResponse *dropped = NULL;
    drop.key = "REGISTRY";
    cr_assert_eq(gofer_v1_secret_service_delete_global_secret(harness.channel, NULL, &drop, &arena,
                                                              &dropped, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(gofer_v1_secret_service_delete_global_secret(harness.channel, NULL, &drop, &arena,
                                                              &dropped, &error),
                 GF_NOT_FOUND);
    cr_expect_eq(gofer_v1_secret_service_get_global_secret(harness.channel, NULL, &request, &arena,
                                                           &got, &error),
                 GF_NOT_FOUND);
}

Test(secret, lists_show_the_global_ones_that_may_be_read) {
    Gofer__V1__ListGlobalSecretsRequest request = GOFER__V1__LIST_GLOBAL_SECRETS_REQUEST__INIT;
    Gofer__V1__ListGlobalSecretsResponse *response = NULL;
    cr_assert_eq(put_global("aaa-1", "*", false, NULL), GF_OK, "%s", error.message);
    cr_assert_eq(put_global("bbb-1", "*", false, NULL), GF_OK);
    cr_assert_eq(put_global("bbb-2", "*", false, NULL), GF_OK);
    make_role("some", may(NULL, RESOURCE(GLOBAL_SECRETS), "bbb-*", ACTION(READ)), NULL);
    struct gf_rpc_channel *ada = log_in("ada", "some");
    request.page_size = 1;
    const char *const expected[] = {"bbb-1", "bbb-2"};
    size_t seen = 0;
    do {
        cr_assert_eq(gofer_v1_secret_service_list_global_secrets(ada, NULL, &request, &arena,
                                                                 &response, &error),
                     GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_secrets; i++) {
            cr_assert_lt(seen, GF_ARRAY_COUNT(expected));
            cr_expect_str_eq(response->secrets[i]->key, expected[seen++]);
        }
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    cr_expect_eq(seen, 2);
}

/* ---- Keys ---- */

static enum gf_code rotate(Gofer__V1__SecretKeyScope scope, char *namespace_id, char *request_id,
                           int64_t *out_pending) {
    Gofer__V1__RotateSecretKeysRequest request = GOFER__V1__ROTATE_SECRET_KEYS_REQUEST__INIT;
    Gofer__V1__RotateSecretKeysResponse *response = NULL;
    request.scope = scope;
    request.namespace_id = namespace_id;
    request.request_id = request_id;
    const enum gf_code rc = gofer_v1_secret_service_rotate_secret_keys(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out_pending = response->pending_count;
    }
    return rc;
}

/* What comes of it when the rotation before has ended. */
static void rotate_soon(Gofer__V1__SecretKeyScope scope, char *namespace_id, enum gf_code code) {
    const int64_t deadline = gf_mono_ns() + TIMEOUT_MS * GF_NS_PER_MS;
    int64_t pending = 0;
    enum gf_code rc = GF_OK;
    do {
        cr_assert_lt(gf_mono_ns(), deadline);
        error = (struct gf_error){0};
        rc = rotate(scope, namespace_id, "", &pending);
    } while (strcmp(error.reason, "ROTATION_RUNNING") == 0);
    cr_assert_eq(rc, code, "%s", error.message);
}

#define SCOPE(name) GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_##name

Test(secret, keys_are_renewed_while_everything_goes_on) {
    int64_t pending = -1;
    cr_assert_eq(put("DB_PASSWORD", VALUE, false), GF_OK, "%s", error.message);
    const char *old_key = sealing_key()->key_id;
    cr_assert_eq(rotate(SCOPE(SEALING), "", "", &pending), GF_OK, "%s", error.message);
    cr_expect_str_neq(sealing_key()->key_id, old_key);
    cr_assert_eq(rotate(SCOPE(NAMESPACE), "default", "req-1", &pending), GF_OK, "%s",
                 error.message);
    cr_expect_geq(pending, 1);
    expect_value("DB_PASSWORD", 0, VALUE);
    int64_t again = -1;
    cr_assert_eq(rotate(SCOPE(NAMESPACE), "default", "req-1", &again), GF_OK, "%s", error.message);
    cr_expect_eq(again, pending);
    rotate_soon(SCOPE(NAMESPACE), "", GF_OK);
    gf_harness_restart(&harness);
    expect_value("DB_PASSWORD", 0, VALUE);
    expect_error(rotate(SCOPE(NAMESPACE), "nowhere", "", &pending), GF_NOT_FOUND, "",
                 "namespace 'nowhere' not found");
    expect_error(rotate(SCOPE(UNSPECIFIED), "", "", &pending), GF_INVALID_ARGUMENT, "scope",
                 "expected MASTER, NAMESPACE or SEALING");
    expect_error(rotate(SCOPE(SEALING), "default", "", &pending), GF_INVALID_ARGUMENT,
                 "namespace_id", "is for the scope NAMESPACE only");
    cr_expect_eq(rotate(SCOPE(MASTER), "", "", &pending), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "NO_NEW_MASTER_KEY");
}

/* A new key in front of the old one; then the old one alone is not enough any more. */
Test(secret, a_new_master_key_takes_over) {
    int64_t pending = -1;
    const char *path = gf_arena_printf(&arena, "%s/master.key", harness.data_dir);
    struct gf_strbuf old;
    struct gf_secret_buffer keys;
    cr_assert_eq(put("DB_PASSWORD", VALUE, false), GF_OK, "%s", error.message);
    gf_strbuf_init(&old, GF_MASTER_KEY_FILE_BYTES_MAX);
    cr_assert_eq(gf_file_read(AT_FDCWD, path, &old, &error), GF_OK, "%s", error.message);
    gf_secret_buffer_init(&keys, GF_MASTER_KEY_FILE_BYTES_MAX);
    gf_master_key_generate(&keys);
    const struct gf_str fresh = gf_arena_str(&arena, gf_secret_buffer_view(&keys));
    gf_secret_buffer_append(&keys, GF_STR("\n"));
    gf_secret_buffer_append(&keys, gf_strbuf_view(&old));
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, gf_secret_buffer_view(&keys), 0600,
                                 GF_FILE_SYNC_NONE, &error),
                 GF_OK);
    cr_assert_eq(rotate(SCOPE(MASTER), "", "", &pending), GF_OK, "%s", error.message);
    cr_expect_geq(pending, 1, "keys of the namespace, of marks, of boxes");
    expect_value("DB_PASSWORD", 0, VALUE);
    /* One that does not have the newest behind it is refused, once all lies under the newest. */
    gf_secret_buffer_truncate(&keys, 0);
    gf_master_key_generate(&keys);
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, gf_secret_buffer_view(&keys), 0600,
                                 GF_FILE_SYNC_NONE, &error),
                 GF_OK);
    rotate_soon(SCOPE(MASTER), "", GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "MASTER_KEY_MISSING");
    cr_assert_eq(gf_file_replace(AT_FDCWD, path, fresh, 0600, GF_FILE_SYNC_NONE, &error), GF_OK);
    gf_harness_restart(&harness);
    expect_value("DB_PASSWORD", 0, VALUE);
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(rotate(SCOPE(MASTER), "", "", &pending), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "NO_NEW_MASTER_KEY");
    gf_secret_buffer_fini(&keys);
    gf_strbuf_fini(&old);
}

/* ---- Events ---- */

static size_t list_events(Gofer__V1__EventKind kind, Gofer__V1__Event ***out) {
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__ListEventsResponse *response = NULL;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    filter.kinds = &kind;
    filter.n_kinds = 1;
    request.filter = &filter;
    request.oldest_first = true;
    cr_assert_eq(gofer_v1_event_service_list_events(harness.channel, NULL, &request, &arena,
                                                    &response, &error),
                 GF_OK, "%s", error.message);
    *out = response->events;
    return response->n_events;
}

/* They are published after the answer: waits for so many of the kind, and gives the last. */
static Gofer__V1__Event *wait_events(Gofer__V1__EventKind kind, int count) {
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    Gofer__V1__FollowEventsResponse *message = NULL;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    struct gf_rpc_stream *stream = NULL;
    filter.kinds = &kind;
    filter.n_kinds = 1;
    request.filter = &filter;
    request.include_history = true;
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_open(harness.channel, NULL, &request,
                                                                  &stream, &error),
                 GF_OK);
    for (int seen = 0; seen < count; seen += message->event != NULL ? 1 : 0) {
        cr_assert_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                      &message, &error),
                     GF_OK, "%s", error.message);
        cr_assert_not_null(message);
    }
    gf_rpc_stream_destroy(stream);
    return message->event;
}

#define EVENT(name) GOFER__V1__EVENT_KIND__EVENT_KIND_##name

Test(secret, every_change_is_told_once) {
    Gofer__V1__Event **events = NULL;
    int64_t pending = 0;
    cr_assert_eq(put("DB_PASSWORD", VALUE, false), GF_OK, "%s", error.message);
    const Gofer__V1__Event *event = wait_events(EVENT(SECRET_WRITTEN), 1);
    cr_expect_str_eq(event->namespace_id, "default");
    cr_expect_str_eq(event->pipeline_id, "hello");
    cr_expect_str_eq(event->key, "DB_PASSWORD");
    cr_expect_eq(event->version, 1);
    cr_assert_eq(event->n_metadata, 1);
    cr_expect_str_eq(event->metadata[0]->key, "version");
    cr_expect_str_eq(event->metadata[0]->value, "1");
    cr_assert_not_null(event->actor);
    cr_expect_str_eq(event->actor->user, "bootstrap");
    cr_expect_eq(strncmp(event->actor->token_id, "tok_", 4), 0);
    cr_expect_eq(strncmp(event->actor->peer, "unix:", 5), 0, "%s", event->actor->peer);
    expect_value("DB_PASSWORD", 0, VALUE);
    event = wait_events(EVENT(SECRET_REVEALED), 1);
    cr_expect_str_eq(event->key, "DB_PASSWORD");
    cr_assert_eq(rotate(SCOPE(NAMESPACE), "", "", &pending), GF_OK);
    event = wait_events(EVENT(SECRET_KEYS_ROTATED), 1);
    cr_assert_eq(event->n_metadata, 1);
    cr_expect_str_eq(event->metadata[0]->key, "scope");
    cr_expect_str_eq(event->metadata[0]->value, "NAMESPACE");
    cr_assert_eq(delete_one("DB_PASSWORD"), GF_OK);
    (void)wait_events(EVENT(SECRET_DELETED), 1);
    /* Nothing comes again. */
    gf_harness_restart(&harness);
    cr_assert_eq(put("OTHER", VALUE, false), GF_OK, "%s", error.message);
    event = wait_events(EVENT(SECRET_WRITTEN), 2);
    cr_expect_str_eq(event->key, "OTHER");
    cr_expect_eq(list_events(EVENT(SECRET_WRITTEN), &events), 2);
    cr_expect_eq(list_events(EVENT(SECRET_REVEALED), &events), 1);
    cr_expect_eq(list_events(EVENT(SECRET_DELETED), &events), 1);
}

/* ---- The end of pipelines and namespaces ---- */

Test(secret, goes_with_its_pipeline) {
    Gofer__V1__DeletePipelineRequest request = GOFER__V1__DELETE_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeletePipelineResponse *response = NULL;
    Gofer__V1__Secret *secret = NULL;
    cr_assert_eq(put("DB_PASSWORD", VALUE, false), GF_OK, "%s", error.message);
    request.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_pipeline_service_delete_pipeline(harness.channel, NULL, &request, &arena,
                                                           &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(get("DB_PASSWORD", &secret), GF_NOT_FOUND);
    /* A pipeline of the same name is another one. */
    register_in("default", "hello");
    cr_expect_eq(get("DB_PASSWORD", &secret), GF_NOT_FOUND);
    cr_expect_eq(put("DB_PASSWORD", VALUE, false), GF_OK, "%s", error.message);
}
