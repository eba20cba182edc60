/* Telling datapaths apart: a verified witness for every two presets that differ; blind identification of
 * random ones. */
#include "unit/num/datapath_blind.h"

/* ---- distinguish ----------------------------------------------------------------------------------------
 */

/* The witness, through its text, gives the two results again. */
static void verify(const rg_datapath *x, const rg_datapath *y, const rg_dot_witness *w) {
    rg_str line = {0};
    rg_arena arena = {0};
    rg_dot dot;
    rg_dot_print(x, &w->dot, &line);
    assert_int_equal(rg_dot_read(x, line.data, "witness", &arena, &dot, NULL), RG_OK);
    assert_int_equal(rg_dot_walk(x, RG_DOT_FP32, &dot), w->result[0]);
    assert_int_equal(rg_dot_walk(y, RG_DOT_FP32, &dot), w->result[1]);
    assert_int_not_equal(w->result[0], w->result[1]);
    rg_str_free(&line);
    rg_arena_free(&arena);
}

static bool same_graph(const rg_datapath *x, const rg_datapath *y) {
    rg_str a = {0}, b = {0};
    rg_datapath_print_graph(x, &a);
    rg_datapath_print_graph(y, &b);
    const bool same = strcmp(a.data, b.data) == 0 && rg_datapath_group(x) == rg_datapath_group(y);
    rg_str_free(&a);
    rg_str_free(&b);
    return same;
}

static bool same_inputs(const rg_datapath *x, const rg_datapath *y) {
    return strcmp(rg_datapath_input(x, 0), rg_datapath_input(y, 0)) == 0 &&
           strcmp(rg_datapath_input(x, 1), rg_datapath_input(y, 1)) == 0;
}

static void all_pairs(void **state) {
    (void)state;
    enum { MOST = 80 };
    rg_arena arena = {0};
    const char **name;
    rg_datapath *dp[MOST];
    size_t n, opened = 0, different = 0, largest = 0;
    int identical = 0;
    assert_int_equal(rg_datapath_names(DATA, &arena, &name, &n, NULL), RG_OK);
    for (size_t i = 0; i < n && opened < MOST; i++)
        if (strcmp(name[i], "tpu") != 0) dp[opened++] = must_open(name[i]);
    for (size_t i = 0; i < opened; i++)
        for (size_t j = i + 1; j < opened; j++) {
            if (!same_inputs(dp[i], dp[j])) continue;
            const bool same = same_graph(dp[i], dp[j]);
            if (same && ++identical > 3) continue; /* each takes all tries */
            rg_arena scratch = {0};
            rg_dot_witness w;
            assert_int_equal(rg_datapath_distinguish(dp[i], dp[j], RG_DOT_FP32, &scratch, &w, NULL), RG_OK);
            if (w.found == same)
                fail_msg("%s and %s: %s", rg_datapath_text(dp[i]), rg_datapath_text(dp[j]),
                         same ? "witness" : "no witness");
            if (w.found) verify(dp[i], dp[j], &w), different++;
            if (w.found && w.dot.k > largest) largest = w.dot.k;
            rg_arena_free(&scratch);
        }
    print_message("%zu pairs told apart, by at most %zu products\n", different, largest);
    assert_true(different > 50 && largest <= 32);
    for (size_t i = 0; i < opened; i++) rg_datapath_close(dp[i]);
    rg_arena_free(&arena);
}

/* ---- identify -------------------------------------------------------------------------------------------
 */

static void blind(void **state) {
    (void)state;
    enum { RUNS = 3 };
    size_t vectors = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        char text[256];
        random_text(run, text, sizeof text);
        identify_one(text, &vectors);
    }
    print_message("%d random datapaths, %zu vectors each on average\n", RUNS, vectors / RUNS);
}

static void known_units(void **state) {
    (void)state;
    static const char *const names[] = {"h100-e4m3-wgmma", "a100-fp16", "mi300-fp8", "b200-e5m2-mma"};
    size_t vectors = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) identify_one(names[i], &vectors);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_pairs), cmocka_unit_test(blind),
                                       cmocka_unit_test(known_units)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
