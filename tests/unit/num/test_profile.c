/* Profiles as data: what is read, what is refused and where. */
#include "diff_check.h"

static const char good[] = "library: L\nversion: \"1\"\nsource: here\nprofiles:\n"
                           "  one:\n    summary: s\n    formats:\n"
                           "      e4m3fn: {quant: \"e4m3fn@rz\", source: a}\n"
                           "      posit8: {quant: \"posit(8,0)\", source: b}\n";

static void reads(void **state) {
    (void)state;
    rg_profiles p = {0};
    assert_int_equal(rg_profiles_parse(&p, good, strlen(good), "x.yaml", NULL), RG_OK);
    assert_int_equal(p.n, 1);
    const rg_profile *one = rg_profile_find(&p, "one");
    assert_non_null(one);
    assert_string_equal(one->library, "L");
    assert_string_equal(one->version, "1");
    assert_int_equal(one->n, 2);
    assert_string_equal(one->entry[0].source, "a");
    assert_int_equal(one->entry[0].quant.cast.rounding, RG_RZ);
    assert_null(rg_profile_find(&p, "two"));
    assert_ptr_equal(rg_profile_format(one, "posit8"), &one->entry[1]);
    assert_ptr_equal(rg_profile_format(one, "posit(8,0)"), &one->entry[1]);
    assert_ptr_equal(rg_profile_format(one, "e4m3fn@rne"), &one->entry[0]);
    assert_null(rg_profile_format(one, "e5m2"));
    assert_null(rg_profile_format(one, "nonsense"));
    rg_profiles_close(&p);
    assert_int_equal(p.n, 0);
}

/* A wrong file fails by its line, and leaves what was there. */
static void refuses(void **state) {
    (void)state;
#define HEAD "library: L\nversion: v\nsource: s\nprofiles:\n"
    static const struct {
        const char *text, *where, *part;
    } rows[] = {
        {"[1, 2]", "x.yaml", "not a file of profiles"},
        {"library: L\nversion: v\nprofiles: {}\n", "x.yaml", "source"},
        {HEAD "  a:\n    summary: s\n    formats:\n      e4m3fn: {quant: \"e4m3fn@up\", source: s}\n",
         "x.yaml:8", "unknown rounding"},
        {HEAD "  a:\n    summary: s\n    formats:\n      e4m3fn: {quant: e4m3fn}\n", "x.yaml:8", "source"},
        {HEAD "  a:\n    summary: s\n    formats:\n      e4m3fn: {quant: e4m3fn, source: s, sort: 1}\n",
         "x.yaml:8", "sort"},
        {HEAD "  a:\n    summary: s\n    formats:\n      e4m3fn: e4m3fn\n", "x.yaml:8", "no map"},
        {HEAD "  a:\n    formats: {}\n", "x.yaml:6", "summary"},
        {HEAD "  a: none\n", "x.yaml:5", "no map"},
        {HEAD "  e4m3fn:\n    summary: s\n    formats: {}\n", "x.yaml:6", "e4m3fn"},
        {HEAD "  one:\n    summary: s\n    formats: {}\n", "x.yaml:6", "one"},
        {HEAD "  a:\n    summary: s\n    formats: {}\nmore: 1\n", "x.yaml:8", "more"},
    };
    rg_profiles p = {0};
    assert_int_equal(rg_profiles_parse(&p, good, strlen(good), "good.yaml", NULL), RG_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rg_error err = {0};
        if (rg_profiles_parse(&p, rows[i].text, strlen(rows[i].text), "x.yaml", &err) == RG_OK)
            fail_msg("%zu is not refused", i);
        if (!strstr(err.where, rows[i].where) ||
            (!strstr(err.message, rows[i].part) && !strstr(err.where, rows[i].part)))
            fail_msg("%zu: %s: %s", i, err.where, err.message);
        assert_int_equal(p.n, 1);
    }
    rg_profiles_close(&p);
    assert_int_equal(rg_profiles_open(&p, "/nowhere", NULL), RG_ERR_IO);
}

/* The shipped files: each text prints and parses back, and a key that is a format has as many bits. */
static void shipped(void **state) {
    (void)state;
    profiles_load();
    assert_true(profiles.n >= 20);
    for (size_t i = 0; i < profiles.n; i++) {
        const rg_profile *p = &profiles.profile[i];
        assert_true(p->n > 0 && p->summary[0] && p->version[0]);
        for (size_t k = 0; k < p->n; k++) {
            char text[RG_QUANT_TEXT];
            rg_quant q;
            rg_quant_print(&p->entry[k].quant, text, sizeof text);
            assert_int_equal(rg_quant_parse(text, &q, NULL), RG_OK);
            assert_true(rg_quant_equal(&q, &p->entry[k].quant));
            if (rg_quant_parse(p->entry[k].format, &q, NULL) == RG_OK)
                assert_int_equal(q.format.span, p->entry[k].quant.format.span);
        }
    }
}

static void behaviours(void **state) {
    (void)state;
    rg_quant q;
    rg_error err = {0};
    profiles_load();
    assert_int_equal(rg_behaviour(&profiles, "cuda13", "e5m2", &q, &err), RG_OK);
    assert_string_equal(q.format.elem.name, "e5m2");
    assert_int_equal(rg_behaviour(&profiles, "mxfp4@rna", "e5m2", &q, &err), RG_OK);
    assert_int_equal(q.cast.rounding, RG_RNA);
    assert_int_equal(rg_behaviour(&profiles, "cuda13", NULL, &q, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.expected, "e4m3fn e5m2"));
    assert_int_equal(rg_behaviour(&profiles, "cuda13", "int4", &q, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.message, "int4"));
    assert_int_equal(rg_behaviour(&profiles, "cuda99", "e5m2", &q, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.message, "cuda99"));
}

static int close_profiles(void **state) {
    (void)state;
    rg_profiles_close(&profiles);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(refuses),
                                       cmocka_unit_test(shipped), cmocka_unit_test(behaviours)};
    return cmocka_run_group_tests(tests, NULL, close_profiles);
}
