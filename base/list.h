/*
 * An intrusive doubly linked list: the link is a member of the element, so that adding never
 * allocates and removing needs no search. An element may be in as many lists as it has links.
 *
 *     struct job { struct gf_list_link link; ... };
 *     gf_list_push_back(&jobs, &job->link);
 *     GF_LIST_FOREACH(link, &jobs) { struct job *j = GF_CONTAINER_OF(link, struct job, link); ... }
 *
 * The list owns nothing. A zeroed link is in no list; a list must be initialised.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_BASE_LIST_H_
#define GOFER_BASE_LIST_H_

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct gf_list_link {
    struct gf_list_link *prev;
    struct gf_list_link *next;
};

struct gf_list {
    struct gf_list_link head; /* of the ring: next is the first, prev the last element */
};

static inline void gf_list_init(struct gf_list *list) {
    list->head.prev = &list->head;
    list->head.next = &list->head;
}

static inline bool gf_list_empty(const struct gf_list *list) {
    return list->head.next == &list->head;
}

/* True when the link is in a list. */
static inline bool gf_list_linked(const struct gf_list_link *link) {
    return link->next != NULL;
}

/* The first, the last, the one behind `link`; NULL when there is none. */
static inline struct gf_list_link *gf_list_first(const struct gf_list *list) {
    return gf_list_empty(list) ? NULL : list->head.next;
}

static inline struct gf_list_link *gf_list_last(const struct gf_list *list) {
    return gf_list_empty(list) ? NULL : list->head.prev;
}

static inline struct gf_list_link *gf_list_next(const struct gf_list *list,
                                                const struct gf_list_link *link) {
    return link->next == &list->head ? NULL : link->next;
}

/* Puts link, which is in no list, before `position` (which may be the list's head). */
static inline void gf_list_insert_before(struct gf_list_link *position, struct gf_list_link *link) {
    gf_assert(!gf_list_linked(link));
    link->prev = position->prev;
    link->next = position;
    position->prev->next = link;
    position->prev = link;
}

static inline void gf_list_push_back(struct gf_list *list, struct gf_list_link *link) {
    gf_list_insert_before(&list->head, link);
}

static inline void gf_list_push_front(struct gf_list *list, struct gf_list_link *link) {
    gf_list_insert_before(list->head.next, link);
}

/* Takes the link out of its list. Does nothing for a link that is in none. */
static inline void gf_list_remove(struct gf_list_link *link) {
    if (!gf_list_linked(link)) {
        return;
    }
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = NULL;
    link->next = NULL;
}

/* Takes out and gives the first; NULL when the list is empty. */
static inline struct gf_list_link *gf_list_pop_front(struct gf_list *list) {
    struct gf_list_link *link = gf_list_first(list);
    if (link != NULL) {
        gf_list_remove(link);
    }
    return link;
}

/* Moves all of `from` behind the last of `to`; `from` is empty afterwards. */
static inline void gf_list_append_all(struct gf_list *to, struct gf_list *from) {
    if (gf_list_empty(from)) {
        return;
    }
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    gf_list_init(from);
}

/* `link` is declared by the loop. The body may remove the current link, and no other. */
#define GF_LIST_FOREACH(link, list)                                                                \
    for (struct gf_list_link *link = (list)->head.next, *link##_next_ = link->next;                \
         link != &(list)->head; link = link##_next_, link##_next_ = link->next)

#endif /* GOFER_BASE_LIST_H_ */
