#include "tests/bench/access/log_text.h"

enum {
    SECRET_BYTES_MAX = 60
};

static uint64_t random_state = 0x9e3779b97f4a7c15u;

uint64_t log_text_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static size_t below(size_t limit) {
    return (size_t)(log_text_random() % limit);
}

static char secret_bytes[LOG_TEXT_SECRETS][SECRET_BYTES_MAX];
static struct gf_str secrets[LOG_TEXT_SECRETS];

const struct gf_str *log_text_secrets(void) {
    static bool made;
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+/=.!$&%";
    for (size_t i = 0; i < LOG_TEXT_SECRETS && !made; i++) {
        secrets[i] = (struct gf_str){secret_bytes[i], 20 + below(SECRET_BYTES_MAX - 20 + 1)};
        for (size_t k = 0; k < secrets[i].len; k++) {
            secret_bytes[i][k] = characters[below(sizeof(characters) - 1)];
        }
    }
    made = true;
    return secrets;
}

static void append_line(struct gf_strbuf *text) {
    static const char *const words[] = {
        "request",
        "accepted",
        "connection",
        "closed",
        "by",
        "peer",
        "user",
        "password",
        "for",
        "warning:",
        "deprecated",
        "function",
        "compiled",
        "in",
        "the",
        "cache",
        "hit",
        "of",
        "building",
        "target",
        "//engine/core:model",
        "error:",
        "expected",
        "';'",
        "before",
        "token",
        "http://localhost:8080/api/v1/items",
        "GET",
        "POST",
        "HTTP/1.1\"",
        "200",
        "404",
        "[INFO]",
        "[DEBUG]",
        "src/main/java/org/example/App.java",
        "downloaded",
        "kB/s",
        "ok",
        "passed",
    };
    switch (below(4)) {
    case 0:
        gf_strbuf_printf(text, "2024-0%zu-1%zuT0%zu:%02zu:%02zu.%06zuZ ", 1 + below(9), below(10),
                         below(10), below(60), below(60), below(1000000));
        break;
    case 1:
        gf_strbuf_printf(text, "{\"level\":\"info\",\"ts\":%zu.%03zu,\"id\":\"%016llx\",\"msg\":\"",
                         1700000000 + below(10000000), below(1000),
                         (unsigned long long)log_text_random());
        break;
    case 2:
        gf_strbuf_printf(text, "sha256:%016llx%016llx ", (unsigned long long)log_text_random(),
                         (unsigned long long)log_text_random());
        break;
    default:
        gf_strbuf_printf(text, "[%zu/%zu] ", below(1000), (size_t)1000);
        break;
    }
    for (size_t i = 3 + below(15); i > 0; i--) {
        gf_strbuf_append_cstr(text, words[below(GF_ARRAY_COUNT(words))]);
        gf_strbuf_append_char(text, ' ');
    }
    gf_strbuf_append_char(text, '\n');
}

void log_text_fill(struct gf_strbuf *text, size_t size, size_t of_lines, size_t cut) {
    gf_strbuf_reset(text);
    while (text->len < size) {
        append_line(text);
        if (of_lines > 0 && below(of_lines) == 0) {
            const struct gf_str secret = log_text_secrets()[below(LOG_TEXT_SECRETS_IN_LOGS)];
            gf_strbuf_append_bytes(text, secret.ptr, secret.len - cut);
            gf_strbuf_append_char(text, '\n');
        }
    }
}
