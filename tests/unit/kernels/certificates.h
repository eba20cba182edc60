/* tests/data/certificates.csv: the certificate of every named format without scales, for each rounding and
   saturation that gives another one than the saturation before. */
#ifndef RIDGE_TEST_CERTIFICATES_H
#define RIDGE_TEST_CERTIFICATES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/certify.h"
#include "kernels/kernels.h"

enum { MAX_ROWS = 1000 };

typedef struct certificate {
    char text[128]; /* quantized by */
    rg_quant quant;
    uint32_t crc;
} certificate;

static inline size_t read_certificates(certificate row[MAX_ROWS]) {
    FILE *file = fopen(RIDGE_SOURCE_DIR "/tests/data/certificates.csv", "r");
    char line[256];
    size_t n = 0;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file)); /* quant;crc32 */
    while (fgets(line, sizeof line, file)) {
        rg_error err = {0};
        assert_true(n < MAX_ROWS);
        assert_int_equal(sscanf(line, "%127[^;];%8x", row[n].text, &row[n].crc), 2);
        if (rg_quant_parse(row[n].text, &row[n].quant, &err) != RG_OK)
            fail_msg("%s: %s", row[n].text, err.message);
        n++;
    }
    fclose(file);
    assert_true(n > 0);
    return n;
}

#endif
