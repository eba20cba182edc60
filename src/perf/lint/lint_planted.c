/* Defects put into tables that a simple law made. */
#include "perf/lint/lint_planted.h"

#include <math.h>
#include <string.h>

/* Times of an H100 at 80 % of its peak and bandwidth, 3 us of start, 3 % of noise. */
static double law_ms(double flop, double bytes, uint64_t row) {
    const double s = 3e-6 + fmax(flop / 989e12, bytes / 3.35e12) / 0.8;
    return 1e3 * s * (1 + 0.03 * (2 * rg_random_uniform(1, 20, row) - 1));
}

static void gemm_rows(rg_str *out) {
    uint64_t row = 0;
    rg_str_add(out, "gemm_dtype,m,n,k,latency_ms\n");
    for (double n = 256; n <= 8192; n *= 2)
        for (double k = 256; k <= 8192; k *= 2)
            for (double m = 1; m <= 8192; m *= 2)
                rg_str_printf(out, "bfloat16,%.0f,%.0f,%.0f,%.6g\n", m, n, k,
                              law_ms(2 * m * n * k, 2 * (m * n + n * k + m * k), row++));
}

/* Shapes of a size that takes a second thousand times, timed when no kernel ran. */
static void extra_rows(rg_str *out) {
    gemm_rows(out);
    for (int i = 0; i < 483; i++)
        rg_str_printf(out, "bfloat16,%d,16384,16384,%.6g\n", 4096 + 8 * i, law_ms(0, 0, (uint64_t)i));
}

/* A site that something slowed 15 times. */
static void slow_rows(rg_str *out) {
    gemm_rows(out);
    for (double m = 1; m <= 8192; m *= 2)
        rg_str_printf(out, "bfloat16,%.0f,16384,16384,%.6g\n", m,
                      15 * law_ms(2 * m * 16384 * 16384, 2 * 16384 * (2 * m + 16384), (uint64_t)m));
}

static void attention_row(rg_str *out, double isl, double heads, double window, double seen, uint64_t row) {
    const double pairs = isl * fmin(isl, seen) - fmin(isl, seen) * fmin(isl, seen) / 2;
    rg_str_printf(out, "bfloat16,bfloat16,4,%.0f,0,%.0f,8,128,%.0f,%.6g\n", isl, heads, window,
                  law_ms(4 * 4 * heads * 128 * pairs, 16 * isl * (heads + 8) * 128, row));
}

static void sentinel_window(rg_str *out) {
    uint64_t row = 0;
    rg_str_add(out, "attn_dtype,kv_cache_dtype,batch_size,isl,step,num_heads,num_key_value_heads,head_dim,"
                    "window_size,latency_ms\n");
    for (double heads = 8; heads <= 64; heads *= 2)
        for (double isl = 1024; isl <= 32768; isl *= 2) {
            attention_row(out, isl, heads, 0, isl, row++);
            attention_row(out, isl, heads, 512, 512, row++);
        }
    attention_row(out, 24576, 32, 0, 128, row); /* window 0, where this kernel's "full" is -1 */
}

static void requests(rg_str *out, bool failing) {
    rg_str_add(out, "concurrency,num_requests,completed,ttft_ms,tpot_ms\n");
    for (int c = 1; c <= 64; c *= 2)
        rg_str_printf(out, "%d,1000,%d,%d,%.2f\n", c, failing && c > 8 ? 150 : 1000, 50 + c, 9 + 0.1 * c);
}

static void failed_requests(rg_str *out) {
    requests(out, true);
}

static void served_requests(rg_str *out) {
    requests(out, false);
}

static void time_per_token(rg_str *out) {
    rg_str_add(out, "concurrency,osl,ttft_ms,tpot_ms,e2e_ms\n");
    for (int c = 1; c <= 64; c *= 2) {
        const double ttft = 400 + c, each = 9 + 0.1 * c, total = ttft + 127 * each;
        rg_str_printf(out, "%d,128,%.1f,%.3f,%.1f\n", c, ttft, c > 16 ? total / 128 : each, total);
    }
}

static void zero_ttft(rg_str *out) {
    rg_str_add(out, "concurrency,isl,ttft_ms,tpot_ms\n");
    for (int c = 1; c <= 64; c *= 2)
        rg_str_printf(out, "%d,1024,%.1f,%.2f\n", c, c == 4 ? 0.0 : 50.0 + c, 9 + 0.1 * c);
}

const lint_planted lint_plants[] = {
    {0, "gemm_h100_law.csv", NULL, NULL, 0, gemm_rows},
    {0, "served_law.csv", NULL, NULL, 0, served_requests},
    {1, "gemm_h100_copy.csv", "duplicate_file", "copied", 0, gemm_rows},
    {2, "gemm_h100_extra.csv", "faster_than_compute", "did not run", 483, extra_rows},
    {2, "gemm_h100_slow.csv", "out_of_line", "extra rows", 14, slow_rows},
    {3, "attention_prefill_h100.csv", "faster_than_compute", "sentinel", 1, sentinel_window},
    {6, "served.csv", "failed_requests", "beyond its capacity", 3, failed_requests},
    {7, "served_tokens.csv", "tpot_definition", "definitions", 2, time_per_token},
    {7, "served_zeros.csv", "zero_time", "sentinel", 1, zero_ttft},
};
const size_t lint_n_plants = sizeof lint_plants / sizeof *lint_plants;

/* For item 1: the table twice, under two names. */
static rg_status lint_both(lint *l, const lint_planted *p, const char *text, size_t size) {
    const rg_digest digest = rg_sha256(text, size);
    const lint_file file[] = {{.name = "gemm_a100_law.csv", .sha256 = digest.hex, .header = "gemm_dtype"},
                              {.name = p->file, .sha256 = digest.hex, .header = "gemm_dtype"}};
    return lint_files(l, file, 2);
}

static bool is_found(const rg_lint *found, const lint_planted *p) {
    if (!p->check) return found->n == 0;
    return found->n == 1 && strcmp(found->finding[0].check, p->check) == 0 &&
           found->finding[0].n == p->rows && strstr(found->finding[0].cause, p->cause);
}

rg_status lint_find_planted(const lint_planted *p, const char *data_dir, bool *found, rg_error *err) {
    lint l;
    rg_str text = {0};
    const rg_lint_options options = {.data_dir = data_dir};
    RG_TRY(lint_open(&l, &options, err));
    p->write(&text);
    rg_status status = text.failed ? lint_no_memory(&l) : lint_text(&l, p->file, text.data, text.len);
    if (status == RG_OK && p->item == 1) status = lint_both(&l, p, text.data, text.len);
    if (status == RG_OK) *found = is_found(&l.out, p);
    rg_str_free(&text);
    rg_lint_close(&l.out);
    lint_close(&l);
    return status;
}
