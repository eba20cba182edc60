/* Packed codes against a string of bits, for every width of a code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/num.h"

enum { ROWS = 3, COLS = 37 };

static uint32_t code_of(int bits, size_t i) {
    const uint32_t random = rg_random_u32(7, (uint64_t)bits, i);
    return bits == 32 ? random : random & ((UINT32_C(1) << bits) - 1);
}

static void put(void *codes, size_t width, size_t i, uint32_t code) {
    const uint8_t byte = (uint8_t)code;
    const uint16_t half = (uint16_t)code;
    memcpy((uint8_t *)codes + i * width,
           width == 1   ? (const void *)&byte
           : width == 2 ? (const void *)&half
                        : &code,
           width);
}

/* Bit b of a row, the low bits of a byte first. */
static uint32_t bit_of(const uint8_t *row, size_t b) {
    return row[b / 8] >> b % 8 & 1;
}

static void every_width(void **state) {
    (void)state;
    for (int bits = 1; bits <= 32; bits++) {
        const rg_elem elem = {.bits = bits};
        const size_t width = bits <= 8 ? 1 : bits <= 16 ? 2 : 4, bytes = (COLS * (size_t)bits + 7) / 8;
        uint32_t codes[ROWS * COLS] = {0}, back[ROWS * COLS] = {0};
        uint8_t packed[ROWS * COLS * 4 + 1];
        for (size_t i = 0; i < ROWS * COLS; i++) put(codes, width, i, code_of(bits, i));
        memset(packed, 0xa5, sizeof packed);
        assert_int_equal(rg_packed_row_bytes(&elem, COLS), bytes);
        rg_pack(&elem, codes, packed, ROWS, COLS);
        assert_int_equal(packed[ROWS * bytes], 0xa5);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t b = 0; b < 8 * bytes; b++) {
                const size_t c = b / (size_t)bits, at = b % (size_t)bits;
                const uint32_t want = c < COLS ? code_of(bits, r * COLS + c) >> at & 1 : 0;
                assert_int_equal(bit_of(packed + r * bytes, b), want);
            }
        rg_unpack(&elem, packed, back, ROWS, COLS);
        assert_memory_equal(back, codes, sizeof codes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_width)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
