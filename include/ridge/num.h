/* Number formats, casts, and the exact scalar definition of quantization.

   Three objects that never mix: a format says what bits mean and how they are packed; a cast says how a value
   gets there; "quantized by" text, FORMAT[@ROUNDING[(options)]], joins one of each. */
#ifndef RIDGE_NUM_H
#define RIDGE_NUM_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_elem_kind { RG_ELEM_FLOAT, RG_ELEM_INT } rg_elem_kind;
typedef enum rg_nan_kind {
    RG_NAN_NONE,   /* every code is a number: e2m1 e2m3 e3m2, integers */
    RG_NAN_TOP,    /* all ones in exponent and mantissa, no infinity: e4m3fn */
    RG_NAN_IEEE,   /* top exponent: mantissa 0 infinity, else NaN */
    RG_NAN_ONLY_FF /* e8m0: code 255 */
} rg_nan_kind;

/* One element: sign, exponent and mantissa fields, value (-1)^s 2^(E-bias) (1 + M/2^m), E = 0 subnormal
   2^(1-bias) M/2^m; or a two's complement integer. research: OCP OFP8 v1.0, OCP MX v1.0, IEEE 754. */
typedef struct rg_elem {
    rg_elem_kind kind;
    char name[16];
    int bits;          /* of a code */
    int exponent_bits; /* floats */
    int mantissa_bits; /* floats: trailing significand */
    int bias;
    bool is_signed;
    rg_nan_kind nan;
    bool has_subnormals; /* e8m0 has none and no zero */
} rg_elem;

typedef enum rg_scale_span {
    RG_SPAN_NONE,   /* plain cast */
    RG_SPAN_TENSOR, /* whole matrix for weights, each row (token) for activations and KV */
    RG_SPAN_ROW,
    RG_SPAN_BLOCK /* groups of `block` along the inner dimension; a short tail is a block */
} rg_scale_span;

typedef struct rg_format {
    rg_elem elem;
    rg_scale_span span;
    int block;               /* elements per block, span BLOCK */
    rg_elem scale;           /* format of the stored scale; fp32 for plain float scales */
    bool power_of_two_scale; /* mx: scale chosen from the exponent of amax, not amax / max */
    bool tensor_scale;       /* nvfp4: fp32 scale per tensor above the block scales */
    bool zero_point;         /* int asym */
} rg_format;

typedef enum rg_rounding { RG_RNE } rg_rounding; /* grows with the numerics issue */
typedef enum rg_scale_rule {
    RG_SCALE_FLOOR,
    RG_SCALE_EVEN,
    RG_SCALE_4OVER6,
    RG_SCALE_CEIL,
    RG_SCALE_RCEIL
} rg_scale_rule;
typedef enum rg_saturation { RG_SAT_FINITE } rg_saturation;

typedef struct rg_cast {
    rg_rounding rounding;
    rg_scale_rule scale_rule; /* mx and nvfp4 */
    rg_saturation saturation;
} rg_cast;

typedef struct rg_quant {
    rg_format format;
    rg_cast cast;
} rg_quant;

/* Parses "quantized by" text (INTERFACE section 2); a bare format gets the default cast. RG_ERR_USAGE names
   the part that is wrong and what is known. */
rg_status rg_quant_parse(const char *text, rg_quant *out, rg_error *err);
/* Canonical text: parsing it gives the same object, printing that gives the same text. Returns the length. */
size_t rg_quant_print(const rg_quant *q, char *buf, size_t size);
size_t rg_format_print(const rg_format *format, char *buf, size_t size);
bool rg_quant_equal(const rg_quant *a, const rg_quant *b);
/* fp32: quantization is the identity. */
bool rg_quant_is_identity(const rg_quant *q);

/* Presets, for `num list`: canonical name and one line of description; NULL past the end. */
const char *rg_format_preset(size_t i, const char **summary);

/* ---- one element: exact, RNE, saturating --------------------------------------------------------------- */

/* Code of x. Overflow and infinity give the largest finite value, NaN the NaN code (largest positive value
   where there is none), -0 keeps its sign where the format has one. Integers: clamp(rint(x), +-(2^(bits-1) -
   1)) in two's complement. */
uint32_t rg_elem_encode(const rg_elem *elem, float x);
/* Exact value of a code. */
float rg_elem_decode(const rg_elem *elem, uint32_t code);
double rg_elem_max(const rg_elem *elem);
double rg_elem_min_normal(const rg_elem *elem);
double rg_elem_min_subnormal(const rg_elem *elem);

/* ---- matrices ------------------------------------------------------------------------------------------ */

typedef struct rg_qdq_counts { /* special inputs met; added to, not reset */
    uint64_t n_nan, n_inf, n_overflow;
} rg_qdq_counts;

/* Quantize and dequantize x[rows][cols] into y (may be x itself): the definition against which every fast
   path is tested. `per_row` says what a scale that spans a tensor spans: true one row (activations, KV),
   false the matrix (weights). */
void rg_qdq(const rg_quant *q, const float *x, float *y, size_t rows, size_t cols, bool per_row,
            rg_qdq_counts *counts);

/* Sizes of the stored form of a [rows][cols] matrix: codes (1, 2 or 4 bytes each, not packed), scales of all
   blocks in order, in their own width (1, 2 or 4 bytes), after the fp32 tensor scales (one per span) where
   there are such; and packed size in bits: element bits + scale bits, counted per block emitted. */
typedef struct rg_stored_size {
    size_t code_bytes;
    size_t scale_bytes; /* incl. tensor scales and zero points */
    uint64_t packed_bits;
} rg_stored_size;
rg_stored_size rg_format_stored_size(const rg_format *format, size_t rows, size_t cols, bool per_row);
void rg_encode(const rg_quant *q, const float *x, void *codes, void *scales, size_t rows, size_t cols,
               bool per_row);
void rg_decode(const rg_format *format, const void *codes, const void *scales, float *y, size_t rows,
               size_t cols, bool per_row);

/* Mean bits per stored element of a long row, scales included: mxfp4 4.25, nvfp4 4.5, int4 4.5. */
double rg_format_bits(const rg_format *format, size_t cols);

/* ---- policies: which quantizer each operand of a model gets
 * -------------------------------------------------- */

typedef enum rg_role { RG_ROLE_WEIGHT, RG_ROLE_ACTIVATION, RG_ROLE_KEY, RG_ROLE_VALUE, RG_N_ROLES } rg_role;
typedef struct rg_policy_entry {
    rg_role role;
    char glob[96]; /* empty: every linear operator inside the blocks */
    rg_quant quant;
    bool matched; /* set by rg_policy_lookup */
} rg_policy_entry;
typedef struct rg_policy {
    size_t n;
    rg_policy_entry entry[32]; /* kv= makes two entries, k and v */
    char text[512];            /* canonical text: claims carry it */
} rg_policy;
/* INTERFACE section 2, Policy. "" or "fp32" is the reference: nothing quantized. */
rg_status rg_policy_parse(const char *text, rg_policy *out, rg_error *err);
/* Quantizer of an operand, the last entry that matches; NULL: fp32. `in_block`: the operator is one of the
   repeated blocks (entries without a glob reach only those). A glob matches the whole name or its end after a
   dot. */
const rg_quant *rg_policy_lookup(rg_policy *policy, rg_role role, const char *name, bool in_block);
/* After every operator was looked up: fails for an entry that matched nothing. */
rg_status rg_policy_check(const rg_policy *policy, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
