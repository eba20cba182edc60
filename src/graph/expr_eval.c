/* Values of expression trees. Whole numbers stay whole: division must be exact, overflow is an error. */
#include "graph/expr.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_name[] = {"null",     "a truth value", "a whole number", "a number",
                                        "a string", "a list",        "a node",         "a weight"};

/* Names the value by the config field it came from where there is one: that is what has to be mended. */
rg_status value_fail(scope *s, const rg_doc_node *at, const value *v, const char *expected) {
    char where[PLACE_SIZE], found[128];
    place(s->family, at, where);
    if (v->kind == VALUE_INT)
        snprintf(found, sizeof found, "%lld", (long long)v->i);
    else if (v->kind == VALUE_REAL)
        snprintf(found, sizeof found, "%g", v->r);
    else if (v->kind == VALUE_BOOL)
        snprintf(found, sizeof found, "%s", v->i ? "true" : "false");
    else if (v->kind == VALUE_STRING)
        snprintf(found, sizeof found, "\"%.80s\"", v->s);
    else
        snprintf(found, sizeof found, "%s", kind_name[v->kind]);
    if (v->kind == VALUE_NULL && v->name)
        return rg_fail(s->err, RG_ERR_PARSE, where, expected, "%.100s has no field \"%.100s\"",
                       s->config_file, v->name);
    if (v->field)
        return rg_fail(s->err, RG_ERR_PARSE, where, expected, "%.100s:%d: field \"%.100s\" is %s",
                       s->config_file, v->field->line, v->name, found);
    return rg_fail(s->err, RG_ERR_PARSE, where, expected, "%s%sfound %s", v->name ? v->name : "",
                   v->name ? ": " : "", found);
}

rg_status value_to_int(scope *s, const rg_doc_node *at, const value *v, int64_t min, int64_t max,
                       int64_t *out) {
    char expected[96];
    snprintf(expected, sizeof expected, "a whole number in [%lld, %lld]", (long long)min, (long long)max);
    if (v->kind != VALUE_INT || v->i < min || v->i > max) return value_fail(s, at, v, expected);
    *out = v->i;
    return RG_OK;
}

rg_status value_to_real(scope *s, const rg_doc_node *at, const value *v, double *out) {
    if (v->kind != VALUE_INT && v->kind != VALUE_REAL) return value_fail(s, at, v, "a number");
    *out = v->kind == VALUE_INT ? (double)v->i : v->r;
    return RG_OK;
}

rg_status value_to_bool(scope *s, const rg_doc_node *at, const value *v, bool *out) {
    if (v->kind != VALUE_BOOL) return value_fail(s, at, v, "true or false");
    *out = v->i;
    return RG_OK;
}

static rg_status arithmetic_fail(scope *s, const rg_doc_node *at, const char *message) {
    char where[PLACE_SIZE];
    return rg_fail(s->err, RG_ERR_PARSE, place(s->family, at, where), NULL, "%s (for %.200s)", message,
                   s->config_file);
}

static rg_status whole(scope *s, const rg_doc_node *at, expr_op op, int64_t a, int64_t b, value *out) {
    char text[128];
    int64_t y = 0;
    bool bad = false;
    *out = (value){.kind = VALUE_INT};
    switch (op) {
    case OP_PLUS:
        bad = __builtin_add_overflow(a, b, &y);
        break;
    case OP_MINUS:
        bad = __builtin_sub_overflow(a, b, &y);
        break;
    case OP_TIMES:
        bad = __builtin_mul_overflow(a, b, &y);
        break;
    default:
        if (b == 0 || (a == INT64_MIN && b == -1)) {
            bad = true;
        } else if (op == OP_DIVIDE && a % b) {
            snprintf(text, sizeof text, "%lld / %lld is not exact", (long long)a, (long long)b);
            return arithmetic_fail(s, at, text);
        } else {
            y = op == OP_DIVIDE ? a / b : a % b;
        }
    }
    if (bad) {
        static const char sign[] = "+-*/%";
        snprintf(text, sizeof text, "%lld %c %lld is out of range", (long long)a, sign[op - OP_PLUS],
                 (long long)b);
        return arithmetic_fail(s, at, text);
    }
    out->i = y;
    return RG_OK;
}

static rg_status arithmetic(scope *s, const rg_doc_node *at, expr_op op, const value *a, const value *b,
                            value *out) {
    if (a->kind == VALUE_INT && b->kind == VALUE_INT) return whole(s, at, op, a->i, b->i, out);
    double x = 0, y = 0;
    RG_TRY(value_to_real(s, at, a, &x));
    RG_TRY(value_to_real(s, at, b, &y));
    double r = op == OP_PLUS ? x + y : op == OP_MINUS ? x - y : op == OP_TIMES ? x * y : x / y;
    if (op == OP_MODULO) return arithmetic_fail(s, at, "% is for whole numbers");
    if (!isfinite(r)) return arithmetic_fail(s, at, "the result is not finite");
    *out = (value){.kind = VALUE_REAL, .r = r};
    return RG_OK;
}

static bool is_number(const value *v) {
    return v->kind == VALUE_INT || v->kind == VALUE_REAL;
}

static bool equal(const value *a, const value *b) {
    if (is_number(a) && is_number(b) && a->kind != b->kind)
        return (a->kind == VALUE_INT ? (double)a->i : a->r) == (b->kind == VALUE_INT ? (double)b->i : b->r);
    if (a->kind != b->kind) return false;
    if (a->kind == VALUE_STRING) return strcmp(a->s, b->s) == 0;
    if (a->kind == VALUE_LIST) return a->field == b->field;
    return a->kind == VALUE_REAL ? a->r == b->r : a->i == b->i;
}

/* "full_attention" in layer_types; nothing is in a list that is absent. */
static rg_status is_in(scope *s, const rg_doc_node *at, const value *x, const value *list, value *out) {
    if (list->kind != VALUE_LIST && list->kind != VALUE_NULL) return value_fail(s, at, list, "a list");
    *out = (value){.kind = VALUE_BOOL};
    for (const rg_doc_node *c = list->field ? list->field->child : NULL; c; c = c->next) {
        const value element = field_element(c);
        if (equal(x, &element)) out->i = 1;
    }
    return RG_OK;
}

/* Null where the list is absent. */
static rg_status eval_index(scope *s, const rg_doc_node *at, const expr *e, value *out) {
    value list, index;
    int64_t i = 0;
    RG_TRY(expr_eval(s, at, e->a, &list));
    RG_TRY(expr_eval(s, at, e->b, &index));
    *out = list;
    if (list.kind == VALUE_NULL) return RG_OK;
    if (!index.name) index.name = list.name;
    if (list.kind == VALUE_STRING) {
        RG_TRY(value_to_int(s, at, &index, 0, (int64_t)strlen(list.s) - 1, &i));
        out->s = rg_arena_strndup(s->arena, list.s + i, 1);
        return out->s ? RG_OK : rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    }
    if (list.kind != VALUE_LIST) return value_fail(s, at, &list, "a list or a string");
    RG_TRY(value_to_int(s, at, &index, 0, (int64_t)list.field->n - 1, &i));
    const rg_doc_node *c = list.field->child;
    while (i-- > 0) c = c->next;
    *out = field_element(c);
    out->name = list.name;
    out->field = c;
    return RG_OK;
}

static rg_status compare(scope *s, const rg_doc_node *at, expr_op op, const value *a, const value *b,
                         value *out) {
    bool yes;
    if (op == OP_IN) return is_in(s, at, a, b, out);
    if (op == OP_EQ || op == OP_NE) {
        yes = equal(a, b) == (op == OP_EQ);
    } else {
        double x = 0, y = 0;
        RG_TRY(value_to_real(s, at, a, &x));
        RG_TRY(value_to_real(s, at, b, &y));
        yes = op == OP_LT ? x < y : op == OP_GT ? x > y : op == OP_LE ? x <= y : x >= y;
    }
    *out = (value){.kind = VALUE_BOOL, .i = yes};
    return RG_OK;
}

static rg_status eval_binary(scope *s, const rg_doc_node *at, const expr *e, value *out) {
    value a, b;
    bool yes = false;
    RG_TRY(expr_eval(s, at, e->a, &a));
    if (e->op == OP_OTHERWISE) {
        if (a.kind == VALUE_NULL) return expr_eval(s, at, e->b, out);
        *out = a;
        return RG_OK;
    }
    if (e->op == OP_AND || e->op == OP_OR) {
        RG_TRY(value_to_bool(s, at, &a, &yes));
        *out = (value){.kind = VALUE_BOOL, .i = yes};
        if (yes == (e->op == OP_OR)) return RG_OK;
        RG_TRY(expr_eval(s, at, e->b, &b));
        RG_TRY(value_to_bool(s, at, &b, &yes));
        *out = (value){.kind = VALUE_BOOL, .i = yes};
        return RG_OK;
    }
    RG_TRY(expr_eval(s, at, e->b, &b));
    return e->op < OP_PLUS ? compare(s, at, e->op, &a, &b, out) : arithmetic(s, at, e->op, &a, &b, out);
}

static rg_status eval_weight(scope *s, const rg_doc_node *at, const expr *e, value *out) {
    int64_t shape[3] = {0};
    const expr *dims[3] = {e->a, e->b, e->c};
    int n = 0;
    for (; n < 3 && dims[n]; n++) {
        value v;
        RG_TRY(expr_eval(s, at, dims[n], &v));
        RG_TRY(value_to_int(s, at, &v, 1, INT32_MAX, &shape[n]));
    }
    return s->weight(s, at, e->name, n, shape, out);
}

static rg_status eval_call(scope *s, const rg_doc_node *at, const expr *e, value *out) {
    value v;
    double x = 0;
    RG_TRY(expr_eval(s, at, e->a, &v));
    if (strcmp(e->name, "len") == 0) {
        if (v.kind != VALUE_STRING && v.kind != VALUE_LIST)
            return value_fail(s, at, &v, "a list or a string");
        const int64_t n = v.kind == VALUE_LIST ? (int64_t)v.field->n : (int64_t)strlen(v.s);
        *out = (value){.kind = VALUE_INT, .i = n};
        return RG_OK;
    }
    RG_TRY(value_to_real(s, at, &v, &x));
    if (*e->name == 'i') {
        if (!(fabs(x) < 0x1p62)) return arithmetic_fail(s, at, "int() of a number beyond 2^62");
        *out = v.kind == VALUE_INT ? v : (value){.kind = VALUE_INT, .i = (int64_t)x};
        return RG_OK;
    }
    const double y = *e->name == 'l' ? log(x) : sqrt(x);
    if (!isfinite(y)) return arithmetic_fail(s, at, "the result is not finite");
    *out = (value){.kind = VALUE_REAL, .r = y};
    return RG_OK;
}

rg_status expr_eval(scope *s, const rg_doc_node *at, const expr *e, value *out) {
    value v;
    bool yes = false;
    switch (e->kind) {
    case EXPR_CONSTANT:
        *out = e->constant;
        return out->kind == VALUE_STRING ? expr_expand(s, at, out->s, &out->s) : RG_OK;
    case EXPR_NAME:
        return s->lookup(s, at, e->name, out);
    case EXPR_NEGATE:
        RG_TRY(expr_eval(s, at, e->a, &v));
        return arithmetic(s, at, OP_MINUS, &(value){.kind = VALUE_INT}, &v, out);
    case EXPR_NOT:
        RG_TRY(expr_eval(s, at, e->a, &v));
        RG_TRY(value_to_bool(s, at, &v, &yes));
        *out = (value){.kind = VALUE_BOOL, .i = !yes};
        return RG_OK;
    case EXPR_BINARY:
        return eval_binary(s, at, e, out);
    case EXPR_IF:
        RG_TRY(expr_eval(s, at, e->b, &v));
        RG_TRY(value_to_bool(s, at, &v, &yes));
        if (yes) return expr_eval(s, at, e->a, out);
        if (e->c) return expr_eval(s, at, e->c, out);
        *out = (value){0};
        return RG_OK;
    case EXPR_INDEX:
        return eval_index(s, at, e, out);
    case EXPR_WEIGHT:
        return eval_weight(s, at, e, out);
    case EXPR_GIVEN:
        *out = (value){.kind = VALUE_BOOL, .i = s->given(s, e->name)};
        return RG_OK;
    case EXPR_CALL:
        return eval_call(s, at, e, out);
    }
    return RG_OK;
}

rg_status expr_expand(scope *s, const rg_doc_node *at, const char *template, const char **out) {
    rg_str text = {0};
    rg_status status = RG_OK;
    for (const char *p = template; *p && status == RG_OK;) {
        size_t n = strcspn(p, "{");
        rg_str_add_n(&text, p, n);
        p += n;
        if (!*p) break;
        const char *end = strchr(p, '}');
        const char *name = end ? rg_arena_strndup(s->arena, p + 1, (size_t)(end - p - 1)) : NULL;
        value v = {0};
        if (!name) {
            status = arithmetic_fail(s, at, "{ without }");
            break;
        }
        status = s->lookup(s, at, name, &v);
        if (status == RG_OK && v.kind == VALUE_INT)
            rg_str_printf(&text, "%lld", (long long)v.i);
        else if (status == RG_OK && v.kind == VALUE_STRING)
            rg_str_add(&text, v.s);
        else if (status == RG_OK)
            status = value_fail(s, at, &v, "a whole number or a string");
        p = end + 1;
    }
    if (status == RG_OK) {
        *out = rg_arena_strndup(s->arena, text.data ? text.data : "", text.len);
        if (text.failed || !*out) status = rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    }
    rg_str_free(&text);
    return status;
}
