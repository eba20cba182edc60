/* Collectives of a chip from constants of the others: how wrong, and how honest the interval is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "perf/calibrate/calibrate.h"
#include "perf/calibrate/csv.h"
#include "ridge/network.h"
#include "unit/graph/models.h"

/* The calibrations without one chip's. */
static void without(const rg_calibrations *all, const char *chip, rg_calibrations *out) {
    rg_error err = {0};
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->entry[i].chip, chip) != 0)
            assert_int_equal(perf_calibrations_add(out, &all->entry[i], &err), RG_OK);
    perf_network_index(out);
}

static rg_fit_score score(const perf_csv *t, const rg_system *s, const rg_calibrations *c) {
    static const char *const names[] = {"all_reduce", "all_gather", "reduce_scatter", "alltoall"};
    perf_errors e = {0};
    for (size_t i = 0; i < t->n_rows; i++) {
        int op = 0;
        rg_collective_time got;
        rg_error err = {0};
        const char *dtype = perf_csv_cell(t, i, "nccl_dtype");
        while (op < 4 && strcmp(names[op], perf_csv_cell(t, i, "op_name")) != 0) op++;
        const double bytes = perf_csv_number(t, i, "message_elements") * (strcmp(dtype, "half") == 0 ? 2 : 1);
        const double measured_s = perf_csv_number(t, i, "latency_ms") * 1e-3;
        if (op == 4 || !(measured_s > 0)) continue;
        if (rg_perf_collective(s, c, (rg_collective)op, dtype, perf_csv_number(t, i, "num_gpus"), 1, bytes,
                               &got, &err) != RG_OK)
            fail_msg("%s", err.message);
        perf_errors_add(&e, measured_s, got.estimate_s, got.lo80_s, got.hi80_s);
    }
    const rg_fit_score out = perf_errors_score(&e);
    perf_errors_free(&e);
    return out;
}

static void left_out(void **state) {
    (void)state;
    static const struct {
        const char *table, *chip, *system;
        size_t rows; /* of the four operations, all of them */
    } cases[] = {{"nccl_a100.csv.gz", "a100-sxm-80", "dgx-a100", 504},
                 {"nccl_h100.csv.gz", "h100-sxm", "dgx-h100", 1008},
                 {"nccl_gb200.csv.gz", "gb200-nvl72-gpu", "gb200-nvl72", 1611}};
    rg_calibrations *all;
    rg_error err = {0};
    double mean = 0, covered = 0, of_links = 0;
    for (size_t i = 0; i < 3; i++) { /* before anything is opened */
        char name[64];
        snprintf(name, sizeof name, "measured/%s", cases[i].table);
        if (shared_path(name)) continue;
        print_message("skipped: no %s\n", name);
        skip();
    }
    assert_int_equal(rg_calibrations_open(&all, DATA, &err), RG_OK);
    for (size_t i = 0; i < 3; i++) {
        perf_csv t;
        rg_system s;
        rg_calibrations others = {0};
        char name[64];
        snprintf(name, sizeof name, "measured/%s", cases[i].table);
        must(perf_csv_read(&t, shared_path(name), &err), &err);
        must(rg_system_open(&s, cases[i].system, DATA, &err), &err);
        without(all, cases[i].chip, &others);
        const rg_fit_score own = score(&t, &s, all), out = score(&t, &s, &others), none = score(&t, &s, NULL);
        print_message(
            "%-12s n %zu: own constants %.1f %% (in sample), of others %.1f %% (bias %+.1f, covered %.0f "
            "%%), of links %.1f %% (covered %.0f %%)\n",
            cases[i].system, out.n, 100 * own.mape, 100 * out.mape, 100 * out.bias, 100 * out.coverage80,
            100 * none.mape, 100 * none.coverage80);
        assert_int_equal(out.n, cases[i].rows);
        mean += out.mape / 3;
        of_links += none.mape / 3;
        covered += out.coverage80 / 3;
        rg_arena_free(&others.arena);
        rg_system_close(&s);
        perf_csv_close(&t);
    }
    print_message("mean %.3f, covered %.3f\n", mean, covered);
    /* no goal: constants of others must be worth more than none, and neither number much worse than the 23.5
       % and 77 % of the constants as shipped */
    assert_true(mean < of_links && mean < 0.26 && covered >= 0.75);
    rg_calibrations_close(all);
}

/* Messages between two H100 inside a node and across nodes, microsoft/vidur. The constants of the links were
   chosen with this table among others: not held out. The limits are no goals but watch for a change for the
   worse: errors were 7.6 and 14.8 %, coverages 74 and 86 %. */
static void sends(void **state) {
    (void)state;
    const char *name = "measured/vidur/send_recv_h100_dgx.csv";
    perf_csv t;
    rg_system s;
    rg_error err = {0};
    if (!shared_path(name)) {
        print_message("skipped: no %s\n", name);
        skip();
    }
    must(perf_csv_read(&t, shared_path(name), &err), &err);
    must(rg_system_open(&s, "dgx-h100", DATA, &err), &err);
    for (int across = 0; across < 2; across++) {
        perf_errors e = {0};
        for (size_t i = 0; i < t.n_rows; i++) {
            rg_collective_time got;
            if ((perf_csv_number(&t, i, "devices_per_node") == 1) != across) continue;
            must(rg_perf_collective(&s, NULL, RG_SEND, NULL, 2, across ? 8 : 1,
                                    perf_csv_number(&t, i, "size_bytes"), &got, &err),
                 &err);
            perf_errors_add(&e, perf_csv_number(&t, i, "latency_ms") * 1e-3, got.estimate_s, got.lo80_s,
                            got.hi80_s);
        }
        const rg_fit_score x = perf_errors_score(&e);
        print_message("send %s: n %zu, error %.1f %%, bias %+.1f %%, covered %.0f %%\n",
                      across ? "across" : "inside", x.n, 100 * x.mape, 100 * x.bias, 100 * x.coverage80);
        assert_true(x.n == 993 && x.mape < (across ? 0.17 : 0.1) && x.coverage80 > 0.7);
        perf_errors_free(&e);
    }
    rg_system_close(&s);
    perf_csv_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(left_out), cmocka_unit_test(sends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
