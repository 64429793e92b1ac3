#include "cli/fetch.h"

#include "cli/ui/message.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

const char *gf_cli_fetch_program(struct gf_cli *cli) {
    const char *named = cli->getenv("GOFER_FETCH");
    if (named != NULL && named[0] != '\0') {
        return named;
    }
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (size <= 0) {
        return "gofer-fetch";
    }
    self[size] = '\0';
    char *slash = strrchr(self, '/');
    gf_assert(slash != NULL);
    return gf_show_text(cli, "%.*s/gofer-fetch", (int)(slash - self), self);
}
