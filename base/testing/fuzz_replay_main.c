/*
 * The main of a fuzz target as a test: runs it on every file of its corpus, on the empty input, and
 * on a fixed number of mutations of each file, from a fixed seed; with GOFER_TEST_FULL=1 on ten
 * times as many. Finding new inputs is libFuzzer's work.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_BYTES_MAX = 1 << 20,
    MUTATIONS_PER_FILE = 500,
    MUTATIONS_PER_FILE_FULL = 5000,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Runs the target on an exact-size heap copy, so that a sanitizer sees the first byte read too far.
 */
static void run_copy(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_mutations(uint8_t *data, size_t size, int count) {
    for (int i = 0; i < count && size > 0; i++) {
        size_t at = next_random() % size;
        uint8_t before = data[at];
        data[at] = (uint8_t)(next_random() >> 24);
        size_t length = next_random() % 4 == 0 ? next_random() % (size + 1) : size;
        run_copy(data, length);
        /* Half of the mutations stay, so that inputs drift away from the file. */
        if (next_random() % 2 == 0) {
            data[at] = before;
        }
    }
}

int main(int argc, char **argv) {
    static uint8_t data[INPUT_BYTES_MAX];
    const char *full = getenv("GOFER_TEST_FULL");
    const int mutations =
        full != NULL && strcmp(full, "1") == 0 ? MUTATIONS_PER_FILE_FULL : MUTATIONS_PER_FILE;
    run_copy(data, 0);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            fprintf(stderr, "cannot open %s\n", argv[i]);
            return 1;
        }
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        run_copy(data, size);
        run_mutations(data, size, mutations);
    }
    printf("%d files replayed\n", argc - 1);
    return 0;
}
