/* A datapath and two formats: do they fit, and has the fast path such steps? */
#include "kernels/dot.h"

#include <stdio.h>
#include <string.h>

/* The fast path covers dot(...) that cuts toward zero to at most 30 bits and rounds to fp32's exponent. */
static bool steps_of(const rg_datapath *dp, dot_steps *out, size_t *run) {
    const dp_shape *s = &dp->shape;
    const dp_elem *a = &dp->input[0].elem, *b = &dp->input[1].elem;
    const dp_float acc = s->acc[RG_DOT_FP32];
    const bool rz = s->rounding[RG_DOT_FP32] == RG_RZ, rne = s->rounding[RG_DOT_FP32] == RG_RNE;
    const bool powers = (!dp->input[0].block || dp->input[0].scale.mantissa_bits == 0) &&
                        (!dp->input[1].block || dp->input[1].scale.mantissa_bits == 0);
    if (!dp->is_shape || s->exact || s->cut != RG_RZ || s->sum || s->flush_in || s->flush_out || !powers)
        return false;
    if (acc.exponent_bits != 8 || !(rz || (rne && acc.mantissa_bits == 23))) return false;
    if (dp->n > RG_DOT_FAST_GROUP || s->align > 30 || a->is_int || b->is_int) return false;
    const int fraction = a->mantissa_bits + b->mantissa_bits, lift = s->align - fraction;
    const int64_t largest = ((INT64_C(2) << a->mantissa_bits) - 1) * ((INT64_C(2) << b->mantissa_bits) - 1)
                            << (lift > 0 ? lift : 0);
    if (largest > INT32_MAX) return false;
    *out = (dot_steps){.n = dp->n,
                       .safe = (int)(INT32_MAX / largest < dp->n ? INT32_MAX / largest : dp->n),
                       .align = s->align,
                       .floor = s->floor < 2 * RG_DOT_ABSENT ? 2 * RG_DOT_ABSENT : s->floor,
                       .extra = lift < 0 ? -lift : 0,
                       .c_lift = s->align > 23 ? s->align - 23 : 0,
                       .c_extra = s->align < 23 ? 23 - s->align : 0,
                       .nearest = rne,
                       .keep = (int32_t) - ((int64_t)1 << (23 - acc.mantissa_bits))};
    *run = s->c_after ? 1 : *run; /* c added afterwards to nearest even is a promotion after every step */
    return !(s->c_after && dp->promote);
}

static rg_status mismatch(const rg_datapath *dp, int side, const rg_quant *q, const char *expected,
                          rg_error *err) {
    char text[RG_QUANT_TEXT];
    if (q)
        rg_quant_print(q, text, sizeof text);
    else
        snprintf(text, sizeof text, "fp32");
    return rg_fail(err, RG_ERR_USAGE, "policy", expected, "datapath %s takes %s %s, but they are %s",
                   dp->text, dp->input[side].text, side ? "weights" : "activations", text);
}

static rg_status fit(const rg_datapath *dp, int side, const rg_quant *q, dot_side *out, rg_error *err) {
    const dp_input *in = &dp->input[side];
    char expected[160], text[RG_QUANT_TEXT] = "fp32";
    snprintf(expected, sizeof expected, "%s=%s, or with scales, such as %s=%s(scale=row)", side ? "w" : "a",
             in->text, side ? "w" : "a", in->text);
    if (in->block) snprintf(expected, sizeof expected, "%s=%s", side ? "w" : "a", in->text);
    if (!q) return mismatch(dp, side, q, expected, err);
    rg_format_print(&q->format, text, sizeof text);
    const bool whole = strcmp(text, in->text) == 0, elem = strcmp(q->format.elem.name, in->text) == 0;
    const bool mx_int = q->format.elem.kind == RG_ELEM_INT && q->format.power_of_two_scale;
    if (q->format.zero_point || q->format.sub_block || q->format.block_rows > 1 || mx_int ||
        !(in->block ? whole : elem))
        return mismatch(dp, side, q, expected, err);
    *out = (dot_side){.quant = *q};
    out->is_scaled = in->block ? q->format.tensor_scale : q->format.span != RG_SPAN_NONE;
    if (!in->block && q->format.span == RG_SPAN_BLOCK) out->outer = (size_t)q->format.block;
    return RG_OK;
}

rg_status dot_plan_make(dot_plan *out, const rg_kernels *kernels, const rg_datapath *dp, const rg_quant *x,
                        const rg_quant *w, size_t k, rg_error *err) {
    dot_plan p = {.kernels = kernels, .datapath = dp, .k = k};
    if (!rg_datapath_has_out(dp, RG_DOT_FP32) || k == 0 || k > RG_DOT_MAX_K)
        return rg_fail(err, RG_ERR_USAGE, "datapath", "an fp32 result of 1 to 65536 products",
                       "%s, %zu products", dp->text, k);
    RG_TRY(fit(dp, 0, x, &p.side[0], err));
    RG_TRY(fit(dp, 1, w, &p.side[1], err));
    const size_t a = p.side[0].outer ? p.side[0].outer : k, b = p.side[1].outer ? p.side[1].outer : k;
    p.block = a < b ? a : b;
    if ((a % p.block && a < k) || (b % p.block && b < k))
        return rg_fail(err, RG_ERR_USAGE, "policy", "block scales of which one divides the other",
                       "blocks of %zu activations and %zu weights", a, b);
    if (dp->order != DP_FORWARD && p.block < k)
        return rg_fail(err, RG_ERR_USAGE, "policy", "order=forward with block scales", "%s", dp->text);
    const size_t n = (size_t)dp->n, steps = (p.block + n - 1) / n;
    p.n_blocks = (k + p.block - 1) / p.block;
    p.padded = steps * n;
    p.run = dp->promote ? ((size_t)dp->promote + n - 1) / n : steps;
    p.fast = steps_of(dp, &p.steps, &p.run);
    *out = p;
    return RG_OK;
}
