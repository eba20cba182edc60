/* Inside the differ: pairs of behaviours, differences sorted into kinds, inputs. */
#ifndef RIDGE_NUM_DIFF_H
#define RIDGE_NUM_DIFF_H

#include "num/scale.h"
#include "ridge/diff.h"

/* Where an input lies; of scaled formats, where it lies after scaling. */
typedef enum diff_kind {
    DIFF_NAN,
    DIFF_INFINITY,
    DIFF_ZERO,
    DIFF_NEGATIVE,  /* in a format without a sign */
    DIFF_OVERFLOW,  /* above the largest number of A or B */
    DIFF_SUBNORMAL, /* below the least normal number, of which A and B think differently */
    DIFF_TIE,       /* half way between the two results */
    DIFF_BESIDE,    /* so near to that that rounding twice may land there */
    DIFF_BETWEEN,   /* elsewhere between the two results */
    DIFF_OTHER,     /* not between the two results */
    DIFF_SPECIAL,   /* blocks that hold NaN or infinity */
    DIFF_SCALE,     /* blocks whose scales differ */
    DIFF_LEAST,     /* the same, one at the least normal number below which the other goes on */
    DIFF_END,       /* blocks whose scale is the least or the largest that can be stored */
    DIFF_KINDS
} diff_kind;
_Static_assert(DIFF_KINDS <= RG_DIFF_CLASSES + 1, "of_kind holds all but one");

typedef struct diff_side {
    uint32_t code;
    double value;
} diff_side;

typedef struct diff_range {
    double least, most;
} diff_range;

/* All differences of a kind. */
typedef struct diff_class {
    uint64_t count;
    diff_range magnitude; /* of x */
    diff_range share;     /* TIE to BETWEEN: of the gap, where x lies in it */
    uint64_t a_beyond;    /* |a| > |b|; SCALE: the scale of A is larger */
    uint64_t n_even[2];
    int n_output[2]; /* different results, up to 3 */
    diff_side output[2][2];
    diff_range ratio, fraction; /* SCALE: of the scales, larger by smaller; amax by the power of two below */
} diff_class;

typedef struct diff_tally {
    diff_class kind[DIFF_KINDS];
    uint64_t n_differences, n_positive, n_equated;
    bool found;
    rg_diff_point first, smallest;
    double largest_relative;
} diff_tally;

typedef struct diff_pair {
    const rg_quant *q[2];
    bool by_value;
    uint32_t n_codes, n_other_codes; /* codes in all, and those that stand for different numbers */
    double max[2], normal[2];        /* of elements; the second value where there is no zero; 0: none */
} diff_pair;

diff_pair diff_pair_make(const rg_quant *a, const rg_quant *b);
/* Whether two results of an input count as different; *equated: infinity against NaN. */
bool diff_differs(const diff_pair *p, float x, diff_side a, diff_side b, bool *equated);

/* The inputs first to last, all of one sign, that have the results a and b: elements of plain formats or of
   blocks after scaling. */
diff_kind diff_classify(const diff_pair *p, float first, float last, diff_side a, diff_side b);
void diff_note(diff_class *c, const diff_pair *p, diff_kind kind, float first, float last, diff_side a,
               diff_side b, uint64_t count);
void diff_point_note(diff_tally *t, rg_diff_point point, uint64_t count);
void diff_merge(diff_tally *into, const diff_tally *from);
diff_range diff_range_add(diff_range r, double x, bool empty);

/* Fills cause and of_kind from the tally. */
void diff_explain(const diff_pair *p, const diff_tally *t, rg_diff_result *out);

/* Plain formats. */
void diff_casts(const diff_pair *p, bool enumerate, rg_diff_result *out);

/* Values of the input, `rows` x `cols`; whole blocks of `q`'s format. */
typedef struct diff_shape {
    size_t rows, cols;
    bool per_row; /* scales that span a tensor span a row */
} diff_shape;
diff_shape diff_input_shape(const rg_quant *q, rg_diff_input input, size_t n_values);
void diff_input_row(const rg_quant *q, rg_diff_input input, uint64_t seed, size_t row, size_t cols, float *x);

rg_status diff_blocks(const diff_pair *p, const rg_diff_options *options, rg_diff_result *out, rg_error *err);

#endif
