/* Defects of measurements: planted ones, those of published tables with their numbers, and none where there
   is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "perf/lint/lint_planted.h"
#include "unit/graph/models.h"

static const rg_lint_finding *finding(const rg_lint *found, const char *check) {
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->finding[i].check, check) == 0) return &found->finding[i];
    return NULL;
}

/* Of a published table. */
static rg_lint lint_shared(const char *name) {
    char path[256];
    rg_lint found;
    rg_error err = {0};
    const rg_lint_options options = {.data_dir = DATA};
    snprintf(path, sizeof path, "measured/%s", name);
    const char *full = shared_path(path);
    if (!full) skip();
    must(rg_perf_lint(full, &options, &found, &err), &err);
    return found;
}

/* Of a text under a name. */
static rg_lint lint_of(const char *name, const char *text) {
    lint l;
    rg_error err = {0};
    const rg_lint_options options = {.data_dir = DATA};
    must(lint_open(&l, &options, &err), &err);
    must(lint_text(&l, name, text, strlen(text)), &err);
    lint_close(&l);
    return l.out;
}

static void planted_defects(void **state) {
    (void)state;
    for (size_t i = 0; i < lint_n_plants; i++) {
        bool found;
        rg_error err = {0};
        must(lint_find_planted(&lint_plants[i], DATA, &found, &err), &err);
        if (!found)
            fail_msg("%s: %s", lint_plants[i].file, lint_plants[i].check ? lint_plants[i].check : "alarm");
    }
}

/* A row on either side of each line that physics draws: 4096 x 4096 weights and one token are 33.6 MB, 10.0
   us of an H100's memory, and lie in its 50 MB; 8192 x 8192 are 134 MB, 40.1 us, 25.1 us beside what the
   cache holds. */
static void lines_of_physics(void **state) {
    (void)state;
    rg_lint found = lint_of("gemm_h100.csv", "gemm_dtype,m,n,k,latency_ms\n"
                                             "bfloat16,1,4096,4096,0.0101\n"
                                             "bfloat16,1,4096,4096,0.0099\n"
                                             "bfloat16,1,4096,4096,0.0012\n" /* 8 times the memory */
                                             "bfloat16,1,8192,8192,0.0252\n"
                                             "bfloat16,1,8192,8192,0.0250\n"
                                             "bfloat16,8192,8192,8192,1.112\n"
                                             "bfloat16,8192,8192,8192,1.111\n"
                                             "bfloat16,1,64,64,0\n"
                                             "nvfp4,1,4096,4096,1\n"
                                             "bfloat16,1,-64,64,1\n");
    const rg_lint_finding *cached = finding(&found, "in_cache"),
                          *memory = finding(&found, "faster_than_memory"),
                          *compute = finding(&found, "faster_than_compute"),
                          *zero = finding(&found, "no_time"), *format = finding(&found, "unknown_format"),
                          *bad = finding(&found, "unreadable");
    assert_true(cached && cached->n == 2 && cached->row[0] == 2 && cached->row[1] == 4);
    assert_int_equal(cached->action, RG_LINT_KEPT);
    assert_non_null(strstr(cached->cause, "operands all but fit in L2"));
    assert_true(memory && memory->n == 2 && memory->row[0] == 3 && memory->row[1] == 5);
    assert_true(compute && compute->n == 1 && compute->row[0] == 7);
    assert_true(zero && zero->n == 1 && zero->row[0] == 8);
    assert_true(format && format->n == 1 && format->row[0] == 9);
    assert_true(bad && bad->n == 1 && bad->row[0] == 10);
    assert_int_equal(memory->action, RG_LINT_LEFT_OUT);
    assert_int_equal(compute->action, RG_LINT_LEFT_OUT);
    rg_lint_close(&found);
}

static void windows_below_zero(void **state) {
    (void)state;
    rg_lint found = lint_of("decode_h100.csv", "batch_size,isl,step,num_heads,num_key_value_heads,head_dim,"
                                               "window_size,latency_ms\n"
                                               "1,1,1023,32,8,128,-1,0.02\n1,1,1023,32,8,128,128,0.02\n");
    assert_non_null(finding(&found, "unreadable"));
    assert_non_null(strstr(finding(&found, "unreadable")->cause, "full attention"));
    rg_lint_close(&found);
}

static void one_chip_of_a_table_of_many(void **state) {
    (void)state;
    rg_lint found = lint_of("gemm.csv", "system,gemm_dtype,m,n,k,latency_ms\n"
                                        "h100_sxm,bfloat16,8192,8192,8192,0.6\n" /* beyond H100, not B200 */
                                        "b200_sxm,bfloat16,8192,8192,8192,0.6\n");
    assert_int_equal(found.n, 1);
    assert_true(found.finding[0].n == 1 && found.finding[0].row[0] == 1);
    assert_non_null(strstr(found.finding[0].what, "h100-sxm"));
    rg_lint_close(&found);
}

/* Tokens per second of 8, 16, 32 clients: 8 / (0.1 + 100 x 0.01) = 7.3, 13.3, 13.5, with TTFTs of 0.1,
   0.2, 1.37 s: the last one waits. */
static void queues(void **state) {
    (void)state;
    rg_lint found = lint_of("served.csv", "concurrency,osl,ttft_ms,tpot_ms\n"
                                          "8,100,100,10\n16,100,200,10\n32,100,1370,10\n");
    assert_int_equal(found.n, 1);
    assert_string_equal(found.finding[0].check, "saturated");
    assert_true(found.finding[0].n == 1 && found.finding[0].row[0] == 3);
    rg_lint_close(&found);
}

static void strange_file_of_a_folder(void **state) {
    (void)state;
    const lint_file files[] = {{.name = "net/a.csv", .sha256 = "1", .header = "op,bytes,ms"},
                               {.name = "net/attention.csv", .sha256 = "2", .header = "heads,ms"},
                               {.name = "net/b.csv", .sha256 = "3", .header = "op,bytes,ms"},
                               {.name = "other/c.csv", .sha256 = "4", .header = "x,y"}};
    lint l;
    const rg_lint_options options = {.data_dir = DATA};
    assert_int_equal(lint_open(&l, &options, NULL), RG_OK);
    assert_int_equal(lint_files(&l, files, 4), RG_OK);
    assert_int_equal(l.out.n, 1);
    assert_string_equal(l.out.finding[0].check, "other_columns");
    assert_string_equal(l.out.finding[0].file, "net/attention.csv");
    rg_lint_close(&l.out);
    lint_close(&l);
}

/* ---- published tables ---------------------------------------------------------------------------------- */

/* 57 of 100,668 rows beat the memory, all within the 50 MB of L2, at most 1.43 times. */
static void cached_operands(void **state) {
    (void)state;
    rg_lint found = lint_shared("gemm_h100sxm_trtllm1.3.0rc20.csv.gz");
    assert_int_equal(found.n_rows, 100668);
    assert_int_equal(found.n, 1);
    const rg_lint_finding *f = &found.finding[0];
    assert_string_equal(f->check, "in_cache");
    assert_int_equal(f->n, 57);
    assert_int_equal(f->action, RG_LINT_KEPT);
    assert_non_null(strstr(f->cause, "operands fit in L2: 17.9-40.5 MB"));
    assert_non_null(strstr(f->what, "1.43 times (m 32768, n 32, k 512)"));
    rg_lint_close(&found);
}

/* L40S and RTX PRO 6000: 14-18 % and 5-8 % of the bf16 rows, by how bytes are counted. */
static void cached_operands_of_cards(void **state) {
    (void)state;
    rg_lint l40s = lint_shared("aiconfigurator/gemm/l40s_vllm-0.24.0.csv"),
            rtx = lint_shared("aiconfigurator/gemm/rtx_pro_6000_server_vllm-0.24.0.csv");
    assert_non_null(finding(&l40s, "in_cache"));
    assert_true(finding(&l40s, "in_cache")->n > 0.1 * 8350);
    assert_non_null(finding(&rtx, "in_cache"));
    assert_null(finding(&l40s, "faster_than_memory"));
    assert_null(finding(&rtx, "faster_than_memory"));
    rg_lint_close(&l40s);
    rg_lint_close(&rtx);
}

/* Of 441 servings of Llama-3.1-70B one beats its bound, because its keys and values cannot be resident. */
static void concurrency_beyond_memory(void **state) {
    (void)state;
    rg_lint found = lint_shared("serving_e2e_ttft_tpot.csv.gz");
    size_t infeasible = 0;
    for (size_t i = 0; i < found.n; i++) {
        const rg_lint_finding *f = &found.finding[i];
        if (strcmp(f->check, "infeasible") != 0) continue;
        infeasible += f->n;
        assert_non_null(strstr(f->what, "meta-llama/Llama-3.1-70B"));
        assert_non_null(strstr(f->cause, "KV does not fit: 178 GB > 141 GB"));
        assert_non_null(strstr(f->cause, "67 of 128 sequences"));
        assert_non_null(strstr(f->cause, "26.2 ms"));
    }
    assert_int_equal(infeasible, 1);
    assert_non_null(finding(&found, "repeated_key"));
    assert_int_equal(finding(&found, "offered_concurrency")->n, 3173);
    assert_int_equal(finding(&found, "no_batch")->n, 1199); /* prefill and decode apart */
    assert_null(finding(&found, "beats_bound"));
    rg_lint_close(&found);
}

static void sums_of_bytes(void **state) {
    (void)state;
    rg_lint found = lint_shared("nccl_h100.csv.gz");
    const rg_lint_finding *f = finding(&found, "type_protocol");
    double int8 = 0, half = 0;
    assert_non_null(f);
    const char *at = strstr(f->what, "int8 reaches");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "int8 reaches %lf, half %lf GB/s", &int8, &half), 2);
    assert_true(fabs(int8 - 352) <= 1 && fabs(half - 445) <= 1);
    assert_non_null(strstr(f->what, "all_reduce of 8 GPUs"));
    assert_non_null(strstr(f->cause, "protocol difference, not bandwidth"));
    rg_lint_close(&found);
}

static void power_without_shape(void **state) {
    (void)state;
    rg_lint found = lint_shared("aiconfigurator/gemm_power/h200_sxm_vllm-0.22.0.csv");
    const rg_lint_finding *f = finding(&found, "power_jump");
    assert_true(f && f->n > 1500 && f->n < 2000); /* 1730 of 15,388: many, not most */
    assert_int_equal(f->action, RG_LINT_LEFT_OUT);
    assert_true(finding(&found, "power_short") && finding(&found, "power_short")->n > 0);
    rg_lint_close(&found);
}

static void units_of_columns(void **state) {
    (void)state;
    rg_lint found = lint_shared("argonne-llm-inference-bench/power_results.csv");
    assert_true(finding(&found, "milliwatts") && finding(&found, "milliwatts")->n == 48);
    assert_true(finding(&found, "all_tokens") && finding(&found, "all_tokens")->n == 48);
    rg_lint_close(&found);
    found = lint_shared("argonne-llm-inference-bench/All_results.csv");
    assert_int_equal(finding(&found, "all_tokens")->n + finding(&found, "one_sequence")->n, 4772);
    rg_lint_close(&found);
}

static void floors_of_eager_timing(void **state) {
    (void)state;
    rg_lint found = lint_shared("llmcompass/matmul_A100.csv");
    assert_non_null(finding(&found, "timing_floor"));
    assert_non_null(strstr(finding(&found, "timing_floor")->what, "29.6 us"));
    rg_lint_close(&found);
    found = lint_shared("aiconfigurator/gemm/a100_sxm_vllm-0.14.0.csv"); /* by CUDA graphs */
    assert_int_equal(found.n, 0);
    rg_lint_close(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(planted_defects),
                                       cmocka_unit_test(lines_of_physics),
                                       cmocka_unit_test(windows_below_zero),
                                       cmocka_unit_test(one_chip_of_a_table_of_many),
                                       cmocka_unit_test(queues),
                                       cmocka_unit_test(strange_file_of_a_folder),
                                       cmocka_unit_test(cached_operands),
                                       cmocka_unit_test(cached_operands_of_cards),
                                       cmocka_unit_test(concurrency_beyond_memory),
                                       cmocka_unit_test(sums_of_bytes),
                                       cmocka_unit_test(power_without_shape),
                                       cmocka_unit_test(units_of_columns),
                                       cmocka_unit_test(floors_of_eager_timing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
