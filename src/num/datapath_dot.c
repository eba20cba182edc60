/* dot(...): the common shape as text, and the graph that it stands for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/args.h"
#include "num/datapath.h"

static const char form[] =
    "dot(a=FORMAT,b=FORMAT,n=N,align=F|exact,cut=rz|rd,floor=E,sum=N,acc=FORMAT@ROUNDING,acc16=...,"
    "c=in|after,promote=N,order=forward|reverse|interleave,flush=none|in|out|both,nan=HEX)";

/* ---- operands ---------------------------------------------------------------------------------------------
 */

static rg_status elem_of(const rg_elem *e, const char *text, dp_elem *out, rg_error *err) {
    if ((e->kind != RG_ELEM_FLOAT && e->kind != RG_ELEM_INT) || (e->has_inf && e->nan != RG_NAN_IEEE))
        return rg_fail(err, RG_ERR_USAGE, "datapath", "a float or an integer",
                       "a unit cannot multiply \"%.60s\"", text);
    *out = (dp_elem){.is_int = e->kind == RG_ELEM_INT,
                     .is_signed = e->is_signed,
                     .has_subnormals = e->has_subnormals,
                     .bits = e->bits,
                     .exponent_bits = e->exponent_bits,
                     .mantissa_bits = e->mantissa_bits,
                     .bias = e->bias};
    static const dp_special special[] = {[RG_NAN_NONE] = DP_NO_SPECIAL,
                                         [RG_NAN_TOP] = DP_NAN_TOP,
                                         [RG_NAN_IEEE] = DP_IEEE,
                                         [RG_NAN_MINUS_ZERO] = DP_NAN_MINUS_ZERO};
    out->special = out->is_int ? DP_NO_SPECIAL : special[e->nan];
    return RG_OK;
}

rg_status dp_input_parse(const char *text, dp_input *out, rg_error *err) {
    dp_input in = {.block = 0};
    rg_quant q;
    RG_TRY(rg_quant_parse(text, &q, err));
    const rg_format *f = &q.format;
    const bool plain = f->span == RG_SPAN_NONE, integer = f->elem.kind == RG_ELEM_INT;
    if (strchr(text, '@') || f->zero_point || f->sub_block || f->block_rows > 1 ||
        !(plain || (f->span == RG_SPAN_BLOCK && !integer) || (integer && f->span == RG_SPAN_ROW)))
        return rg_fail(err, RG_ERR_USAGE, "datapath",
                       "an element (e4m3fn, int8) or floats with block scales (mx(e4m3fn,32,e8m0), nvfp4)",
                       "a unit has no input \"%.60s\"", text);
    RG_TRY(elem_of(&f->elem, text, &in.elem, err));
    if (in.elem.mantissa_bits > 12 && !integer)
        return rg_fail(err, RG_ERR_USAGE, "datapath", "elements of at most 12 bits of mantissa", "\"%.60s\"",
                       text);
    if (f->span == RG_SPAN_BLOCK) {
        in.block = f->block;
        RG_TRY(elem_of(&f->scale, text, &in.scale, err));
    }
    if (integer)
        snprintf(in.text, sizeof in.text, "%s", f->elem.name);
    else
        rg_format_print(f, in.text, sizeof in.text);
    *out = in;
    return RG_OK;
}

/* ---- text to fields ---------------------------------------------------------------------------------------
 */

void dp_dot_default(rg_datapath *dp) {
    *dp = (rg_datapath){.is_shape = true, .nan = UINT32_C(0x7fffffff)};
    dp->shape = (dp_shape){.exact = true,
                           .cut = RG_RZ,
                           .floor = DP_NO_FLOOR,
                           .acc = {{8, 23}, {5, 10}},
                           .rounding = {RG_RZ, RG_RNE}};
}

static int word_of(const char *text, const char *const *words, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0) return i;
    return -1;
}

static rg_status set(rg_datapath *dp, const char *key, const char *value, rg_error *err) {
    static const char *const cuts[] = {"rz", "rd"}, *const places[] = {"in", "after"},
                             *const flushes[] = {"none", "in", "out", "both"};
    dp_shape *s = &dp->shape;
    const struct {
        const char *key;
        int min, max, *to;
    } numbers[] = {{"n", 1, DP_MAX_GROUP, &dp->n},
                   {"align", 0, DP_MAX_BITS, &s->align},
                   {"floor", -600, 600, &s->floor},
                   {"sum", 2, DP_MAX_GROUP, &s->sum},
                   {"promote", 1, RG_DOT_MAX_K, &dp->promote}};
    bool good = true;
    int word = 0;
    if (strcmp(key, "a") == 0 || strcmp(key, "b") == 0)
        return dp_input_parse(value, &dp->input[key[0] - 'a'], err);
    if (strcmp(key, "acc") == 0) return dp_round_parse(value, "dot", &s->acc[0], &s->rounding[0], err);
    if (strcmp(key, "acc16") == 0) return dp_round_parse(value, "dot", &s->acc[1], &s->rounding[1], err);
    if (strcmp(key, "align") == 0 && strcmp(value, "exact") == 0) return s->exact = true, RG_OK;
    if (strcmp(key, "align") == 0) s->exact = false;
    if (strcmp(key, "cut") == 0)
        good = (word = word_of(value, cuts, 2)) >= 0, s->cut = word ? RG_RD : RG_RZ;
    else if (strcmp(key, "c") == 0)
        good = (word = word_of(value, places, 2)) >= 0, s->c_after = word == 1;
    else if (strcmp(key, "order") == 0)
        good = (word = word_of(value, dp_order_names, DP_N_ORDERS)) >= 0, dp->order = (dp_order)word;
    else if (strcmp(key, "flush") == 0)
        good = (word = word_of(value, flushes, 4)) >= 0, s->flush_in = word & 1, s->flush_out = word & 2;
    else if (strcmp(key, "nan") == 0) {
        char *end;
        dp->nan = (uint32_t)strtoul(value, &end, 16);
        good = end == value + 8 && !*end && (dp->nan & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000);
    } else {
        size_t i = 0, n = sizeof numbers / sizeof *numbers;
        while (i < n && strcmp(numbers[i].key, key) != 0) i++;
        if (i == n)
            return rg_fail(err, RG_ERR_USAGE, "datapath", form, "unknown \"%.40s=\" in dot(...)", key);
        char *end;
        const long v = strtol(value, &end, 10);
        good = end != value && !*end && v >= numbers[i].min && v <= numbers[i].max;
        *numbers[i].to = (int)v;
    }
    return good ? RG_OK
                : rg_fail(err, RG_ERR_USAGE, "datapath", form, "cannot use \"%.40s=%.40s\"", key, value);
}

static rg_status check(const rg_datapath *dp, rg_error *err) {
    const char *expected = NULL;
    const dp_shape *s = &dp->shape;
    for (int i = 0; i < 2; i++) {
        const int block = dp->input[i].block;
        if (!dp->input[i].elem.bits || !dp->n)
            expected = "a=, b= and n=";
        else if (block && dp->n % block && block % dp->n)
            expected = "a group (n) in whole blocks, or blocks in whole groups";
        else if (block && dp->order != DP_FORWARD)
            expected = "order=forward with block scales";
        else if (block && s->sum && block % s->sum)
            expected = "exact sums (sum) that lie within a block";
    }
    if (!expected && s->sum && dp->n % s->sum) expected = "a group (n) in whole exact sums (sum)";
    if (!expected && dp->promote && dp->promote % dp->n)
        expected = "a promotion interval of whole groups (n)";
    return expected ? rg_fail(err, RG_ERR_USAGE, "datapath", expected, "dot(...) does not fit together")
                    : RG_OK;
}

rg_status dp_dot_set(rg_datapath *dp, const char *list, size_t length, rg_error *err) {
    const char *seen[32], *const last = list + length;
    size_t n_seen = 0;
    for (const char *p = list; p < last;) {
        const char *end = p;
        for (int depth = 0; end < last && (*end != ',' || depth); end++)
            depth += (*end == '(') - (*end == ')');
        char argument[128];
        const size_t n = (size_t)(end - p);
        char *equals = NULL;
        if (n && n < sizeof argument) {
            memcpy(argument, p, n);
            argument[n] = 0;
            equals = strchr(argument, '=');
        }
        if (!equals || equals == argument || !equals[1] || n_seen == 32)
            return rg_fail(err, RG_ERR_USAGE, "datapath", form, "cannot read \"%.*s\"",
                           (int)(n < 60 ? n : 60), p);
        const size_t n_key = (size_t)(equals - argument) + 1;
        for (size_t i = 0; i < n_seen; i++)
            if (strncmp(seen[i], argument, n_key) == 0)
                return rg_fail(err, RG_ERR_USAGE, "datapath", "each key once", "\"%.*s\" twice", (int)n_key,
                               argument);
        seen[n_seen++] = p;
        *equals = 0;
        RG_TRY(set(dp, argument, equals + 1, err));
        p = end + 1;
    }
    return RG_OK;
}

rg_status dp_dot_finish(rg_datapath *dp, rg_error *err) {
    RG_TRY(check(dp, err));
    dp_dot_text(dp);
    return dp_dot_build(dp, err);
}

rg_status dp_dot_parse(const char *text, rg_datapath *dp, rg_error *err) {
    const size_t length = strlen(text);
    if (strncmp(text, "dot(", 4) != 0 || text[length - 1] != ')')
        return rg_fail(err, RG_ERR_USAGE, "datapath", form, "cannot read \"%.80s\"", text);
    dp_dot_default(dp);
    RG_TRY(dp_dot_set(dp, text + 4, length - 5, err));
    return dp_dot_finish(dp, err);
}

/* ---- fields to text ---------------------------------------------------------------------------------------
 */

void dp_dot_text(rg_datapath *dp) {
    const dp_shape *s = &dp->shape;
    char acc[32], acc16[32], align[16] = "exact";
    dp_round_print(s->acc[0], s->rounding[0], acc, sizeof acc);
    dp_round_print(s->acc[1], s->rounding[1], acc16, sizeof acc16);
    if (!s->exact) snprintf(align, sizeof align, "%d", s->align);
    int n = snprintf(dp->text, sizeof dp->text, "dot(a=%s,b=%s,n=%d,align=%s", dp->input[0].text,
                     dp->input[1].text, dp->n, align);
#define MORE(condition, ...)                                                                                 \
    if ((condition) && n < (int)sizeof dp->text)                                                             \
    n += snprintf(dp->text + n, sizeof dp->text - (size_t)n, __VA_ARGS__)
    MORE(s->cut != RG_RZ, ",cut=rd");
    MORE(s->floor != DP_NO_FLOOR, ",floor=%d", s->floor);
    MORE(s->sum, ",sum=%d", s->sum);
    MORE(true, ",acc=%s", acc);
    MORE(strcmp(acc16, "fp16@rne") != 0, ",acc16=%s", acc16);
    MORE(s->c_after, ",c=after");
    MORE(dp->promote, ",promote=%d", dp->promote);
    MORE(dp->order, ",order=%s", dp_order_names[dp->order]);
    MORE(s->flush_in || s->flush_out, ",flush=%s", !s->flush_out ? "in" : !s->flush_in ? "out" : "both");
    MORE(dp->nan != UINT32_C(0x7fffffff), ",nan=%08x", (unsigned)dp->nan);
    MORE(true, ")");
#undef MORE
}

/* ---- fields to graph --------------------------------------------------------------------------------------
 */

/* Appends a node; its name is a letter and its number. Returns its index through *at. */
static rg_status append(const rg_datapath *dp, dp_graph *g, dp_node n, int *at, rg_error *err) {
    snprintf(n.name, sizeof n.name, "t%d", g->n_nodes - DP_N_INPUTS);
    *at = g->n_nodes;
    return dp_graph_add(dp, g, &n, "dot", err);
}
#define OPERAND(index)                                                                                       \
    { .node = (index), .bits = -1 }

static rg_status build(const rg_datapath *dp, dp_graph *g, int out, rg_error *err) {
    const dp_shape *s = &dp->shape;
    int in[3] = {DP_A, DP_B, DP_C}, t;
    dp_graph_start(dp, g);
    for (int i = 0; s->flush_in && i < 3; i++)
        if (i == 2 || !dp->input[i].elem.is_int)
            RG_TRY(append(dp, g, (dp_node){.op = DP_FLUSH, .n_operands = 1, .operand = {OPERAND(in[i])}},
                          &in[i], err));
    RG_TRY(append(dp, g,
                  (dp_node){.op = DP_MULTIPLY, .n_operands = 2, .operand = {OPERAND(in[0]), OPERAND(in[1])}},
                  &t, err));
    if (s->sum)
        RG_TRY(append(dp, g, (dp_node){.op = DP_SUM, .n_operands = 1, .operand = {OPERAND(t)}, .by = s->sum},
                      &t, err));
    if (dp->input[0].block || dp->input[1].block) {
        dp_node n = {.op = DP_SCALE, .n_operands = 1, .operand = {OPERAND(t)}};
        for (int i = 0; i < 2; i++)
            if (dp->input[i].block) n.operand[n.n_operands++] = (dp_operand)OPERAND(DP_SA + i);
        RG_TRY(append(dp, g, n, &t, err));
    }
    const int terms = s->c_after ? 1 : 2;
    dp_node sum = {.op = DP_SUM, .n_operands = terms, .operand = {OPERAND(t), OPERAND(in[2])}};
    if (!s->exact) {
        dp_node n = {.op = DP_ALIGN, .n_operands = terms, .operand = {OPERAND(t), OPERAND(in[2])}};
        n.bits = s->align;
        n.floor = s->floor;
        n.rounding = s->cut;
        RG_TRY(append(dp, g, n, &t, err));
        sum = (dp_node){.op = DP_SUM, .n_operands = 1, .operand = {OPERAND(t)}};
    }
    RG_TRY(append(dp, g, sum, &t, err));
    dp_node round = {.op = DP_ROUND, .n_operands = 1, .operand = {OPERAND(t)}};
    round.format = s->acc[out];
    round.rounding = s->rounding[out];
    round.flush = s->flush_out;
    RG_TRY(append(dp, g, round, &t, err));
    if (s->c_after) {
        dp_node add = {
            .op = DP_ADD, .n_operands = 2, .operand = {OPERAND(in[2]), OPERAND(t)}, .rounding = RG_RNE};
        add.format = out == RG_DOT_FP16 ? (dp_float){5, 10} : (dp_float){8, 23};
        add.flush = s->flush_out;
        RG_TRY(append(dp, g, add, &t, err));
    }
    return dp_graph_end(g, "dot", err);
}

rg_status dp_dot_build_out(rg_datapath *dp, rg_dot_out out, rg_error *err) {
    return build(dp, &dp->graph[out], (int)out, err);
}

rg_status dp_dot_build(rg_datapath *dp, rg_error *err) {
    for (int out = 0; out < RG_N_DOT_OUTS; out++) RG_TRY(dp_dot_build_out(dp, (rg_dot_out)out, err));
    return RG_OK;
}
