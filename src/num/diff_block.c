/* Formats with scales: both behaviours on the same blocks, compared element by element. */
#include <stdlib.h>

#include "num/diff.h"
#include "num/pack.h"

enum { SHRINKS = 32 };

/* One behaviour on the input. */
typedef struct stored {
    uint8_t *codes, *scales;
    float *y;
    int code_width, scale_width;
    const uint8_t *first_scale; /* after those of tensors */
    const float *tensor;        /* of tensors, or NULL */
} stored;

typedef struct work {
    const diff_pair *p;
    diff_shape shape;
    bool same_blocks; /* both store one scale for the same elements */
    size_t block;
    size_t ties; /* not 0: of so many values the first only sets the scale, and is not compared */
    float *x;
    stored side[2];
    diff_tally tally;
    rg_diff_result *out;
    size_t shrunk[SHRINKS]; /* rows of the first differences */
    int n_shrunk;
} work;

static bool run_side(stored *s, const rg_quant *q, const float *x, diff_shape shape) {
    const rg_stored_size size = rg_format_stored_size(&q->format, shape.rows, shape.cols, shape.per_row);
    s->codes = malloc(size.code_bytes + 1);
    s->scales = malloc(size.scale_bytes + 1);
    s->y = malloc(shape.rows * shape.cols * sizeof *s->y + 1);
    if (!s->codes || !s->scales || !s->y) return false;
    rg_encode(q, x, s->codes, s->scales, shape.rows, shape.cols, shape.per_row, NULL);
    rg_decode(&q->format, s->codes, s->scales, s->y, shape.rows, shape.cols, shape.per_row);
    s->code_width = num_code_width(q->format.elem.bits);
    s->scale_width = num_code_width(q->format.scale.bits);
    const size_t n_tensors = !q->format.tensor_scale ? 0 : shape.per_row ? shape.rows : 1;
    s->tensor = n_tensors ? (const float *)(void *)s->scales : NULL;
    s->first_scale = s->scales + n_tensors * sizeof(float);
    return true;
}

static void side_close(stored *s) {
    free(s->codes);
    free(s->scales);
    free(s->y);
}

static bool same_float(float a, float b) {
    return (isnan(a) && isnan(b)) || elem_bits_of(a) == elem_bits_of(b);
}

/* The same stored codes, or the same value: tensor scales may differ in their last place, which is told apart
   from differences of elements. */
static bool same_element(const work *w, size_t i, bool same_scale) {
    const stored *a = &w->side[0], *b = &w->side[1];
    if (same_scale && !w->p->by_value &&
        num_code_at(a->codes, i, a->code_width) == num_code_at(b->codes, i, b->code_width))
        return true;
    return same_float(a->y[i], b->y[i]);
}

/* ---- one block ---------------------------------------------------------------------------------------- */

typedef struct block_view {
    size_t at, n; /* elements */
    uint32_t scale_code[2];
    double scale[2]; /* of an element's unit, tensor scale included */
    float amax;
    bool special;
} block_view;

static block_view view(const work *w, size_t row, size_t first) {
    block_view v = {.at = row * w->shape.cols + first, .n = w->block};
    for (size_t i = v.at; i < v.at + v.n; i++) {
        if (!isfinite(w->x[i])) v.special = true;
        if (isfinite(w->x[i])) v.amax = fmaxf(v.amax, fabsf(w->x[i]));
    }
    for (int k = 0; k < 2 && w->same_blocks; k++) {
        const stored *s = &w->side[k];
        const rg_format *f = &w->p->q[k]->format;
        const size_t index = row * (w->shape.cols / w->block) + first / w->block;
        v.scale_code[k] = num_code_at(s->first_scale, index, s->scale_width);
        const float tensor = s->tensor ? s->tensor[w->shape.per_row ? row : 0] : 1;
        v.scale[k] = (double)num_scale_read(f, v.scale_code[k], 0, tensor).value;
    }
    return v;
}

/* One scale is at the least normal number of its format, below which the other goes on. */
static bool is_least(const work *w, const block_view *v) {
    const rg_elem *e = &w->p->q[0]->format.scale;
    const uint32_t normal = 1u << e->mantissa_bits;
    const uint32_t *c = v->scale_code;
    return e->has_subnormals && w->p->q[0]->cast.least != w->p->q[1]->cast.least &&
           (c[0] > c[1] ? c[0] : c[1]) == normal;
}

/* Differences of a block whose scales differ. */
static void note_scales(const block_view *v, diff_class *c) {
    const bool empty = c->count == 0;
    const double ratio = v->scale[0] / v->scale[1];
    const int exponent = v->amax > 0 ? ilogb((double)v->amax) : 0;
    if (isfinite(ratio) && ratio > 0)
        c->ratio = diff_range_add(c->ratio, fmax(ratio, 1 / ratio), empty || c->ratio.least == 0);
    c->fraction = diff_range_add(c->fraction, ldexp((double)v->amax, -exponent), empty);
    if (v->scale[0] > v->scale[1]) c->a_beyond++;
    c->magnitude = diff_range_add(c->magnitude, (double)v->amax, empty);
    c->count++;
}

static bool at_end(const work *w, const block_view *v) {
    return w->p->q[0]->format.power_of_two_scale && (v->scale_code[0] == 0 || v->scale_code[0] >= 254);
}

/* An element of two blocks with the same scale: where it lies after scaling. */
static void note_element(work *w, const block_view *v, size_t i) {
    const diff_pair *p = w->p;
    diff_side side[2];
    for (int k = 0; k < 2; k++) {
        side[k].code = num_code_at(w->side[k].codes, i, w->side[k].code_width);
        side[k].value = rg_elem_decode_double(&p->q[k]->format.elem, side[k].code);
    }
    const float x = v->scale[0] != 0 ? (float)((double)w->x[i] / v->scale[0]) : w->x[i];
    diff_kind kind = diff_classify(p, x, x, side[0], side[1]);
    if (kind == DIFF_OTHER && at_end(w, v)) kind = DIFF_END;
    if (kind == DIFF_END || v->special) {
        for (int k = 0; k < 2; k++) side[k].value = (double)w->side[k].y[i];
        if (v->special) kind = DIFF_SPECIAL;
    }
    const float shown = kind == DIFF_END || kind == DIFF_SPECIAL ? w->x[i] : x;
    diff_note(&w->tally.kind[kind], p, kind, shown, shown, side[0], side[1], 1);
}

static bool compare_block(work *w, size_t row, size_t first) {
    const block_view v = view(w, row, first);
    const bool scales_differ = w->same_blocks && v.scale_code[0] != v.scale_code[1];
    bool any = false;
    w->out->n_scale_differences += scales_differ;
    for (size_t i = v.at; i < v.at + v.n; i++) {
        uint32_t code[2];
        if (w->ties && i % w->ties == 0) continue;
        for (int k = 0; k < 2; k++) code[k] = num_code_at(w->side[k].codes, i, w->side[k].code_width);
        w->out->n_code_differences += code[0] != code[1];
        const float a = w->side[0].y[i], b = w->side[1].y[i];
        if (same_element(w, i, w->same_blocks && !scales_differ)) continue;
        diff_point_note(&w->tally, (rg_diff_point){w->x[i], code[0], code[1], (double)a, (double)b}, 1);
        if (!scales_differ || v.special) note_element(w, &v, i);
        any = true;
    }
    if (scales_differ && any && !v.special)
        note_scales(&v, &w->tally.kind[is_least(w, &v) ? DIFF_LEAST : DIFF_SCALE]);
    return any;
}

static void compare_rows(work *w) {
    for (size_t row = 0; row < w->shape.rows; row++) {
        bool any = false;
        for (size_t first = 0; first < w->shape.cols; first += w->block)
            any = compare_block(w, row, first) || any;
        if (any && w->n_shrunk < SHRINKS) w->shrunk[w->n_shrunk++] = row;
    }
}

/* ---- witnesses ------------------------------------------------------------------------------------------
 */

/* Runs one row and returns whether the results differ; *point: on the first difference. */
static bool row_differs(const work *like, const float *x, size_t cols, rg_diff_point *point) {
    work w = {.p = like->p, .shape = {1, cols, true}, .same_blocks = like->same_blocks, .x = (float *)x};
    const bool blocks = like->p->q[0]->format.span == RG_SPAN_BLOCK && like->same_blocks;
    bool differs = false;
    w.block = blocks ? like->block : cols;
    const bool good =
        run_side(&w.side[0], w.p->q[0], x, w.shape) && run_side(&w.side[1], w.p->q[1], x, w.shape);
    for (size_t first = 0; good && !differs && first < cols; first += w.block) {
        const block_view v = view(&w, 0, first);
        for (size_t i = first; !differs && i < first + w.block; i++) {
            differs = !same_element(&w, i, w.same_blocks && v.scale_code[0] == v.scale_code[1]);
            if (!differs) continue;
            *point = (rg_diff_point){.x = x[i],
                                     .a_code = num_code_at(w.side[0].codes, i, w.side[0].code_width),
                                     .b_code = num_code_at(w.side[1].codes, i, w.side[1].code_width),
                                     .a_value = (double)w.side[0].y[i],
                                     .b_value = (double)w.side[1].y[i]};
        }
    }
    side_close(&w.side[0]);
    side_close(&w.side[1]);
    return differs;
}

/* Leaves out values, many and then few at a time, while the difference stays. Returns how many are left, 0
   when there is no difference. */
static int shrink(const work *w, float *x, size_t cols, rg_diff_point *point) {
    int left = 0;
    float *kept = malloc(cols * sizeof *kept);
    if (!kept || !row_differs(w, x, cols, point)) cols = 0;
    for (size_t size = cols / 2; size > 0; size /= 2)
        for (size_t at = 0; at + size <= cols; at += size) {
            rg_diff_point next;
            bool any = false;
            for (size_t i = at; i < at + size; i++) any = any || elem_bits_of(x[i]) != 0;
            if (!any) continue;
            memcpy(kept, x + at, size * sizeof *x);
            memset(x + at, 0, size * sizeof *x);
            if (row_differs(w, x, cols, &next))
                *point = next;
            else
                memcpy(x + at, kept, size * sizeof *x);
        }
    for (size_t i = 0; i < cols; i++) left += elem_bits_of(x[i]) != 0;
    free(kept);
    return left;
}

/* Moves the values of each block to its front, where the difference stays. */
static void to_front(const work *w, float *x, size_t cols, rg_diff_point *point) {
    const size_t block = w->same_blocks ? w->block : cols;
    float *packed = calloc(cols, sizeof *packed);
    rg_diff_point next;
    if (!packed) return;
    for (size_t i = 0, at = 0; i < cols; i++) {
        if (i % block == 0) at = i;
        if (elem_bits_of(x[i]) != 0) packed[at++] = x[i];
    }
    if (row_differs(w, packed, cols, &next)) {
        *point = next;
        memcpy(x, packed, cols * sizeof *x);
    }
    free(packed);
}

static void fill(rg_diff_witness *to, rg_diff_point point, const float *x, size_t cols) {
    size_t n = cols;
    while (n > 0 && elem_bits_of(x[n - 1]) == 0) n--;
    *to = (rg_diff_witness){.point = point, .n = n <= RG_DIFF_VALUES ? (int)n : 0};
    for (int i = 0; i < to->n; i++) to->value[i] = x[i];
}

/* A row of its own for the witness: under a tensor scale the tensor's largest value goes before the block. */
static size_t witness_row(const work *w, size_t row, float *to) {
    const size_t cols = w->shape.cols;
    const float *from = w->x + row * cols;
    if (w->shape.per_row || !w->p->q[0]->format.tensor_scale) {
        memcpy(to, from, cols * sizeof *to);
        return cols;
    }
    float amax = 0;
    size_t at = 0;
    for (size_t i = 0; i < w->shape.rows * cols; i++)
        if (isfinite(w->x[i])) amax = fmaxf(amax, fabsf(w->x[i]));
    for (; at + w->block < cols; at += w->block) { /* the first block that differs */
        const block_view v = view(w, row, at);
        bool same = true;
        for (size_t i = v.at; i < v.at + v.n; i++)
            same = same && same_element(w, i, w->same_blocks && v.scale_code[0] == v.scale_code[1]);
        if (!same) break;
    }
    memset(to, 0, 2 * w->block * sizeof *to);
    to[0] = amax;
    memcpy(to + w->block, from + at, w->block * sizeof *to);
    return 2 * w->block;
}

static bool witnesses(work *w) {
    float *x = malloc((2 * w->block + w->shape.cols) * sizeof *x);
    int fewest = 0;
    if (!x) return false;
    for (int i = 0; i < w->n_shrunk; i++) {
        rg_diff_point point;
        const size_t cols = witness_row(w, w->shrunk[i], x);
        if (i == 0 && row_differs(w, x, cols, &point)) fill(&w->out->first, point, x, cols);
        if (i == 0 && !w->out->first.n) w->out->first.point = w->tally.first;
        const int left = shrink(w, x, cols, &point);
        if (left == 0 || (fewest && left >= fewest)) continue;
        fewest = left;
        to_front(w, x, cols, &point);
        fill(&w->out->smallest, point, x, cols);
    }
    if (!fewest) w->out->smallest.point = w->tally.smallest;
    free(x);
    return true;
}

/* ---- all -------------------------------------------------------------------------------------------------
 */

static bool stores_alike(const rg_format *a, const rg_format *b) {
    return a->span == b->span && a->span != RG_SPAN_NONE && a->block == b->block && a->block_rows == 1 &&
           b->block_rows == 1 && a->tensor_scale == b->tensor_scale &&
           a->power_of_two_scale == b->power_of_two_scale && strcmp(a->scale.name, b->scale.name) == 0;
}

static bool run(work *w, const rg_diff_options *options, rg_diff_input input) {
    const rg_quant *of = w->p->q[0]->format.span == RG_SPAN_NONE ? w->p->q[1] : w->p->q[0];
    w->shape = diff_input_shape(of, input, options->n_values);
    if (of->format.span == RG_SPAN_TENSOR && !w->shape.per_row) w->same_blocks = false;
    const size_t n = w->shape.rows * w->shape.cols;
    w->block = w->same_blocks && of->format.span == RG_SPAN_BLOCK ? (size_t)of->format.block : w->shape.cols;
    w->x = malloc(n * sizeof *w->x);
    if (!w->x) return false;
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < w->shape.rows; r++)
        diff_input_row(of, input, options->seed, r, w->shape.cols, w->x + r * w->shape.cols);
    bool good[2];
#pragma omp parallel for schedule(static)
    for (int k = 0; k < 2; k++) good[k] = run_side(&w->side[k], w->p->q[k], w->x, w->shape);
    if (!good[0] || !good[1]) return false;
    if (input == RG_DIFF_TIES)
        w->ties = of->format.span == RG_SPAN_BLOCK ? (size_t)of->format.block : w->shape.cols;
    w->out->n_inputs = w->ties ? n - n / w->ties : n;
    w->out->n_scales = w->same_blocks ? n / w->block : 0;
    compare_rows(w);
    if (w->same_blocks && w->side[0].tensor)
        for (int k = 0; k < 2; k++) w->out->tensor_scale[k] = (double)w->side[k].tensor[0];
    return witnesses(w);
}

rg_status diff_blocks(const diff_pair *p, const rg_diff_options *options, rg_diff_result *out,
                      rg_error *err) {
    const rg_format *a = &p->q[0]->format, *b = &p->q[1]->format;
    work w = {.p = p, .out = out, .same_blocks = stores_alike(a, b)};
    rg_diff_input input = options->input;
    if (input == RG_DIFF_DEFAULT)
        input = a->tensor_scale || b->tensor_scale ? RG_DIFF_HEAVY : RG_DIFF_ADVERSARIAL;
    out->has_scales = true;
    const bool good = run(&w, options, input);
    out->same_blocks = w.same_blocks;
    if (good) {
        out->n_differences = w.tally.n_differences;
        out->n_positive = w.tally.n_positive;
        out->largest_relative = w.tally.largest_relative;
        diff_explain(p, &w.tally, out);
    }
    side_close(&w.side[0]);
    side_close(&w.side[1]);
    free(w.x);
    return good ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for the values to compare");
}
