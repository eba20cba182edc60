/* Faults planted in generated Verilog: each must show in the vectors. */
#ifndef RIDGE_TEST_MUTANTS_H
#define RIDGE_TEST_MUTANTS_H

#include "unit/rtl/unit_folder.h"

typedef struct mutant {
    const char *from, *to; /* the first place where `from` stands after `after` */
    const char *after;
} mutant;

static inline char *mutated(const char *verilog, const mutant *m) {
    const char *start = strstr(verilog, m->after);
    const char *at = start ? strstr(start, m->from) : NULL;
    if (!at) fail_msg("the Verilog has no '%s' after '%s'", m->from, m->after);
    rg_str s = {0};
    rg_str_add_n(&s, verilog, (size_t)(at - verilog));
    rg_str_add(&s, m->to);
    rg_str_add(&s, at + strlen(m->from));
    return s.data;
}

static inline void check_killed(const char *unit, const mutant *mutants, size_t n) {
    const rg_rtl_unit u = folder_generate(unit, "mutant");
    char name[256], align[16] = "";
    if (!u.exact) snprintf(align, sizeof align, "_f%d", u.align);
    snprintf(name, sizeof name, "mutant/rtl/dot_%.15s_%.15s_n%d%s.v", u.a.name, u.b.name, u.n, align);
    char *good = folder_read(name);
    for (size_t i = 0; i < n; i++) {
        char *bad = mutated(good, &mutants[i]);
        folder_write(name, bad);
        rg_rtl_verify_result r;
        rg_error e = {0};
        if (rg_rtl_verify(folder_path("mutant"), &r, &e) != RG_OK)
            fail_msg("%s: '%s' -> '%s': %s", unit, mutants[i].from, mutants[i].to, e.message);
        if (r.mismatches == 0)
            fail_msg("%s: '%s' -> '%s' after '%s' survives", unit, mutants[i].from, mutants[i].to,
                     mutants[i].after);
        assert_true(strncmp(r.first, "vector ", 7) == 0 && strstr(r.first, " want "));
        free(bad);
    }
    free(good);
}
#define CHECK_KILLED(unit, list) check_killed(unit, list, sizeof(list) / sizeof *(list))

#endif
