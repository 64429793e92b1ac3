/*
 * An extension that starts a run for each file that is written to a folder.
 *
 * docs/guides/writing-extensions.md goes through it step by step.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <gofer/extension.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECOND_NS INT64_C(1000000000)

static const struct gofer_parameter config_parameters[] = {
    {.name = "interval",
     .type = GOFER_DURATION,
     .default_value = "1s",
     .help = "How often the folders are looked at."},
};

static const struct gofer_parameter subscription_parameters[] = {
    {.name = "folder",
     .type = GOFER_STRING,
     .required = true,
     .help = "The folder to watch, as an absolute path."},
    {.name = "suffix", .type = GOFER_STRING, .help = "Only files whose names end so, as `.csv`."},
};

static int64_t interval_ns;

static int64_t modified_ns(const struct stat *status) {
    return (int64_t)status->st_mtim.tv_sec * SECOND_NS + status->st_mtim.tv_nsec;
}

/* The administrator's settings: they come first, and again when they were changed. */
static void configure(struct gofer_extension *extension, const struct gofer_settings *settings,
                      void *ctx) {
    (void)ctx;
    interval_ns = gofer_settings_duration_ns(settings, "interval", SECOND_NS);
    gofer_extension_wake(extension);
}

/* A pipeline subscribes: its settings are checked here, while somebody waits for the answer. */
static enum gofer_outcome subscribe(struct gofer_extension *extension,
                                    struct gofer_subscription *subscription, void *ctx) {
    const struct gofer_settings *settings = gofer_subscription_settings(subscription);
    const char *folder = gofer_settings_get(settings, "folder");
    struct stat status;
    (void)extension;
    (void)ctx;
    if (folder == NULL || folder[0] != '/') {
        return gofer_subscription_refuse(subscription, "folder",
                                         "'%s' is no absolute path, as /var/spool/orders is one",
                                         folder == NULL ? "" : folder);
    }
    if (stat(folder, &status) != 0) {
        return gofer_subscription_fail(subscription, "%s cannot be read: %s", folder,
                                       strerror(errno));
    }
    return GOFER_ACCEPTED;
}

/* One file was written: the key names the file and when it was written. */
static void start_run(struct gofer_extension *extension, struct gofer_subscription *subscription,
                      const char *path, int64_t written_ns) {
    char key[256];
    char checkpoint[32];
    const struct gofer_pair variables[] = {{.name = "FILE", .value = path}};
    (void)snprintf(key, sizeof(key), "%" PRId64 ":%.200s", written_ns, path);
    (void)snprintf(checkpoint, sizeof(checkpoint), "%" PRId64, written_ns);
    const struct gofer_run_start start = {
        .size = sizeof(start),
        .idempotency_key = key,
        .variables = variables,
        .variable_count = 1,
        .reason = "a file was written",
        .event_time_ns = written_ns,
        .checkpoint = checkpoint, /* stored together with the run: it is not looked at again */
    };
    const enum gofer_result result = gofer_extension_start_run(extension, subscription, &start);
    if (result != GOFER_OK) {
        gofer_subscription_log(subscription, GOFER_WARNING, "%s: %s", path,
                               gofer_result_text(result));
    }
}

static bool ends_with(const char *name, const char *suffix) {
    const size_t name_bytes = strlen(name);
    const size_t suffix_bytes = suffix == NULL ? 0 : strlen(suffix);
    return name_bytes >= suffix_bytes &&
           (suffix_bytes == 0 || strcmp(name + name_bytes - suffix_bytes, suffix) == 0);
}

/* The oldest file that was written after `after_ns`; 0 if there is none. */
static int64_t find_next(struct gofer_subscription *subscription, int64_t after_ns, char *path,
                         size_t path_bytes) {
    const struct gofer_settings *settings = gofer_subscription_settings(subscription);
    const char *folder = gofer_settings_get(settings, "folder");
    const char *suffix = gofer_settings_get(settings, "suffix");
    int64_t oldest_ns = 0;
    char candidate[4096];
    struct stat status;
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        (void)gofer_subscription_answer(subscription, GOFER_FAILED, "the folder cannot be read");
        return 0;
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        (void)snprintf(candidate, sizeof(candidate), "%s/%s", folder, entry->d_name);
        if (!ends_with(entry->d_name, suffix) || stat(candidate, &status) != 0 ||
            !S_ISREG(status.st_mode) || modified_ns(&status) <= after_ns) {
            continue;
        }
        if (oldest_ns == 0 || modified_ns(&status) < oldest_ns) {
            oldest_ns = modified_ns(&status);
            (void)snprintf(path, path_bytes, "%s", candidate);
        }
    }
    (void)closedir(entries);
    return oldest_ns;
}

/* Looks at the folders of all subscriptions, and asks to be called again. */
static void wake(struct gofer_extension *extension, void *ctx) {
    struct gofer_subscription *each = NULL;
    char path[4096];
    (void)ctx;
    while ((each = gofer_extension_next_subscription(extension, each)) != NULL) {
        const int64_t seen_ns = strtoll(gofer_subscription_checkpoint(each), NULL, 10);
        const int64_t next_ns = find_next(each, seen_ns, path, sizeof(path));
        if (next_ns != 0) {
            start_run(extension, each, path, next_ns);
            gofer_extension_wake(extension); /* there may be more */
        }
    }
    gofer_extension_wake_at(extension, gofer_now_ns() + interval_ns);
}

int main(int argc, char **argv) {
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .name = "folder",
        .version = "1.0.0",
        .documentation = "Starts a run for each file that is written to a folder. The run has the "
                         "path of the file in `FILE`.",
        .config_parameters = config_parameters,
        .config_parameter_count = sizeof(config_parameters) / sizeof(config_parameters[0]),
        .subscription_parameters = subscription_parameters,
        .subscription_parameter_count =
            sizeof(subscription_parameters) / sizeof(subscription_parameters[0]),
        .configure = configure,
        .subscribe = subscribe,
        .wake = wake,
    };
    return gofer_extension_run(&definition, argc, argv);
}
