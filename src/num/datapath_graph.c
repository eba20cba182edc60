/* Building a graph: statements "name = op(operand, ..., word)", checked as they come. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/args.h"
#include "num/datapath.h"

/* By rg_rounding, RG_RNE to RG_RO. */
static const char *const rounding_names[] = {"rne", "rna", "rz", "ru", "rd", "ro", NULL};
const char *const dp_order_names[DP_N_ORDERS] = {"forward", "reverse", "interleave"};
static const char *const input_names[DP_N_INPUTS] = {"a", "b", "c", "sa", "sb"};

/* Operands that an operation takes at least and at most, and the words that mean something to it. */
enum { W_BITS = 1, W_FLOOR = 2, W_BY = 4, W_LIMIT = 8, W_MODE = 16, W_FORMAT = 32, W_FLUSH = 64 };
static const struct {
    const char *name;
    int min, max, words, needed;
} ops[DP_N_OPS] = {
    [DP_INPUT] = {"input", 0, 0, 0, 0},
    [DP_MULTIPLY] = {"multiply", 2, 2, W_LIMIT, 0},
    [DP_SCALE] = {"scale", 2, 3, 0, 0},
    [DP_ALIGN] = {"align", 1, DP_MAX_OPERANDS, W_BITS | W_FLOOR | W_MODE, W_BITS},
    [DP_SUM] = {"sum", 1, DP_MAX_OPERANDS, W_BY, 0},
    [DP_ADD] = {"add", 2, 2, W_FORMAT | W_FLUSH, W_FORMAT},
    [DP_FMA] = {"fma", 2, 3, W_FORMAT | W_FLUSH, W_FORMAT},
    [DP_ROUND] = {"round", 1, 1, W_FORMAT | W_FLUSH, W_FORMAT},
    [DP_FLUSH] = {"flush", 1, 1, 0, 0},
};

/* ---- formats of results ---------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    dp_float format;
} floats[] = {{"fp32", {8, 23}}, {"tf32", {8, 10}}, {"bf16", {8, 7}}, {"fp16", {5, 10}}};

rg_status dp_round_parse(const char *text, const char *where, dp_float *format, rg_rounding *rounding,
                         rg_error *err) {
    static const char form[] =
        "FORMAT@ROUNDING: fp32, tf32, bf16, fp16 or eXmY (X 2 to 8, Y 1 to 23) and rne rna rz ru "
        "rd ro";
    const char *at = strchr(text, '@');
    const size_t n = at ? (size_t)(at - text) : strlen(text);
    dp_float f = {0, 0};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (strlen(floats[i].name) == n && memcmp(floats[i].name, text, n) == 0) f = floats[i].format;
    int x, y, used = 0;
    if (!f.exponent_bits && sscanf(text, "e%2dm%2d%n", &x, &y, &used) == 2 && (size_t)used == n && x >= 2 &&
        x <= 8 && y >= 1 && y <= 23)
        f = (dp_float){x, y};
    int r = at ? 0 : RG_RNE;
    while (at && rounding_names[r] && strcmp(rounding_names[r], at + 1) != 0) r++;
    if (!f.exponent_bits || !rounding_names[r])
        return rg_fail(err, RG_ERR_USAGE, where, form, "cannot read \"%.60s\"", text);
    *format = f;
    *rounding = (rg_rounding)r;
    return RG_OK;
}

size_t dp_round_print(dp_float f, rg_rounding rounding, char *buf, size_t size) {
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (memcmp(&floats[i].format, &f, sizeof f) == 0)
            return (size_t)snprintf(buf, size, "%s@%s", floats[i].name, rounding_names[rounding]);
    return (size_t)snprintf(buf, size, "e%dm%d@%s", f.exponent_bits, f.mantissa_bits,
                            rounding_names[rounding]);
}

/* ---- nodes ------------------------------------------------------------------------------------------------
 */

void dp_graph_start(const rg_datapath *dp, dp_graph *g) {
    *g = (dp_graph){.n_nodes = DP_N_INPUTS};
    const int lanes[DP_N_INPUTS] = {dp->n, dp->n, 1, dp->input[0].block ? dp->n / dp->input[0].block : 0,
                                    dp->input[1].block ? dp->n / dp->input[1].block : 0};
    for (int i = 0; i < DP_N_INPUTS; i++) {
        g->node[i].lanes = lanes[i];
        g->node[i].first = g->n_lanes;
        memcpy(g->node[i].name, input_names[i], strlen(input_names[i]) + 1);
        g->n_lanes += lanes[i];
    }
}

static int operand_lanes(const dp_graph *g, const dp_operand *o) {
    const int lanes = g->node[o->node].lanes;
    return o->modulus ? lanes / o->modulus * __builtin_popcountll(o->residues) : lanes;
}

static rg_status wrong(const dp_node *n, const char *where, const char *expected, rg_error *err) {
    return rg_fail(err, RG_ERR_PARSE, where, expected, "node \"%s\": operands of %s do not fit", n->name,
                   ops[n->op].name);
}

/* Lanes of the result from those of the operands. */
static rg_status count_lanes(const rg_datapath *dp, const dp_graph *g, dp_node *n, const char *where,
                             rg_error *err) {
    int lanes = operand_lanes(g, &n->operand[0]), all = 0;
    bool same = true, aligned = true;
    for (int j = 0; j < n->n_operands; j++) {
        const dp_operand *o = &n->operand[j];
        const int modulus = o->modulus ? o->modulus : 1, here = g->node[o->node].lanes;
        if (here == 0 || here % modulus)
            return wrong(n, where, "inputs that the formats have, selections that divide the lanes", err);
        all += operand_lanes(g, o);
        same = same && operand_lanes(g, o) == lanes;
        aligned = aligned && g->node[o->node].op == DP_ALIGN;
    }
    n->aligned = aligned;
    if (n->op == DP_ALIGN) {
        lanes = all;
    } else if (n->op == DP_SUM) {
        if (n->by && (all % n->by || n->n_operands > 1))
            return wrong(n, where, "lanes in whole runs of one operand", err);
        lanes = n->by ? all / n->by : 1;
    } else if (n->op == DP_SCALE) {
        bool fits = dp->n % lanes == 0;
        for (int j = 1; fits && j < n->n_operands; j++) {
            const int side = n->operand[j].node - DP_SA;
            fits = (side == 0 || side == 1) && dp->input[side].block % (dp->n / lanes) == 0;
        }
        if (!fits) return wrong(n, where, "lanes that lie within blocks, then sa or sb", err);
    } else if (n->op == DP_FLUSH) {
        if (n->operand[0].node > DP_C || n->operand[0].modulus) return wrong(n, where, "a, b or c", err);
    } else if (!same) {
        return wrong(n, where, "as many lanes in each", err);
    }
    n->lanes = lanes;
    return RG_OK;
}

rg_status dp_graph_add(const rg_datapath *dp, dp_graph *g, const dp_node *node, const char *where,
                       rg_error *err) {
    dp_node n = *node;
    if (g->n_nodes == DP_MAX_NODES)
        return rg_fail(err, RG_ERR_PARSE, where, "at most 19 statements", "\"%s\" is one too many", n.name);
    RG_TRY(count_lanes(dp, g, &n, where, err));
    if (g->n_lanes + n.lanes > DP_MAX_LANES)
        return rg_fail(err, RG_ERR_PARSE, where, "at most 1024 lanes in all", "the graph has too many");
    n.first = g->n_lanes;
    g->n_lanes += n.lanes;
    g->node[g->n_nodes++] = n;
    return RG_OK;
}

rg_status dp_graph_end(const dp_graph *g, const char *where, rg_error *err) {
    const dp_node *n = &g->node[g->n_nodes - 1];
    const bool rounds = n->op == DP_ROUND || n->op == DP_ADD || n->op == DP_FMA;
    if (g->n_nodes > DP_N_INPUTS && rounds && n->lanes == 1) return RG_OK;
    return rg_fail(err, RG_ERR_PARSE, where, "round, add or fma of one lane",
                   "the last statement is not a result");
}

/* ---- statements -------------------------------------------------------------------------------------------
 */

/* Position of the comma that ends an argument, or the end. */
static const char *argument_end(const char *p) {
    for (int depth = 0; *p && (*p != ',' || depth); p++) depth += (*p == '[') - (*p == ']');
    return p;
}

static rg_status read_selector(const char **text, const char *where, dp_operand *o, rg_error *err) {
    const char *p = *text + 1;
    char *end;
    do {
        const long r = isdigit((unsigned char)*p) ? strtol(p, &end, 10) : -1;
        if (r < 0 || r > 63)
            return rg_fail(err, RG_ERR_PARSE, where, "[R,...::M]: lanes whose index mod M is R", "\"%.40s\"",
                           *text);
        o->residues |= UINT64_C(1) << r;
        p = end;
    } while (*p == ',' && p++);
    const long m = p[0] == ':' && p[1] == ':' && isdigit((unsigned char)p[2]) ? strtol(p + 2, &end, 10) : 0;
    if (m < 1 || m > 64 || *end != ']' || (m < 64 && o->residues >> m))
        return rg_fail(err, RG_ERR_PARSE, where, "[R,...::M]: lanes whose index mod M is R, R < M <= 64",
                       "\"%.40s\"", *text);
    o->modulus = (int)m;
    *text = end + 1;
    return RG_OK;
}

/* name[selector]:bits:drop */
static rg_status read_operand(const dp_graph *g, const char *text, const char *where, dp_node *n,
                              rg_error *err) {
    if (n->n_operands == ops[n->op].max)
        return rg_fail(err, RG_ERR_PARSE, where, NULL, "%s cannot take \"%.40s\" as well", ops[n->op].name,
                       text);
    dp_operand *o = &n->operand[n->n_operands++];
    *o = (dp_operand){.node = -1, .bits = -1};
    const size_t length = strcspn(text, "[:");
    for (int i = 0; i < g->n_nodes; i++)
        if (strlen(g->node[i].name) == length && memcmp(g->node[i].name, text, length) == 0) o->node = i;
    if (o->node < 0)
        return rg_fail(err, RG_ERR_PARSE, where, "a, b, c, sa, sb or the name of a statement above",
                       "unknown \"%.40s\"", text);
    const char *p = text + length;
    if (*p == '[') RG_TRY(read_selector(&p, where, o, err));
    int *const number[2] = {&o->bits, &o->drop};
    for (int i = 0; i < 2 && *p == ':' && n->op == DP_ALIGN; i++) {
        const size_t digits = strspn(p + 1, "0123456789");
        const long v = digits ? strtol(p + 1, NULL, 10) : -1;
        if (digits < 1 || digits > 3 || v > (i ? 999 : DP_MAX_BITS)) break;
        *number[i] = (int)v;
        p += 1 + digits;
    }
    if (*p)
        return rg_fail(err, RG_ERR_PARSE, where,
                       "NAME[R,...::M]:BITS:DROP, bits and drop for align alone, bits to 60",
                       "cannot read \"%.40s\"", text);
    return RG_OK;
}

static bool read_int(const char *text, int min, int max, int *out) {
    char *end;
    const long v = strtol(text, &end, 10);
    if (end == text || *end || v < min || v > max) return false;
    *out = (int)v;
    return true;
}

static rg_status read_argument(const dp_graph *g, const char *text, const char *where, dp_node *n, int *words,
                               rg_error *err) {
    const struct {
        const char *key;
        int word, min, max;
        int *value;
    } numbers[] = {{"bits=", W_BITS, 0, DP_MAX_BITS, &n->bits},
                   {"floor=", W_FLOOR, -600, 600, &n->floor},
                   {"by=", W_BY, 1, DP_MAX_GROUP, &n->by},
                   {"limit=", W_LIMIT, 1, 600, &n->limit}};
    int word = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strncmp(text, numbers[i].key, strlen(numbers[i].key)) != 0) continue;
        word = numbers[i].word;
        if (!read_int(text + strlen(numbers[i].key), numbers[i].min, numbers[i].max, numbers[i].value))
            return rg_fail(err, RG_ERR_PARSE, where, "a number in its range", "\"%.40s\"", text);
    }
    if (strchr(text, '@')) {
        word = W_FORMAT;
        RG_TRY(dp_round_parse(text, where, &n->format, &n->rounding, err));
    } else if (strcmp(text, "rz") == 0 || strcmp(text, "rd") == 0) {
        word = W_MODE;
        n->rounding = text[1] == 'z' ? RG_RZ : RG_RD;
    } else if (strcmp(text, "flush") == 0) {
        word = W_FLUSH;
        n->flush = true;
    }
    if (!word) return read_operand(g, text, where, n, err);
    if (!(ops[n->op].words & word) || *words & word)
        return rg_fail(err, RG_ERR_PARSE, where, "each word once, where it means something",
                       "%s cannot take \"%.40s\"", ops[n->op].name, text);
    *words |= word;
    return RG_OK;
}

rg_status dp_graph_statement(const rg_datapath *dp, dp_graph *g, const char *text, const char *where,
                             rg_error *err) {
    static const char form[] = "NAME = OP(OPERAND, ..., WORD)";
    char bare[256], op[16];
    size_t n_bare = 0;
    for (const char *p = text; *p; p++)
        if (*p != ' ' && n_bare + 1 < sizeof bare) bare[n_bare++] = *p;
    bare[n_bare] = 0;
    dp_node n = {.floor = DP_NO_FLOOR, .rounding = RG_RZ};
    int used = 0, words = 0;
    if (sscanf(bare, "%15[a-z0-9_]=%15[a-z](%n", n.name, op, &used) != 2 || !used || bare[n_bare - 1] != ')')
        return rg_fail(err, RG_ERR_PARSE, where, form, "cannot read \"%.80s\"", text);
    while (n.op < DP_N_OPS && (n.op == DP_INPUT || strcmp(ops[n.op].name, op) != 0)) n.op++;
    if (n.op == DP_N_OPS)
        return rg_fail(err, RG_ERR_PARSE, where, "multiply scale align sum add fma round flush",
                       "unknown \"%s\"", op);
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->node[i].name, n.name) == 0)
            return rg_fail(err, RG_ERR_PARSE, where, "a new name", "\"%s\" exists already", n.name);
    bare[n_bare - 1] = 0;
    for (const char *p = bare + used;;) {
        const char *end = argument_end(p);
        char argument[64];
        if ((size_t)(end - p) >= sizeof argument || end == p)
            return rg_fail(err, RG_ERR_PARSE, where, form, "cannot read \"%.80s\"", text);
        memcpy(argument, p, (size_t)(end - p));
        argument[end - p] = 0;
        RG_TRY(read_argument(g, argument, where, &n, &words, err));
        if (!*end) break;
        p = end + 1;
    }
    if (n.n_operands < ops[n.op].min || (words & ops[n.op].needed) != ops[n.op].needed)
        return rg_fail(err, RG_ERR_PARSE, where,
                       n.op == DP_ALIGN ? "operands and bits=F"
                                        : "its operands, and FORMAT@ROUNDING where it rounds",
                       "\"%.80s\" lacks something", text);
    return dp_graph_add(dp, g, &n, where, err);
}

/* ---- printing ---------------------------------------------------------------------------------------------
 */

static void print_operand(const dp_graph *g, const dp_operand *o, rg_str *out) {
    rg_str_add(out, g->node[o->node].name);
    for (int r = 0, first = 1; o->modulus && r < o->modulus; r++)
        if (o->residues >> r & 1) rg_str_printf(out, "%s%d", first ? "[" : ",", r), first = 0;
    if (o->modulus) rg_str_printf(out, "::%d]", o->modulus);
    if (o->bits >= 0) rg_str_printf(out, ":%d", o->bits);
    if (o->drop) rg_str_printf(out, ":%d", o->drop);
}

static void print_node(const dp_graph *g, const dp_node *n, rg_str *out) {
    rg_str_printf(out, "%s = %s(", n->name, ops[n->op].name);
    for (int j = 0; j < n->n_operands; j++) {
        if (j) rg_str_add(out, ", ");
        print_operand(g, &n->operand[j], out);
    }
    char format[32];
    dp_round_print(n->format, n->rounding, format, sizeof format);
    if (n->op == DP_ALIGN) rg_str_printf(out, ", bits=%d", n->bits);
    if (n->op == DP_ALIGN && n->floor != DP_NO_FLOOR) rg_str_printf(out, ", floor=%d", n->floor);
    if (n->op == DP_ALIGN && n->rounding == RG_RD) rg_str_add(out, ", rd");
    if (n->by) rg_str_printf(out, ", by=%d", n->by);
    if (n->limit) rg_str_printf(out, ", limit=%d", n->limit);
    if (ops[n->op].words & W_FORMAT) rg_str_printf(out, ", %s", format);
    if (n->flush) rg_str_add(out, ", flush");
    rg_str_add(out, ")\n");
}

void rg_datapath_print_graph(const rg_datapath *dp, rg_str *out) {
    static const char *const names[RG_N_DOT_OUTS] = {"fp32", "fp16"};
    for (int o = 0; o < RG_N_DOT_OUTS; o++) {
        const dp_graph *g = &dp->graph[o];
        if (!g->n_nodes) continue;
        rg_str_printf(out, "# to %s\n", names[o]);
        for (int i = DP_N_INPUTS; i < g->n_nodes; i++) print_node(g, &g->node[i], out);
    }
}
