/* Certificates of whole runs over 2^32 patterns: every kernel against the table; the oracle for the wide
   formats. RIDGE_CERTIFY=all in the environment takes every row on the fastest kernels, else each instruction
   set takes a share of the rows that differs from the others'. LABELS: long LIBS: mpfr gmp */
#include "cast_oracle.h"

static certificate row[MAX_ROWS];

static void whole(const rg_kernels *kernels, const certificate *c, size_t *n) {
    uint32_t crc;
    rg_cast_plan plan;
    if (!rg_cast_plan_make(&plan, &c->quant.format.elem, &c->quant.cast)) return;
    assert_int_equal(rg_certify_by(kernels->cast, &c->quant, 2, NULL, &crc, NULL), RG_OK);
    if (crc != c->crc) fail_msg("%s of %s: %08x, not %08x", kernels->name, c->text, crc, c->crc);
    ++*n;
}

static void kernels_agree(void **state) {
    (void)state;
    const bool all = getenv("RIDGE_CERTIFY") && strcmp(getenv("RIDGE_CERTIFY"), "all") == 0;
    const size_t rows = read_certificates(row), share[] = {331, 97, 23};
    for (size_t l = 0; rg_kernels_level(l); l++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(l));
        const bool fastest = !rg_kernels_level(l + 1) || !rg_kernels_named(rg_kernels_level(l + 1));
        size_t n = 0;
        for (size_t i = 0; kernels && i < rows; i++)
            if ((all && fastest) || i % share[l] == l || strcmp(row[i].text, "e4m3fn@rne") == 0)
                whole(kernels, &row[i], &n);
        print_message("%s: %zu certificates\n", rg_kernels_level(l), n);
    }
}

static void oracle_agrees(void **state) {
    (void)state;
    const size_t rows = read_certificates(row);
    for (size_t i = 0; i < rows; i++) {
        uint32_t crc;
        if (row[i].quant.format.elem.bits <= 8 || !oracle_certificate(&row[i].quant, &crc)) continue;
        if (crc != row[i].crc) fail_msg("%s: %08x, not %08x", row[i].text, crc, row[i].crc);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(kernels_agree), cmocka_unit_test(oracle_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
