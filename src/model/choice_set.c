/* Task sets in JSON lines: the forms of mosaicml/llm-foundry, scripts/eval/local_data. */
#include "model/choice.h"

#include "model/json_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char forms[] = "{\"query\", \"choices\", \"gold\"}, {\"context_options\", \"continuation\", "
                            "\"gold\"} or {\"context\", \"continuation\"}";

typedef struct reader {
    choice_set *set;
    const json_line *line;
    rg_error *err;
} reader;

static rg_status fail_line(const reader *r, const char *expected, const char *what) {
    return json_line_fail(r->line, r->err, expected, "%s", what);
}

static rg_status no_memory(const reader *r) {
    return rg_fail(r->err, RG_ERR_MEMORY, r->line->name, NULL, "out of memory");
}

const char *choice_kind_name(choice_kind kind) {
    static const char *const names[] = {"none", "choice", "schema", "cloze"};
    return names[kind];
}

/* A string member, copied. `empty`: may be empty. */
static rg_status string_of(const reader *r, const json_t *value, const char *what, bool empty,
                           const char **out) {
    char message[96];
    snprintf(message, sizeof message, "\"%s\" is %s", what, value ? "no text" : "missing");
    if (!json_is_string(value)) return fail_line(r, "a string", message);
    const char *text = json_string_value(value);
    if (!empty && !*text) {
        snprintf(message, sizeof message, "\"%s\" is empty", what);
        return fail_line(r, "some text", message);
    }
    *out = rg_arena_strndup(&r->set->arena, text, json_string_length(value));
    return *out ? RG_OK : no_memory(r);
}

static rg_status list_of(const reader *r, const json_t *object, const char *key, const json_t **out) {
    const json_t *list = json_object_get(object, key);
    char message[96];
    snprintf(message, sizeof message, "\"%s\" is no list of at least two choices", key);
    if (!json_is_array(list) || json_array_size(list) < 2 || json_array_size(list) > CHOICE_MAX_OPTIONS)
        return fail_line(r, "a list of 2 to 1024 strings", message);
    *out = list;
    return RG_OK;
}

static rg_status gold_of(const reader *r, const json_t *object, size_t n, size_t *out) {
    const json_t *gold = json_object_get(object, "gold");
    char message[96];
    snprintf(message, sizeof message, "\"gold\" of %zu choices", n);
    if (json_is_integer(gold))
        snprintf(message, sizeof message, "\"gold\" is %lld", (long long)json_integer_value(gold));
    if (!json_is_integer(gold) || json_integer_value(gold) < 0 || json_integer_value(gold) >= (json_int_t)n) {
        char expected[64];
        snprintf(expected, sizeof expected, "the index of the right choice, 0 to %zu", n - 1);
        return fail_line(r, expected, message);
    }
    *out = (size_t)json_integer_value(gold);
    return RG_OK;
}

/* `several` is the list; the other text is the same for all. */
static rg_status take_options(const reader *r, const json_t *object, choice_item *item) {
    choice_set *set = r->set;
    const bool schema = set->kind == CHOICE_SCHEMA, cloze = set->kind == CHOICE_CLOZE;
    const json_t *list = NULL;
    const char *shared, *key = schema ? "context_options" : "choices";
    if (!cloze) RG_TRY(list_of(r, object, key, &list));
    const char *shared_key = schema ? "continuation" : cloze ? "context" : "query";
    RG_TRY(string_of(r, json_object_get(object, shared_key), shared_key, !schema, &shared));
    item->n = cloze ? 1 : json_array_size(list);
    if (!cloze) RG_TRY(gold_of(r, object, item->n, &item->gold));
    if (!rg_grow(&set->option, &set->option_room, set->n_options + item->n, sizeof *set->option))
        return no_memory(r);
    for (size_t i = 0; i < item->n; i++) {
        const json_t *one = cloze ? json_object_get(object, "continuation") : json_array_get(list, i);
        const char *text;
        RG_TRY(string_of(r, one, cloze ? "continuation" : key, schema, &text));
        set->option[item->first + i] = schema ? (choice_option){text, shared} : (choice_option){shared, text};
    }
    return RG_OK;
}

static rg_status take_item(void *context, const json_line *line, rg_error *err) {
    choice_set *set = context;
    const reader own = {set, line, err}, *r = &own;
    const json_t *object = line->value;
    if (!json_is_object(object)) return fail_line(r, forms, "the line is no JSON object");
    const choice_kind kind = json_object_get(object, "choices")           ? CHOICE_CHOICES
                             : json_object_get(object, "context_options") ? CHOICE_SCHEMA
                             : json_object_get(object, "context")         ? CHOICE_CLOZE
                                                                          : CHOICE_NONE;
    if (kind == CHOICE_NONE) return fail_line(r, forms, "an item of an unknown form");
    if (set->kind != CHOICE_NONE && kind != set->kind)
        return fail_line(r, "items of one form", "an item of another form than those before");
    set->kind = kind;
    choice_item item = {.line = line->line, .first = set->n_options};
    RG_TRY(take_options(r, object, &item));
    if (!rg_grow(&set->item, &set->item_room, set->n + 1, sizeof *set->item)) return no_memory(r);
    set->item[set->n++] = item;
    set->n_options += item.n;
    return RG_OK;
}

rg_status choice_set_read(choice_set *out, const char *name, const char *text, size_t size, rg_error *err) {
    choice_set set = {0};
    rg_status status = json_lines_each(name, text, size, take_item, &set, err);
    if (status == RG_OK && set.n == 0) status = rg_fail(err, RG_ERR_PARSE, name, forms, "no items");
    if (status == RG_OK)
        *out = set;
    else
        choice_set_free(&set);
    return status;
}

void choice_set_free(choice_set *set) {
    free(set->item);
    free(set->option);
    rg_arena_free(&set->arena);
    *set = (choice_set){0};
}
