/* Number formats, casts, and the exact scalar definition of quantization.

   Three objects that never mix: a format says what bits mean and how they are packed; a cast says how a value
   gets there; "quantized by" text, FORMAT[@ROUNDING[(options)]], joins one of each. */
#ifndef RIDGE_NUM_H
#define RIDGE_NUM_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_elem_kind {
    RG_ELEM_FLOAT,  /* sign, exponent and mantissa fields */
    RG_ELEM_INT,    /* two's complement */
    RG_ELEM_ORDERED /* known by its sorted values: posits, takums, logarithms, hif8, code books
                       (rg_elem.family) */
} rg_elem_kind;
typedef enum rg_nan_kind {
    RG_NAN_NONE,      /* every code is a number: e2m1 e2m3 e3m2, integers */
    RG_NAN_TOP,       /* exponent and mantissa all ones; an infinity is one below: e4m3fn, e8m0 */
    RG_NAN_IEEE,      /* exponent all ones: mantissa 0 infinity, else NaN */
    RG_NAN_MINUS_ZERO /* the code of -0, which then does not exist; an infinity is all ones: fnuz, P3109 */
} rg_nan_kind;

/* One element. Floats: sign, exponent and mantissa fields, value (-1)^s 2^(E-bias) (1 + M/2^m), E = 0
   subnormal 2^(1-bias) M/2^m. Where the fields are fewer than the bits of a code (tf32), the low bits are
   zero. Integers: two's complement. Sources: OCP OFP8 v1.0, OCP MX v1.0, IEEE 754, P3109 v4.0. */
typedef struct rg_elem {
    rg_elem_kind kind;
    char name[96];     /* canonical text */
    int bits;          /* of a code, 1 to 32 */
    int exponent_bits; /* floats; posits: es */
    int mantissa_bits; /* floats: trailing significand */
    int bias;
    bool is_signed;
    rg_nan_kind nan;
    bool has_inf;
    bool has_subnormals; /* e8m0 has none and no zero: E = 0 is a power of two like the others */
    uint32_t max_code;   /* floats, integers: code of the largest number, without sign and padding */
    const struct elem_family *family; /* ORDERED */
    int n_book,
        n_sorted; /* code books: number of codes, of different values; values by code; codes by value */
    float book[16];
    uint8_t book_order[16];
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
    int block;               /* elements per block along the inner dimension, span BLOCK */
    int block_rows;          /* rows of a block; 1 but for two-dimensional blocks */
    rg_elem scale;           /* format of the stored scale; fp32 for plain float scales */
    bool power_of_two_scale; /* mx with e8m0: scale chosen from the exponent of amax, not amax / max */
    bool tensor_scale;       /* nvfp4: fp32 scale per tensor above the block scales */
    bool zero_point;         /* int asym */
    int sub_block;           /* elements along a row that share a shift of the block's e8m0 scale; 0: none */
    int shift_bits;          /* bits of a shift: scale 2^-shift */
} rg_format;

/* Where a value lies between two of the format: the nearest, ties to the even code; the nearest, ties away
   from zero; toward zero; up; down; to the odd code; stochastic (P3109 v4.0): with v the distance to the one
   nearer to zero as a share of the gap and R a random integer of N bits, away from zero when
     A floor(v 2^N) + R >= 2^N     B floor(v 2^(N+1)) + 2 R + 1 >= 2^(N+1)     C rne(v 2^N) + R >= 2^N. */
typedef enum rg_rounding {
    RG_RNE,
    RG_RNA,
    RG_RZ,
    RG_RU,
    RG_RD,
    RG_RO,
    RG_SRA,
    RG_SRB,
    RG_SRC,
    RG_N_ROUNDINGS
} rg_rounding;

/* How a block's scale follows from its largest magnitude amax. With M the largest element and e its exponent,
   the exponent of an e8m0 scale is (OCP MX v1.0 6.3; Rouhani et al. 2023; vendors' documentation)
     FLOOR floor(log2 amax) - e; FLOOR1 one more; CEIL ceil(log2 amax) - e; RCEIL ceil(log2(amax / M));
     EVEN FLOOR of amax rounded to the element's mantissa; RNE amax / M to the nearest power of two, ties to
     the even code; LOG round(log2(amax / M)); RZ floor(log2(amax / M)); MSE, MAE the exponent from RCEIL - 2
     to RCEIL + 1 with the least squared or absolute error, of equals the largest; FLOOR32 FLOOR with log2
     amax rounded to fp32, which just below a power of two gives the next integer (microxcaling, Universal).
   Other scales: FLOOR stands for amax / M rounded to the scale's format, RCEIL for the same rounded up;
   4OVER6 (e2m1) also tries amax / 4 and takes it where the squared error is smaller. */
typedef enum rg_scale_rule {
    RG_SCALE_FLOOR, /* the default of every format */
    RG_SCALE_FLOOR1,
    RG_SCALE_CEIL,
    RG_SCALE_RCEIL,
    RG_SCALE_EVEN,
    RG_SCALE_RNE,
    RG_SCALE_LOG,
    RG_SCALE_RZ,
    RG_SCALE_MSE,
    RG_SCALE_MAE,
    RG_SCALE_4OVER6,
    RG_SCALE_FLOOR32,
    RG_SCALE_UNIT, /* float scales without one for the tensor: amax itself, so that the elements lie within
                      -1..1 (P3109 v4.0, ConvertToBlockMaxAbsFinite) */
    RG_N_SCALE_RULES
} rg_scale_rule;

/* What lies beyond the largest value (P3109 v4.0 names; OCP OFP8 v1.0 5.2.2). */
typedef enum rg_saturation {
    RG_SAT_FINITE,    /* the largest finite value, infinity too */
    RG_SAT_PROPAGATE, /* the same, but infinity stays where the format has one */
    RG_SAT_NONE,  /* infinity or the largest finite value as the rounding's direction says; formats without
                     infinity: the largest finite value */
    RG_SAT_OCP,   /* infinity, else NaN, else the largest finite value: the first that the format has */
    RG_SAT_CLAMP, /* numbers as FINITE, infinity as OCP: microxcaling, Universal */
    RG_N_SATURATIONS
} rg_saturation;

/* What NaN becomes. Formats without NaN: the largest positive value unless said otherwise. */
typedef enum rg_nan_policy {
    RG_NAN_CANONICAL,       /* the positive code of all ones (or the only NaN): CUDA */
    RG_NAN_SIGNED,          /* the same with the sign of x */
    RG_NAN_QUIET,           /* exponent ones, mantissa 10..0, sign of x: ml_dtypes */
    RG_NAN_TO_ZERO,         /* +0 */
    RG_NAN_TO_NEGATED_ZERO, /* zero with the sign of x reversed: ml_dtypes to formats without NaN */
    RG_NAN_TO_MAX,          /* the largest positive value */
    RG_N_NAN_POLICIES
} rg_nan_policy;

/* What a zero becomes, and negative numbers in formats without a sign. */
typedef enum rg_zero_policy {
    RG_ZERO_KEEP, /* -0 keeps its sign where the format has it; formats without zero: the least value */
    RG_ZERO_PLUS, /* +0 */
    RG_ZERO_NAN,  /* formats without zero: NaN */
    RG_N_ZERO_POLICIES
} rg_zero_policy;
typedef enum rg_negative_policy {                      /* unsigned formats */
                                  RG_NEGATIVE_DEFAULT, /* 0; NaN under sat=none unless it rounds to 0 (P3109);
                                                          in formats without zero the magnitude (CUDA) */
                                  RG_NEGATIVE_CLAMP,   /* the least value */
                                  RG_NEGATIVE_NAN,
                                  RG_NEGATIVE_MAGNITUDE,
                                  RG_N_NEGATIVE_POLICIES
} rg_negative_policy;
typedef enum rg_subnormal_policy {
    RG_SUBNORMAL_KEEP,
    RG_SUBNORMAL_FLUSH, /* what rounds below the least normal becomes zero */
    RG_SUBNORMAL_ROUND, /* rounded to zero or the least normal: CPFloat without subnormals */
    RG_SUBNORMAL_UP,    /* formats without zero: up between the two least values: e8m0 of ml_dtypes */
    RG_N_SUBNORMAL_POLICIES
} rg_subnormal_policy;
/* What NaN and infinity do to an e8m0 scale of their block. */
typedef enum rg_special_policy {
    RG_SPECIAL_SKIP, /* nothing: the scale is that of the numbers (P3109 v4.0) */
    RG_SPECIAL_NAN,  /* the scale is NaN, and so is the whole block: microxcaling */
    RG_SPECIAL_MAX,  /* NaN nothing, an infinity gives the largest scale: Transformer Engine */
    RG_N_SPECIAL_POLICIES
} rg_special_policy;
/* How an element x meets its scale: s is the block's scale as stored, t the tensor's (1 where there is none).
   Reciprocals are at most the largest finite value. */
typedef enum rg_apply {
    RG_APPLY_DIVIDE,      /* x / (s t) */
    RG_APPLY_RECIPROCAL,  /* x (1 / (s t)) */
    RG_APPLY_RECIPROCAL2, /* x ((1 / t) / s) */
    RG_APPLY_UNCLAMPED,   /* e8m0: x (1 / 2^e) with e as the rule gives it, even where no scale stores it;
                             beyond fp32 the reciprocal is infinite: Universal */
    RG_N_APPLIES
} rg_apply;
/* In which order a float scale is worked out, M the largest element and S the largest block scale. */
typedef enum rg_scale_order {
    RG_ORDER_DIRECT, /* (amax / M) / t, t = tensor's amax / (M S) */
    RG_ORDER_FOLDED, /* amax (g (1 / M)), g = M S / tensor's amax, 1 for an empty tensor, t = 1 / g; without a
                        tensor scale g = 1: Transformer Engine */
    RG_N_ORDERS
} rg_scale_order;
typedef enum rg_least_scale {
    RG_LEAST_ANY,
    RG_LEAST_NORMAL, /* float scales are at least the least normal value of their format: torchao */
    RG_N_LEAST_SCALES
} rg_least_scale;
typedef enum rg_int_range {
    RG_RANGE_SYMMETRIC, /* -(2^(bits-1) - 1) is the least */
    RG_RANGE_FULL,      /* -2^(bits-1) too */
    RG_N_INT_RANGES
} rg_int_range;
typedef enum rg_via { RG_VIA_NONE, RG_VIA_BF16, RG_VIA_FP16, RG_N_VIAS } rg_via; /* rounded twice */

/* All zero: the default cast. */
typedef struct rg_cast {
    rg_rounding rounding; /* of elements; scales are rounded to nearest even */
    int random_bits;      /* N of SRA SRB SRC, 1 to 32 */
    rg_scale_rule scale_rule;
    rg_saturation saturation; /* of elements */
    rg_nan_policy nan;
    rg_zero_policy zero;
    rg_negative_policy negative;
    rg_subnormal_policy subnormal;
    rg_via via; /* first to this format, to nearest even */
    rg_special_policy special;
    rg_apply apply;
    rg_scale_order order;
    rg_least_scale least;
    rg_int_range range;
    uint64_t seed, stream; /* of the random bits */
} rg_cast;

typedef struct rg_quant {
    rg_format format;
    rg_cast cast;
} rg_quant;

/* Parses "quantized by" text (docs/formats.md); a bare format gets the default cast. RG_ERR_USAGE names the
   part that is wrong and what is known. */
rg_status rg_quant_parse(const char *text, rg_quant *out, rg_error *err);
/* Canonical text, at most RG_QUANT_TEXT - 1 characters: parsing it gives the same object, printing that gives
   the same text. Returns the length, as snprintf does. */
enum { RG_QUANT_TEXT = 512 };
size_t rg_quant_print(const rg_quant *q, char *buf, size_t size);
size_t rg_format_print(const rg_format *format, char *buf, size_t size);
bool rg_quant_equal(const rg_quant *a, const rg_quant *b);
/* fp32: quantization is the identity. */
bool rg_quant_is_identity(const rg_quant *q);

/* Presets, for `num list`: canonical name and one line of description; NULL past the end. */
const char *rg_format_preset(size_t i, const char **summary);

/* ---- one element, exact ------------------------------------------------------------------------------ */

/* Code of x by the default cast: nearest-even, saturating: overflow and infinity give the largest finite
   value, NaN the code of all ones (where the format has no NaN, the largest positive value), -0 keeps its
   sign where the format has one. Integers: clamp(rint(x), +-(2^(bits-1) - 1)) in two's complement. e8m0,
   which has neither sign nor zero: |x|, and 2^-127 for what is smaller. fp32: the bits of x. Posits and
   takums: never zero unless x is, never NaR unless x is NaN. */
uint32_t rg_elem_encode(const rg_elem *elem, float x);
/* The same by any cast (its scale rule plays a part for e8m0 alone: scale=log rounds in the logarithm).
   `index` numbers the element for stochastic rounding. */
uint32_t rg_elem_cast(const rg_elem *elem, const rg_cast *cast, float x, uint64_t index);
/* N random bits for element `index` of a cast. With b the least of 8, 16, 32 that holds N, n = 128 / b and
   k = index / 16 mod n: of the Philox block 16 (index / 16n) + index mod 16 (rg_random_u32: word 4 block + w)
   the low N bits of its k-th group of b bits, low groups first. */
uint32_t rg_cast_random(const rg_cast *cast, uint64_t index);
/* Value of a code; bits above `bits` are ignored. Exact where fp32 holds it (all formats but wide posits,
   takums, P3109 of extreme exponents, logarithmic ones, whose value is rounded to nearest). */
float rg_elem_decode(const rg_elem *elem, uint32_t code);
double rg_elem_decode_double(const rg_elem *elem, uint32_t code);
/* The value of a code exactly, beyond the range of double too: value = *significand 2^exponent, significand
   in
   +-[1, 2), or 0, an infinity or NaN (exponent 0). Returns the exponent. Logarithmic formats: to nearest. */
int rg_elem_decode_exact(const rg_elem *elem, uint32_t code, double *significand);
/* What the bits of a code are, in a few words; NULL for floats and integers, whose fields say it. */
const char *rg_elem_layout(const rg_elem *elem);
/* Largest finite value (infinite where double cannot hold it) and its floor(log2); least normal and
 * subnormal. */
double rg_elem_max(const rg_elem *elem);
int rg_elem_max_exponent(const rg_elem *elem);
double rg_elem_min_normal(const rg_elem *elem);
double rg_elem_min_subnormal(const rg_elem *elem); /* 0 where there is none; integers: 1 */

/* ---- matrices ------------------------------------------------------------------------------------------ */

typedef struct rg_qdq_counts { /* special inputs met; added to, not reset */
    uint64_t n_nan, n_inf;
    uint64_t n_overflow; /* finite, but after scaling and rounding beyond the largest element */
} rg_qdq_counts;

/* Quantize and dequantize x[rows][cols] into y: the definition against which every fast path is tested.
   `per_row` says what a scale that spans a tensor spans: true one row (activations, KV), false the matrix
   (weights); with `per_row` no block spans rows. Every step is one fp32 operation, rounded to nearest even:
   - no scale: y = value(code(x))
   - scaled: s = amax / max, rounded to the scale's format; y = value(code(x / s)) s
   - zero point: low = min(0, min x), high = max(0, max x), s = (high - low) / (2^bits - 1) rounded,
     z = clamp(rint(-low / s)); code = clamp(rint(x / s) + z, 0, 2^bits - 1), y = (code - z) s
   - mx: s = 2^e (integers of b bits: 2^(e-b+2), OCP MX v1.0), e by the scale rule, within -127..127
   - shifts of sub-blocks: s 2^-k, k = e less the exponent that the rule gives for the sub-block alone, within
     0..2^bits - 1; a sub-block of zeros: the largest k, unless e is the least
   - tensor scale: t = amax of the tensor / (max of elements * max of scales), block scale c = (amax / max) /
     t rounded, s = c t
   - stochastic: element [r][c] draws bits number r cols + c
   NaN and infinity do not set a scale; then infinity becomes the largest element (cast's saturation), NaN the
   NaN code or the largest element. A group whose scale is zero becomes zeros with the signs of x (NaN stays
   NaN where the element has it). Integers have no -0. x and y are the same array or do not overlap; neither
   is NULL unless rows or cols is 0. `counts` may be NULL. */
void rg_qdq(const rg_quant *q, const float *x, float *y, size_t rows, size_t cols, bool per_row,
            rg_qdq_counts *counts);

/* The same for rows of a larger matrix: element [r][c] has number first + r cols + c, which stochastic
   rounding draws its bits by. */
void rg_qdq_from(const rg_quant *q, const float *x, float *y, size_t rows, size_t cols, bool per_row,
                 uint64_t first, rg_qdq_counts *counts);

/* Sizes of the stored form of a [rows][cols] matrix: codes (1, 2 or 4 bytes each, not packed); scales: the
   fp32 tensor scales (one per span) where there are such, then those of all blocks, rows or tensors in order,
   each in its own width (1, 2 or 4 bytes), then zero points, one byte each, then the shifts of sub-blocks,
   one byte each, block by block and within a block row by row; and packed size in bits: element bits + scale
   bits + zero point bits + shift bits, counted per block and sub-block emitted. */
typedef struct rg_stored_size {
    size_t code_bytes;
    size_t scale_bytes; /* incl. tensor scales, zero points and shifts */
    uint64_t packed_bits;
} rg_stored_size;
rg_stored_size rg_format_stored_size(const rg_format *format, size_t rows, size_t cols, bool per_row);
/* Buffers have the sizes of rg_format_stored_size, in the byte order of this machine, and do not overlap;
   those of size 0 may be NULL. Decoding what was encoded gives the bits of rg_qdq. `scales` may be NULL for
   encoding, when only codes are wanted; `counts` may be NULL. */
void rg_encode(const rg_quant *q, const float *x, void *codes, void *scales, size_t rows, size_t cols,
               bool per_row, rg_qdq_counts *counts);
/* The same for rows of a larger matrix: see rg_qdq_from. */
void rg_encode_from(const rg_quant *q, const float *x, void *codes, void *scales, size_t rows, size_t cols,
                    bool per_row, uint64_t first, rg_qdq_counts *counts);
void rg_decode(const rg_format *format, const void *codes, const void *scales, float *y, size_t rows,
               size_t cols, bool per_row);

/* Codes as rg_encode writes them, joined without gaps: element c of a row takes its bits from bit c
   elem->bits on, the low bits of a byte first; each row begins a byte, what is left of its last is zero.
   `packed` has rows rg_packed_row_bytes bytes. */
size_t rg_packed_row_bytes(const rg_elem *elem, size_t cols);
void rg_pack(const rg_elem *elem, const void *codes, uint8_t *packed, size_t rows, size_t cols);
void rg_unpack(const rg_elem *elem, const uint8_t *packed, void *codes, size_t rows, size_t cols);

/* Certificate of a cast to a format without scales: zlib's CRC-32 over the codes of all 2^32 fp32 patterns in
   ascending order, each of 1, 2 or 4 bytes as rg_encode writes it; pattern p is element number p for
   stochastic rounding. Every pattern is cast, on `threads` threads; posits and code books alone, whose order
   is that of their values, by the ends of the runs of equal codes. RG_ERR_USAGE for formats with scales,
   RG_ERR_CANCELLED when `progress` says stop. */
rg_status rg_certify(const rg_quant *q, int threads, const rg_progress *progress, uint32_t *crc,
                     rg_error *err);

/* Mean bits per stored element of a long row, scales included: mxfp4 4.25, nvfp4 4.5, int4 4.5. */
double rg_format_bits(const rg_format *format, size_t cols);

/* ---- policies: which quantizer each operand of a model gets -------------------------------------------- */

typedef enum rg_role {
    RG_ROLE_WEIGHT,      /* w */
    RG_ROLE_ACTIVATION,  /* a: inputs of linear operators */
    RG_ROLE_QUERY,       /* q: queries after rotation */
    RG_ROLE_KEY,         /* k, kv: keys after rotation */
    RG_ROLE_VALUE,       /* v, kv */
    RG_ROLE_SCORE,       /* s: scaled attention scores, what the softmax reads */
    RG_ROLE_PROBABILITY, /* p: exp(score - largest), what multiplies the values */
    RG_ROLE_ROUTER,      /* r: weight and input of linear operators that feed a router */
    RG_ROLE_RESIDUAL,    /* res: sums of the residual stream */
    RG_ROLE_OUTPUT,      /* o: what an operator inside the blocks puts out, the residual stream apart */
    RG_ROLE_DATAPATH,    /* dp */
    RG_ROLE_ROTATION,    /* rot */
    RG_N_ROLES
} rg_role;
enum { RG_POLICY_TEXT = 2048, RG_POLICY_ENTRIES = 128 };
typedef struct rg_policy_entry {
    rg_role role;
    char glob[96]; /* empty: every operator inside the blocks that the role is for */
    rg_quant quant;
    char datapath[192]; /* RG_ROLE_DATAPATH: its text (ridge/datapath.h), instead of a quantizer */
    int rotation;       /* RG_ROLE_ROTATION: size of the Hadamard blocks, instead of a quantizer */
    bool matched;       /* set by rg_policy_lookup */
} rg_policy_entry;
typedef struct rg_policy {
    size_t n;
    rg_policy_entry entry[RG_POLICY_ENTRIES]; /* kv= makes two entries, k and v */
    int64_t window,
        sinks;           /* of the cache: the last and the first positions whose keys and values stay fp32 */
    int64_t first, last; /* layers that stay fp32 */
    char text[RG_POLICY_TEXT]; /* canonical text: claims carry it */
} rg_policy;
/* Which operator is asked about. Entries without a glob reach only those with a layer. */
typedef struct rg_policy_place {
    const char *name;
    int64_t layer, n_layers; /* layer -1: outside the blocks */
} rg_policy_place;
/* role[.glob]=FORMAT[@CAST], dp[.glob]=DATAPATH, rot[.glob]=hadamard(N), and window=N sinks=N first=N last=N,
   separated by commas: docs/quality.md. "" or "fp32" is the reference: nothing quantized. */
rg_status rg_policy_parse(const char *text, rg_policy *out, rg_error *err);
/* Quantizer of an operand: that of the last entry that matches, fp32 among them; NULL when none does, or when
   `first` or `last` keeps the layer. A glob matches the whole name or its end after a dot. */
const rg_quant *rg_policy_lookup(rg_policy *policy, rg_role role, rg_policy_place place);
/* The datapath of an operator's products by the same rules: its text, NULL when none is named. */
const char *rg_policy_datapath(rg_policy *policy, rg_policy_place place);
/* Size of the Hadamard blocks by which an operator's input and weight are rotated; 0: not at all. */
int rg_policy_rotation(rg_policy *policy, rg_policy_place place);
/* After every operator was looked up: fails for an entry that matched nothing. */
rg_status rg_policy_check(const rg_policy *policy, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
