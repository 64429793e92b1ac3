/*
 * gofer-fetch: brings images into the image store, in a process of its own with few rights, so that
 * the server never parses an archive.
 *
 * Standard output carries the report (images/record.h) or the tar file, standard error what people
 * read: progress, and the failure in one line.
 */
#include "base/clock.h"
#include "base/file.h"
#include "engine/scheduler/native/fetch/confine.h"
#include "engine/scheduler/native/fetch/download.h"
#include "engine/scheduler/native/fetch/export.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/import.h"
#include "engine/scheduler/native/fetch/pack.h"
#include "engine/scheduler/native/fetch/pull_command.h"
#include "engine/scheduler/native/fetch/remove.h"
#include "engine/scheduler/native/fetch/store.h"
#include "engine/scheduler/native/images/reference.h"
#include "engine/scheduler/native/images/text.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
};

static const char usage_text[] =
    "Brings container images into gofer's image store.\n"
    "\n"
    "  gofer-fetch import --store DIR [--name NAME:TAG] <path | ->\n"
    "      Imports the images of an OCI layout (a directory or a tar file) or of a docker\n"
    "      archive (a tar file of docker save). Tar files may be compressed by gzip or zstd;\n"
    "      - reads one from standard input. Prints a record of the images. Needs root.\n"
    "        --name NAME:TAG             what the only image is called\n"
    "        --archive-bytes-max N       limits, see limits.h for the defaults\n"
    "        --unpacked-bytes-max N\n"
    "        --unpacked-files-max N\n"
    "\n"
    "  gofer-fetch pull --store DIR\n"
    "      Pulls an image from a registry. Reads a request from standard input and prints lines\n"
    "      of progress and a result (images/pull_request.h). Needs root.\n"
    "\n"
    "  gofer-fetch pack <dir>\n"
    "      Writes an OCI layout directory as a tar file to standard output, the same bytes for\n"
    "      the same layout.\n"
    "\n"
    "  gofer-fetch export --store DIR [--docker] DIGEST [NAME]...\n"
    "      Writes an image as a tar file to standard output, under these names: an OCI layout, or\n"
    "      what docker save writes. Needs root.\n"
    "\n"
    "  gofer-fetch remove --store DIR [NAME | DIGEST]...\n"
    "      Takes names away, and images (by digest) with all of their names; then layers that no\n"
    "      image needs.\n"
    "\n"
    "  gofer-fetch clean --store DIR\n"
    "      Removes what killed imports and pulls have left. Each of them does so too.\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 usage.\n";

enum option_id {
    OPTION_STORE = 1,
    OPTION_NAME,
    OPTION_DOCKER,
    OPTION_ARCHIVE_BYTES,
    OPTION_UNPACKED_BYTES,
    OPTION_UNPACKED_FILES,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"store", required_argument, NULL, OPTION_STORE},
    {"name", required_argument, NULL, OPTION_NAME},
    {"docker", no_argument, NULL, OPTION_DOCKER},
    {"archive-bytes-max", required_argument, NULL, OPTION_ARCHIVE_BYTES},
    {"unpacked-bytes-max", required_argument, NULL, OPTION_UNPACKED_BYTES},
    {"unpacked-files-max", required_argument, NULL, OPTION_UNPACKED_FILES},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* What the command line says. Borrowed from it. */
struct command_line {
    const char *command;
    const char *store;
    const char *name;
    const char *path;
    bool docker;
    const char *const *targets; /* of remove and export */
    size_t target_count;
    struct gf_fetch_limits limits;
    bool help;
};

static enum gf_code parse_limit(const char *option, const char *text, int64_t *out,
                                struct gf_error *err) {
    int64_t value = 0;
    if (!gf_parse_i64(gf_str_from(text), &value) || value <= 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--%s must be a whole number above 0, not '%s'",
                       option, gf_show_cstr(text).text);
    }
    *out = value;
    return GF_OK;
}

static enum gf_code parse_option(int id, int index, struct command_line *out,
                                 struct gf_error *err) {
    const char *name = long_options[index].name;
    switch (id) {
    case OPTION_STORE:
        out->store = optarg;
        return GF_OK;
    case OPTION_NAME:
        out->name = optarg;
        return GF_OK;
    case OPTION_DOCKER:
        out->docker = true;
        return GF_OK;
    case OPTION_ARCHIVE_BYTES:
        return parse_limit(name, optarg, &out->limits.archive_bytes, err);
    case OPTION_UNPACKED_BYTES:
        return parse_limit(name, optarg, &out->limits.unpacked_bytes, err);
    case OPTION_UNPACKED_FILES:
        return parse_limit(name, optarg, &out->limits.unpacked_files, err);
    case OPTION_HELP:
        out->help = true;
        return GF_OK;
    default:
        return gf_fail(err, GF_INVALID_ARGUMENT, "unknown option, or an option without its value");
    }
}

static bool is_command(const struct command_line *line, const char *command) {
    return gf_str_eq(gf_str_from(line->command), gf_str_from(command));
}

static enum gf_code parse_command_line(int argc, char **argv, struct command_line *out,
                                       struct gf_error *err) {
    struct command_line line = {.command = "", .limits = gf_fetch_limits_default};
    int id = 0;
    int index = 0;
    opterr = 0;
    while ((id = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        const enum gf_code rc = parse_option(id, index, &line, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    const int left = argc - optind;
    line.command = left > 0 ? argv[optind] : "";
    line.path = left > 1 ? argv[optind + 1] : NULL;
    line.targets = (const char *const *)argv + (left > 0 ? optind + 1 : optind);
    line.target_count = left > 0 ? (size_t)left - 1 : 0;
    const bool is_export = is_command(&line, "export");
    const bool is_remove = is_command(&line, "remove");
    const bool wants_store = is_command(&line, "import") || is_command(&line, "clean") ||
                             is_command(&line, "pull") || is_remove || is_export;
    const bool wants_path = is_command(&line, "import") || is_command(&line, "pack");
    if (!line.help && !wants_store && !wants_path) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "unknown command '%s'",
                       gf_show_cstr(line.command).text);
    }
    const bool counts = is_remove || (is_export ? left >= 2 : left == (wants_path ? 2 : 1));
    if (!line.help &&
        (wants_store != (line.store != NULL) || !counts || (line.docker && !is_export) ||
         (line.name != NULL && !is_command(&line, "import")))) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: options or arguments are missing or too many",
                       line.command);
    }
    *out = line;
    return GF_OK;
}

static enum gf_code open_source(const char *path, int *out_fd, bool *out_is_directory,
                                struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct stat status;
    if (gf_str_eq(gf_str_from(path), GF_STR("-"))) {
        *out_fd = STDIN_FILENO;
        *out_is_directory = false;
        return GF_OK;
    }
    const enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (fstat(fd, &status) != 0) {
        return gf_fail_system(err, "'%s'", gf_show_cstr(path).text);
    }
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "'%s' is neither a file nor a directory",
                       gf_show_cstr(path).text);
    }
    *out_is_directory = S_ISDIR(status.st_mode);
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

/* Everything is opened first; nothing is read before the rights are gone. */
static enum gf_code import(const struct command_line *line, struct gf_arena *arena,
                           struct gf_image_report *out, struct gf_error *err) {
    struct gf_import import = {
        .source_fd = -1,
        .name = line->name,
        .limits = &line->limits,
        .now_wall_ns = gf_wall_ns(),
    };
    struct gf_reference reference;
    struct gf_progress progress;
    struct gf_fetch_store store;
    gf_progress_start(&progress, STDERR_FILENO);
    import.progress = &progress;
    if (geteuid() != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "importing an image needs root: its files keep their owners");
    }
    enum gf_code rc = GF_OK;
    if (line->name != NULL) {
        rc = gf_reference_parse_name(gf_str_from(line->name), &reference, err);
    }
    if (rc == GF_OK) {
        rc = open_source(line->path, &import.source_fd, &import.is_directory, err);
    }
    if (rc == GF_OK) {
        rc = gf_fetch_store_open(line->store, &store, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const int64_t file_bytes_max = line->limits.archive_bytes > line->limits.unpacked_bytes
                                       ? line->limits.archive_bytes
                                       : line->limits.unpacked_bytes;
    rc = gf_confine(store.root_fd, file_bytes_max, err);
    if (rc == GF_OK) {
        rc = gf_fetch_store_begin(&store, err);
    }
    if (rc == GF_OK) {
        rc = gf_import_run(&import, &store, arena, out, err);
    }
    gf_fetch_store_close(&store);
    return rc;
}

/* The report goes out for success and failure alike: it is what the server reads. */
static enum gf_code import_and_report(const struct command_line *line, struct gf_error *err) {
    GF_CLEANUP(gf_arena_fini) struct gf_arena arena;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    struct gf_image_report report = {.count = 0};
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    gf_strbuf_init(&text, GF_IMAGE_REPORT_BYTES_MAX);
    const enum gf_code rc = import(line, &arena, &report, &report.failure);
    report.failed = rc != GF_OK;
    gf_image_report_write(&report, &text);
    const enum gf_code printed = gf_write_all(STDOUT_FILENO, text.ptr, text.len, err);
    if (rc != GF_OK) {
        *err = report.failure; /* it is what counts */
        return rc;
    }
    return printed;
}

static enum gf_code pack(const struct command_line *line, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    const enum gf_code rc = gf_file_open(AT_FDCWD, line->path, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    return rc == GF_OK ? gf_pack(fd, STDOUT_FILENO, err) : rc;
}

static enum gf_code remove_targets(const struct command_line *line, struct gf_error *err) {
    struct gf_fetch_store store;
    enum gf_code rc = gf_fetch_store_open(line->store, &store, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_confine(store.root_fd, line->limits.unpacked_bytes, err);
    if (rc == GF_OK) {
        rc = gf_fetch_store_begin(&store, err);
    }
    if (rc == GF_OK) {
        rc = gf_remove(&store, line->targets, line->target_count, err);
    }
    gf_fetch_store_close(&store);
    return rc;
}

static enum gf_code export_image(const struct command_line *line, struct gf_error *err) {
    struct gf_fetch_store store;
    struct gf_digest digest;
    enum gf_code rc = gf_digest_parse(gf_str_from(line->targets[0]), &digest, err);
    for (size_t i = 1; rc == GF_OK && i < line->target_count; i++) {
        struct gf_reference reference;
        rc = gf_reference_parse_name(gf_str_from(line->targets[i]), &reference, err);
    }
    if (rc == GF_OK) {
        rc = gf_fetch_store_open(line->store, &store, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_export export = {
        .digest = &digest,
        .names = line->targets + 1,
        .name_count = line->target_count - 1,
        .is_docker = line->docker,
        .out_fd = STDOUT_FILENO,
    };
    rc = gf_confine(store.root_fd, line->limits.unpacked_bytes, err);
    if (rc == GF_OK) {
        rc = gf_export_run(&export, &store, err);
    }
    gf_fetch_store_close(&store);
    return rc;
}

static enum gf_code clean(const struct command_line *line, struct gf_error *err) {
    struct gf_fetch_store store;
    const enum gf_code rc = gf_fetch_store_open(line->store, &store, err);
    if (rc == GF_OK) {
        gf_download_sweep(&store, gf_wall_ns(), GF_DOWNLOAD_LEFTOVER_BYTES_MAX);
        gf_fetch_store_close(&store);
    }
    return rc;
}

int main(int argc, char **argv) {
    struct command_line line;
    struct gf_error err;
    gf_confine_descriptors();
    /* What an image does not say about a directory is 0755. */
    (void)umask(022);
    enum gf_code rc = parse_command_line(argc, argv, &line, &err);
    if (rc != GF_OK) {
        fprintf(stderr, "gofer-fetch: %s\nTry 'gofer-fetch --help'.\n", err.message);
        return EXIT_USAGE;
    }
    if (line.help) {
        fputs(usage_text, stdout);
        return EXIT_DONE;
    }
    if (sodium_init() < 0) {
        fputs("gofer-fetch: libsodium does not start\n", stderr);
        return EXIT_FAILED;
    }
    rc = is_command(&line, "import")   ? import_and_report(&line, &err)
         : is_command(&line, "pull")   ? gf_pull_command(line.store, &err)
         : is_command(&line, "pack")   ? pack(&line, &err)
         : is_command(&line, "export") ? export_image(&line, &err)
         : is_command(&line, "remove") ? remove_targets(&line, &err)
                                       : clean(&line, &err);
    if (rc != GF_OK) {
        fprintf(stderr, "gofer-fetch: %s\n", err.message);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}
