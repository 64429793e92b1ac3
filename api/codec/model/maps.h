/*
 * Maps of messages. protobuf-c makes a type of its own for the entries of each map, all alike, so
 * these are macros. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_MAPS_H_
#define GOFER_API_CODEC_MODEL_MAPS_H_

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
 * Fills the map `entries` of `message`, whose entries are messages of type entry_type. key_of and
 * value_of are the texts of entry `i`:
 *
 *     GF_MAP_WRITE(message, labels, Gofer__V1__Run__LabelsEntry, gofer__v1__run__labels_entry,
 *                  run->label_count, run->labels[i].key, run->labels[i].value, arena);
 */
#define GF_MAP_WRITE(message, entries, entry_type, prefix, count_, key_of, value_of, arena)        \
    do {                                                                                           \
        const size_t total_ = (count_);                                                            \
        (message)->n_##entries = total_;                                                           \
        (message)->entries = GF_ARENA_ARRAY((arena), total_, entry_type *);                        \
        for (size_t i = 0; i < total_; i++) {                                                      \
            (message)->entries[i] = GF_MESSAGE_NEW((arena), entry_type, prefix);                   \
            (message)->entries[i]->key = gf_message_text((key_of), (arena));                       \
            (message)->entries[i]->value = gf_message_text((value_of), (arena));                   \
        }                                                                                          \
    } while (0)

#endif /* GOFER_API_CODEC_MODEL_MAPS_H_ */
