/* Packed codes: every instruction set gives the bytes of the definition, at every width, length and
   alignment, and touches nothing beside its buffers. */
#include "guard.h"
#include "kernels/kernels.h"
#include "ridge/num.h"

enum { MAX_N = 530 };

static void check(const rg_pack_kernels *k, int bits, size_t n, size_t shift, int at_end) {
    const size_t bytes = (n * (size_t)bits + 7) / 8;
    guarded a = guard_open(), b = guard_open();
    uint8_t want[MAX_N + 1], *codes = guard_place(&a, n, shift, at_end),
                             *packed = guard_place(&b, bytes, shift, at_end);
    const rg_elem elem = {.kind = RG_ELEM_INT, .bits = bits, .is_signed = true};
    for (size_t i = 0; i < n; i++) codes[i] = (uint8_t)rg_random_u32(7, (uint64_t)bits, n * MAX_N + i);
    rg_pack(&elem, codes, want, 1, n);
    if (shift && !at_end) packed[-1] = 0x5a;
    k->pack(bits, n, codes, packed);
    assert_memory_equal(packed, want, bytes);
    if (shift && !at_end) assert_int_equal(packed[-1], 0x5a);
    uint8_t back[MAX_N + 1];
    rg_unpack(&elem, want, back, 1, n);
    memset(codes, 0xee, n);
    k->unpack(bits, n, packed, codes);
    assert_memory_equal(codes, back, n);
    guard_close(&a);
    guard_close(&b);
}

static void as_defined(void **state) {
    (void)state;
    for (size_t level = 0; rg_kernels_level(level); level++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(level));
        if (!kernels) {
            print_message("skipped: this processor has no %s\n", rg_kernels_level(level));
            continue;
        }
        for (int bits = 1; bits <= 8; bits++)
            for (size_t n = 0; n <= 70; n++)
                for (size_t shift = 0; shift < 4; shift++)
                    for (int at_end = 0; at_end < 2; at_end++)
                        check(kernels->pack_codes, bits, n, shift, at_end);
        for (int bits = 1; bits <= 8; bits++) check(kernels->pack_codes, bits, MAX_N - 1, 0, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_defined)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
