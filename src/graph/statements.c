/* Statements of a family file's graph: x = op(...), repeat COUNT as i, under "prefix": and if COND: / else:.
 */
#include "graph/family.h"

#include <string.h>

static rg_status new_statement(family *f, const rg_doc_node *node, statement **out, rg_error *err) {
    *out = rg_arena_alloc(&f->doc.arena, 1, sizeof **out);
    if (!*out) return rg_fail(err, RG_ERR_MEMORY, f->doc.file, NULL, "out of memory");
    (*out)->node = node;
    return RG_OK;
}

/* key = value, or a value alone. "a == b" is a value. */
static rg_status parse_argument(scanner *s, argument *out) {
    const char *start = s->at;
    const char *key = scanner_identifier(s, false);
    bool keyed = key && scanner_take(s, "=") && *s->at != '=';
    if (keyed)
        out->key = key;
    else
        s->at = start;
    return expr_parse(s, &out->value);
}

static rg_status parse_assignment(family *f, const rg_doc_node *node, statement *st, rg_error *err) {
    scanner s;
    RG_TRY(scanner_open(&s, &f->doc, node, &f->doc.arena, err));
    st->kind = STATEMENT_ASSIGN;
    st->target = scanner_identifier(&s, false);
    if (!st->target || !scanner_take(&s, "=")) return scanner_fail(&s, "NAME = OPERATOR(...)");
    st->op = scanner_identifier(&s, false);
    if (!st->op || !scanner_take(&s, "(")) return scanner_fail(&s, "OPERATOR(...)");
    argument **end = &st->argument;
    do {
        argument *a = rg_arena_alloc(&f->doc.arena, 1, sizeof *a);
        if (!a) return rg_fail(err, RG_ERR_MEMORY, f->doc.file, NULL, "out of memory");
        RG_TRY(parse_argument(&s, a));
        *end = a;
        end = &a->next;
    } while (scanner_take(&s, ","));
    if (!scanner_take(&s, ")")) return scanner_fail(&s, ", or )");
    return scanner_end(&s);
}

/* "repeat L as i, under "model.layers.{i}"" or "if COND". */
static rg_status parse_head(family *f, const rg_doc_node *head, statement *st, rg_error *err) {
    scanner s;
    RG_TRY(scanner_open(&s, &f->doc, head, &f->doc.arena, err));
    if (scanner_take(&s, "if")) {
        st->kind = STATEMENT_IF;
        RG_TRY(expr_parse(&s, &st->condition));
        return scanner_end(&s);
    }
    if (!scanner_take(&s, "repeat")) return scanner_fail(&s, "repeat ...: or if ...:");
    st->kind = STATEMENT_REPEAT;
    RG_TRY(expr_parse(&s, &st->condition));
    if (!scanner_take(&s, "as")) return scanner_fail(&s, "as NAME");
    st->target = scanner_identifier(&s, false);
    if (!st->target) return scanner_fail(&s, "the loop variable");
    if (scanner_take(&s, ",")) {
        if (!scanner_take(&s, "under")) return scanner_fail(&s, "under \"PREFIX\"");
        st->under = scanner_string(&s);
        if (!st->under) return scanner_fail(&s, "a prefix in double quotes");
    }
    return scanner_end(&s);
}

static rg_status parse_block(family *f, rg_doc_node *item, statement *st, rg_error *err) {
    char where[PLACE_SIZE];
    rg_doc_node *head = item->child, *other = head ? head->next : NULL;
    rg_doc_node *text = rg_arena_alloc(&f->doc.arena, 1, sizeof *text);
    if (!text) return rg_fail(err, RG_ERR_MEMORY, f->doc.file, NULL, "out of memory");
    if (!head) return rg_fail(err, RG_ERR_PARSE, place(&f->doc, item, where), "a statement", "an empty map");
    *text = (rg_doc_node){.kind = RG_DOC_SCALAR, .text = head->key, .line = item->line};
    st->node = text;
    RG_TRY(parse_head(f, text, st, err));
    head->used = true;
    RG_TRY(statements_parse(f, head, &st->body, err));
    if (!other) return RG_OK;
    if (st->kind != STATEMENT_IF || strcmp(other->key, "else") != 0 || other->next)
        return rg_fail(err, RG_ERR_PARSE, place(&f->doc, other, where),
                       "one repeat per list item, or if: with else:", "unexpected \"%.60s\"", other->key);
    other->used = true;
    return statements_parse(f, other, &st->otherwise, err);
}

rg_status statements_parse(family *f, rg_doc_node *list, statement **out, rg_error *err) {
    char where[PLACE_SIZE];
    if (list->kind != RG_DOC_LIST || !list->child)
        return rg_fail(err, RG_ERR_PARSE, place(&f->doc, list, where), "a list of statements",
                       "found none below \"%.60s\"", list->key ? list->key : "");
    statement **end = out;
    for (rg_doc_node *c = list->child; c; c = c->next) {
        statement *st;
        RG_TRY(new_statement(f, c, &st, err));
        RG_TRY(c->kind == RG_DOC_MAP ? parse_block(f, c, st, err) : parse_assignment(f, c, st, err));
        *end = st;
        end = &st->next;
    }
    return RG_OK;
}
