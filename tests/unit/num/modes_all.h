/* All 2^32 fp32 patterns through a format by every deterministic rounding, against the definition. Around the
   largest value by every saturation. */
#ifndef RIDGE_TEST_MODES_ALL_H
#define RIDGE_TEST_MODES_ALL_H

#include "float_oracle.h"

enum { CHUNK = 1 << 20 };

/* Where x lies: in the gap above code lo, at its lower end, below, at or above its middle. The code that is
   due changes with the place alone. */
typedef struct walk {
    uint32_t lo;
    double low, middle, high;
} walk;

static inline void walk_to(walk *w, const spec *s, uint32_t lo) {
    w->lo = lo;
    w->low = spec_value(s, lo);
    w->high = spec_value(s, lo + 1);
    w->middle = w->low / 2 + w->high / 2;
}

/* First pattern of [first, end) that comes out wrong, or -1. Patterns ascend in magnitude; signs alike. */
static inline int64_t modes_check(const spec *s, const rg_elem *e, const rg_cast *cast, uint32_t first,
                                  uint32_t last) {
    const uint32_t sign_bit = 0x80000000u;
    const int padding = e->bits - (s->is_signed ? 1 : 0) - s->e - s->m;
    walk w;
    int place = -1;
    uint32_t due = 0;
    walk_to(&w, s, spec_below(s, fabs((double)spec_float(first))));
    for (uint32_t bits = first;; bits++) {
        const float x = spec_float(bits);
        const double size = fabs((double)x);
        int now;
        if ((bits & ~sign_bit) > 0x7f800000u) {
            now = 5;
        } else {
            if (size >= w.high && w.lo <= s->max) {
                while (size >= w.high && w.lo <= s->max) walk_to(&w, s, w.lo + 1);
                place = -1;
            }
            now = bits << 1 == 0     ? 6
                  : isinf(x)         ? 7
                  : size < w.low     ? 8
                  : size == w.low    ? 0
                  : size < w.middle  ? 1
                  : size == w.middle ? 2
                                     : 3;
        }
        if (now != place) due = spec_cast_near(s, cast, x, isinf(x) ? s->max + 1 : w.lo) << padding;
        place = now;
        if (rg_elem_cast(e, cast, x, 0) != due) return bits;
        if (bits == last) return -1;
    }
}

static inline void modes_format(const spec *s) {
    const rg_elem e = spec_elem(s->name);
    for (int r = RG_RNE; r <= RG_RO; r++) {
        const rg_cast cast = {.rounding = (rg_rounding)r, .saturation = RG_SAT_NONE};
        int64_t bad = -1;
#pragma omp parallel for schedule(dynamic) reduction(max : bad)
        for (uint32_t chunk = 0; chunk < 1u << 12; chunk++) {
            const int64_t found = modes_check(s, &e, &cast, chunk * CHUNK, chunk * CHUNK + (CHUNK - 1));
            if (found > bad) bad = found;
        }
        if (bad >= 0) fail_msg("%s, rounding %d: pattern 0x%08x", s->name, r, (unsigned)bad);
    }
    uint32_t from;
    const float half = (float)(s->max_value / 2);
    memcpy(&from, &half, sizeof from);
    for (int k = 0; k < (RG_RO + 1) * RG_N_SATURATIONS; k++)
        for (uint32_t sign = 0; sign < 2; sign++) {
            const rg_cast cast = {.rounding = (rg_rounding)(k % (RG_RO + 1)),
                                  .saturation = (rg_saturation)(k / (RG_RO + 1))};
            const uint32_t top = from + (3u << 23) < 0x7fffffffu ? from + (3u << 23) : 0x7fffffffu;
            const int64_t bad = modes_check(s, &e, &cast, from | sign << 31, top | sign << 31);
            if (bad >= 0) fail_msg("%s, cast %d: pattern 0x%08x", s->name, k, (unsigned)bad);
        }
}

/* The formats of these names. */
static inline void modes_formats(const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < N_SPECS && strcmp(specs[k].name, names[i]) != 0) k++;
        assert_true(k < N_SPECS);
        modes_format(&specs[k]);
    }
}

#endif
