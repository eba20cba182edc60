/* Which table of kernels runs: the best this processor has, or the one named in RIDGE_CPU. */
#include "kernels/isa.h"

#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {"scalar", "avx2", "avx512"};

const char *rg_kernels_level(size_t i) {
    return i < sizeof levels / sizeof *levels ? levels[i] : NULL;
}

#if defined(__x86_64__)
static bool have(const char *name) {
    const bool fma = __builtin_cpu_supports("fma");
    const bool vectors = fma && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    if (strcmp(name, "avx2") == 0) return vectors;
    if (strcmp(name, "avx512") == 0) return vectors && __builtin_cpu_supports("avx512f");
    return fma;
}
static const rg_kernels *const tables[] = {&rg_kernels_scalar, &rg_kernels_avx2, &rg_kernels_avx512};
#else
static bool have(const char *name) {
    return strcmp(name, "scalar") == 0;
}
static const rg_kernels *const tables[] = {&rg_kernels_scalar, NULL, NULL};
#endif

const rg_kernels *rg_kernels_named(const char *name) {
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(name, levels[i]) == 0) return have(name) ? tables[i] : NULL;
    return NULL;
}

rg_status rg_kernels_get(const rg_kernels **out, rg_error *err) {
    const char *wanted = getenv("RIDGE_CPU");
    const rg_kernels *found = NULL;
    if (wanted && *wanted) {
        found = rg_kernels_named(wanted);
        if (!found)
            return rg_fail(err, RG_ERR_USAGE, "environment variable RIDGE_CPU",
                           "scalar, avx2 or avx512, and a processor that has it", "cannot run kernels \"%s\"",
                           wanted);
    } else {
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
            const rg_kernels *level = rg_kernels_named(levels[i]);
            if (level) found = level;
        }
    }
    if (!found)
        return rg_fail(err, RG_ERR_UNSUPPORTED, NULL, "fused multiply-add (x86: Haswell or later)",
                       "this processor cannot run Ridge's kernels");
    *out = found;
    return RG_OK;
}
