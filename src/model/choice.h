/* A task set: items, each of one or more contexts with continuations. */
#ifndef RIDGE_MODEL_CHOICE_H
#define RIDGE_MODEL_CHOICE_H

#include "ridge/choice.h"

typedef struct choice_option {
    const char *context, *continuation; /* NUL-terminated; the continuation without what joins it */
} choice_option;

typedef struct choice_item {
    size_t line;
    size_t first, n; /* in option */
    size_t gold;     /* below n; cloze: 0 */
} choice_item;

typedef enum choice_kind { CHOICE_NONE, CHOICE_CHOICES, CHOICE_SCHEMA, CHOICE_CLOZE } choice_kind;

typedef struct choice_set {
    choice_kind kind;
    size_t n, n_options;
    choice_item *item;
    choice_option *option;
    size_t item_room, option_room;
    rg_arena arena; /* texts */
} choice_set;

enum { CHOICE_MAX_OPTIONS = 1024 };

/* "choice", "schema", "cloze". */
const char *choice_kind_name(choice_kind kind);
/* JSON lines; blank ones are passed over. Fails for a set without items. Free with choice_set_free. */
rg_status choice_set_read(choice_set *out, const char *name, const char *text, size_t size, rg_error *err);
void choice_set_free(choice_set *set);

#endif
