/* What-if: changing a number of an opened chip. */
#include "hw/hw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rg_status hw_no_set(rg_error *err, const char *assignment, const char *expected, const char *what) {
    return rg_fail(err, RG_ERR_USAGE, "--set", expected, "%s in \"%.120s\"", what, assignment);
}

/* Strips the chip's name, and finds which number the rest means: its path, a rate type, or an older spelling.
 */
static bool path_of(const rg_chip *chip, const char *text, size_t n, char *path, size_t size) {
    static const char *const spelt[][2] = {{"memory.bytes_per_s", "memory.bandwidth"},
                                           {"memory.bytes", "memory.capacity"},
                                           {"memory_bytes_per_s", "memory.bandwidth"},
                                           {"memory_bytes", "memory.capacity"},
                                           {"tdp_w", "power.tdp"}};
    char key[96];
    if (n == 0 || n >= sizeof key) return false;
    memcpy(key, text, n);
    key[n] = 0;
    const char *rest = key;
    for (size_t i = 0; i <= chip->n_alias; i++) {
        const char *name = i < chip->n_alias ? chip->alias[i] : chip->id;
        size_t m = strlen(name);
        if (strncmp(key, name, m) == 0 && key[m] == '.') rest = key + m + 1;
    }
    for (size_t i = 0; i < sizeof spelt / sizeof *spelt; i++)
        if (strcmp(rest, spelt[i][0]) == 0) rest = spelt[i][1];
    if (strncmp(rest, "hbm.", 4) == 0)
        snprintf(path, size, "memory.%s", rest + 4);
    else
        snprintf(path, size, "%s", rest);
    if (hw_unit_of(path) != RG_N_UNITS) return true;
    snprintf(path, size, "rates.%s", rest);
    return hw_unit_of(path) != RG_N_UNITS;
}

rg_status hw_new_value(const char *assignment, const char *text, rg_unit unit, const rg_value *old,
                       double *out, rg_error *err) {
    bool scaled = text[0] == 'x';
    char *end;
    double v = strtod(text + scaled, &end);
    if (end == text + scaled || *end) {
        rg_error inner;
        if (scaled || rg_units_parse(text, unit, &v, &inner) != RG_OK)
            return hw_no_set(err, assignment, scaled ? "a factor, as in x1.3" : inner.expected,
                             scaled ? "no factor" : inner.message);
    } else if (scaled) {
        if (!old || !old->given)
            return hw_no_set(err, assignment, "a number with its unit", "nothing to scale: not published");
        v *= old->value;
    }
    if (!isfinite(v) || v <= 0)
        return hw_no_set(err, assignment, "a finite number above 0", "no such number");
    *out = v;
    return RG_OK;
}

rg_status rg_chip_set(rg_chip *chip, const char *assignment, rg_error *err) {
    const char *equals = strchr(assignment, '=');
    char path[128];
    if (!equals) return hw_no_set(err, assignment, "PATH=VALUE", "no \"=\"");
    if (!path_of(chip, assignment, (size_t)(equals - assignment), path, sizeof path))
        return hw_no_set(err, assignment, "a number that ridge hw show lists, of this chip",
                         "unknown number");
    const rg_unit unit = hw_unit_of(path);
    rg_chip_number *old = (rg_chip_number *)rg_chip_find(chip, path);
    double value = 0;
    RG_TRY(hw_new_value(assignment, equals + 1, unit, old ? &old->v : NULL, &value, err));
    const char *source =
        old ? rg_arena_printf(&chip->arena, "set by hand (%s); was %.6g: %s", assignment, old->v.value,
                              old->v.source)
            : rg_arena_printf(&chip->arena, "set by hand (%s); the chip's file has none", assignment);
    if (!source) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (old) {
        old->v.value = value;
        old->v.source = source;
        hw_sync(chip);
        return RG_OK;
    }
    const char *kept;
    RG_TRY(hw_keep(&chip->arena, path, &kept, err));
    if (strncmp(path, "rates.", 6) == 0) RG_TRY(hw_add_hypothetical(chip, path + 6, err));
    return hw_add_number(chip, kept, unit, (rg_value){value, source, true}, "set by hand", err);
}
