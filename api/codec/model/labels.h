/*
 * Labels: maps of messages to and from arrays of struct gf_label. protobuf-c makes a type of its
 * own for the entries of each map, all alike, so these are macros. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_LABELS_H_
#define GOFER_API_CODEC_MODEL_LABELS_H_

#include "api/codec/model/message.h"
#include "engine/core/config.h"
#include "engine/core/model.h"

/*
 * Reads message->labels, sorted, not checked (gf_labels_check). The array is in the arena, the text
 * is borrowed from the message.
 */
#define GF_LABELS_READ(message, arena, out_labels, out_count)                                      \
    do {                                                                                           \
        const size_t gf_count_ = (message)->n_labels;                                              \
        struct gf_label *gf_labels_ = GF_ARENA_ARRAY((arena), gf_count_, struct gf_label);         \
        for (size_t gf_i_ = 0; gf_i_ < gf_count_; gf_i_++) {                                       \
            gf_labels_[gf_i_] = (struct gf_label){gf_str_from((message)->labels[gf_i_]->key),      \
                                                  gf_str_from((message)->labels[gf_i_]->value)};   \
        }                                                                                          \
        gf_labels_sort(gf_labels_, gf_count_);                                                     \
        *(out_labels) = gf_labels_;                                                                \
        *(out_count) = gf_count_;                                                                  \
    } while (0)

/*
 * Fills message->labels: GF_LABELS_WRITE(run, Gofer__V1__Run__LabelsEntry,
 * gofer__v1__run__labels_entry, labels, count, arena).
 */
#define GF_LABELS_WRITE(message, type, prefix, from, from_count, arena)                            \
    do {                                                                                           \
        const struct gf_label *gf_labels_ = (from);                                                \
        (message)->n_labels = (from_count);                                                        \
        (message)->labels = (message)->n_labels == 0                                               \
                                ? NULL                                                             \
                                : GF_ARENA_ARRAY((arena), (message)->n_labels, type *);            \
        for (size_t gf_i_ = 0; gf_i_ < (message)->n_labels; gf_i_++) {                             \
            type *gf_entry_ = GF_MESSAGE_NEW((arena), type, prefix);                               \
            gf_entry_->key = gf_message_text(gf_labels_[gf_i_].key, (arena));                      \
            gf_entry_->value = gf_message_text(gf_labels_[gf_i_].value, (arena));                  \
            (message)->labels[gf_i_] = gf_entry_;                                                  \
        }                                                                                          \
    } while (0)

#endif /* GOFER_API_CODEC_MODEL_LABELS_H_ */
