/* The certificate of e4m3fn by the definition alone, pattern by pattern.
   LABELS: long */
#include "certificates.h"

static certificate row[MAX_ROWS];

static void e4m3fn(void **state) {
    (void)state;
    const size_t rows = read_certificates(row);
    for (size_t i = 0; i < rows; i++) {
        uint32_t crc;
        if (strcmp(row[i].text, "e4m3fn@rne") != 0) continue;
        assert_int_equal(rg_certify_by(NULL, &row[i].quant, 2, NULL, &crc, NULL), RG_OK);
        assert_int_equal(crc, row[i].crc);
        return;
    }
    fail();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(e4m3fn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
