/* The table of certificates against an oracle that knows the formats by their values.
   LIBS: mpfr gmp */
#include "cast_oracle.h"

static certificate row[MAX_ROWS];

/* Formats of up to 16 bits; tf32's half million codes are a long test's. */
static void table(void **state) {
    (void)state;
    const size_t n = read_certificates(row);
    size_t checked = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t crc;
        if (row[i].quant.format.elem.bits > 8 || !oracle_certificate(&row[i].quant, &crc)) continue;
        if (crc != row[i].crc) fail_msg("%s: %08x, not %08x", row[i].text, crc, row[i].crc);
        checked++;
    }
    print_message("%zu certificates\n", checked);
    assert_true(checked > 150);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
