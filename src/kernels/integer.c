/* Products of integers on several threads: operands encoded row by row, blocks of outputs a task. */
#include "kernels/integer.h"

#include <omp.h>
#include <string.h>

#include "num/scale.h"

enum { TASK_M = 96, TASK_PANELS = 16, ALIGN = 64 };

static size_t parts(size_t n, size_t size) {
    return (n + size - 1) / size;
}

/* ---- plans ----------------------------------------------------------------------------------------------
 */

const rg_integer_kernels *rg_integer_kernels_of(const rg_kernels *kernels) {
#if defined(__x86_64__)
    if (strcmp(kernels->name, "avx512") == 0 && __builtin_cpu_supports("avx512vnni") &&
        __builtin_cpu_supports("avx512bw"))
        return &rg_integer_vnni;
    if (strcmp(kernels->name, "scalar") != 0) return &rg_integer_avx2;
#endif
    (void)kernels;
    return &rg_integer_scalar;
}

static bool side_make(integer_side *s, const rg_quant *q, size_t k) {
    const rg_format *f = &q->format;
    s->quant = *q;
    s->by = INTEGER_SLOW;
    if (!num_integer_form_of(&s->form, q, k)) return false;
    if (f->span == RG_SPAN_BLOCK) {
        if (rg_block_plan_make(&s->block, q)) s->by = INTEGER_BLOCKS;
    } else if (rg_scale_is_plain(q) && rg_cast_plan_make(&s->elem, &f->elem, &q->cast) &&
               s->elem.has_values) {
        s->by = INTEGER_FLAT;
    }
    return true;
}

static void set_shape(integer_shape *s, size_t k, size_t block, size_t tile_n) {
    s->n_blocks = parts(k, block);
    s->groups = parts(block, 4);
    s->last_groups = parts(k - (s->n_blocks - 1) * block, 4);
    const size_t groups = (s->n_blocks - 1) * s->groups + s->last_groups;
    s->row_bytes = 4 * groups + 8 * s->n_blocks;
    s->panel_bytes = 4 * tile_n * (groups + s->n_blocks);
}

bool integer_plan_make(integer_plan *out, const rg_kernels *kernels, const rg_quant *x, const rg_quant *w,
                       size_t k) {
    integer_plan p = {.cast = kernels->cast, .run = rg_integer_kernels_of(kernels), .k = k};
    if (!x || !w || !k || !side_make(&p.side[0], x, k) || !side_make(&p.side[1], w, k)) return false;
    p.block = num_integer_block(&p.side[0].form, &p.side[1].form, k);
    if (!p.block) return false;
    set_shape(&p.shape, k, p.block, p.run->tile_n);
    *out = p;
    return true;
}

static bool same_side(const integer_plan *a, const integer_plan *b, int side) {
    return a->k == b->k && a->block == b->block && rg_quant_equal(&a->side[side].quant, &b->side[side].quant);
}
bool integer_same_panels(const integer_plan *a, const integer_plan *b) {
    return same_side(a, b, 1);
}
bool integer_same_rows(const integer_plan *a, const integer_plan *b) {
    return same_side(a, b, 0);
}

size_t integer_rows_bytes(const integer_plan *p, size_t m) {
    return m * p->shape.row_bytes;
}
size_t integer_panels_bytes(const integer_plan *p, size_t n) {
    return parts(n, p->run->tile_n) * p->shape.panel_bytes;
}

/* ---- rows as integers ------------------------------------------------------------------------------------
 */

/* Working memory of a number of rows: integers, then scales. */
typedef struct split_rows {
    int8_t *q;
    float *scale;
    size_t n_scales; /* of a row */
} split_rows;

static size_t split_bytes(const integer_plan *p, int side, size_t rows) {
    const size_t q = parts(rows * p->k, ALIGN) * ALIGN;
    return parts(q + rows * parts(p->k, p->side[side].form.span) * sizeof(float), ALIGN) * ALIGN;
}
static split_rows split_at(const integer_plan *p, int side, size_t rows, void *work) {
    const size_t q = parts(rows * p->k, ALIGN) * ALIGN;
    return (split_rows){work, (float *)(void *)((uint8_t *)work + q), parts(p->k, p->side[side].form.span)};
}
size_t integer_work_bytes(const integer_plan *p, int threads, size_t n) {
    const size_t x = split_bytes(p, 0, 1) * (size_t)threads, w = split_bytes(p, 1, n);
    return x > w ? x : w;
}

/* One row under a tensor scale, or (FLAT) under the scale of its elements. */
static void split_row(const integer_plan *p, int side, const float *x, float above, uint64_t first, int8_t *q,
                      float *scale) {
    const integer_side *s = &p->side[side];
    if (s->by == INTEGER_BLOCKS) {
        p->cast->integers(&s->block, s->form.unit, p->k, x, above, first, q, scale);
    } else {
        p->cast->integers_flat(&s->elem, s->form.unit, p->k, x, above, first, q);
        *scale = above * s->form.unit;
    }
}

/* What lies above the blocks or, without blocks, the elements whose largest magnitude is amax. */
static float scale_above(const integer_side *s, float amax) {
    const rg_format *f = &s->quant.format;
    const num_group group = {.x = &amax, .rows = 1, .cols = 1, .stride = 1};
    if (s->by == INTEGER_BLOCKS) return f->tensor_scale ? num_tensor_scale(&s->quant, amax) : 1;
    return f->span == RG_SPAN_NONE ? 1 : num_scale_choose(&s->quant, &group, 1).value;
}

static bool needs_amax(const integer_side *s) {
    return s->by == INTEGER_BLOCKS ? s->quant.format.tensor_scale : s->quant.format.span != RG_SPAN_NONE;
}

void integer_encode(const integer_plan *p, int threads, const float *x, size_t m, uint64_t first, void *work,
                    uint8_t *rows) {
    const integer_side *s = &p->side[0];
    const size_t each = split_bytes(p, 0, 1), k = p->k;
#pragma omp parallel for num_threads(threads) schedule(static) if (m * k > 1 << 14)
    for (size_t r = 0; r < m; r++) {
        const split_rows mine = split_at(p, 0, 1, (uint8_t *)work + each * (size_t)omp_get_thread_num());
        const float *row = x + r * k;
        if (s->by == INTEGER_SLOW)
            num_integer_split(&s->quant, &s->form, row, 1, k, true, first + r * k, mine.q, mine.scale);
        else
            split_row(p, 0, row, scale_above(s, needs_amax(s) ? p->cast->amax(k, row) : 0), first + r * k,
                      mine.q, mine.scale);
        p->run->lay_row(k, p->block, mine.q, mine.scale, s->form.span, rows + r * p->shape.row_bytes);
    }
}

/* ---- panels ---------------------------------------------------------------------------------------------
 */

static float matrix_amax(const integer_plan *p, int threads, const float *w, size_t n) {
    float largest = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(max                                 \
                                                                         : largest) if (n * p->k > 1 << 16)
    for (size_t r = 0; r < n; r++) {
        const float here = p->cast->amax(p->k, w + r * p->k);
        if (here > largest) largest = here;
    }
    return largest;
}

static void split_matrix(const integer_plan *p, int threads, const float *w, size_t n,
                         const split_rows *out) {
    const integer_side *s = &p->side[1];
    const size_t k = p->k;
    const rg_format *f = &s->quant.format;
    const bool spans_rows = f->tensor_scale || f->span == RG_SPAN_TENSOR;
    if (s->by == INTEGER_SLOW) {
        num_integer_split(&s->quant, &s->form, w, n, k, false, 0, out->q, out->scale);
        return;
    }
    const float whole = scale_above(s, spans_rows ? matrix_amax(p, threads, w, n) : 0);
#pragma omp parallel for num_threads(threads) schedule(static) if (n * k > 1 << 14)
    for (size_t r = 0; r < n; r++) {
        const float *row = w + r * k;
        const float above = spans_rows || !needs_amax(s) ? whole : scale_above(s, p->cast->amax(k, row));
        split_row(p, 1, row, above, r * k, out->q + r * k, out->scale + r * out->n_scales);
    }
}

/* Column j of a panel. */
static void pack_column(const integer_plan *p, const int8_t *q, const float *scale, size_t j,
                        uint8_t *panel) {
    const size_t tile_n = p->run->tile_n, k = p->k;
    const uint32_t bias = p->run->biased ? 0x80808080u : 0;
    for (size_t from = 0; from < k; from += p->block) {
        const size_t width = k - from < p->block ? k - from : p->block;
        for (size_t i = 0; i < width; i += 4, panel += 4 * tile_n) {
            uint32_t four = 0;
            memcpy(&four, q + from + i, width - i < 4 ? width - i : 4);
            four ^= bias;
            memcpy(panel + 4 * j, &four, sizeof four);
        }
        memcpy(panel + 4 * j, &scale[from / p->side[1].form.span], sizeof *scale);
        panel += 4 * tile_n;
    }
}

void integer_pack(const integer_plan *p, int threads, const float *w, size_t n, void *work, uint8_t *panels) {
    const split_rows split = split_at(p, 1, n, work);
    const size_t tile_n = p->run->tile_n;
    split_matrix(p, threads, w, n, &split);
#pragma omp parallel for num_threads(threads) schedule(static) if (n * p->k > 1 << 14)
    for (size_t n0 = 0; n0 < n; n0 += tile_n) {
        uint8_t *panel = panels + n0 / tile_n * p->shape.panel_bytes;
        if (n - n0 < tile_n) memset(panel, 0, p->shape.panel_bytes);
        for (size_t j = 0; j < tile_n && n0 + j < n; j++)
            pack_column(p, split.q + (n0 + j) * p->k, split.scale + (n0 + j) * split.n_scales, j, panel);
    }
}

/* ---- products -------------------------------------------------------------------------------------------
 */

void integer_gemm(const integer_plan *p, int threads, size_t m, size_t n, const uint8_t *rows,
                  const uint8_t *panels, float *y) {
    const size_t task_n = TASK_PANELS * p->run->tile_n;
    const size_t tasks_n = parts(n, task_n), tasks_m = parts(m, TASK_M);
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (tasks_n * tasks_m > 1)
    for (size_t t = 0; t < tasks_n * tasks_m; t++) {
        const size_t n0 = t / tasks_m * task_n, m0 = t % tasks_m * TASK_M;
        const size_t width = n - n0 < task_n ? n - n0 : task_n, height = m - m0 < TASK_M ? m - m0 : TASK_M;
        p->run->multiply(&p->shape, height, width, rows + m0 * p->shape.row_bytes,
                         panels + n0 / p->run->tile_n * p->shape.panel_bytes, y + m0 * n + n0, n);
    }
}
