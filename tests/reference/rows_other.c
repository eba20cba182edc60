/* Rows that are not computed, and why. */
#include "reference/reference.h"

const ref_family ref_other_rows[] = {
    {"calc-bar", NULL, "the error of another tool: a bar, nothing to compute"},
    {"mla-2", NULL, "a measured kernel; no constants for FlashMLA on H800"},
    {"nvfp4-1", NULL, "quality of a training run"},
    {"ds-fp8", NULL, "quality of a training run"},
    {"spin-*", NULL, "quality of models whose weights are not in the data"},
    {"lcpp-*", NULL, "a mixture of formats, and quality of a model whose weights are not in the data"},
    {"dfl-1", NULL, "lossless coding of weights: there is no codec yet"},
    {"qc-1", NULL, "a ratio of dedicated units: `ridge rtl ppa` compares them, in another process"},
    {"hor-*", NULL, "energy and area of a 45 nm process: no library for it"},
    {"jou-1", NULL, "energy of a 7 nm process: no library for it"},
    {"cer-2", NULL, "a claim without the inputs of a bound"},
    {NULL}};
