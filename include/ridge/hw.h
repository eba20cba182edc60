/* Chips as data: rates, memory, and which unit executes which pair of formats. Every number has a source.
   The files are data/chips/<id>.yaml; docs/chips.md says how to write one. */
#ifndef RIDGE_HW_H
#define RIDGE_HW_H

#include "ridge/base.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- units ------------------------------------------------------------------------------------------- */

typedef enum rg_unit {
    RG_UNIT_FLOP_PER_S, /* "989.4 TFLOP/s", "1.98 POP/s": operations, a multiply-add is two */
    RG_UNIT_BYTES,      /* "80 GB" is 8e10, "80 GiB" 8.59e10: never taken for each other */
    RG_UNIT_BYTES_PER_S,
    RG_UNIT_HZ,
    RG_UNIT_W,
    RG_UNIT_MM2,
    RG_UNIT_USD,
    RG_UNIT_USD_PER_H,
    RG_UNIT_S, /* "2.5 us" */
    RG_UNIT_FLOP,
    RG_UNIT_J,
    RG_UNIT_J_PER_BYTE, /* "3.9 pJ/bit" is 31.2e-12 */
    RG_UNIT_J_PER_FLOP,
    RG_UNIT_MM,
    RG_UNIT_PER_MM2, /* "138 M/mm2": transistors */
    RG_UNIT_BYTES_PER_MM2,
    RG_UNIT_BYTES_PER_S_MM, /* of an edge */
    RG_UNIT_COUNT,          /* a bare number */
    RG_N_UNITS
} rg_unit;

/* "FLOP/s", "byte", ...: how a result in this unit is labelled. */
const char *rg_unit_name(rg_unit unit);
/* A number with its unit, "3.35 TB/s", in SI (bytes/s). Prefixes k M G T P E, for bytes Ki Mi Gi Ti too,
   for seconds and joules m u n p f. A text of another dimension, without a unit, not finite or negative:
   RG_ERR_PARSE, naming both dimensions. */
rg_status rg_units_parse(const char *text, rg_unit unit, double *out, rg_error *err);
/* The same the other way, four significant digits and a decimal prefix: "3.35 TB/s". Returns buf. */
const char *rg_units_print(double value, rg_unit unit, char *buf, size_t size);

/* ---- chips ------------------------------------------------------------------------------------------- */

typedef enum rg_path_kind {
    RG_PATH_NATIVE,      /* the chip multiplies these formats as they are stored */
    RG_PATH_DEQUANTISED, /* stored narrow, converted to a wider type before the multiply: bytes saved, rate of
                            the wider type */
    RG_PATH_HYPOTHETICAL /* the chip has no such unit: what if it had */
} rg_path_kind;
const char *rg_path_kind_name(rg_path_kind kind);

typedef struct rg_value { /* a number with where it comes from */
    double value;         /* SI: FLOP/s, bytes, bytes/s */
    const char *source;
    bool given;
    double lo, hi; /* what it may be instead; 0: no range is stated */
} rg_value;

typedef struct rg_chip_number { /* every number of the file, also those below */
    const char *path;           /* "rates.bf16", "memory.bandwidth", "power.tdp" */
    rg_unit unit;
    rg_value v;
    const char *estimated; /* NULL, or why it is no vendor number */
} rg_chip_number;

typedef struct rg_chip_conflict { /* published values that disagree */
    const char *topic;            /* one word for the dispute, shared by the chips it touches */
    const char *path;             /* which number */
    const char *why;
    size_t n;
    struct rg_chip_claim {
        double value;
        const char *text, *source;
    } * claim;
    int line;
} rg_chip_conflict;

typedef struct rg_chip {
    rg_arena arena;
    const char *id, *name, *vendor, *kind, *status, *confidence, *file;
    const char *architecture; /* chips of one architecture have the same paths */
    const char *process, *notes, *peaks_note, *memory_kind, *onchip_kind, *operands; /* may be NULL */
    size_t n_alias;
    const char **alias;
    int year;
    bool operands_in_registers; /* matrix units take operands that threads load into registers first, each
                                   step waiting for the last; others read on-chip memory by themselves */
    bool sparse_peaks;        /* the vendor's peaks are with sparsity and the dense ones are not published */
    struct rg_chip_scaleup {  /* how the chips of a domain are joined; each may be NULL */
        const char *link;     /* id of data/links */
        const char *topology; /* "switch" (also NULL), "mesh", "ring", "torus" */
        const char *axes;     /* "16x16" */
    } scaleup;
    size_t n_rates;
    struct rg_chip_rate {
        const char *type;    /* "bf16", "fp8", "int8", "fp4", ... */
        rg_value flop_per_s; /* dense; a multiply-add is 2 */
    } * rate;
    rg_value memory_bytes, memory_bytes_per_s;
    rg_value tdp_w;
    size_t n_paths;
    struct rg_chip_path {
        const char *weight, *activation; /* globs over canonical format text, separated by " | " */
        bool either_way;                 /* also with the two exchanged */
        const char *runs_as;             /* rate type */
        rg_path_kind kind;
        const char *conversion; /* what is done before the multiply, or NULL */
        const char *source;
    } * path;
    size_t n_numbers;
    rg_chip_number *number;
    size_t n_conflicts;
    rg_chip_conflict *conflict;
    size_t n_bets; /* chips that do not exist: what the composed numbers are made of */
    struct rg_chip_bet {
        const char *name, *date;
        const char *technology; /* id of data/technology, NULL: the chip's own */
        rg_unit unit;
        rg_value v;
    } * bet;
    size_t n_compositions;
    struct rg_chip_composition {
        const char *path, *text; /* "memory.bandwidth", "stacks x hbm4e.bandwidth" */
    } * composition;
    size_t n_derived;
    struct rg_chip_derived { /* units x operations per cycle x clock must give the rate */
        const char *rate, *note;
        double units, per_cycle, clock_hz;
    } * derived;
    size_t n_odd;
    struct rg_chip_odd { /* ratio of rates out of the pattern ("int8/bf16"), and why */
        const char *ratio, *why;
    } * odd;
} rg_chip;

/* By id or alias from <data_dir>/chips/<id>.yaml. Strict: an unknown key, a number without unit or source, or
   of another dimension, is an error with its place. An unknown name is RG_ERR_USAGE. Close with
   rg_chip_close. */
rg_status rg_chip_open(rg_chip *out, const char *id, const char *data_dir, rg_error *err);
/* The same from text, for tests and tools; `name` stands in messages. */
rg_status rg_chip_parse(rg_chip *out, const char *text, size_t size, const char *name, rg_error *err);
void rg_chip_close(rg_chip *chip);
/* Ids in the folder, sorted; *ids and its strings are in the arena. */
rg_status rg_chip_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err);

/* NULL when the chip's file does not give the number. */
const rg_chip_number *rg_chip_find(const rg_chip *chip, const char *path);
/* Rate in FLOP/s (operations/s); a type whose rate is not published is RG_ERR_UNSUPPORTED, by name. */
rg_status rg_chip_rate_of(const rg_chip *chip, const char *type, double *flop_per_s, rg_error *err);
/* FLOP per byte of memory traffic at which compute and bandwidth take equally long; 0 when unknown. */
double rg_chip_ridge_point(const rg_chip *chip, const char *type);

typedef struct rg_chip_execution {
    rg_path_kind kind;
    const char *runs_as, *conversion, *source;
    double flop_per_s;
} rg_chip_execution;
/* How the chip multiplies a weight format with an activation format (NULL: bf16, the storage of an operand
   that no policy names). The first path that fits counts; none, or one whose rate is not published: an error
   that names the pair. Casts play no part. */
rg_status rg_chip_execute(const rg_chip *chip, const rg_quant *weight, const rg_quant *activation,
                          rg_chip_execution *out, rg_error *err);

/* "h100.memory.bandwidth=x1.3", "memory.bandwidth=4 TB/s", "bf16=1.2e15" (SI when bare): changes a number of
   an opened chip and says so in its source. A rate that the chip does not have (fp4 of h100) becomes
   hypothetical: it executes the pairs that such a unit would. A bet of a composed chip ("stacks=16") changes
   all numbers composed of it. RG_ERR_USAGE names what is unknown. */
rg_status rg_chip_set(rg_chip *chip, const char *assignment, rg_error *err);

/* ---- lint -------------------------------------------------------------------------------------------- */

typedef struct rg_chip_finding {
    const char *chip, *path, /* id of the chip or system */
        *check; /* "alias", "derived", "ratio", "paths", "physics", "conflict", "sparse", "link", "level" */
    const char *message;
    const char *explained; /* NULL: nothing in the file accounts for it */
} rg_chip_finding;

typedef struct rg_chip_lint {
    rg_arena arena;
    size_t n_chips;
    rg_chip *chip; /* open while the lint is */
    size_t n_systems, n_links, n_technologies;
    size_t n_findings;
    rg_chip_finding *finding;
    size_t n_topics;
    const char **topic; /* of the recorded conflicts, each once, sorted */
} rg_chip_lint;

/* Opens every chip, system and link of the folder and recomputes what can be: alias clashes, peaks from units
   x clock, ratios of peaks, equal paths within an architecture, memory that cannot be. A file that does not
   parse fails. */
rg_status rg_chip_lint_all(rg_chip_lint *out, const char *data_dir, rg_error *err);
void rg_chip_lint_close(rg_chip_lint *lint);

#ifdef __cplusplus
}
#endif
#endif
