/* The master keys of a server: where they come from, and when it does not start. */
#include "base/file.h"
#include "base/tree.h"
#include "gofer/v1/secret.gofer.h"
#include "tests/integration/client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(server_key, .init = client_setup_auth, .fini = client_teardown);

static char path_buffer[160];

static const char *in_data_dir(const char *name) {
    (void)snprintf(path_buffer, sizeof(path_buffer), "%s/%s", harness.data_dir, name);
    return path_buffer;
}

static mode_t mode_of(const char *name) {
    struct stat status;
    cr_assert_eq(stat(in_data_dir(name), &status), 0, "%s", name);
    return status.st_mode & 07777;
}

static bool is_there(const char *name) {
    struct stat status;
    return stat(in_data_dir(name), &status) == 0;
}

static void read_key(struct gf_strbuf *out) {
    gf_strbuf_init(out, 4096);
    cr_assert_eq(gf_file_read(AT_FDCWD, in_data_dir("master.key"), out, &error), GF_OK, "%s",
                 error.message);
}

/* Puts a secret there, or reads it. */
static void put_secret(void) {
    Gofer__V1__PutGlobalSecretRequest request = GOFER__V1__PUT_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__SecretValue value = GOFER__V1__SECRET_VALUE__INIT;
    Gofer__V1__PutGlobalSecretResponse *response = NULL;
    char *everywhere[] = {"*"};
    value.form_case = GOFER__V1__SECRET_VALUE__FORM_PLAINTEXT;
    value.plaintext = (ProtobufCBinaryData){.data = (uint8_t *)"of great value", .len = 14};
    request.key = "the-key";
    request.namespaces = everywhere;
    request.n_namespaces = 1;
    request.value = &value;
    cr_assert_eq(gofer_v1_secret_service_put_global_secret(harness.channel, NULL, &request, &arena,
                                                           &response, &error),
                 GF_OK, "%s (%s)", error.message, error.field);
}

static void expect_secret(void) {
    Gofer__V1__RevealGlobalSecretRequest request = GOFER__V1__REVEAL_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__RevealGlobalSecretResponse *response = NULL;
    request.key = "the-key";
    cr_assert_eq(gofer_v1_secret_service_reveal_global_secret(harness.channel, NULL, &request,
                                                              &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_arr_eq(response->plaintext.data, "of great value", 14);
}

/* Stops the server and tries to start it again: it must refuse with these words. */
static void expect_no_start(enum gf_code code, const char *words) {
    struct gf_server *server = NULL;
    cr_expect_eq(gf_server_create(&harness.options, &server, &error), code, "%s: %s",
                 gf_code_name(error.code), error.message);
    cr_expect_not_null(strstr(error.message, words), "'%s' lacks '%s'", error.message, words);
    cr_expect_null(server);
}

Test(server_key, first_start_makes_it_and_later_ones_use_it) {
    struct gf_strbuf first;
    struct gf_strbuf second;
    cr_expect_eq(mode_of("master.key"), 0600);
    cr_expect_eq(mode_of("secrets.db"), 0600);
    cr_expect_eq(mode_of("tasks"), 0755);
    cr_expect_eq(mode_of("tasks/gofer.sock"), 0666);
    read_key(&first);
    put_secret();
    gf_harness_restart(&harness);
    read_key(&second);
    cr_expect(gf_str_eq(gf_strbuf_view(&first), gf_strbuf_view(&second)));
    expect_secret();
    gf_strbuf_fini(&first);
    gf_strbuf_fini(&second);
}

Test(server_key, another_key_is_refused) {
    gf_harness_pause(&harness);
    struct gf_strbuf own;
    read_key(&own);
    cr_assert_eq(unlink(in_data_dir("master.key")), 0);
    expect_no_start(GF_FAILED_PRECONDITION, "there is no master key");
    cr_expect_str_eq(error.reason, "MASTER_KEY_MISSING");
    harness.options.master_key_text =
        GF_STR("gofer-master-key-1:xVwfFweO1FvbhThKSKkW2TQ/jReuwC3Biw76H97ZakY=");
    expect_no_start(GF_FAILED_PRECONDITION, "which is not among those of the service");
    cr_expect_not_null(strstr(error.message, "environment variable GOFER_MASTER_KEY"));
    harness.options.master_key_text = gf_strbuf_view(&own);
    gf_harness_resume(&harness);
    cr_expect_not(is_there("master.key"));
    gf_strbuf_fini(&own);
}

Test(server_key, key_that_others_can_read_is_refused) {
    gf_harness_pause(&harness);
    cr_assert_eq(chmod(in_data_dir("master.key"), 0644), 0);
    expect_no_start(GF_FAILED_PRECONDITION, "open to others (mode 0644)");
    cr_assert_eq(chmod(in_data_dir("master.key"), 0600), 0);
    gf_harness_resume(&harness);
}

Test(server_key, weak_key_is_refused) {
    gf_harness_pause(&harness);
    harness.options.master_key_text =
        GF_STR("gofer-master-key-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    expect_no_start(GF_FAILED_PRECONDITION, "GOFER_MASTER_KEY");
    harness.options.master_key_text = GF_STR("changeme");
    expect_no_start(GF_FAILED_PRECONDITION, "no master key");
    harness.options.master_key_text = GF_STR("");
    gf_harness_resume(&harness);
}

Test(server_key, credential_comes_before_the_file) {
    char directory[128];
    char credential[160];
    put_secret();
    gf_harness_pause(&harness);
    (void)snprintf(directory, sizeof(directory), "%s/credentials", harness.dir);
    (void)snprintf(credential, sizeof(credential), "%s/gofer-master-key", directory);
    cr_assert_eq(mkdir(directory, 0700), 0);
    harness.options.credentials_dir = directory;
    gf_harness_resume(&harness); /* without the credential the file counts */
    expect_secret();
    gf_harness_pause(&harness);
    cr_assert_eq(rename(in_data_dir("master.key"), credential), 0);
    gf_harness_resume(&harness);
    cr_expect_not(is_there("master.key"));
    expect_secret();
    gf_harness_pause(&harness);
    cr_assert_eq(chmod(credential, 0604), 0);
    expect_no_start(GF_FAILED_PRECONDITION, "open to others");
    cr_assert_eq(chmod(credential, 0400), 0);
    gf_harness_resume(&harness);
}

Test(server_key, named_file_is_used_and_not_made) {
    char file[128];
    put_secret();
    gf_harness_pause(&harness);
    (void)snprintf(file, sizeof(file), "%s/own.key", harness.dir);
    harness.options.master_key_file = file;
    expect_no_start(GF_NOT_FOUND, file);
    cr_assert_eq(rename(in_data_dir("master.key"), file), 0);
    gf_harness_resume(&harness);
    expect_secret();
    cr_expect_not(is_there("master.key"));
}

/* A new key in front of the old one, while the server runs. */
Test(server_key, rotation_reads_the_file_anew) {
    Gofer__V1__RotateSecretKeysRequest request = GOFER__V1__ROTATE_SECRET_KEYS_REQUEST__INIT;
    Gofer__V1__RotateSecretKeysResponse *response = NULL;
    struct gf_strbuf keys;
    put_secret();
    request.scope = GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_MASTER;
    cr_expect_eq(gofer_v1_secret_service_rotate_secret_keys(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
                 GF_FAILED_PRECONDITION);
    read_key(&keys);
    char *old = gf_strbuf_take(&keys);
    gf_strbuf_printf(&keys, "gofer-master-key-1:%s\n%s",
                     "xVwfFweO1FvbhThKSKkW2TQ/jReuwC3Biw76H97ZakY=", old);
    free(old);
    cr_assert_eq(gf_file_replace(AT_FDCWD, in_data_dir("master.key"), gf_strbuf_view(&keys), 0600,
                                 GF_FILE_SYNC_NONE, &error),
                 GF_OK);
    gf_strbuf_fini(&keys);
    cr_assert_eq(gofer_v1_secret_service_rotate_secret_keys(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
                 GF_OK, "%s", error.message);
    expect_secret();
    gf_harness_restart(&harness);
    expect_secret();
}

Test(server_key, data_of_an_older_version_gets_a_key) {
    (void)up("before", "one");
    gf_harness_pause(&harness);
    cr_assert_eq(unlink(in_data_dir("master.key")), 0);
    cr_assert_eq(unlink(in_data_dir("secrets.db")), 0);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, in_data_dir("tasks"), &error), GF_OK);
    gf_harness_resume(&harness);
    cr_expect_eq(mode_of("master.key"), 0600);
    (void)up("before", "one; two");
    put_secret();
    expect_secret();
}
