/* The table of certificates is that of the definition, and the kernels agree with it on a sample of all
   patterns. "write" as argument prints the table anew (tests/data/certificates.csv), with names behind it
   those formats alone. */
#include <zlib.h>

#include "certificates.h"

static const char *const roundings[] = {"rne", "rna", "rz", "ru", "rd", "ro"};
static const char *const saturations[] = {"finite", "propagate", "none", "ocp"};

static bool among(const char *name, int n, char **names) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return n == 0;
}

static int write_table(int n_names, char **names) {
    const char *name;
    puts("quant;crc32");
    for (size_t i = 0; (name = rg_format_preset(i, NULL)); i++) {
        rg_quant q;
        if (!among(name, n_names, names)) continue;
        if (rg_quant_parse(name, &q, NULL) != RG_OK) return 1;
        const bool ordered = q.format.elem.kind == RG_ELEM_ORDERED, fp32 = rg_quant_is_identity(&q);
        if (q.format.span != RG_SPAN_NONE || (ordered && q.format.elem.bits > 16)) continue;
        for (int r = 0; r < (fp32 ? 1 : 6); r++) {
            uint32_t seen[4];
            for (int s = 0, known = 0; s < (ordered || fp32 ? 1 : 4); s++) {
                char text[128];
                snprintf(text, sizeof text, s ? "%s@%s(sat=%s)" : "%s@%s", name, roundings[r],
                         saturations[s]);
                if (rg_quant_parse(text, &q, NULL) != RG_OK) return 1;
                if (fp32 ? rg_certify(&q, 2, NULL, &seen[s], NULL) != RG_OK
                         : (seen[s] = rg_certify_by_runs(&q), false))
                    return 1;
                for (int k = 0; k < s; k++) known = k == 0 ? seen[k] == seen[s] : known || seen[k] == seen[s];
                if (!s || !known) printf("%s;%08x\n", text, (unsigned)seen[s]);
                fflush(stdout);
            }
        }
    }
    return 0;
}

static certificate row[MAX_ROWS];

/* Byte formats alone: the others take seconds each (test_certify_all). */
static void definition(void **state) {
    (void)state;
    const size_t n = read_certificates(row);
    for (size_t i = 0; i < n; i++)
        if (row[i].quant.format.elem.bits <= 8 && rg_certify_by_runs(&row[i].quant) != row[i].crc)
            fail_msg("%s: not %08x", row[i].text, row[i].crc);
}

static void sampled(void **state) {
    (void)state;
    enum { N = 1 << 14 };
    static float x[N];
    static uint32_t codes[N], want[N];
    const size_t n = read_certificates(row);
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t pattern = i * 0x3fff7 + (i >> 4); /* every exponent, mantissas all over */
        memcpy(&x[i], &pattern, sizeof pattern);
    }
    for (size_t i = 0; i < n; i++) {
        const rg_quant *q = &row[i].quant;
        rg_cast_plan plan;
        if (!rg_cast_plan_make(&plan, &q->format.elem, &q->cast)) continue;
        rg_encode(q, x, want, NULL, 1, N, false, NULL);
        for (size_t l = 0; rg_kernels_level(l); l++) {
            const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(l));
            if (!kernels) continue;
            kernels->cast->encode(&plan, N, x, 0, codes);
            if (memcmp(codes, want, N * (size_t)plan.width) != 0)
                fail_msg("%s of %s is not the definition", kernels->name, row[i].text);
        }
    }
}

static void repeated(void **state) {
    (void)state;
    static uint8_t bytes[100000];
    for (size_t i = 0; i < sizeof bytes / 2; i++) bytes[2 * i] = 0x12, bytes[2 * i + 1] = 0x34;
    for (size_t n = 0; n < sizeof bytes / 2; n += 1 + n / 3)
        assert_int_equal(rg_certify_repeated(0x3412, 2, n), crc32_z(0, bytes, 2 * n));
}

static void refuses_scales(void **state) {
    (void)state;
    rg_quant q;
    rg_error err;
    uint32_t crc = 7;
    assert_int_equal(rg_quant_parse("mxfp4", &q, &err), RG_OK);
    assert_int_equal(rg_certify(&q, 1, NULL, &crc, &err), RG_ERR_USAGE);
    assert_int_equal(crc, 7);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "write") == 0) return write_table(argc - 2, argv + 2);
    const struct CMUnitTest tests[] = {cmocka_unit_test(definition), cmocka_unit_test(sampled),
                                       cmocka_unit_test(repeated), cmocka_unit_test(refuses_scales)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
