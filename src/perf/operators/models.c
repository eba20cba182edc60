/* The table of operator models, and what they share. */
#include "perf/operators/models.h"

#include <math.h>
#include <string.h>

static const perf_model *const models[] = {&perf_gemm, &perf_attention_prefill, &perf_attention_decode,
                                           &perf_moe, &perf_collective};

const perf_model *perf_model_find(const char *op) {
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i]->op, op) == 0) return models[i];
    return NULL;
}

/* Scales included: one byte in 16 or 32 codes, one fp32 in 128. */
static const perf_dtype dtypes[] = {
    {"bfloat16", "bf16", 2, 2, false},
    {"float16", "bf16", 2, 2, false},
    {"half", "bf16", 2, 2, false},
    {"fp8", "fp8", 1, 1, true},
    {"fp8_static", "fp8", 1, 1, true},
    {"fp8_block", "fp8", 1 + 4 / 16384.0, 1 + 4 / 128.0, true},
    {"int8", "int8", 1, 1, true},
    {"nvfp4", "fp4", 0.5625, 0.5625, true},
    {"w4a16_mxfp4", "bf16", 0.53125, 2, false},
    {"w4a8_mxfp4_mxfp8", "fp8", 0.53125, 1.03125, true},
    {"int8_wo", "bf16", 1, 2, false},
    {"int4_wo", "bf16", 0.515625, 2, false},
};

const perf_dtype *perf_dtype_find(const char *name) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0) return &dtypes[i];
    return NULL;
}

const char *perf_regime_name(perf_regime regime) {
    static const char *const names[PERF_N_REGIMES] = {"launch",  "memory",  "L2",
                                                      "compute", "latency", "network"};
    return names[regime];
}

static double norm(double a, double b, double c, double p) {
    const double most = fmax(a, fmax(b, c));
    if (!(most > 0)) return 0;
    return most * pow(pow(a / most, p) + pow(b / most, p) + pow(c / most, p), 1 / p);
}

double perf_overlap(double a, double b, double c) {
    return norm(a, b, c, 2.3);
}

double perf_overlap_long(double a, double b, double c, double cycles) {
    return norm(a, b, c, 1.8 + 0.6 * log(fmax(1, cycles / 1e4)));
}

double perf_cached_share(double bytes, double cache_bytes) {
    const double over = cache_bytes > 0 ? bytes / cache_bytes : INFINITY;
    return 1 / (1 + over * over * over * over);
}

double perf_preset(const perf_constant *c, bool registers) {
    return registers && c->registers > 0 ? c->registers : c->preset;
}

static double number(const rg_chip *chip, const char *path) {
    const rg_chip_number *n = rg_chip_find(chip, path);
    return n ? n->v.value : 0;
}

double perf_clock_hz(const rg_chip *chip) {
    const double nominal = 1.8e9; /* the middle of those that are published, within a third */
    const double hz = number(chip, "silicon.clock");
    return hz > 0 ? hz : nominal;
}

bool perf_machine_of(const rg_chip *chip, const perf_model *model, const perf_row *row, perf_machine *out,
                     const char **missing) {
    memset(out, 0, sizeof *out);
    out->bytes_per_s = number(chip, "memory.bandwidth");
    out->cores = number(chip, "silicon.cores");
    out->onchip_bytes = number(chip, "onchip.capacity");
    out->link_bytes_per_s = number(chip, "scaleup.bandwidth");
    out->clock_hz = perf_clock_hz(chip);
    out->flash3 = strcmp(chip->architecture, "hopper") == 0;
    out->registers = chip->operands_in_registers;
    *missing = NULL;
    if (model->network) {
        if (!(out->link_bytes_per_s > 0)) *missing = "scaleup.bandwidth";
        return !*missing;
    }
    if (row->dtype && rg_chip_rate_of(chip, row->dtype->rate, &out->flop_per_s, NULL) != RG_OK) {
        *missing = row->dtype->rate;
        if (strcmp(row->dtype->rate, "bf16") == 0 &&
            rg_chip_rate_of(chip, "fp16", &out->flop_per_s, NULL) == RG_OK)
            *missing = NULL;
    }
    if (!(out->bytes_per_s > 0)) *missing = "memory.bandwidth";
    if (!(out->cores > 0)) *missing = "silicon.cores";
    return !*missing;
}
