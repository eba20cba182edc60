/* Fast casts: a format and cast worked out to constants (the plan), and the table of kernels that follow it.
   The definition is src/num; every kernel gives its bits. Kernels allocate nothing, cannot fail and do not
   check their arguments. */
#ifndef RIDGE_KERNELS_CAST_H
#define RIDGE_KERNELS_CAST_H

#include "ridge/num.h"

/* rg_cast_plan.kind: a rounding of rg_rounding, or this one: to nearest even of what saturates, by adding and
   subtracting a power of two; or SRA in the same way. */
enum { RG_CAST_ADD = RG_N_ROUNDINGS, RG_CAST_DRAW };

/* Index 1 of a pair is for negative inputs. `field`s are those of fp32. An integer of b bits is a float with
   23 bits of mantissa whose least normal is 2^23, so that the last place counts ones. */
typedef struct rg_cast_plan {
    int kind;
    int width;                    /* bytes of a code: 1, 2, 4 */
    int code_bits;                /* sign included */
    int padding;                  /* zero bits below the fields */
    int mantissa_bits;            /* of the last place: 0 to 23 */
    int add_mantissa, add_lowest; /* ADD and DRAW: the same, with an integer's own bits */
    int lowest;                   /* exponent field of the least normal; no subnormals: of the least number */
    int max_code;                 /* without sign and padding */
    int max_field;                /* exponent field of the largest number */
    float max;                    /* value, where has_values */
    float unit;                   /* value of code 1, where it is subnormal */
    bool has_values; /* every number of the format is a normal fp32, or lowest == 1: qdq may be called */
    bool integer, is_signed;
    bool fp32;      /* the identity */
    bool powers;    /* no subnormals and no zero */
    bool clamp;     /* what is beyond the largest becomes the largest, infinity too */
    bool plus;      /* zero has no sign */
    bool flush;     /* results below the least normal become zero */
    bool coarse;    /* rounded to zero or the least normal there */
    bool normalize; /* subnormals of fp32 are shifted up first */
    bool special;   /* one of the next three */
    bool special_inf, special_zero, special_negative;
    rg_via via;
    uint32_t over_code[2], inf_code[2], nan_code[2], zero_code, negative_code;
    float over_value[2], inf_value[2], nan_value[2], zero_value, negative_value;
    int random_bits;
    uint64_t seed, stream;
} rg_cast_plan;

/* False where no kernel knows the format or the cast: the definition has to do it. */
bool rg_cast_plan_make(rg_cast_plan *plan, const rg_elem *elem, const rg_cast *cast);

/* How a block gets its scale. */
typedef struct rg_block_plan {
    rg_cast_plan elem;
    size_t block;
    bool power_of_two; /* exponent from that of amax by `base` and `threshold`; else amax / max, rounded */
    int base[2];       /* exponent of the scale less that of amax; index: parity of amax's exponent */
    uint32_t threshold[2]; /* one more where the 24-bit significand of amax reaches this */
    int unit;              /* mx integers: the scale's exponent is this much higher */
    rg_cast_plan scale;    /* other scales, to nearest even */
    float max;             /* of elements */
    bool tensor_scale, four_over_six;
} rg_block_plan;

/* Whether elements are divided by scales that depend on numbers alone: no option of a library's own. */
bool rg_scale_is_plain(const rg_quant *q);
/* The same for a format whose scale spans blocks of one row. */
bool rg_block_plan_make(rg_block_plan *plan, const rg_quant *q);

typedef struct rg_cast_kernels {
    /* Code of x[i], number first + i, into codes[i] of plan->width bytes. */
    void (*encode)(const rg_cast_plan *plan, size_t n, const float *x, uint64_t first, void *codes);
    /* y = value(code(x / scale)) scale, each step in fp32; scale 0 takes x / 0 for a zero with x's sign, NaN
       for NaN. y may be x, unless `stream`, which writes past the caches. */
    void (*qdq)(const rg_cast_plan *plan, size_t n, const float *x, float scale, uint64_t first, bool stream,
                float *y);
    /* The same in blocks of plan->block elements from x on, the last one possibly shorter, each with its own
       scale under `tensor` (1: none). */
    void (*blocks)(const rg_block_plan *plan, size_t n, const float *x, float tensor, uint64_t first,
                   bool stream, float *y);
    /* The same as integers, elements q[i] unit: of blocks, with scale[] = the block's times unit (one fp32
       operation), and of elements under one scale. Elements must all be such: num/integer_dot.h. */
    void (*integers)(const rg_block_plan *plan, float unit, size_t n, const float *x, float tensor,
                     uint64_t first, int8_t *q, float *scale);
    void (*integers_flat)(const rg_cast_plan *plan, float unit, size_t n, const float *x, float scale,
                          uint64_t first, int8_t *q);
    /* Largest finite |x|; 0 when there is none. */
    float (*amax)(size_t n, const float *x);
} rg_cast_kernels;

#if defined(__x86_64__)
extern const rg_cast_kernels rg_cast_avx2, rg_cast_avx512;
#endif
extern const rg_cast_kernels rg_cast_scalar;

#endif
