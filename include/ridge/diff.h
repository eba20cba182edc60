/* Named behaviours of libraries (profiles, data/profiles), and the differ that tells two behaviours apart. */
#ifndef RIDGE_DIFF_H
#define RIDGE_DIFF_H

#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- profiles ------------------------------------------------------------------------------------------ */

typedef struct rg_profile_entry {
    const char *format; /* what --format calls it: mostly a format of Ridge */
    rg_quant quant;     /* format and cast as this library has them */
    const char *source; /* where that is read: file, function, section */
} rg_profile_entry;

typedef struct rg_profile {
    const char *name;             /* ml_dtypes, cuda13-nosat */
    const char *library;          /* of the file: "ml_dtypes" */
    const char *version, *source; /* version or commit; address */
    const char *summary;          /* one line: what is special about this behaviour */
    size_t n;
    rg_profile_entry *entry;
} rg_profile;

typedef struct rg_profiles {
    rg_arena arena;
    size_t n;
    rg_profile *profile; /* files by name, profiles in their order */
} rg_profiles;

/* All files of DATA_DIR/profiles. A wrong file fails by its line; close with rg_profiles_close. */
rg_status rg_profiles_open(rg_profiles *out, const char *data_dir, rg_error *err);
/* One file's text (docs/profiles.md), added to what `profiles` holds (zero-initialise it to start). After a
   failure it holds what it held. */
rg_status rg_profiles_parse(rg_profiles *profiles, const char *text, size_t size, const char *name,
                            rg_error *err);
void rg_profiles_close(rg_profiles *profiles);
const rg_profile *rg_profile_find(const rg_profiles *profiles, const char *name); /* NULL: none */
/* Entry for a format, by its word, else by the format that is behind it; NULL: none. */
const rg_profile_entry *rg_profile_format(const rg_profile *profile, const char *format);
/* A behaviour: the name of a profile, of which `format` is taken, else "quantized by" text. RG_ERR_USAGE when
   it is neither, or the profile lacks the format, or one is needed and `format` is NULL. */
rg_status rg_behaviour(const rg_profiles *profiles, const char *text, const char *format, rg_quant *out,
                       rg_error *err);

/* ---- the differ ---------------------------------------------------------------------------------------- */

typedef enum rg_diff_input {
    RG_DIFF_DEFAULT,     /* plain formats: all 2^32 fp32; with a tensor scale: HEAVY; else ADVERSARIAL */
    RG_DIFF_ADVERSARIAL, /* blocks built to separate: docs/profiles.md */
    RG_DIFF_HEAVY,       /* one heavy-tailed tensor */
    RG_DIFF_GAUSSIAN,    /* one standard normal tensor */
    RG_DIFF_TIES,        /* blocks whose elements lie half way between two of the format */
    RG_N_DIFF_INPUTS
} rg_diff_input;

typedef struct rg_diff_options { /* all zero: the defaults */
    rg_diff_input input;         /* formats with scales */
    size_t n_values;             /* 0: 2^20, of tensors 2^22; rounded to whole blocks */
    uint64_t seed;
    bool enumerate; /* plain formats: each input in turn, not from one turning point to the next */
} rg_diff_options;

/* An input on which the two differ. Blocks: where it stands in the witness's values. */
typedef struct rg_diff_point {
    float x;
    uint32_t a_code, b_code;
    double a_value, b_value; /* formats with scales: after scaling back */
} rg_diff_point;

enum { RG_DIFF_VALUES = 64, RG_DIFF_CLASSES = 14 };
typedef struct rg_diff_witness {
    rg_diff_point point;
    int n; /* formats with scales: the values of the row, trailing zeros left out; 0: too long to show */
    float value[RG_DIFF_VALUES];
} rg_diff_witness;

typedef struct rg_diff_result {
    bool by_value; /* codes of A and B stand for different numbers, so values were compared, not codes */
    uint64_t n_inputs, n_differences; /* fp32 patterns; formats with scales: elements, by
                                          their code and block scale, else by their values */
    uint64_t n_positive;              /* differences whose input has no sign bit */
    uint64_t n_equated; /* by value: infinity of one against NaN of the other, which has no infinity; not
                           counted */
    rg_diff_witness first, smallest; /* lowest fp32 pattern, first element; least magnitude, fewest values */
    char cause[1024];
    struct {
        const char *kind; /* "overflow" */
        uint64_t count;
    } of_kind[RG_DIFF_CLASSES]; /* most frequent first, count 0 past the end */
    bool has_scales, same_blocks;
    uint64_t n_code_differences; /* elements */
    uint64_t n_scales, n_scale_differences;
    double tensor_scale[2]; /* of A and B, of the first tensor; 0 where there are none */
    /* e8m0 scales that follow from amax: over all normal fp32 amax, how many exponents differ before they are
       clamped to what a scale stores */
    uint64_t n_amax, n_amax_differences;
    double largest_relative; /* of |a - b| / |x| over finite differences; 0 when there is none */
    double relative_mse[2];  /* sum (y - x)^2 / sum x^2 of A and B on 2^18 standard normal values in rows of
                                2^12 */
} rg_diff_result;

/* Compares two behaviours; stochastic ones are refused (RG_ERR_UNSUPPORTED). Exact on plain formats. The same
   result for any number of threads. */
rg_status rg_diff(const rg_quant *a, const rg_quant *b, const rg_diff_options *options, rg_diff_result *out,
                  rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
