/* The main of every Criterion test: runs all tests, and writes the XML that Bazel asks for. */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/options.h>
#include <criterion/output.h>

int main(int argc, char **argv) {
    struct criterion_test_set *tests = criterion_initialize();
    const char *xml = getenv("XML_OUTPUT_FILE");
    if (xml != NULL) {
        criterion_add_output("xml", xml);
    }
    int exit_code = 0;
    if (criterion_handle_args(argc, argv, true)) {
        exit_code = criterion_run_all_tests(tests) ? 0 : 1;
    }
    criterion_finalize(tests);
    return exit_code;
}
