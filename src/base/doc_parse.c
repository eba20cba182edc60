/* YAML (libyaml events) and JSON text into document nodes. JSON is checked by jansson first, then read by the
   YAML parser, of which it is a subset once tabs outside strings are blanks: so both kinds know their lines.
 */
#include "ridge/doc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 64, LIMIT_BYTES = 64 << 20 };

typedef struct builder {
    rg_doc *doc;
    yaml_parser_t *parser;
    rg_doc_node *stack[MAX_DEPTH];
    rg_doc_node *last[MAX_DEPTH]; /* last child at that depth, to append in order */
    const char *key[MAX_DEPTH];   /* pending key of a map */
    int depth;
    bool done;
    rg_error *err;
} builder;

static rg_status fail_at(builder *b, size_t line, const char *expected, const char *what) {
    char where[256];
    snprintf(where, sizeof where, "%s:%zu", b->doc->file, line + 1);
    return rg_fail(b->err, RG_ERR_PARSE, where, expected, "%s", what);
}

static rg_status attach(builder *b, rg_doc_node *node) {
    if (b->depth == 0) {
        if (b->doc->root) return fail_at(b, (size_t)node->line - 1, "one document", "second document");
        b->doc->root = node;
        return RG_OK;
    }
    rg_doc_node *parent = b->stack[b->depth - 1], *last = b->last[b->depth - 1];
    node->parent = parent;
    if (parent->kind == RG_DOC_MAP) {
        node->key = b->key[b->depth - 1];
        b->key[b->depth - 1] = NULL;
        for (rg_doc_node *c = parent->child; c; c = c->next)
            if (strcmp(c->key, node->key) == 0) {
                char text[160];
                snprintf(text, sizeof text, "key \"%.100s\" stands twice (first on line %d)", node->key,
                         c->line);
                return fail_at(b, (size_t)node->line - 1, "each key once", text);
            }
    }
    if (last)
        last->next = node;
    else
        parent->child = node;
    b->last[b->depth - 1] = node;
    parent->n++;
    return RG_OK;
}

static rg_status add(builder *b, rg_doc_kind kind, const yaml_event_t *event, const char *text, bool quoted) {
    rg_doc_node *node = rg_arena_alloc(&b->doc->arena, 1, sizeof *node);
    if (!node || (kind == RG_DOC_SCALAR && !text))
        return rg_fail(b->err, RG_ERR_MEMORY, b->doc->file, NULL, "out of memory");
    node->kind = kind;
    node->text = text;
    node->quoted = quoted;
    node->line = (int)event->start_mark.line + 1;
    RG_TRY(attach(b, node));
    if (kind != RG_DOC_LIST && kind != RG_DOC_MAP) return RG_OK;
    if (b->depth == MAX_DEPTH)
        return fail_at(b, event->start_mark.line, "at most 64 levels", "nested too deeply");
    b->stack[b->depth] = node;
    b->last[b->depth] = NULL;
    b->key[b->depth] = NULL;
    b->depth++;
    return RG_OK;
}

static rg_status take_scalar(builder *b, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(value, 0, length)) return fail_at(b, event->start_mark.line, "text", "a NUL character");
    char *text = rg_arena_strndup(&b->doc->arena, value, length);
    if (!text) return rg_fail(b->err, RG_ERR_MEMORY, b->doc->file, NULL, "out of memory");
    if (b->depth && b->stack[b->depth - 1]->kind == RG_DOC_MAP && !b->key[b->depth - 1]) {
        b->key[b->depth - 1] = text;
        return RG_OK;
    }
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    bool null = !quoted && (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
    return add(b, null ? RG_DOC_NULL : RG_DOC_SCALAR, event, text, quoted);
}

static rg_status take(builder *b, const yaml_event_t *event) {
    bool key_expected = b->depth && b->stack[b->depth - 1]->kind == RG_DOC_MAP && !b->key[b->depth - 1];
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(b, event);
    case YAML_ALIAS_EVENT:
        return fail_at(b, event->start_mark.line, "the value itself", "aliases are not read");
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (key_expected) return fail_at(b, event->start_mark.line, "a plain key", "a list or map as a key");
        return add(b, event->type == YAML_MAPPING_START_EVENT ? RG_DOC_MAP : RG_DOC_LIST, event, NULL, false);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return RG_OK;
    case YAML_STREAM_END_EVENT:
        b->done = true;
        return RG_OK;
    default:
        return RG_OK;
    }
}

static rg_status build(builder *b) {
    while (!b->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(b->parser, &event)) {
            char text[256];
            snprintf(text, sizeof text, "not YAML: %s",
                     b->parser->problem ? b->parser->problem : "unreadable");
            return fail_at(b, b->parser->problem_mark.line, "YAML", text);
        }
        rg_status status = take(b, &event);
        yaml_event_delete(&event);
        RG_TRY(status);
    }
    if (!b->doc->root) return rg_fail(b->err, RG_ERR_PARSE, b->doc->file, "a document", "nothing in it");
    return RG_OK;
}

/* Python writes Infinity, which is not JSON, where a limit is none; it stays a word that no reader of numbers
   takes. For the check it becomes a number of the same length. */
static void hide_infinity(char *text, size_t size) {
    static const char word[] = "Infinity";
    const size_t n = sizeof word - 1;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (quoted && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && size - i >= n && memcmp(text + i, word, n) == 0) {
            memcpy(text + i, "0       ", n);
        }
    }
}

static rg_status check_json(const char *text, size_t size, const char *name, rg_error *err) {
    json_error_t problem;
    char *copy = malloc(size + 1);
    if (!copy) return rg_fail(err, RG_ERR_MEMORY, name, NULL, "out of memory");
    memcpy(copy, text, size);
    hide_infinity(copy, size);
    json_t *value = json_loadb(copy, size, JSON_REJECT_DUPLICATES, &problem);
    free(copy);
    if (value) {
        json_decref(value);
        return RG_OK;
    }
    char where[256];
    snprintf(where, sizeof where, "%s:%d", name, problem.line);
    return rg_fail(err, RG_ERR_PARSE, where, "JSON", "not JSON: %s", problem.text);
}

/* Four hexadecimal digits after "\u"; -1: something else. */
static int escaped_unit(const char *text, size_t size) {
    char digits[5] = "";
    if (size < 6 || text[0] != '\\' || text[1] != 'u') return -1;
    memcpy(digits, text + 2, 4);
    return (int)strtol(digits, NULL, 16); /* jansson has checked them */
}

/* In place, to the new size. Tabs, which YAML takes nowhere outside strings, become blanks: JSON strings hold
   none. Surrogate pairs, two escapes in JSON, are one \U escape in YAML. */
static size_t json_to_yaml(char *text, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        const int high = text[i] == '\\' ? escaped_unit(text + i, size - i) : -1;
        const int low = high >= 0xd800 && high < 0xdc00 ? escaped_unit(text + i + 6, size - i - 6) : -1;
        if (low >= 0xdc00 && low < 0xe000) {
            char whole[16];
            snprintf(whole, sizeof whole, "\\U%08X", 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            memcpy(text + n, whole, 10);
            n += 10;
            i += 11;
        } else if (text[i] == '\\' && i + 1 < size) { /* the next one escapes nothing */
            text[n++] = text[i++];
            text[n++] = text[i];
        } else {
            text[n++] = text[i] == '\t' ? ' ' : text[i];
        }
    }
    return n;
}

rg_status rg_doc_parse(rg_doc *out, const char *text, size_t size, const char *name, bool json,
                       rg_error *err) {
    if (json) RG_TRY(check_json(text, size, name, err));
    rg_doc doc = {0};
    doc.file = rg_arena_strndup(&doc.arena, name, strlen(name));
    char *copy = rg_arena_strndup(&doc.arena, text, size);
    yaml_parser_t parser;
    if (!doc.file || !copy || !yaml_parser_initialize(&parser)) {
        rg_arena_free(&doc.arena);
        return rg_fail(err, RG_ERR_MEMORY, name, NULL, "out of memory");
    }
    if (json) size = json_to_yaml(copy, size);
    yaml_parser_set_input_string(&parser, (const unsigned char *)copy, size);
    builder b = {.doc = &doc, .parser = &parser, .err = err};
    rg_status status = build(&b);
    yaml_parser_delete(&parser);
    if (status != RG_OK) {
        rg_arena_free(&doc.arena);
        return status;
    }
    *out = doc;
    return RG_OK;
}

rg_status rg_doc_open(rg_doc *out, const char *path, rg_error *err) {
    char *text;
    size_t size;
    RG_TRY(rg_file_read(path, LIMIT_BYTES, &text, &size, err));
    size_t n = strlen(path);
    rg_status status = rg_doc_parse(out, text, size, path, n > 5 && strcmp(path + n - 5, ".json") == 0, err);
    free(text);
    return status;
}

void rg_doc_close(rg_doc *doc) {
    rg_arena_free(&doc->arena);
    *doc = (rg_doc){0};
}
