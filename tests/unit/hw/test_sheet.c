/* Every row of the published sheet of accelerators has a chip file, with the same numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ridge/hw.h"

#define DATA RIDGE_SOURCE_DIR "/data"

enum { MAX_CELLS = 64 };

/* One line of RFC 4180 CSV without line breaks in cells, cut up in place. */
static int cells_of(char *line, char *cell[MAX_CELLS]) {
    int n = 0;
    for (char *p = line; n < MAX_CELLS;) {
        char *out = p;
        cell[n++] = p;
        bool quoted = *p == '"';
        if (quoted) p++;
        while (*p && (quoted || *p != ',')) {
            if (quoted && *p == '"' && *++p != '"') {
                quoted = false;
                continue;
            }
            *out++ = *p++;
        }
        bool more = *p == ',';
        *out = 0;
        if (!more) break;
        p++;
    }
    return n;
}

static const struct {
    const char *column, *path;
    double factor;
} numbers[] = {{"fp32_TF", "rates.fp32", 1e12},
               {"tf32_TF", "rates.tf32", 1e12},
               {"bf16_TF", "rates.bf16", 1e12},
               {"fp16_TF", "rates.fp16", 1e12},
               {"fp8_TF", "rates.fp8", 1e12},
               {"fp6_TF", "rates.fp6", 1e12},
               {"fp4_TF", "rates.fp4", 1e12},
               {"int8_TOPS", "rates.int8", 1e12},
               {"mem_GB", "memory.capacity", 1e9},
               {"mem_BW_GBps", "memory.bandwidth", 1e9},
               {"onchip_MB", "onchip.capacity", 1e6},
               {"onchip_BW_GBps", "onchip.bandwidth", 1e9},
               {"scaleup_GBps_per_dir", "scaleup.bandwidth", 1e9},
               {"scaleup_domain", "scaleup.domain", 1},
               {"scaleout_GBps_per_dir", "scaleout.bandwidth", 1e9},
               {"die_area_mm2", "silicon.area", 1},
               {"transistors_B", "silicon.transistors", 1e9},
               {"clock_MHz", "silicon.clock", 1e6},
               {"tdp_W", "power.tdp", 1},
               {"unit_price_usd", "cost.unit", 1},
               {"rent_usd_per_hr", "cost.rent", 1},
               {"meas_bf16_TF", "measured.bf16", 1e12},
               {"meas_mem_BW_GBps", "measured.bandwidth", 1e9}};

static const char *value_of(char *const *head, int n_head, char *const *cell, const char *column) {
    for (int i = 0; i < n_head; i++)
        if (strcmp(head[i], column) == 0) return cell[i];
    fail_msg("no column %s", column);
    return NULL;
}

static int check_row(char *const *head, int n_head, char *const *cell) {
    rg_chip chip;
    rg_error err = {0};
    int checked = 0;
    if (rg_chip_open(&chip, cell[0], DATA, &err) != RG_OK) fail_msg("%s: %s", cell[0], err.message);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *text = value_of(head, n_head, cell, numbers[i].column);
        const rg_chip_number *n = rg_chip_find(&chip, numbers[i].path);
        if (!*text && n) fail_msg("%s: %s is not in the sheet", cell[0], numbers[i].path);
        if (*text && !n) fail_msg("%s: %s is %s in the sheet", cell[0], numbers[i].path, text);
        if (!n) continue;
        const double sheet = strtod(text, NULL) * numbers[i].factor;
        if (fabs(n->v.value / sheet - 1) > 1e-12)
            fail_msg("%s: %s is %.17g, the sheet has %.17g", cell[0], numbers[i].path, n->v.value, sheet);
        assert_true(n->v.source[0] != 0);
        checked++;
    }
    assert_int_equal(chip.year, atoi(value_of(head, n_head, cell, "year")));
    assert_string_equal(chip.vendor, value_of(head, n_head, cell, "vendor"));
    const char *peaks = value_of(head, n_head, cell, "peak_convention");
    if (chip.sparse_peaks != (strstr(peaks, "WITH sparsity") != NULL)) fail_msg("%s: %s", cell[0], peaks);
    rg_chip_close(&chip);
    return checked;
}

static void sheet(void **state) {
    (void)state;
    char path[4096], *text, *cell[MAX_CELLS], *head[MAX_CELLS];
    const char *dir = getenv("RIDGE_SHARED");
    size_t size;
    snprintf(path, sizeof path, "%s/hardware/accelerators.csv",
             dir ? dir : RIDGE_SOURCE_DIR "/../shared/data");
    if (access(path, R_OK) != 0) skip();
    assert_int_equal(rg_file_read(path, 1 << 24, &text, &size, NULL), RG_OK);
    char *save, *line = strtok_r(text, "\r\n", &save);
    int n_head = cells_of(line, head), rows = 0, checked = 0;
    while ((line = strtok_r(NULL, "\r\n", &save))) {
        assert_int_equal(cells_of(line, cell), n_head);
        checked += check_row(head, n_head, cell);
        rows++;
    }
    assert_int_equal(rows, 34);
    print_message("%d numbers of %d chips agree with the sheet\n", checked, rows);
    free(text);

    const char **ids; /* and three chips beside them, one of them composed */
    rg_arena arena = {0};
    size_t n, beside = 0;
    assert_int_equal(rg_chip_list(DATA, &arena, &ids, &n, NULL), RG_OK);
    for (size_t i = 0; i < n; i++)
        beside += strcmp(ids[i], "l40s") == 0 || strcmp(ids[i], "rtx-pro-6000-server") == 0 ||
                  strcmp(ids[i], "what-if-2029") == 0;
    assert_int_equal(beside, 3);
    assert_int_equal(n, rows + 3);
    rg_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sheet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
