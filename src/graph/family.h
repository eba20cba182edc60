/* A family file: which configs it is for, what it does with their fields, and the statements of its graph. */
#ifndef GRAPH_FAMILY_H
#define GRAPH_FAMILY_H

#include "graph/expr.h"
#include "ridge/graph.h"

typedef struct argument argument;
struct argument {
    const char *key; /* NULL: positional */
    expr *value;
    argument *next;
};

typedef enum statement_kind { STATEMENT_ASSIGN, STATEMENT_REPEAT, STATEMENT_IF } statement_kind;

typedef struct statement statement;
struct statement {
    statement_kind kind;
    const rg_doc_node *node;
    const char *target; /* ASSIGN: variable; REPEAT: loop variable */
    const char *op;     /* ASSIGN */
    argument *argument; /* ASSIGN */
    expr *condition;    /* REPEAT: count; IF: condition */
    const char *under;  /* REPEAT: prefix of names, or NULL */
    statement *body, *otherwise, *next;
};

typedef struct let let;
struct let {
    const char *name;
    const rg_doc_node *node;
    expr *value;
    let *next;
};

typedef struct family {
    rg_doc doc;
    const char *name;
    rg_doc_node *match, *require, *harmless; /* require and harmless may be NULL */
    rg_doc_node *positions_node;
    expr *positions;
    rg_doc_node *stored_node;
    expr *stored; /* NULL: bf16 */
    let *lets;
    statement *body, *mtp, *vision; /* mtp, vision: NULL where there is no such part */
} family;

rg_status family_open(family *out, const char *path, rg_error *err);
/* The same from text; `name` stands in messages. */
rg_status family_parse(family *out, const char *text, size_t size, const char *name, rg_error *err);
void family_close(family *f);
/* The checkpoint: part, its names in `arena`. */
rg_status checkpoint_read(family *f, rg_arena *arena, rg_checkpoint *out, rg_error *err);
/* The one family file of `dir` whose match: fits the config. */
rg_status family_find(family *out, rg_doc *config, const char *dir, rg_error *err);

/* The statements below a list; in the arena of f->doc. */
rg_status statements_parse(family *f, rg_doc_node *list, statement **out, rg_error *err);

/* Config field of a dotted path: the whole path as one key, else through maps. NULL: absent or null. Marks
   what it passes as used. */
rg_doc_node *field_find(rg_doc *config, const char *path);
/* Its value; absent and null are VALUE_NULL, maps an error. */
rg_status field_value(rg_doc *config, const char *path, value *out, rg_error *err);
/* Whether the field is there, even if null. */
bool field_given(rg_doc *config, const char *path);
/* True when the field is one of the listed values (a null in the list: absent or null). Marks nothing. */
bool field_is_one_of(rg_doc *config, const char *path, const rg_doc_node *list);
/* Fails for a field that has none of the values its require: entry lists. */
rg_status fields_require(const family *f, rg_doc *config, rg_error *err);
/* Paths of fields that nothing used and harmless: does not list, comments ("_...", "..._note") apart. Names
 * are put into `arena`. */
rg_status fields_unknown(const family *f, rg_doc *config, rg_arena *arena, size_t *n, const char ***names,
                         rg_error *err);

#endif
