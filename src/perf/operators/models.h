/* Operator models: what one row of a table of measurements costs on a chip. One file per operator; models.c
   has the table of them. */
#ifndef PERF_MODELS_H
#define PERF_MODELS_H

#include "ridge/perf.h"

enum { PERF_MAX_NUMBERS = 8, PERF_MAX_WORDS = 3, PERF_MAX_CONSTANTS = 10 };

/* What the models need of a chip, in SI units; 0: not published. */
typedef struct perf_machine {
    double flop_per_s; /* of the row's formats */
    double bytes_per_s;
    double cores;        /* independent units that tiles of a kernel are dealt to */
    double onchip_bytes; /* last cache before the memory */
    double clock_hz;     /* of the cores */
    bool flash3;         /* runs FlashAttention-3: Hopper */
    bool registers;      /* matrix units take operands from registers: rg_chip.operands_in_registers */
    double link_bytes_per_s;
} perf_machine;

/* A word of a table for the formats of an operator's operands. */
typedef struct perf_dtype {
    const char *name, *rate; /* "fp8_block"; "fp8" in the chip's rates */
    double weight_bytes, activation_bytes;
    bool converts; /* the measured kernel makes the narrow activations from bf16 ones itself */
} perf_dtype;

typedef struct perf_row {
    double x[PERF_MAX_NUMBERS];
    const perf_dtype *dtype, *kv_dtype;
    bool known;                    /* of a table: its words name formats */
    bool cold;                     /* weights and KV come from memory: a pass over a model uses each once */
    char word[PERF_MAX_WORDS][48]; /* of the model's word columns, in their order */
    double measured_s;
} perf_row;

typedef enum perf_regime { /* what most of the estimate goes to */
                           PERF_LAUNCH,
                           PERF_MEMORY,
                           PERF_L2,
                           PERF_COMPUTE,
                           PERF_LATENCY, /* the longest chain of dependent steps, with units idle */
                           PERF_NETWORK,
                           PERF_N_REGIMES
} perf_regime;

typedef struct perf_guess {
    double s;
    perf_regime regime;
} perf_guess;

typedef struct perf_constant {
    const char *name, *unit, *meaning;
    double preset, lo, hi; /* positive; searched on a log scale */
    double registers;      /* preset of chips whose matrix units take operands from registers; 0: the same */
    bool converts;         /* only of kernels that convert activations; the preset elsewhere */
} perf_constant;

typedef struct perf_column {
    const char *name, *other; /* other spelling, or NULL */
    const char *preset;       /* NULL: the column is needed */
    bool site;                /* rows that agree in these stay together in a split */
    bool model;               /* the same for --holdout model */
} perf_column;

typedef struct perf_model {
    const char *op;
    size_t n_words, n_numbers, n_constants;
    perf_column word[PERF_MAX_WORDS], number[PERF_MAX_NUMBERS];
    perf_constant constant[PERF_MAX_CONSTANTS];
    bool groups[PERF_MAX_WORDS]; /* words with constants of their own: what ran, in which formats */
    int kernel;                  /* word that names the kernel, -1: none */
    int group_number;            /* number column with constants of its own, -1: none */
    bool network;                /* bound by links, not by the memory */
    /* Formats of the row by its words; false when one is unknown. */
    bool (*formats)(perf_row *row);
    double (*bound_s)(const perf_row *row, const perf_machine *m);
    /* Part of the bound that no cache helps with. */
    double (*compute_bound_s)(const perf_row *row, const perf_machine *m);
    perf_guess (*estimate)(const perf_row *row, const perf_machine *m, const double *constant);
} perf_model;

extern const perf_model perf_gemm, perf_attention_prefill, perf_attention_decode, perf_moe, perf_collective;
const perf_model *perf_model_find(const char *op);

const perf_dtype *perf_dtype_find(const char *name);
const char *perf_regime_name(perf_regime regime);
/* (a^p + b^p + c^p)^(1/p), p = 2.3: the longest of three that overlap imperfectly. */
double perf_overlap(double a, double b, double c);
/* The same with p = 1.8 + 0.6 ln(cycles / 10^4), at least 1.8: filling and draining a pipeline shows in short
   kernels. */
double perf_overlap_long(double a, double b, double c, double cycles);
/* Share of operands that a cache still holds when `bytes` pass through it between two uses. */
double perf_cached_share(double bytes, double cache_bytes);
double perf_preset(const perf_constant *c, bool registers);
/* Of the cores; a nominal one where it is not published. */
double perf_clock_hz(const rg_chip *chip);
/* False when the chip does not publish a number that the row needs; *missing names it. */
bool perf_machine_of(const rg_chip *chip, const perf_model *model, const perf_row *row, perf_machine *out,
                     const char **missing);

#endif
