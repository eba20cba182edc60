/* Tables of operators and of board power, files of constants, tables for the lint, any
   tables: the first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/csv.h"
#include "perf/lint/lint.h"
#include "perf/energy/power.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const rg_chip *h100(void) {
    static rg_chip chip;
    if (!chip.id && rg_chip_open(&chip, "h100-sxm", RIDGE_SOURCE_DIR "/data", NULL) != RG_OK) abort();
    return &chip;
}

/* With a zero behind it. */
static char *copy(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) abort();
    memcpy(text, data, size);
    text[size] = 0;
    return text;
}

static void table(const char *op, const uint8_t *data, size_t size) {
    static rg_calibrations *all;
    if (!all && rg_calibrations_open(&all, RIDGE_SOURCE_DIR "/data", NULL) != RG_OK) abort();
    char *text = copy(data, size);
    rg_str out = {0};
    rg_perf_predict(op, h100(), all, NULL, size % 2 ? "latency_ms" : NULL, text, size, &out, NULL);
    rg_str_free(&out);
    free(text);
}

static void power_table(const uint8_t *data, size_t size) {
    char *text = copy(data, size);
    perf_power_table t;
    if (perf_power_parse(&t, text, size, "fuzz.csv", h100(), NULL) == RG_OK) perf_power_close(&t);
    free(text);
}

static void lint_table_text(const char *text, size_t size) {
    static lint l;
    const rg_lint_options options = {.data_dir = RIDGE_SOURCE_DIR "/data"};
    if (!l.chips.n && lint_open(&l, &options, NULL) != RG_OK) abort();
    lint_text(&l, size % 2 ? "decode_h100.csv" : "served_h100.csv", text, size);
    rg_lint_close(&l.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const ops[] = {"gemm", "attention_prefill", "attention_decode", "moe", "collective"};
    if (size < 1) return 0;
    const unsigned which = data[0] % 9;
    if (which < 5) {
        table(ops[which], data + 1, size - 1);
        return 0;
    }
    if (which == 8) {
        perf_csv t;
        if (perf_csv_parse(&t, (const char *)data + 1, size - 1, "fuzz.csv", NULL) == RG_OK)
            perf_csv_close(&t);
        return 0;
    }
    if (which == 7) {
        power_table(data + 1, size - 1);
        return 0;
    }
    if (which == 6) {
        lint_table_text((const char *)data + 1, size - 1);
        return 0;
    }
    rg_calibrations all = {0};
    perf_calibrations_parse(&all, (const char *)data + 1, size - 1, "fuzz.yaml", NULL);
    rg_arena_free(&all.arena);
    return 0;
}
