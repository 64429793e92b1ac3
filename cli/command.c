/*
 * Finding a command by its words, and guessing what was meant.
 */
#include "cli/command.h"

#include "base/str.h"

#include <stdio.h>

enum {
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

const char *gf_command_noun(const struct gf_command_set *set, struct gf_str word) {
    for (size_t i = 0; i < set->count; i++) {
        const char *noun = set->items[i]->noun;
        if (noun != NULL && is_noun(noun, word)) {
            return noun;
        }
    }
    return NULL;
}

void gf_command_name(const struct gf_command *command, char out[GF_COMMAND_NAME_BYTES_MAX]) {
    (void)snprintf(out, GF_COMMAND_NAME_BYTES_MAX, "%s%s%s",
                   command->noun == NULL ? "" : command->noun, command->noun == NULL ? "" : " ",
                   command->verb);
}

/* How many of the words are the verb; 0 when they are another one. */
static size_t match_verb(const char *verb, const char *const *words, size_t word_count) {
    struct gf_str first;
    struct gf_str second;
    const bool two = gf_str_cut(gf_str_from(verb), ' ', &first, &second);
    if (word_count == 0 || !gf_str_eq(first, gf_str_from(words[0]))) {
        return 0;
    }
    if (!two) {
        return 1;
    }
    return word_count > 1 && gf_str_eq(second, gf_str_from(words[1])) ? 2 : 0;
}

bool gf_command_is_verb_group(const struct gf_command_set *set, const char *noun,
                              const char *word) {
    for (size_t i = 0; i < set->count; i++) {
        const struct gf_command *command = set->items[i];
        struct gf_str first;
        struct gf_str second;
        if (command->noun != NULL && strcmp(command->noun, noun) == 0 &&
            gf_str_cut(gf_str_from(command->verb), ' ', &first, &second) &&
            gf_str_eq(first, gf_str_from(word))) {
            return true;
        }
    }
    return false;
}

/* The nearest noun (noun NULL) or verb of a noun; NULL when nothing is near. */
static const char *guess(const struct gf_command_set *set, const char *noun, struct gf_str word) {
    const char *best = NULL;
    size_t best_distance = GUESS_DISTANCE_MAX + 1;
    for (size_t i = 0; i < set->count; i++) {
        const struct gf_command *command = set->items[i];
        if (command->hidden ||
            (noun != NULL && (command->noun == NULL || strcmp(command->noun, noun) != 0))) {
            continue;
        }
        const char *candidate =
            noun != NULL || command->noun == NULL ? command->verb : command->noun;
        size_t candidate_distance = gf_str_distance(gf_str_from(candidate), word);
        /* A word of which every letter would have to change was not meant. */
        if (candidate_distance < best_distance && candidate_distance < word.len) {
            best = candidate;
            best_distance = candidate_distance;
        }
    }
    return best;
}

static void fail_unknown(const struct gf_command_set *set, const char *noun, const char *word,
                         struct gf_error *err) {
    const char *near = guess(set, noun, gf_str_from(word));
    const char *before = noun == NULL ? "" : noun;
    const char *space = noun == NULL ? "" : " ";
    if (near == NULL) {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "unknown command '%s%s%s'", before, space, word);
    } else {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "unknown command '%s%s%s'; did you mean '%s%s%s'?",
                      before, space, word, before, space, near);
    }
}

const struct gf_command *gf_command_find(const struct gf_command_set *set, const char *const *words,
                                         size_t word_count, size_t *out_used,
                                         struct gf_error *err) {
    if (word_count == 0) {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "no command");
        return NULL;
    }
    struct gf_str first = gf_str_from(words[0]);
    const char *noun = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct gf_command *command = set->items[i];
        if (command->noun == NULL && strcmp(command->verb, words[0]) == 0) {
            *out_used = 1;
            return command;
        }
        if (command->noun == NULL || !is_noun(command->noun, first)) {
            continue;
        }
        noun = command->noun;
        const size_t verb_words = match_verb(command->verb, words + 1, word_count - 1);
        if (verb_words > 0) {
            *out_used = 1 + verb_words;
            return command;
        }
    }
    if (noun != NULL && word_count < 2) {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "'%s' needs a verb", noun);
    } else if (noun != NULL && word_count < 3 && gf_command_is_verb_group(set, noun, words[1])) {
        (void)gf_fail(err, GF_INVALID_ARGUMENT, "'%s %s' needs a verb", noun, words[1]);
    } else {
        fail_unknown(set, noun, words[noun == NULL ? 0 : 1], err);
    }
    return NULL;
}
