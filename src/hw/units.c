/* Numbers with units: a text of the wrong dimension is an error, never a silent factor. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hw.h"

typedef enum prefix_kind {
    BARE,
    LARGE,  /* k M G T P E may stand in front */
    BINARY, /* Ki Mi Gi Ti too */
    SMALL   /* m u n p f */
} prefix_kind;

typedef struct unit_form {
    rg_unit unit;
    const char *symbol;
    prefix_kind prefix;
    double factor; /* to SI */
} unit_form;

/* The first form of a unit is how it is printed. */
static const unit_form forms[] = {
    {RG_UNIT_FLOP_PER_S, "FLOP/s", LARGE, 1},
    {RG_UNIT_FLOP_PER_S, "OP/s", LARGE, 1},
    {RG_UNIT_BYTES_PER_S_MM, "B/s/mm", BINARY, 1},
    {RG_UNIT_BYTES_PER_S, "B/s", BINARY, 1},
    {RG_UNIT_BYTES_PER_MM2, "B/mm2", BINARY, 1},
    {RG_UNIT_BYTES, "B", BINARY, 1},
    {RG_UNIT_HZ, "Hz", LARGE, 1},
    {RG_UNIT_PER_MM2, "/mm2", LARGE, 1},
    {RG_UNIT_MM2, "mm2", BARE, 1},
    {RG_UNIT_MM, "mm", BARE, 1},
    {RG_UNIT_USD_PER_H, "USD/h", BARE, 1},
    {RG_UNIT_USD, "USD", BARE, 1},
    {RG_UNIT_W, "W", LARGE, 1},
    {RG_UNIT_J_PER_BYTE, "J/bit", SMALL, 8},
    {RG_UNIT_J_PER_BYTE, "J/B", SMALL, 1},
    {RG_UNIT_J_PER_FLOP, "J/FLOP", SMALL, 1},
    {RG_UNIT_J_PER_FLOP, "J/OP", SMALL, 1},
    {RG_UNIT_J, "J", SMALL, 1},
    {RG_UNIT_FLOP, "FLOP", LARGE, 1},
    {RG_UNIT_FLOP, "OP", LARGE, 1},
    {RG_UNIT_S, "s", SMALL, 1},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

static const struct {
    const char *name, *sample;
    hw_dimension dimension; /* exponents of operation, byte, s, J, mm, USD, h */
} units[RG_N_UNITS] = {
    [RG_UNIT_FLOP_PER_S] = {"FLOP/s", "operations per second, as in \"989.4 TFLOP/s\"", {{1, 0, -1}}},
    [RG_UNIT_BYTES] = {"byte", "bytes, as in \"80 GB\" or \"96 GiB\"", {{0, 1}}},
    [RG_UNIT_BYTES_PER_S] = {"byte/s", "bytes per second, as in \"3.35 TB/s\"", {{0, 1, -1}}},
    [RG_UNIT_HZ] = {"Hz", "a frequency, as in \"1830 MHz\"", {{0, 0, -1}}},
    [RG_UNIT_W] = {"W", "a power, as in \"700 W\"", {{0, 0, -1, 1}}},
    [RG_UNIT_MM2] = {"mm2", "an area, as in \"814 mm2\"", {{0, 0, 0, 0, 2}}},
    [RG_UNIT_USD] = {"USD", "a price, as in \"33600 USD\"", {{0, 0, 0, 0, 0, 1}}},
    [RG_UNIT_USD_PER_H] = {"USD/h", "a rent, as in \"10.8 USD/h\"", {{0, 0, 0, 0, 0, 1, -1}}},
    [RG_UNIT_S] = {"s", "a time, as in \"2.5 us\"", {{0, 0, 1}}},
    [RG_UNIT_FLOP] = {"FLOP", "operations, as in \"4096 FLOP\"", {{1}}},
    [RG_UNIT_J] = {"J", "an energy, as in \"20 pJ\"", {{0, 0, 0, 1}}},
    [RG_UNIT_J_PER_BYTE] = {"J/byte", "an energy per bit, as in \"3.9 pJ/bit\"", {{0, -1, 0, 1}}},
    [RG_UNIT_J_PER_FLOP] = {"J/FLOP", "an energy per operation, as in \"0.4 pJ/FLOP\"", {{-1, 0, 0, 1}}},
    [RG_UNIT_MM] = {"mm", "a length, as in \"26 mm\"", {{0, 0, 0, 0, 1}}},
    [RG_UNIT_PER_MM2] = {"1/mm2", "a density, as in \"138 M/mm2\"", {{0, 0, 0, 0, -2}}},
    [RG_UNIT_BYTES_PER_MM2] = {"byte/mm2", "a density, as in \"3 MB/mm2\"", {{0, 1, 0, 0, -2}}},
    [RG_UNIT_BYTES_PER_S_MM] = {"byte/s/mm",
                                "bandwidth of an edge, as in \"1.3 TB/s/mm\"",
                                {{0, 1, -1, 0, -1}}},
    [RG_UNIT_COUNT] = {"count", "a bare number, as in \"80e9\"", {{0}}},
};

const char *rg_unit_name(rg_unit unit) {
    return units[unit].name;
}

const char *hw_unit_sample(rg_unit unit) {
    return units[unit].sample;
}

hw_dimension hw_dimension_of(rg_unit unit) {
    return units[unit].dimension;
}

static double power_of(const char *letters, char c, double base) {
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? pow(base, (double)(at - letters + 1)) : 0;
}

/* Factor of a prefix of n characters, 0 when it is none. */
static double prefix_factor(const char *p, size_t n, prefix_kind kind) {
    if (n == 0) return 1;
    if (kind == SMALL) return n == 1 ? power_of("munpf", p[0], 1e-3) : 0;
    if (kind == BARE) return 0;
    if (n == 1) return power_of("kMGTPE", p[0], 1e3);
    return n == 2 && kind == BINARY && p[1] == 'i' ? power_of("KMGTPE", p[0], 1024) : 0;
}

/* Which unit a suffix is, and its factor; RG_N_UNITS: none. Forms stand before those that end like them. */
static rg_unit unit_of(const char *suffix, double *factor) {
    size_t n = strlen(suffix);
    *factor = 1;
    if (n == 0) return RG_UNIT_COUNT;
    for (int i = 0; i < N_FORMS; i++) {
        size_t m = strlen(forms[i].symbol);
        if (n < m || strcmp(suffix + n - m, forms[i].symbol) != 0) continue;
        *factor = forms[i].factor * prefix_factor(suffix, n - m, forms[i].prefix);
        if (*factor > 0) return forms[i].unit;
    }
    return RG_N_UNITS;
}

/* `wanted` is for messages. */
static rg_status parse_any(const char *text, rg_unit wanted, double *out, rg_unit *found, rg_error *err) {
    const char *sample = wanted < RG_N_UNITS ? units[wanted].sample : "a number with its unit";
    char *end;
    double v = strtod(text, &end), factor;
    if (end == text || !isfinite(v) || v < 0)
        return rg_fail(err, RG_ERR_PARSE, NULL, sample, "\"%.80s\" is no number with a unit", text);
    while (*end == ' ') end++;
    *found = unit_of(end, &factor);
    if (*found == RG_N_UNITS)
        return rg_fail(err, RG_ERR_PARSE, NULL, sample, "unknown unit \"%.40s\" in \"%.80s\"", end, text);
    if (!isfinite(v * factor))
        return rg_fail(err, RG_ERR_PARSE, NULL, sample, "\"%.80s\" is too large", text);
    *out = v * factor;
    return RG_OK;
}

rg_status hw_units_any(const char *text, double *out, rg_unit *unit, rg_error *err) {
    return parse_any(text, RG_N_UNITS, out, unit, err);
}

rg_status rg_units_parse(const char *text, rg_unit unit, double *out, rg_error *err) {
    double v = 0;
    rg_unit found;
    RG_TRY(parse_any(text, unit, &v, &found, err));
    if (found != unit)
        return rg_fail(err, RG_ERR_PARSE, NULL, units[unit].sample, "\"%.80s\" is in %s, not in %s", text,
                       units[found].name, units[unit].name);
    *out = v;
    return RG_OK;
}

const char *rg_units_print(double value, rg_unit unit, char *buf, size_t size) {
    static const char *const large[] = {"", "k", "M", "G", "T", "P", "E"};
    static const char *const small[] = {"", "m", "u", "n", "p", "f"};
    const unit_form *form = NULL;
    for (int i = 0; i < N_FORMS && !form; i++)
        if (forms[i].unit == unit) form = &forms[i];
    int i = 0;
    if (!form) {
        snprintf(buf, size, "%.6g", value);
        return buf;
    }
    value /= form->factor;
    if (form->prefix == BARE || unit == RG_UNIT_W) {
        snprintf(buf, size, "%.6g %s", value, form->symbol);
    } else if (form->prefix == SMALL) {
        for (; i < 5 && value > 0 && value < 0.99995; i++) value *= 1000;
        snprintf(buf, size, "%.4g %s%s", value, small[i], form->symbol);
    } else { /* 999.95 would print as 1000: the next prefix is taken a little early */
        for (; i < 6 && fabs(value) >= 999.95; i++) value /= 1000;
        snprintf(buf, size, "%.4g %s%s", value, large[i], form->symbol);
    }
    return buf;
}
