/* Expressions of family files: whole and real numbers, booleans, strings, null; + - * / %, comparisons,
   and or not, a ?? b (b where a is absent; looser than + and *), a if c else b (null without else), list[i]
   and x in list for lists of a config, log sqrt int of a number, given(field), and W[rows, cols] "name". */
#ifndef GRAPH_EXPR_H
#define GRAPH_EXPR_H

#include "ridge/doc.h"

/* "file:line" of a statement or expression: its key path would only repeat the text. */
enum { PLACE_SIZE = 256 };
const char *place(const rg_doc *doc, const rg_doc_node *node, char where[PLACE_SIZE]);

typedef enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_REAL,
    VALUE_STRING,
    VALUE_LIST,  /* `field` */
    VALUE_NODE,  /* index of a graph node; -1 the token ids */
    VALUE_WEIGHT /* index of a graph weight */
} value_kind;

typedef struct value {
    value_kind kind;
    int64_t i; /* INT, BOOL (0 or 1), NODE, WEIGHT */
    double r;
    const char *s;
    const char *name;         /* what it was read from, for messages; may be NULL */
    const rg_doc_node *field; /* config field it was read from, or NULL */
} value;

typedef enum expr_kind {
    EXPR_CONSTANT,
    EXPR_NAME,
    EXPR_NEGATE,
    EXPR_NOT,
    EXPR_BINARY, /* by `op` */
    EXPR_IF,     /* a if b else c; c may be NULL */
    EXPR_INDEX,  /* a[b] */
    EXPR_GIVEN,  /* given(name) */
    EXPR_CALL,   /* function(a) by `name` */
    EXPR_WEIGHT  /* W[a, b, c] name; b and c may be NULL */
} expr_kind;

/* Binary operators; the order is that of binding, loosest first. */
typedef enum expr_op {
    OP_OR,
    OP_AND,
    OP_EQ,
    OP_NE,
    OP_LE,
    OP_GE,
    OP_LT,
    OP_GT,
    OP_IN,
    OP_OTHERWISE, /* head_dim ?? d / H: the default is all of d / H */
    OP_PLUS,
    OP_MINUS,
    OP_TIMES,
    OP_DIVIDE,
    OP_MODULO
} expr_op;

typedef struct expr expr;
struct expr {
    expr_kind kind;
    expr_op op;
    expr *a, *b, *c;
    value constant;
    const char *name; /* NAME, GIVEN: dotted path; WEIGHT: template of the name; CALL: function */
};

/* Reads expressions from one scalar of a document; `at` walks over the text. */
typedef struct scanner {
    rg_doc *doc;
    const rg_doc_node *node;
    const char *at;
    int depth;
    rg_arena *arena;
    rg_error *err;
} scanner;

rg_status scanner_open(scanner *s, rg_doc *doc, const rg_doc_node *node, rg_arena *arena, rg_error *err);
rg_status scanner_fail(scanner *s, const char *expected);
/* Skips blanks; true (and past it) when `word` stands next. Words of letters end at a word boundary. */
bool scanner_take(scanner *s, const char *word);
/* An identifier (dotted: a.b.c), or NULL. */
const char *scanner_identifier(scanner *s, bool dotted);
/* Text between double quotes, or NULL. No escapes. */
const char *scanner_string(scanner *s);
rg_status scanner_end(scanner *s);

rg_status expr_parse(scanner *s, expr **out);

/* What names stand for and how weights are made: the builder of a graph. */
typedef struct scope scope;
struct scope {
    rg_doc *family; /* for messages */
    const char *config_file;
    rg_arena *arena;
    rg_error *err;
    rg_status (*lookup)(scope *s, const rg_doc_node *at, const char *name, value *out);
    bool (*given)(scope *s, const char *name); /* is there such a field, even if null? */
    rg_status (*weight)(scope *s, const rg_doc_node *at, const char *name, int n_dims, const int64_t *shape,
                        value *out);
};

rg_status expr_eval(scope *s, const rg_doc_node *at, const expr *e, value *out);
/* Replaces {name} by the whole number or string it stands for; arena text. */
rg_status expr_expand(scope *s, const rg_doc_node *at, const char *template, const char **out);
/* A scalar, list or null of a config. */
value field_element(const rg_doc_node *node);
rg_status value_fail(scope *s, const rg_doc_node *at, const value *v, const char *expected);
rg_status value_to_int(scope *s, const rg_doc_node *at, const value *v, int64_t min, int64_t max,
                       int64_t *out);
rg_status value_to_real(scope *s, const rg_doc_node *at, const value *v, double *out);
rg_status value_to_bool(scope *s, const rg_doc_node *at, const value *v, bool *out);

#endif
