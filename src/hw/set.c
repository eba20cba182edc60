/* What-if: changing a number of an opened chip. */
#include "hw/hw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rg_status hw_no_set(rg_error *err, const char *assignment, const char *expected, const char *what) {
    return rg_fail(err, RG_ERR_USAGE, "--set", expected, "%s in \"%.120s\"", what, assignment);
}

/* "h100.memory.bandwidth" -> "memory.bandwidth". */
static const char *without_name(const rg_chip *chip, const char *key) {
    for (size_t i = 0; i <= chip->n_alias; i++) {
        const char *name = i < chip->n_alias ? chip->alias[i] : chip->id;
        const size_t n = strlen(name);
        if (strncmp(key, name, n) == 0 && key[n] == '.') return key + n + 1;
    }
    return key;
}

/* Which number a name means: its path, a rate type, or another spelling. */
static bool path_of(const char *name, char *path, size_t size) {
    static const char *const spelt[][2] = {{"memory.bytes_per_s", "memory.bandwidth"},
                                           {"memory.bytes", "memory.capacity"},
                                           {"memory_bytes_per_s", "memory.bandwidth"},
                                           {"memory_bytes", "memory.capacity"},
                                           {"tdp_w", "power.tdp"}};
    for (size_t i = 0; i < sizeof spelt / sizeof *spelt; i++)
        if (strcmp(name, spelt[i][0]) == 0) name = spelt[i][1];
    const bool hbm = strncmp(name, "hbm.", 4) == 0;
    snprintf(path, size, "%s%s", hbm ? "memory." : "", hbm ? name + 4 : name);
    if (hw_unit_of(path) != RG_N_UNITS) return true;
    snprintf(path, size, "rates.%s", name);
    return hw_unit_of(path) != RG_N_UNITS;
}

/* Is a number of this unit counted in millions at least, for any chip? */
static bool is_large(rg_unit unit) {
    return unit == RG_UNIT_BYTES || unit == RG_UNIT_BYTES_PER_S || unit == RG_UNIT_FLOP_PER_S ||
           unit == RG_UNIT_HZ;
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
    if (!scaled && v < 1e6 && is_large(unit)) { /* "80" where "80 GB" is meant */
        char what[80];
        snprintf(what, sizeof what, "a bare number is in %s: too small", rg_unit_name(unit));
        return hw_no_set(err, assignment, hw_unit_sample(unit), what);
    }
    *out = v;
    return RG_OK;
}

rg_status rg_chip_set(rg_chip *chip, const char *assignment, rg_error *err) {
    const char *equals = strchr(assignment, '=');
    char key[96], path[128];
    bool found;
    if (!equals) return hw_no_set(err, assignment, "PATH=VALUE", "no \"=\"");
    snprintf(key, sizeof key, "%.*s", (int)(equals - assignment < 95 ? equals - assignment : 95), assignment);
    const char *name = without_name(chip, key);
    RG_TRY(hw_set_bet(chip, name, assignment, equals + 1, &found, err));
    if (found) return RG_OK;
    if (!path_of(name, path, sizeof path))
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
        old->v = (rg_value){.value = value, .source = source, .given = true};
        hw_sync(chip);
        return RG_OK;
    }
    const char *kept;
    RG_TRY(hw_keep(&chip->arena, path, &kept, err));
    if (strncmp(path, "rates.", 6) == 0) RG_TRY(hw_add_hypothetical(chip, path + 6, err));
    return hw_add_number(chip, kept, unit, (rg_value){value, source, true}, "set by hand", err);
}
