/* Matrix products under a datapath: operands decoded once, tiles by the kernels, the rest by the walk. */
#include "kernels/dot.h"

#include <stdlib.h>
#include <string.h>

#include "num/pack.h"

enum { TILE_ROWS = 32, WIDEST = 16 };

static void *take(size_t n, size_t size) {
    if (size && n > (SIZE_MAX - 64) / size) return NULL;
    return aligned_alloc(64, (n * size + 64) / 64 * 64);
}

/* ---- operands -------------------------------------------------------------------------------------------
 */

void dot_matrix_free(dot_matrix *m) {
    free(m->codes);
    free(m->scales);
    free(m->inner);
    free(m->outer);
    free(m->packed);
    free(m->special);
    *m = (dot_matrix){0};
}

/* Scales as rg_encode writes them (fp32 tensor scales first, then the others in their own width) into those
   that the unit applies and those that are multiplied outside. */
static void split_scales(dot_matrix *m, const dot_plan *plan, int side) {
    const rg_format *f = &plan->side[side].quant.format;
    const bool per_row = side == 0;
    const size_t block = f->span == RG_SPAN_BLOCK ? (size_t)f->block : plan->k,
                 blocks = (plan->k + block - 1) / block;
    const size_t n_tensor = f->tensor_scale ? (per_row ? m->rows : 1) : 0;
    const uint8_t *stored = m->scales + 4 * n_tensor;
    for (size_t i = 0; m->inner && i < m->rows * blocks; i++)
        m->inner[i] = num_code_at(stored, i, num_code_width(f->scale.bits));
    for (size_t r = 0; m->outer && r < m->rows; r++)
        for (size_t b = 0; b < plan->n_blocks; b++) {
            float tensor = 1, *out = &m->outer[r * plan->n_blocks + b];
            if (n_tensor) memcpy(&tensor, m->scales + (per_row ? 4 * r : 0), sizeof tensor);
            const size_t i = f->span == RG_SPAN_TENSOR && !per_row ? 0 : r * blocks + b * plan->block / block;
            *out = m->inner
                       ? tensor
                       : rg_elem_decode(&f->scale, num_code_at(stored, i, num_code_width(f->scale.bits))) *
                             tensor;
        }
}

/* exponent << 16 | sign << 15 | significand of an element; the scale that the unit applies, a power of two,
 * is in the exponent. */
static int32_t pack_element(const dp_input *in, uint32_t code, const uint32_t *scale, bool *special) {
    const dp_term t = dp_decode(&in->elem, code);
    int exponent = t.exponent;
    if (scale) {
        const dp_term s = dp_decode(&in->scale, *scale);
        if (s.kind != DP_FINITE) *special = true;
        exponent += s.exponent;
    }
    if (t.kind != DP_FINITE) *special = true;
    if (t.kind != DP_FINITE || t.magnitude == 0) return RG_DOT_ABSENT * 65536;
    return exponent * 65536 + (t.negative ? 0x8000 : 0) + (int32_t)t.magnitude;
}

/* Elements of a row in the order of the steps, [n_blocks][padded], `stride` apart. */
static void pack_row(dot_matrix *m, const dot_plan *plan, int side, size_t r, int32_t *out, size_t stride) {
    const rg_datapath *dp = plan->datapath;
    const dp_input *in = &dp->input[side];
    const size_t n = (size_t)dp->n, k = plan->k;
    const size_t scales = in->block ? (k + (size_t)in->block - 1) / (size_t)in->block : 0;
    bool special = false;
    for (size_t b = 0; b < plan->n_blocks; b++) {
        const size_t from = b * plan->block, width = k - from < plan->block ? k - from : plan->block;
        const size_t steps = (width + n - 1) / n; /* of this block: the last may be short */
        for (size_t i = 0; i < plan->padded; i++, out += stride) {
            const size_t e = i / n < steps ? dp_element(dp->order, n, steps, i / n, i % n) : width;
            *out = RG_DOT_ABSENT * 65536;
            if (e >= width) continue;
            const uint32_t code = num_code_at(m->codes, r * k + from + e, num_code_width(in->elem.bits));
            const uint32_t *scale = in->block ? &m->inner[r * scales + (from + e) / (size_t)in->block] : NULL;
            *out = pack_element(in, code, scale, &special);
        }
    }
    m->special[r] = special;
}

static void pack_x(dot_matrix *m, const dot_plan *plan, int threads) {
    const size_t width = plan->n_blocks * plan->padded, plane = m->rows * width;
    const dp_elem *a = &plan->datapath->input[0].elem, *b = &plan->datapath->input[1].elem;
    const int lift = plan->steps.align - a->mantissa_bits - b->mantissa_bits;
#pragma omp parallel for num_threads(threads)
    for (size_t r = 0; r < m->rows; r++) {
        int32_t *exponent = m->packed + r * width, *significand = exponent + plane,
                *sign = significand + plane;
        pack_row(m, plan, 0, r, exponent, 1);
        for (size_t i = 0; i < width; i++) {
            const int32_t v = exponent[i];
            exponent[i] = v >> 16;
            significand[i] = (v & 0x7fff) << (lift > 0 ? lift : 0);
            sign[i] = -(v >> 15 & 1);
        }
    }
}

/* Panels [width][tile_dot]; columns that do not exist are zeros. */
static void pack_w(dot_matrix *m, const dot_plan *plan, int threads) {
    const size_t width = plan->n_blocks * plan->padded, lanes = plan->kernels->tile_dot;
#pragma omp parallel for num_threads(threads)
    for (size_t first = 0; first < m->rows; first += lanes) {
        int32_t *panel = m->packed + first * width;
        for (size_t j = 0; j < lanes; j++)
            if (first + j < m->rows)
                pack_row(m, plan, 1, first + j, panel + j, lanes);
            else
                for (size_t i = 0; i < width; i++) panel[i * lanes + j] = RG_DOT_ABSENT * 65536;
    }
}

void dot_matrix_pack(dot_matrix *m, const dot_plan *plan, int threads, int side) {
    split_scales(m, plan, side);
    if (plan->fast && side == 0) pack_x(m, plan, threads);
    if (plan->fast && side == 1) pack_w(m, plan, threads);
}

/* x row by row, each by the number of its token: for stochastic rounding alone. */
static rg_status encode_tokens(const dot_side *s, const float *x, dot_matrix *out, size_t rows, size_t k,
                               rg_error *err) {
    const rg_format *f = &s->quant.format;
    const rg_stored_size one = rg_format_stored_size(f, 1, k, true);
    const size_t tensor = f->tensor_scale ? sizeof(float) : 0, blocks = one.scale_bytes - tensor;
    uint8_t *scales = take(one.scale_bytes, 1);
    if (!scales) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for %zu scales", k);
    for (size_t r = 0; r < rows; r++) {
        const uint64_t first = (s->first_token + (s->token ? s->token[r] : r)) * k;
        rg_encode_from(&s->quant, x + r * k, out->codes + r * one.code_bytes, scales, 1, k, true, first,
                       NULL);
        memcpy(out->scales + r * tensor, scales, tensor);
        memcpy(out->scales + rows * tensor + r * blocks, scales + tensor, blocks);
    }
    free(scales);
    return RG_OK;
}

rg_status dot_matrix_make(dot_matrix *out, const dot_plan *plan, int threads, int side, const float *values,
                          size_t rows, rg_error *err) {
    const dot_side *s = &plan->side[side];
    const dp_input *in = &plan->datapath->input[side];
    const bool per_row = side == 0;
    const rg_stored_size size = rg_format_stored_size(&s->quant.format, rows, plan->k, per_row);
    const size_t lanes = side ? plan->kernels->tile_dot : 1, width = plan->n_blocks * plan->padded;
    const size_t padded_rows = (rows + lanes - 1) / lanes * lanes;
    const size_t blocks = in->block ? (plan->k + (size_t)in->block - 1) / (size_t)in->block : 0;
    *out = (dot_matrix){.rows = rows};
    out->codes = take(size.code_bytes, 1);
    out->scales = take(size.scale_bytes, 1);
    out->special = take(rows, sizeof *out->special);
    if (blocks) out->inner = take(rows * blocks, sizeof *out->inner);
    if (s->is_scaled) out->outer = take(rows * plan->n_blocks, sizeof *out->outer);
    if (plan->fast) out->packed = take(padded_rows * width, (side ? 1 : 3) * sizeof *out->packed);
    if (!out->codes || !out->scales || !out->special || (blocks && !out->inner) ||
        (s->is_scaled && !out->outer) || (plan->fast && !out->packed))
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for %zu x %zu operands of a datapath",
                       rows, plan->k);
    if (per_row && s->quant.cast.random_bits)
        RG_TRY(encode_tokens(s, values, out, rows, plan->k, err));
    else
        rg_encode(&s->quant, values, out->codes, out->scales, rows, plan->k, per_row, NULL);
    dot_matrix_pack(out, plan, threads, side);
    return RG_OK;
}

/* ---- products -------------------------------------------------------------------------------------------
 */

/* y, then the partial sum of block b. */
static float fold(const dot_plan *plan, const dot_matrix *x, const dot_matrix *w, size_t row, size_t column,
                  size_t b, float y, float part) {
    if (!x->outer && !w->outer) return part; /* then there is one block */
    const float sx = x->outer ? x->outer[row * plan->n_blocks + b] : 1;
    const float sw = w->outer ? w->outer[column * plan->n_blocks + b] : 1;
    const float scale = sx * sw, scaled = part * scale;
    return b ? y + scaled : scaled;
}

static float walk_block(const dot_plan *plan, const dot_matrix *x, const dot_matrix *w, size_t row,
                        size_t column, size_t b, uint32_t *codes) {
    const dp_input *in = plan->datapath->input;
    const size_t from = b * plan->block, width = plan->k - from < plan->block ? plan->k - from : plan->block;
    const dot_matrix *const m[2] = {x, w};
    const size_t r[2] = {row, column};
    const uint32_t *scale[2] = {NULL, NULL};
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < width; i++)
            codes[(size_t)side * plan->block + i] =
                num_code_at(m[side]->codes, r[side] * plan->k + from + i, num_code_width(in[side].elem.bits));
        if (in[side].block)
            scale[side] = m[side]->inner +
                          r[side] * ((plan->k + (size_t)in[side].block - 1) / (size_t)in[side].block) +
                          from / (size_t)in[side].block;
    }
    const rg_dot dot = {width, codes, codes + plan->block, scale[0], scale[1], 0};
    const uint32_t bits = rg_dot_walk(plan->datapath, RG_DOT_FP32, &dot);
    float part;
    memcpy(&part, &bits, sizeof part);
    return part;
}

float dot_walk_one(const dot_plan *plan, const dot_matrix *x, const dot_matrix *w, size_t row,
                   size_t column) {
    uint32_t codes[2 * RG_DOT_MAX_K];
    float y = 0;
    for (size_t b = 0; b < plan->n_blocks; b++)
        y = fold(plan, x, w, row, column, b, y, walk_block(plan, x, w, row, column, b, codes));
    return y;
}

void dot_gemm_walk(const dot_plan *plan, int threads, const dot_matrix *x, const dot_matrix *w, float *y) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
    for (size_t i = 0; i < x->rows * w->rows; i++) y[i] = dot_walk_one(plan, x, w, i / w->rows, i % w->rows);
}

/* The partial sums of block b, [rows][lanes]: runs between promotions from zero, added in fp32. */
static void block_sums(const dot_plan *plan, const dot_matrix *x, const dot_matrix *w, size_t row,
                       size_t rows, size_t column, size_t b, float *part, int32_t *largest) {
    const size_t n = (size_t)plan->datapath->n, lanes = plan->kernels->tile_dot,
                 width = plan->n_blocks * plan->padded;
    const size_t from = b * plan->block, real = plan->k - from < plan->block ? plan->k - from : plan->block;
    const size_t steps = (real + n - 1) / n;
    const int32_t *xs = x->packed + row * width + b * plan->padded;
    const int32_t *panel = w->packed + column * width + b * plan->padded * lanes;
    const bool promoted = plan->run < steps || plan->datapath->promote || plan->datapath->shape.c_after;
    float state[TILE_ROWS * WIDEST];
    memset(part, 0, rows * lanes * sizeof *part);
    for (size_t s = 0; s < steps; s += plan->run) {
        const size_t count = steps - s < plan->run ? steps - s : plan->run;
        memset(state, 0, rows * lanes * sizeof *state);
        plan->kernels->dot(&plan->steps, rows, count, xs + s * n, x->rows * width, width,
                           panel + s * n * lanes, state, largest);
        for (size_t i = 0; i < rows * lanes; i++) part[i] = promoted ? part[i] + state[i] : state[i];
    }
}

static void tile(const dot_plan *plan, const dot_matrix *x, const dot_matrix *w, size_t row, size_t rows,
                 size_t column, float *y) {
    const size_t lanes = plan->kernels->tile_dot,
                 columns = w->rows - column < lanes ? w->rows - column : lanes;
    float part[TILE_ROWS * WIDEST];
    int32_t largest[TILE_ROWS * WIDEST] = {0};
    for (size_t b = 0; b < plan->n_blocks; b++) {
        block_sums(plan, x, w, row, rows, column, b, part, largest);
        for (size_t r = 0; r < rows; r++)
            for (size_t j = 0; j < columns; j++) {
                float *out = &y[(row + r) * w->rows + column + j];
                *out = fold(plan, x, w, row + r, column + j, b, *out, part[r * lanes + j]);
            }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < columns; j++)
            if (x->special[row + r] || w->special[column + j] || largest[r * lanes + j] >= RG_DOT_OVERFLOW)
                y[(row + r) * w->rows + column + j] = dot_walk_one(plan, x, w, row + r, column + j);
}

void dot_gemm(const dot_plan *plan, int threads, const dot_matrix *x, const dot_matrix *w, float *y) {
    if (!plan->fast) {
        dot_gemm_walk(plan, threads, x, w, y);
        return;
    }
    const size_t lanes = plan->kernels->tile_dot;
    const size_t down = (x->rows + TILE_ROWS - 1) / TILE_ROWS, across = (w->rows + lanes - 1) / lanes;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t t = 0; t < down * across; t++) {
        const size_t row = t % down * TILE_ROWS, rows = x->rows - row < TILE_ROWS ? x->rows - row : TILE_ROWS;
        tile(plan, x, w, row, rows, t / down * lanes, y);
    }
}
