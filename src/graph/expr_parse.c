/* Text of expressions into trees, by recursive descent. */
#include "graph/expr.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 2000, MAX_DEPTH = 50 }; /* bound the recursion of parser and evaluator */

const char *place(const rg_doc *doc, const rg_doc_node *node, char where[PLACE_SIZE]) {
    snprintf(where, PLACE_SIZE, "%s:%d", doc->file, node->line);
    return where;
}

rg_status scanner_fail(scanner *s, const char *expected) {
    char where[PLACE_SIZE];
    place(s->doc, s->node, where);
    if (!*s->at) return rg_fail(s->err, RG_ERR_PARSE, where, expected, "the text ends too early");
    return rg_fail(s->err, RG_ERR_PARSE, where, expected, "cannot read \"%.60s\"", s->at);
}

rg_status scanner_open(scanner *s, rg_doc *doc, const rg_doc_node *node, rg_arena *arena, rg_error *err) {
    *s = (scanner){.doc = doc, .node = node, .at = node->text, .arena = arena, .err = err};
    char where[PLACE_SIZE];
    if (node->kind != RG_DOC_SCALAR)
        return rg_fail(err, RG_ERR_PARSE, place(doc, node, where), "an expression or statement",
                       "found a list, map or null");
    if (strlen(node->text) > MAX_TEXT)
        return rg_fail(err, RG_ERR_PARSE, place(doc, node, where), "at most 2000 characters",
                       "text of %zu characters", strlen(node->text));
    return RG_OK;
}

static void skip_blanks(scanner *s) {
    while (*s->at == ' ' || *s->at == '\n') s->at++;
}

static bool word_char(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

bool scanner_take(scanner *s, const char *word) {
    skip_blanks(s);
    size_t n = strlen(word);
    if (strncmp(s->at, word, n) != 0) return false;
    if (word_char(word[n - 1]) && word_char(s->at[n])) return false;
    s->at += n;
    return true;
}

const char *scanner_identifier(scanner *s, bool dotted) {
    skip_blanks(s);
    if (!isalpha((unsigned char)*s->at) && *s->at != '_') return NULL;
    const char *start = s->at;
    while (word_char(*s->at) || (dotted && *s->at == '.' && word_char(s->at[1]))) s->at++;
    return rg_arena_strndup(s->arena, start, (size_t)(s->at - start));
}

const char *scanner_string(scanner *s) {
    skip_blanks(s);
    const char *end = *s->at == '"' ? strchr(s->at + 1, '"') : NULL;
    if (!end) return NULL;
    const char *text = rg_arena_strndup(s->arena, s->at + 1, (size_t)(end - s->at - 1));
    s->at = end + 1;
    return text;
}

rg_status scanner_end(scanner *s) {
    skip_blanks(s);
    return *s->at ? scanner_fail(s, "the end of the text") : RG_OK;
}

static rg_status make(scanner *s, expr_kind kind, expr **out) {
    *out = rg_arena_alloc(s->arena, 1, sizeof **out);
    if (!*out) return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    (*out)->kind = kind;
    return RG_OK;
}

static rg_status constant(scanner *s, value v, expr **out) {
    RG_TRY(make(s, EXPR_CONSTANT, out));
    (*out)->constant = v;
    return RG_OK;
}

static rg_status number(scanner *s, expr **out) {
    size_t n = strspn(s->at, "0123456789");
    char *end;
    errno = 0;
    value v = {.kind = VALUE_INT, .i = strtoll(s->at, &end, 10)};
    if (errno) return scanner_fail(s, "a whole number below 2^63");
    if (s->at[n] == '.' || s->at[n] == 'e') {
        v = (value){.kind = VALUE_REAL, .r = strtod(s->at, &end)};
        if (!isfinite(v.r)) return scanner_fail(s, "a finite number");
    }
    if (word_char(*end)) return scanner_fail(s, "a number");
    s->at = end;
    return constant(s, v, out);
}

static rg_status weight(scanner *s, expr **out) {
    RG_TRY(make(s, EXPR_WEIGHT, out));
    RG_TRY(expr_parse(s, &(*out)->a));
    if (scanner_take(s, ",")) RG_TRY(expr_parse(s, &(*out)->b));
    if ((*out)->b && scanner_take(s, ",")) RG_TRY(expr_parse(s, &(*out)->c));
    if (!scanner_take(s, "]")) return scanner_fail(s, "] after one to three dimensions");
    (*out)->name = scanner_string(s);
    return (*out)->name ? RG_OK : scanner_fail(s, "the weight's name in double quotes");
}

static bool is_keyword(const char *name) {
    static const char *const words[] = {"if", "else", "and", "or", "not", "in"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0) return true;
    return false;
}

/* What stands behind "function(". */
static rg_status call(scanner *s, const char *function, expr **out) {
    const bool given = strcmp(function, "given") == 0;
    if (!given && strcmp(function, "log") != 0 && strcmp(function, "sqrt") != 0 &&
        strcmp(function, "int") != 0 && strcmp(function, "len") != 0)
        return scanner_fail(s, "an operator, or log( sqrt( int( len( given(");
    RG_TRY(make(s, given ? EXPR_GIVEN : EXPR_CALL, out));
    (*out)->name = given ? scanner_identifier(s, true) : function;
    if (!(*out)->name) return scanner_fail(s, "the name of a config field");
    if (!given) RG_TRY(expr_parse(s, &(*out)->a));
    return scanner_take(s, ")") ? RG_OK : scanner_fail(s, ")");
}

static rg_status primary(scanner *s, expr **out) {
    if (scanner_take(s, "(")) {
        RG_TRY(expr_parse(s, out));
        return scanner_take(s, ")") ? RG_OK : scanner_fail(s, ")");
    }
    if (isdigit((unsigned char)*s->at)) return number(s, out);
    if (*s->at == '"') {
        value v = {.kind = VALUE_STRING, .s = scanner_string(s)};
        return v.s ? constant(s, v, out) : scanner_fail(s, "a closing quote");
    }
    if (scanner_take(s, "W[") || scanner_take(s, "W [")) return weight(s, out);
    if (scanner_take(s, "true")) return constant(s, (value){.kind = VALUE_BOOL, .i = 1}, out);
    if (scanner_take(s, "false")) return constant(s, (value){.kind = VALUE_BOOL}, out);
    if (scanner_take(s, "null")) return constant(s, (value){0}, out);
    const char *name = scanner_identifier(s, true);
    if (!name || is_keyword(name)) return scanner_fail(s, "a number, a name, a string or W[...]");
    if (scanner_take(s, "(")) return call(s, name, out);
    RG_TRY(make(s, EXPR_NAME, out));
    (*out)->name = name;
    if (*s->at != '[') return RG_OK;
    s->at++;
    expr *list = *out;
    RG_TRY(make(s, EXPR_INDEX, out));
    (*out)->a = list;
    RG_TRY(expr_parse(s, &(*out)->b));
    return scanner_take(s, "]") ? RG_OK : scanner_fail(s, "] after the number of an element");
}

static rg_status unary(scanner *s, expr **out) {
    if (++s->depth > MAX_DEPTH) return scanner_fail(s, "at most 50 levels of nesting");
    rg_status status;
    bool negate = scanner_take(s, "-");
    if (negate || scanner_take(s, "not")) {
        RG_TRY(make(s, negate ? EXPR_NEGATE : EXPR_NOT, out));
        status = unary(s, &(*out)->a);
    } else {
        status = primary(s, out);
    }
    s->depth--;
    return status;
}

static const struct {
    const char *text;
    expr_op op;
    int level;
} operators[] = {{"or", OP_OR, 0},   {"and", OP_AND, 1},      {"==", OP_EQ, 2},   {"!=", OP_NE, 2},
                 {"<=", OP_LE, 2},   {">=", OP_GE, 2},        {"<", OP_LT, 2},    {">", OP_GT, 2},
                 {"in", OP_IN, 2},   {"??", OP_OTHERWISE, 3}, {"+", OP_PLUS, 4},  {"-", OP_MINUS, 4},
                 {"*", OP_TIMES, 5}, {"/", OP_DIVIDE, 5},     {"%", OP_MODULO, 5}};
enum { N_LEVELS = 6 };

static rg_status binary(scanner *s, int level, expr **out) {
    if (level == N_LEVELS) return unary(s, out);
    RG_TRY(binary(s, level + 1, out));
    for (;;) {
        size_t i = 0, n = sizeof operators / sizeof *operators;
        while (i < n && !(operators[i].level == level && scanner_take(s, operators[i].text))) i++;
        if (i == n) return RG_OK;
        expr *left = *out;
        RG_TRY(make(s, EXPR_BINARY, out));
        (*out)->op = operators[i].op;
        (*out)->a = left;
        RG_TRY(binary(s, level + 1, &(*out)->b));
    }
}

rg_status expr_parse(scanner *s, expr **out) {
    if (++s->depth > MAX_DEPTH) return scanner_fail(s, "at most 50 levels of nesting");
    RG_TRY(binary(s, 0, out));
    if (scanner_take(s, "if")) {
        expr *then = *out;
        RG_TRY(make(s, EXPR_IF, out));
        (*out)->a = then;
        RG_TRY(binary(s, 0, &(*out)->b));
        if (scanner_take(s, "else")) RG_TRY(expr_parse(s, &(*out)->c));
    }
    s->depth--;
    return RG_OK;
}
