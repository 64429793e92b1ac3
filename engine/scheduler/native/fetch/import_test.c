#include "base/alloc.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/fetch/import.h"
#include "engine/scheduler/native/fetch/platform.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/fetch/testing/image_builder.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sodium.h>

/* A temporary directory with "store" and whatever the test puts beside it. */
static char *directory;
static char *layout; /* directory/layout */
static char *store_dir;
static struct gf_arena arena;
static struct gf_image_report report;
static struct gf_error err;
static struct gf_fetch_limits limits;
static GF_VEC(struct gf_test_tar *) tars;

static void set_up(void) {
    directory = gf_test_make_dir();
    layout = gf_asprintf("%s/layout", directory);
    store_dir = gf_asprintf("%s/store", directory);
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    limits = gf_fetch_limits_default;
    umask(022);
    cr_assert_geq(sodium_init(), 0);
    if (geteuid() != 0) {
        gf_test_skip("importing images needs root");
    }
}

static void tear_down(void) {
    for (size_t i = 0; i < tars.count; i++) {
        gf_test_tar_fini(tars.items[i]);
        free(tars.items[i]);
    }
    gf_vec_fini(&tars);
    gf_arena_fini(&arena);
    free(store_dir);
    free(layout);
    gf_test_remove_dir(directory);
}

TestSuite(import, .init = set_up, .fini = tear_down);

/* Imports the directory or file `path` as gofer-fetch does. */
static enum gf_code import_as(const char *path, const char *name) {
    struct gf_fetch_store store;
    struct gf_progress progress = {.on = false};
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct stat status;
    cr_assert_eq(gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, NULL), GF_OK);
    cr_assert_eq(fstat(fd, &status), 0);
    const struct gf_import import = {
        .source_fd = fd,
        .is_directory = S_ISDIR(status.st_mode),
        .name = name,
        .limits = &limits,
        .now_wall_ns = 42,
        .progress = &progress,
    };
    cr_assert_eq(gf_fetch_store_open(store_dir, &store, &err), GF_OK);
    cr_assert_eq(gf_fetch_store_begin(&store, &err), GF_OK);
    const enum gf_code rc = gf_import_run(&import, &store, &arena, &report, &err);
    gf_fetch_store_close(&store);
    return rc;
}

static void assert_imports(const char *path, const char *name) {
    const enum gf_code rc = import_as(path, name);
    cr_assert_eq(rc, GF_OK, "%s", err.message);
}

/* The number of files in a directory of the store. */
static size_t count(const char *part) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", store_dir, part);
    GF_CLEANUP(gf_closedir_p) DIR *dir = opendir(path);
    cr_assert_not_null(dir);
    size_t found = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        found += entry->d_name[0] != '.' ? 1 : 0;
    }
    return found;
}

static void assert_nothing_left(void) {
    cr_assert_eq(count("layers"), 0u);
    cr_assert_eq(count("images"), 0u);
    cr_assert_eq(count("names"), 0u);
    cr_assert_eq(count("tmp"), 0u);
}

static void assert_refuses(const char *path, const char *reason, const char *part_of_message) {
    const enum gf_code rc = import_as(path, NULL);
    cr_assert_eq(rc, GF_INVALID_ARGUMENT, "%s", gf_code_name(rc));
    cr_assert_str_eq(err.reason, reason, "%s", err.message);
    cr_assert_not_null(strstr(err.message, part_of_message), "%s", err.message);
    assert_nothing_left();
}

/* A tar file to fill, which lives until the end of the test. */
static struct gf_test_tar *new_tar(void) {
    struct gf_test_tar *tar = GF_NEW(struct gf_test_tar);
    gf_test_tar_init(tar);
    gf_vec_push(&tars, tar);
    return tar;
}

/* A layer with one file. */
static struct gf_str make_layer(const char *name, const char *content) {
    struct gf_test_tar *tar = new_tar();
    gf_test_tar_file(tar, name, 0644, content);
    return gf_test_tar_finish(tar);
}

static char *layer_path(struct gf_str layer, const char *file) {
    const struct gf_digest diff_id = gf_sha256_of(layer);
    return gf_asprintf("layers/%s/%s", gf_digest_hex(&diff_id), file);
}

/* The record of the image that was imported. */
static struct gf_image_record read_record(void) {
    struct gf_image_record record;
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("images/%s/record", gf_digest_hex(&report.items[0].name.digest));
    GF_CLEANUP(gf_free_p) char *text = gf_test_read(store_dir, path);
    cr_assert_eq(gf_image_record_parse(gf_str_from(text), &arena, &record, &err), GF_OK, "%s",
                 err.message);
    return record;
}

static const struct gf_test_image plain = {.name = "app:1"};

Test(import, an_oci_layout_becomes_layers_a_record_and_a_name) {
    const struct gf_str layers[] = {make_layer("a", "aaaa"), make_layer("b", "bb")};
    const struct gf_test_image image = {
        .name = "docker.io/library/app:1",
        .config = "{\"Entrypoint\": [\"/bin/tini\", \"--\"], \"Cmd\": [\"sh\", \"-c\", \"a\\nb\"],"
                  " \"Env\": [\"PATH=/bin\", \"X=\"], \"WorkingDir\": \"/srv\","
                  " \"User\": \"daemon:3\", \"StopSignal\": \"SIGINT\"}",
        .compression = GF_TEST_GZIP,
    };
    gf_test_write_layout(layout, &image, layers, 2);
    assert_imports(layout, NULL);

    cr_assert_eq(report.count, 1u);
    cr_assert(report.items[0].is_new);
    cr_assert_str_eq(report.items[0].name.name, "app:1");
    GF_CLEANUP(gf_free_p) char *path = layer_path(layers[0], "a");
    GF_CLEANUP(gf_free_p) char *content = gf_test_read(store_dir, path);
    cr_assert_str_eq(content, "aaaa");
    GF_CLEANUP(gf_free_p) char *name = gf_test_read(store_dir, "names/app:1");
    cr_assert_not_null(strstr(name, report.items[0].name.digest.text));
    cr_assert_eq(count("tmp"), 0u);

    const struct gf_image_record record = read_record();
    cr_assert_eq(record.layer_count, 2u);
    const struct gf_digest first = gf_sha256_of(layers[0]);
    cr_assert(gf_digest_eq(&record.layers[0], &first), "the lowest first");
    cr_assert_eq(record.size_bytes, 6);
    cr_assert_eq(record.created_ns, INT64_C(1000000000000000000));
    cr_assert_eq(record.imported_ns, 42);
    cr_assert_eq(record.entrypoint.count, 2u);
    cr_assert_str_eq(record.entrypoint.items[1], "--");
    cr_assert_str_eq(record.cmd.items[2], "a\nb");
    cr_assert_str_eq(record.env.items[1], "X=");
    cr_assert_str_eq(record.workdir, "/srv");
    cr_assert_str_eq(record.user, "daemon:3");
    cr_assert_str_eq(record.stop_signal, "SIGINT");
}

Test(import, tar_files_of_all_compressions_give_the_same_image) {
    const struct gf_str layer = make_layer("a", "a");
    struct gf_digest digest = {""};
    for (int i = GF_TEST_PLAIN; i <= GF_TEST_ZSTD; i++) {
        const struct gf_test_image image = {.name = "app:1", .compression = GF_TEST_ZSTD};
        GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%d.tar", directory, i);
        gf_test_write_layout(layout, &image, &layer, 1);
        gf_test_tar_directory_tree(layout, path, (enum gf_test_compression)i);
        assert_imports(path, NULL);
        cr_assert_eq(report.items[0].is_new, i == 0, "only the first time");
        cr_assert(i == 0 || gf_digest_eq(&digest, &report.items[0].name.digest));
        digest = report.items[0].name.digest;
        cr_assert_eq(count("layers"), 1u);
        cr_assert_eq(count("tmp"), 0u);
    }
}

/* Writes the files of a docker archive; the layers are files "<number>/layer.tar". */
static void write_docker(const struct gf_str *layers, size_t layer_count, const char *tags) {
    const struct gf_test_image image = {NULL};
    GF_CLEANUP(gf_free_p) char *config = gf_test_config(&image, layers, layer_count);
    const struct gf_digest digest = gf_sha256_of(gf_str_from(config));
    GF_CLEANUP(gf_free_p) char *config_name = gf_asprintf("%s.json", gf_digest_hex(&digest));
    gf_test_write(layout, config_name, gf_str_from(config));
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf manifest;
    gf_strbuf_init(&manifest, 65536);
    gf_strbuf_printf(&manifest, "[{\"Config\": \"%s\", \"RepoTags\": %s, \"Layers\": [",
                     config_name, tags);
    for (size_t i = 0; i < layer_count; i++) {
        GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%zu/layer.tar", i);
        gf_test_write(layout, path, layers[i]);
        gf_strbuf_printf(&manifest, "%s\"%s\"", i > 0 ? "," : "", path);
    }
    gf_strbuf_append_cstr(&manifest, "]}]");
    gf_test_write(layout, "manifest.json", gf_strbuf_view(&manifest));
}

Test(import, a_docker_archive_is_known_by_its_configuration) {
    const struct gf_str layers[] = {make_layer("a", "a"), make_layer("b", "b")};
    write_docker(layers, 2, "[\"team/app:1\", \"app:latest\"]");
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/image.tar", directory);
    gf_test_tar_directory_tree(layout, path, GF_TEST_PLAIN);
    assert_imports(path, NULL);
    cr_assert_eq(report.count, 2u);
    cr_assert_str_eq(report.items[0].name.name, "team/app:1");
    cr_assert_str_eq(report.items[1].name.name, "app:latest");
    const struct gf_image_record record = read_record();
    cr_assert(gf_digest_eq(&record.digest, &record.config));
    GF_CLEANUP(gf_free_p) char *name = gf_test_read(store_dir, "names/team~app:1");
    cr_assert_not_null(strstr(name, "name=team/app:1\n"));
}

/* Older Docker saves a layer that two images share once, and links to it. */
Test(import, links_within_a_docker_archive_lead_to_their_files) {
    const struct gf_str layer = make_layer("a", "a");
    const struct gf_str both[] = {layer, layer};
    write_docker(both, 2, "[\"app:1\"]");
    struct gf_test_tar *tar = new_tar();
    GF_CLEANUP(gf_free_p) char *manifest = gf_test_read(layout, "manifest.json");
    const struct gf_test_image image = {NULL};
    GF_CLEANUP(gf_free_p) char *config = gf_test_config(&image, both, 2);
    const struct gf_digest digest = gf_sha256_of(gf_str_from(config));
    GF_CLEANUP(gf_free_p) char *config_name = gf_asprintf("%s.json", gf_digest_hex(&digest));
    struct archive_entry *entry = gf_test_tar_entry("0/layer.tar", S_IFREG | 0644);
    gf_test_tar_symlink(tar, "1/layer.tar", "../0/layer.tar");
    gf_test_tar_add_bytes(tar, entry, layer);
    gf_test_tar_file(tar, config_name, 0644, config);
    gf_test_tar_file(tar, "manifest.json", 0644, manifest);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/image.tar", directory);
    gf_test_write(directory, "image.tar", gf_test_tar_finish(tar));
    assert_imports(path, NULL);
    cr_assert_eq(read_record().layer_count, 1u);
    cr_assert_eq(count("layers"), 1u);
}

Test(import, refuses_links_that_lead_out_of_the_archive) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/image.tar", directory);
    struct gf_test_tar *tar = new_tar();
    gf_test_tar_symlink(tar, "a/manifest.json", "../../etc/passwd");
    gf_test_write(directory, "image.tar", gf_test_tar_finish(tar));
    assert_refuses(path, "ARCHIVE_INVALID", "leads out of the archive");
    tar = new_tar();
    gf_test_tar_symlink(tar, "manifest.json", "/etc/passwd");
    gf_test_write(directory, "image.tar", gf_test_tar_finish(tar));
    assert_refuses(path, "ARCHIVE_INVALID", "leads out of the archive");
    tar = new_tar();
    gf_test_tar_symlink(tar, "manifest.json", "b");
    gf_test_tar_symlink(tar, "b", "manifest.json");
    gf_test_write(directory, "image.tar", gf_test_tar_finish(tar));
    assert_refuses(path, "ARCHIVE_INVALID", "neither an OCI layout");
}

Test(import, refuses_a_directory_whose_links_lead_out) {
    gf_test_write(directory, "secret", GF_STR("[]"));
    cr_assert_eq(mkdir(layout, 0755), 0);
    GF_CLEANUP(gf_free_p) char *link = gf_asprintf("%s/manifest.json", layout);
    cr_assert_eq(symlink("../secret", link), 0);
    assert_refuses(layout, "ARCHIVE_INVALID", "neither an OCI layout");
}

Test(import, several_images_come_in_together) {
    const struct gf_str layers[] = {make_layer("a", "a"), make_layer("b", "b")};
    const struct gf_test_image one = {.name = "one:1"};
    const struct gf_test_image two = {.name = "two:2", .compression = GF_TEST_GZIP};
    GF_CLEANUP(gf_free_p) char *first = gf_test_write_manifest(layout, &one, layers, 2);
    GF_CLEANUP(gf_free_p) char *second = gf_test_write_manifest(layout, &two, layers, 1);
    GF_CLEANUP(gf_free_p) char *both = gf_asprintf("%s,%s", first, second);
    gf_test_write_index(layout, both);
    cr_assert_eq(import_as(layout, "three:3"), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "the archive holds 2 images: a name can be given to one only");
    assert_nothing_left();
    assert_imports(layout, NULL);
    cr_assert_eq(report.count, 2u);
    cr_assert_eq(count("images"), 2u);
    cr_assert_eq(count("layers"), 2u, "the shared one once");
}

Test(import, one_bad_image_keeps_the_others_out) {
    const struct gf_str good = make_layer("a", "a");
    const struct gf_str bad = make_layer("b", "b");
    const struct gf_digest wrong = gf_sha256_of(GF_STR("something else"));
    const struct gf_test_image one = {.name = "one:1"};
    const struct gf_test_image two = {.name = "two:2", .diff_ids = &wrong};
    GF_CLEANUP(gf_free_p) char *first = gf_test_write_manifest(layout, &one, &good, 1);
    GF_CLEANUP(gf_free_p) char *second = gf_test_write_manifest(layout, &two, &bad, 1);
    GF_CLEANUP(gf_free_p) char *both = gf_asprintf("%s,%s", first, second);
    gf_test_write_index(layout, both);
    assert_refuses(layout, "DIGEST_MISMATCH", "layer 1: unpacked content: sha256 mismatch");
}

Test(import, a_given_name_replaces_the_archives) {
    const struct gf_str layer = make_layer("a", "a");
    gf_test_write_layout(layout, &plain, &layer, 1);
    assert_imports(layout, "mine");
    cr_assert_eq(report.count, 1u);
    cr_assert_str_eq(report.items[0].name.name, "mine:latest");
    cr_assert_eq(count("names"), 1u);
}

Test(import, a_name_moves_to_the_newer_image) {
    const struct gf_str old = make_layer("a", "old");
    const struct gf_str new = make_layer("a", "new");
    gf_test_write_layout(layout, &plain, &old, 1);
    assert_imports(layout, NULL);
    const struct gf_digest before = report.items[0].name.digest;
    gf_test_write_layout(layout, &plain, &new, 1);
    assert_imports(layout, NULL);
    cr_assert_not(gf_digest_eq(&before, &report.items[0].name.digest));
    cr_assert_eq(count("images"), 2u);
    cr_assert_eq(count("names"), 1u);
}

Test(import, refuses_images_without_a_name) {
    const struct gf_str layer = make_layer("a", "a");
    const struct gf_test_image nameless = {NULL};
    gf_test_write_layout(layout, &nameless, &layer, 1);
    assert_refuses(layout, "", "has no name for its image");
    const struct gf_test_image tag = {.name = "latest"};
    gf_test_write_layout(layout, &tag, &layer, 1);
    assert_refuses(layout, "", "the archive calls its image 'latest', which may be a tag");
    const struct gf_test_image bad = {.name = "Bad:name"};
    gf_test_write_layout(layout, &bad, &layer, 1);
    assert_refuses(layout, "", "the archive's name for an image: image reference 'Bad:name'");
}

/* Changes one byte of the only blob that is neither JSON nor empty. */
static void damage_layer(const struct gf_test_image *image, struct gf_str layer) {
    const struct gf_str packed = gf_test_compress(layer, image->compression);
    const struct gf_digest digest = gf_sha256_of(packed);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("blobs/sha256/%s", gf_digest_hex(&digest));
    char *bytes = gf_memdup(packed.ptr, packed.len);
    bytes[packed.len / 2] ^= 0x40;
    gf_test_write(layout, path, (struct gf_str){bytes, packed.len});
    free(bytes);
    gf_test_free(packed);
}

Test(import, refuses_damaged_layers_by_their_digest) {
    const struct gf_str layer = make_layer("a", "a");
    for (int i = GF_TEST_PLAIN; i <= GF_TEST_ZSTD; i++) {
        const struct gf_test_image image = {.name = "app:1",
                                            .compression = (enum gf_test_compression)i};
        gf_test_write_layout(layout, &image, &layer, 1);
        damage_layer(&image, layer);
        assert_refuses(layout, "DIGEST_MISMATCH", "layer 1: sha256 mismatch: expected ");
    }
}

Test(import, refuses_content_that_is_not_the_diff_id) {
    const struct gf_str layer = make_layer("a", "a");
    const struct gf_digest wrong = gf_sha256_of(GF_STR("something else"));
    const struct gf_test_image image = {
        .name = "app:1", .diff_ids = &wrong, .compression = GF_TEST_GZIP};
    gf_test_write_layout(layout, &image, &layer, 1);
    const struct gf_digest got = gf_sha256_of(layer);
    GF_CLEANUP(gf_free_p)
    char *message = gf_asprintf("layer 1: unpacked content: sha256 mismatch: expected %s, got %s",
                                gf_digest_hex(&wrong), gf_digest_hex(&got));
    assert_refuses(layout, "DIGEST_MISMATCH", message);
}

Test(import, refuses_blobs_of_another_size) {
    const struct gf_str layer = make_layer("a", "a");
    gf_test_write_layout(layout, &plain, &layer, 1);
    const struct gf_digest digest = gf_sha256_of(layer);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("blobs/sha256/%s", gf_digest_hex(&digest));
    gf_test_write(layout, path, (struct gf_str){layer.ptr, layer.len - 1});
    assert_refuses(layout, "DIGEST_MISMATCH", "layer 1: has ");
}

Test(import, refuses_a_manifest_that_was_changed) {
    const struct gf_str layer = make_layer("a", "a");
    gf_test_write_layout(layout, &plain, &layer, 1);
    GF_CLEANUP(gf_free_p) char *index = gf_test_read(layout, "index.json");
    const char *hex = strstr(index, "sha256:") + 7;
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("blobs/sha256/%.64s", hex);
    GF_CLEANUP(gf_free_p) char *manifest = gf_test_read(layout, path);
    manifest[strlen(manifest) - 1] = ' ';
    gf_test_write(layout, path, gf_str_from(manifest));
    assert_refuses(layout, "DIGEST_MISMATCH", "index.json, entry 1: image ");
}

Test(import, refuses_archives_that_lack_a_blob) {
    const struct gf_str layer = make_layer("a", "a");
    gf_test_write_layout(layout, &plain, &layer, 1);
    const struct gf_digest digest = gf_sha256_of(layer);
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("%s/blobs/sha256/%s", layout, gf_digest_hex(&digest));
    cr_assert_eq(unlink(path), 0);
    assert_refuses(layout, "ARCHIVE_INVALID", "layer 1: the archive lacks the file 'blobs/sha256/");
}

Test(import, refuses_tar_files_that_are_cut) {
    const struct gf_str layer = make_layer("a", "some content");
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/image.tar", directory);
    for (int i = GF_TEST_PLAIN; i <= GF_TEST_ZSTD; i++) {
        gf_test_write_layout(layout, &plain, &layer, 1);
        gf_test_tar_directory_tree(layout, path, (enum gf_test_compression)i);
        struct stat status;
        cr_assert_eq(stat(path, &status), 0);
        /* Each eighth of it; wherever it is cut there is an error, and nothing is left. */
        for (int eighths = 7; eighths >= 0; eighths--) {
            cr_assert_eq(truncate(path, status.st_size * eighths / 8), 0);
            assert_refuses(path, "ARCHIVE_INVALID", "");
        }
    }
}

Test(import, stops_at_the_limits) {
    const struct gf_str layers[] = {make_layer("a", "12345678"), make_layer("b", "12345678")};
    gf_test_write_layout(layout, &plain, layers, 2);
    limits.unpacked_files = 1;
    cr_assert_eq(import_as(layout, NULL), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "layer 2: entry 'b': the image has more than 1 files");
    cr_assert_str_eq(err.reason, "IMAGE_TOO_LARGE");
    assert_nothing_left();
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/image.tar", directory);
    gf_test_tar_directory_tree(layout, path, GF_TEST_GZIP);
    limits.archive_bytes = 1024;
    cr_assert_eq(import_as(path, NULL), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "the archive: holds more than 1024 bytes");
    assert_nothing_left();
}

static char *with_platform(const char *descriptor, const char *architecture, const char *variant) {
    return gf_asprintf("{\"platform\": {\"os\": \"linux\", \"architecture\": \"%s\"%s%s%s},%s",
                       architecture, variant[0] != '\0' ? ", \"variant\": \"" : "", variant,
                       variant[0] != '\0' ? "\"" : "", descriptor + 1);
}

/* An index blob of some descriptors; the JSON of its own descriptor. */
static char *write_nested_index(const char *descriptors, const char *name) {
    GF_CLEANUP(gf_free_p)
    char *index = gf_asprintf("{\"schemaVersion\": 2, \"manifests\": [%s]}", descriptors);
    const struct gf_digest digest = gf_test_write_blob(layout, gf_str_from(index));
    return gf_asprintf("{\"mediaType\": \"application/vnd.oci.image.index.v1+json\", "
                       "\"digest\": \"%s\", \"size\": %zu, \"annotations\": "
                       "{\"io.containerd.image.name\": \"%s\"}}",
                       digest.text, strlen(index), name);
}

Test(import, an_index_gives_the_image_of_this_machine) {
    const struct gf_str ours = make_layer("ours", "x");
    const struct gf_str theirs = make_layer("theirs", "x");
    const char *here = gf_platform_host().architecture;
    const struct gf_test_image other = {.architecture = "sparc64"};
    const struct gf_test_image image = {NULL};
    GF_CLEANUP(gf_free_p) char *m1 = gf_test_write_manifest(layout, &other, &theirs, 1);
    GF_CLEANUP(gf_free_p) char *m2 = gf_test_write_manifest(layout, &image, &ours, 1);
    GF_CLEANUP(gf_free_p) char *m3 = gf_test_write_manifest(layout, &image, &theirs, 1);
    GF_CLEANUP(gf_free_p) char *d1 = with_platform(m1, "sparc64", "");
    GF_CLEANUP(gf_free_p) char *d2 = with_platform(m2, here, "");
    GF_CLEANUP(gf_free_p) char *d3 = with_platform(m3, here, "v99");
    GF_CLEANUP(gf_free_p) char *all = gf_asprintf("%s,%s,%s", d1, d3, d2);
    GF_CLEANUP(gf_free_p)
    char *nested = write_nested_index(all, "docker.io/library/many:1");
    gf_test_write_index(layout, nested);
    assert_imports(layout, NULL);
    cr_assert_eq(report.count, 1u);
    cr_assert_str_eq(report.items[0].name.name, "many:1");
    GF_CLEANUP(gf_free_p) char *path = layer_path(ours, "ours");
    GF_CLEANUP(gf_free_p) char *content = gf_test_read(store_dir, path);
    cr_assert_str_eq(content, "x");
    cr_assert_eq(count("layers"), 1u);

    /* The same images side by side in index.json: those for others are left out. */
    GF_CLEANUP(gf_free_p) char *flat = gf_asprintf("%s,%s", d1, d2);
    gf_test_write_index(layout, flat);
    assert_imports(layout, "flat");
    cr_assert_eq(count("names"), 2u);
}

Test(import, says_which_machines_an_image_is_for) {
    const struct gf_str layer = make_layer("a", "a");
    const struct gf_test_image other = {.architecture = "sparc64"};
    GF_CLEANUP(gf_free_p) char *manifest = gf_test_write_manifest(layout, &other, &layer, 1);
    GF_CLEANUP(gf_free_p) char *described = with_platform(manifest, "sparc64", "v9");
    GF_CLEANUP(gf_free_p) char *nested = write_nested_index(described, "app:1");
    gf_test_write_index(layout, described);
    assert_refuses(layout, "PLATFORM_MISSING", "only for linux/sparc64/v9");
    gf_test_write_index(layout, nested);
    assert_refuses(layout, "PLATFORM_MISSING", "only for linux/sparc64/v9");
    /* Where the index does not say it, the configuration does. */
    gf_test_write_index(layout, manifest);
    assert_refuses(layout, "PLATFORM_MISSING", "the image is for linux/sparc64, this machine is");
}

Test(import, refuses_indexes_without_end) {
    /* A chain that is one longer than what is allowed. */
    char *inner = write_nested_index("", "app:1");
    for (int i = 0; i < 4; i++) {
        char *outer = write_nested_index(inner, "app:1");
        free(inner);
        inner = outer;
    }
    gf_test_write_index(layout, inner);
    free(inner);
    assert_refuses(layout, "ARCHIVE_INVALID", "more than 4 indexes within each other");
}

Test(import, layers_below_an_opaque_root_are_left_out) {
    struct gf_test_tar *tar = new_tar();
    gf_test_tar_file(tar, ".wh..wh..opq", 0644, "");
    gf_test_tar_file(tar, "only", 0644, "x");
    const struct gf_str layers[] = {make_layer("a", "a"), gf_test_tar_finish(tar),
                                    make_layer("b", "b")};
    gf_test_write_layout(layout, &plain, layers, 3);
    assert_imports(layout, NULL);
    const struct gf_image_record record = read_record();
    const struct gf_digest lowest = gf_sha256_of(layers[1]);
    cr_assert_eq(record.layer_count, 2u);
    cr_assert(gf_digest_eq(&record.layers[0], &lowest));
}

/* Overlayfs refuses a directory twice; the lower one of two equal layers never shows. */
Test(import, a_layer_that_comes_again_counts_where_it_is_highest) {
    const struct gf_str layers[] = {make_layer("a", "a"), make_layer("b", "b"),
                                    make_layer("a", "a")};
    gf_test_write_layout(layout, &plain, layers, 3);
    assert_imports(layout, NULL);
    const struct gf_image_record record = read_record();
    const struct gf_digest lower = gf_sha256_of(layers[1]);
    const struct gf_digest upper = gf_sha256_of(layers[0]);
    cr_assert_eq(record.layer_count, 2u);
    cr_assert(gf_digest_eq(&record.layers[0], &lower));
    cr_assert(gf_digest_eq(&record.layers[1], &upper));
    cr_assert_eq(record.size_bytes, 2);
}

/* Each index leads to the next one a thousand times: what it says is read again and again. */
Test(import, stops_when_indexes_multiply) {
    char *inner = write_nested_index("", "app:1");
    for (int depth = 0; depth < 3; depth++) {
        GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf entries;
        gf_strbuf_init(&entries, GF_FETCH_JSON_BYTES_MAX);
        for (int i = 0; i < GF_FETCH_INDEX_ENTRIES_MAX; i++) {
            gf_strbuf_printf(&entries, "%s%s", i > 0 ? "," : "", inner);
        }
        free(inner);
        inner = write_nested_index(entries.ptr, "app:1");
    }
    gf_test_write_index(layout, inner);
    free(inner);
    cr_assert_eq(import_as(layout, NULL), GF_RESOURCE_EXHAUSTED);
    cr_assert_not_null(strstr(err.message, "more than 33554432 bytes of indexes"), "%s",
                       err.message);
}

Test(import, a_layer_in_the_store_is_not_unpacked_again) {
    const struct gf_str layer = make_layer("a", "a");
    gf_test_write_layout(layout, &plain, &layer, 1);
    assert_imports(layout, NULL);
    GF_CLEANUP(gf_free_p) char *path = layer_path(layer, "a");
    GF_CLEANUP(gf_free_p) char *whole = gf_asprintf("%s/%s", store_dir, path);
    struct stat before;
    struct stat after;
    cr_assert_eq(stat(whole, &before), 0);
    assert_imports(layout, "other:1");
    cr_assert_not(report.items[0].is_new);
    cr_assert_eq(stat(whole, &after), 0);
    cr_assert_eq(before.st_ino, after.st_ino);
}

Test(import, repairs_a_record_that_is_damaged) {
    const struct gf_str layer = make_layer("a", "a");
    gf_test_write_layout(layout, &plain, &layer, 1);
    assert_imports(layout, NULL);
    GF_CLEANUP(gf_free_p)
    char *path = gf_asprintf("images/%s/record", gf_digest_hex(&report.items[0].name.digest));
    gf_test_write(store_dir, path, GF_STR("gofer-image 1\ndigest="));
    assert_imports(layout, NULL);
    cr_assert(report.items[0].is_new);
    cr_assert_eq(read_record().layer_count, 1u);
}

Test(import, refuses_a_store_of_another_format) {
    struct gf_fetch_store store;
    gf_test_write(store_dir, "format", GF_STR("gofer-images 2\n"));
    cr_assert_eq(gf_fetch_store_open(store_dir, &store, &err), GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, "is of the format 'gofer-images 2\\x0a'"), "%s",
                       err.message);
}

Test(import, removes_what_killed_imports_have_left_and_nothing_else) {
    struct gf_fetch_store working;
    struct gf_fetch_store next;
    gf_test_write(store_dir, "tmp/0123456789abcdef/layer/file", GF_STR("left"));
    gf_test_write(store_dir, "tmp/stray-file", GF_STR("left"));
    cr_assert_eq(gf_fetch_store_open(store_dir, &working, &err), GF_OK);
    cr_assert_eq(count("tmp"), 0u);
    cr_assert_eq(gf_fetch_store_begin(&working, &err), GF_OK);
    cr_assert_eq(gf_fetch_store_open(store_dir, &next, &err), GF_OK);
    cr_assert_eq(count("tmp"), 1u, "somebody works there");
    gf_fetch_store_close(&working);
    cr_assert_eq(count("tmp"), 0u);
    gf_fetch_store_close(&next);
}

Test(import, a_layer_that_another_import_has_moved_first_stays) {
    struct gf_fetch_store store;
    const struct gf_digest diff_id = gf_sha256_of(GF_STR("x"));
    cr_assert_eq(gf_fetch_store_open(store_dir, &store, &err), GF_OK);
    cr_assert_eq(gf_fetch_store_begin(&store, &err), GF_OK);
    cr_assert_eq(mkdirat(store.work_fd, "one", 0755), 0);
    cr_assert_eq(mkdirat(store.work_fd, "two", 0755), 0);
    struct stat one;
    struct stat there;
    cr_assert_eq(fstatat(store.work_fd, "one", &one, 0), 0);
    cr_assert_eq(gf_fetch_store_publish_layer(&store, "one", &diff_id, &err), GF_OK);
    cr_assert_eq(gf_fetch_store_publish_layer(&store, "two", &diff_id, &err), GF_OK);
    cr_assert_eq(fstatat(store.layers_fd, gf_digest_hex(&diff_id), &there, 0), 0);
    cr_assert_eq(one.st_ino, there.st_ino);
    gf_fetch_store_close(&store);
    cr_assert_eq(count("tmp"), 0u);
}
