/*
 * Finding a command by its words, and guessing what was meant.
 */
#include "cli/command.h"

#include "base/str.h"

#include <stdio.h>

enum {
    GUESS_WORD_BYTES_MAX = 32,
    GUESS_DISTANCE_MAX = 2,
};

/* The word in the singular: "pipelines" is taken for "pipeline". */
static bool is_noun(const char *noun, struct gf_str word) {
    struct gf_str singular = gf_str_from(noun);
    if (gf_str_eq(singular, word)) {
        return true;
    }
    return word.len == singular.len + 1 && word.ptr[word.len - 1] == 's' &&
           gf_str_has_prefix(word, singular);
}

bool gf_command_noun_exists(struct gf_str noun) {
    size_t count = 0;
    const struct gf_command *const *commands = gf_commands(&count);
    for (size_t i = 0; i < count; i++) {
        if (commands[i]->noun != NULL && is_noun(commands[i]->noun, noun)) {
            return true;
        }
    }
    return false;
}

/* How many letters must be changed, added or taken away to make one word of the other. */
static size_t distance(struct gf_str a, struct gf_str b) {
    size_t row[GUESS_WORD_BYTES_MAX + 1];
    if (a.len > GUESS_WORD_BYTES_MAX || b.len > GUESS_WORD_BYTES_MAX) {
        return GUESS_DISTANCE_MAX + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[b.len];
}

/* The nearest noun (noun NULL) or verb of a noun; NULL when nothing is near. */
static const char *guess(const char *noun, struct gf_str word) {
    size_t count = 0;
    const struct gf_command *const *commands = gf_commands(&count);
    const char *best = NULL;
    size_t best_distance = GUESS_DISTANCE_MAX + 1;
    for (size_t i = 0; i < count; i++) {
        const struct gf_command *command = commands[i];
        if (command->hidden ||
            (noun != NULL && (command->noun == NULL || strcmp(command->noun, noun) != 0))) {
            continue;
        }
        const char *candidate =
            noun != NULL || command->noun == NULL ? command->verb : command->noun;
        size_t candidate_distance = distance(gf_str_from(candidate), word);
        if (candidate_distance < best_distance) {
            best = candidate;
            best_distance = candidate_distance;
        }
    }
    return best;
}

static void fail_unknown(const char *noun, const char *word, struct gf_error *err) {
    const char *near = guess(noun, gf_str_from(word));
    const char *before = noun == NULL ? "" : noun;
    const char *space = noun == NULL ? "" : " ";
    if (near == NULL) {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "unknown command '%s%s%s'", before, space, word);
    } else {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "unknown command '%s%s%s'; did you mean '%s%s%s'?",
                      before, space, word, before, space, near);
    }
}

const struct gf_command *gf_command_find(const char *const *words, size_t word_count,
                                         size_t *out_used, struct gf_error *err) {
    if (word_count == 0) {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "no command");
        return NULL;
    }
    size_t count = 0;
    const struct gf_command *const *commands = gf_commands(&count);
    struct gf_str first = gf_str_from(words[0]);
    const char *noun = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct gf_command *command = commands[i];
        if (command->noun == NULL && strcmp(command->verb, words[0]) == 0) {
            *out_used = 1;
            return command;
        }
        if (command->noun == NULL || !is_noun(command->noun, first)) {
            continue;
        }
        noun = command->noun;
        if (word_count > 1 && strcmp(command->verb, words[1]) == 0) {
            *out_used = 2;
            return command;
        }
    }
    if (noun != NULL && word_count < 2) {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "'%s' needs a verb", noun);
    } else {
        fail_unknown(noun, words[noun == NULL ? 0 : 1], err);
    }
    return NULL;
}
