/* Chips as data: rates, memory, and which unit executes which pair of formats. Every number has a source. */
#ifndef RIDGE_HW_H
#define RIDGE_HW_H

#include "ridge/base.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_path_kind {
    RG_PATH_NATIVE,       /* the chip multiplies these formats as they are stored */
    RG_PATH_DEQUANTISED,  /* stored narrow, converted to a wider type before the multiply: bytes saved, rate of the wider type */
    RG_PATH_HYPOTHETICAL  /* the chip has no such unit: what if it had */
} rg_path_kind;
const char *rg_path_kind_name(rg_path_kind kind);

typedef struct rg_value { /* a number with where it comes from */
    double value;         /* SI: FLOP/s, bytes, bytes/s */
    const char *source;
    bool given;
} rg_value;

typedef struct rg_chip {
    rg_arena arena;
    const char *id, *name, *vendor, *kind, *status, *confidence, *file;
    size_t n_alias;
    const char **alias;
    int year;
    size_t n_rates;
    struct rg_chip_rate {
        const char *type; /* "bf16", "fp8", "int8", "fp4", ... */
        rg_value flop_per_s; /* dense; a multiply-add is 2 */
    } *rate;
    rg_value memory_bytes, memory_bytes_per_s;
    rg_value tdp_w;
    size_t n_paths;
    struct rg_chip_path {
        const char *weight, *activation; /* globs over canonical format text, or rate types */
        const char *runs_as;             /* rate type */
        rg_path_kind kind;
        const char *conversion;          /* what is done before the multiply, or NULL */
        const char *source;
    } *path;
} rg_chip;

/* By id or alias from <data_dir>/chips/<id>.yaml. */
rg_status rg_chip_open(rg_chip *out, const char *id, const char *data_dir, rg_error *err);
void rg_chip_close(rg_chip *chip);
/* Ids in the folder, sorted; *ids and its strings are in the arena. */
rg_status rg_chip_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err);

typedef struct rg_chip_execution {
    rg_path_kind kind;
    const char *runs_as, *conversion, *source;
    double flop_per_s;
} rg_chip_execution;
/* How the chip multiplies a weight format with an activation format (NULL format: bf16 storage of an unquantized operand). First path that fits; none: an error
   that names the pair. */
rg_status rg_chip_execute(const rg_chip *chip, const rg_quant *weight, const rg_quant *activation, rg_chip_execution *out, rg_error *err);

/* "h100.memory.bandwidth=x1.3", "memory.bytes_per_s=4e12": changes a number of an opened chip and says so in its source. */
rg_status rg_chip_set(rg_chip *chip, const char *assignment, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
