#include "engine/core/protection.h"
#include "tests/integration/access.h"
#include "tests/integration/native.h"

#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

TestSuite(diagnose, .init = access_setup, .fini = access_teardown);

#define RESULT(name) GOFER__V1__SYSTEM_CHECK_RESULT__SYSTEM_CHECK_RESULT_##name

static Gofer__V1__DiagnoseSystemResponse *diagnose(void) {
    Gofer__V1__DiagnoseSystemRequest request = GOFER__V1__DIAGNOSE_SYSTEM_REQUEST__INIT;
    Gofer__V1__DiagnoseSystemResponse *response = NULL;
    cr_assert_eq(gofer_v1_system_service_diagnose_system(harness.channel, NULL, &request, &arena,
                                                         &response, &error),
                 GF_OK, "%s", error.message);
    return response;
}

static const Gofer__V1__SystemCheck *find(const Gofer__V1__DiagnoseSystemResponse *response,
                                          const char *name) {
    for (size_t i = 0; i < response->n_checks; i++) {
        if (strcmp(response->checks[i]->name, name) == 0) {
            return response->checks[i];
        }
    }
    cr_assert_fail("there is no check '%s'", name);
    return NULL;
}

Test(diagnose, every_check_says_something) {
    const Gofer__V1__DiagnoseSystemResponse *response = diagnose();
    Gofer__V1__SystemCheckResult worst = RESULT(OK);
    cr_expect_geq(response->n_checks, 15);
    for (size_t i = 0; i < response->n_checks; i++) {
        const Gofer__V1__SystemCheck *check = response->checks[i];
        const size_t length = strlen(check->description);
        cr_expect_neq(check->name[0], '\0');
        cr_assert_gt(length, 0);
        cr_expect_neq(check->description[length - 1], '.', "%s", check->description);
        cr_expect_eq(check->remedy[0] != '\0',
                     check->result == RESULT(WARNING) || check->result == RESULT(FAILED), "%s: %s",
                     check->name, check->remedy);
        cr_expect_neq((int)check->result, 0);
        if (check->result != RESULT(SKIPPED) && check->result > worst) {
            worst = check->result;
        }
        for (size_t k = 0; k < i; k++) {
            cr_expect_str_neq(response->checks[k]->name, check->name);
        }
    }
    cr_expect_eq((int)response->result, (int)worst);
    cr_assert_not_null(response->duration);
}

Test(diagnose, a_good_configuration_is_fine) {
    static const char *const good[] = {"secrets", "master_key", "authentication", "bootstrap",
                                       "tls",     "memfd",      "disk_sync"};
    const Gofer__V1__DiagnoseSystemResponse *response = diagnose();
    for (size_t i = 0; i < GF_ARRAY_COUNT(good); i++) {
        const Gofer__V1__SystemCheck *check = find(response, good[i]);
        cr_expect(check->result == RESULT(OK) ||
                      (check->result == RESULT(SKIPPED) && strcmp(good[i], "disk_sync") == 0),
                  "%s: %s", check->name, check->description);
    }
    cr_expect_eq((int)find(response, "overlayfs")->result, (int)RESULT(SKIPPED),
                 "the null scheduler has no containers");
    cr_expect_eq((int)find(response, "protections")->result, (int)RESULT(SKIPPED));
    cr_expect_eq((int)find(response, "debugging")->result, (int)RESULT(OK));
}

Test(diagnose, a_key_that_others_may_read_is_found) {
    const char *path = gf_arena_printf(&arena, "%s/master.key", harness.data_dir);
    cr_assert_eq(chmod(path, 0644), 0);
    const Gofer__V1__DiagnoseSystemResponse *response = diagnose();
    cr_expect_eq((int)find(response, "master_key")->result, (int)RESULT(FAILED));
    cr_expect_eq((int)response->result, (int)RESULT(FAILED));
    cr_assert_eq(chmod(path, 0600), 0);
}

Test(diagnose, development_mode_is_warned_about) {
    access_teardown();
    client_setup();
    const Gofer__V1__DiagnoseSystemResponse *response = diagnose();
    cr_expect_eq((int)find(response, "authentication")->result, (int)RESULT(WARNING));
    cr_expect_eq((int)find(response, "bootstrap")->result, (int)RESULT(SKIPPED));
}

Test(diagnose, it_is_for_those_who_may_read_the_system) {
    Gofer__V1__DiagnoseSystemRequest request = GOFER__V1__DIAGNOSE_SYSTEM_REQUEST__INIT;
    Gofer__V1__DiagnoseSystemResponse *response = NULL;
    cr_expect_eq(gofer_v1_system_service_diagnose_system(log_in("ada", "reader"), NULL, &request,
                                                         &arena, &response, &error),
                 GF_PERMISSION_DENIED);
}

TestSuite(diagnose_native, .init = native_setup, .fini = native_teardown);

/* Whatever this machine gives: each protection has its check, and so have networks and images. */
Test(diagnose_native, containers_are_told_of) {
    NEED_ROOT();
    static const char *const names[] = {"network_bridge", "registries", "registry_credentials"};
    const Gofer__V1__DiagnoseSystemResponse *response = diagnose();
    for (uint32_t bit = 1; bit <= GF_PROTECTIONS_ALL; bit <<= 1) {
        const Gofer__V1__SystemCheck *check =
            find(response, gf_arena_printf(&arena, "protection_%s", gf_protection_text(bit)));
        cr_expect_neq((int)check->result, (int)RESULT(SKIPPED));
        cr_expect_eq(check->remedy[0] != '\0', check->result != RESULT(OK), "%s", check->name);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        (void)find(response, names[i]);
    }
    cr_expect_eq((int)find(response, "registries")->result, (int)RESULT(OK));
}
