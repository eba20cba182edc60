/* Published kernel timings against bounds. Compute bounds must hold: none of the measured kernels may be
   faster. Memory bounds of single kernels do not: operands that sit in the on-chip memory from the run before
   are not read again, which the data's README says of its GEMMs. Those rows are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "ridge/perf.h"
#include "unit/graph/models.h"

typedef struct tally {
    int rows, beat_compute, beat_memory;
    double worst_compute, worst_memory; /* bound / measured */
} tally;

static void count(tally *t, double compute_s, double memory_s, double measured_s) {
    t->rows++;
    t->beat_compute += compute_s > measured_s;
    t->beat_memory += memory_s > measured_s;
    t->worst_compute = fmax(t->worst_compute, compute_s / measured_s);
    t->worst_memory = fmax(t->worst_memory, memory_s / measured_s);
}

static void report(const char *what, const tally *t) {
    print_message("%-24s %6d rows: %d beat the compute bound (bound / measured up to %.3f), %d the memory "
                  "bound (%.3f)\n",
                  what, t->rows, t->beat_compute, t->worst_compute, t->beat_memory, t->worst_memory);
}

/* The whole table as text; NULL when it is not there. */
static char *table(const char *name) {
    char path[256], *text;
    size_t size;
    snprintf(path, sizeof path, "measured/%s", name);
    const char *full = shared_path(path);
    if (!full) return NULL;
    assert_int_equal(rg_file_read(full, 1 << 28, &text, &size, NULL), RG_OK);
    return text;
}

typedef struct gemm_type {
    const char *dtype, *weight, *activation;
    double weight_bits, activation_bits;
    rg_chip_execution e;
    tally t;
} gemm_type;

static void check_gemm(const char *id, const char *name, gemm_type *types, size_t n_types) {
    char *text = table(name);
    rg_chip chip;
    rg_error err = {0};
    if (!text) skip();
    must(rg_chip_open(&chip, id, DATA, &err), &err);
    for (size_t i = 0; i < n_types; i++) {
        rg_quant w, a;
        must(rg_quant_parse(types[i].weight, &w, &err), &err);
        must(rg_quant_parse(types[i].activation, &a, &err), &err);
        must(rg_chip_execute(&chip, &w, &a, &types[i].e, &err), &err);
        types[i].weight_bits = rg_format_bits(&w.format, 4096);
        types[i].activation_bits = rg_format_bits(&a.format, 4096);
    }
    char *save, *line = strtok_r(text, "\n", &save); /* cut up: sscanf measures what it is given */
    int known = 0;
    while ((line = strtok_r(NULL, "\n", &save))) {
        char dtype[32];
        double m, n, k, ms;
        if (sscanf(line, "%31[^,],%lf,%lf,%lf,%lf", dtype, &m, &n, &k, &ms) != 5) break;
        for (size_t i = 0; i < n_types; i++)
            if (strcmp(types[i].dtype, dtype) == 0) {
                const double bytes =
                    (n * k * types[i].weight_bits + m * k * types[i].activation_bits) / 8 + 2 * m * n;
                count(&types[i].t, 2 * m * n * k / types[i].e.flop_per_s,
                      bytes / chip.memory_bytes_per_s.value, ms / 1e3);
                known++;
            }
    }
    free(text);
    assert_true(known > 1000);
    for (size_t i = 0; i < n_types; i++) {
        char what[64];
        snprintf(what, sizeof what, "%s %s", id, types[i].dtype);
        report(what, &types[i].t);
    }
    for (size_t i = 0; i < n_types; i++) assert_int_equal(types[i].t.beat_compute, 0);
    rg_chip_close(&chip);
}

static void gemm_h100(void **state) {
    (void)state;
    gemm_type types[] = {{.dtype = "bfloat16", .weight = "bf16", .activation = "bf16"},
                         {.dtype = "fp8", .weight = "e4m3fn", .activation = "e4m3fn"},
                         {.dtype = "fp8_block", .weight = "e4m3fn", .activation = "e4m3fn"}};
    check_gemm("h100", "gemm_h100sxm_trtllm1.3.0rc20.csv.gz", types, 3);
}

static void gemm_b200(void **state) {
    (void)state;
    gemm_type types[] = {{.dtype = "bfloat16", .weight = "bf16", .activation = "bf16"},
                         {.dtype = "fp8", .weight = "e4m3fn", .activation = "e4m3fn"},
                         {.dtype = "fp8_block", .weight = "e4m3fn", .activation = "e4m3fn"},
                         {.dtype = "nvfp4", .weight = "nvfp4", .activation = "nvfp4"}};
    check_gemm("b200", "gemm_b200sxm_trtllm1.3.0rc20.csv.gz", types, 4);
}

static void gemm_a100(void **state) {
    (void)state;
    gemm_type types[] = {
        {.dtype = "bfloat16", .weight = "bf16", .activation = "bf16"},
        {.dtype = "int8_wo", .weight = "int8", .activation = "bf16"},
        {.dtype = "int4_wo", .weight = "int4(sym,group=128,scale=fp16)", .activation = "bf16"}};
    check_gemm("a100", "gemm_a100sxm80_trtllm1.0.0.csv.gz", types, 3);
}

/* One-token attention of one layer: the graph's own counts for such a node. */
static void attention_h100(void **state) {
    (void)state;
    char *text = table("attn_decode_h100sxm_vllm0.24_fa3.csv.gz");
    if (!text) skip();
    tally bf16 = {0}, fp8 = {0};
    char *save, *line = strtok_r(text, "\n", &save);
    while ((line = strtok_r(NULL, "\n", &save))) {
        char a[16], kv[16];
        double b, isl, step, heads, kv_heads, hd, window, ms;
        if (sscanf(line, "%15[^,],%15[^,],%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", a, kv, &b, &isl, &step, &heads,
                   &kv_heads, &hd, &window, &ms) != 10)
            break;
        if (window == 0) {
            const double keys = isl + step, size = strcmp(kv, "fp8") == 0 ? 1 : 2;
            count(size == 1 ? &fp8 : &bf16,
                  4 * b * heads * hd * keys / (strcmp(a, "bfloat16") == 0 ? 989.4e12 : 1978.9e12),
                  b * keys * 2 * kv_heads * hd * size / 3.35e12, ms / 1e3);
        }
    }
    free(text);
    report("h100 attention, bf16 KV", &bf16);
    report("h100 attention, fp8 KV", &fp8);
    assert_true(bf16.rows > 1000 && fp8.rows > 1000);
    assert_int_equal(bf16.beat_compute + fp8.beat_compute, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(gemm_h100), cmocka_unit_test(gemm_b200),
                                       cmocka_unit_test(gemm_a100), cmocka_unit_test(attention_h100)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
