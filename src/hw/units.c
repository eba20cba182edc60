/* Numbers with units: a text of the wrong dimension is an error, never a silent factor. */
#include "ridge/hw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit_form {
    rg_unit unit;
    const char *symbol;
    bool prefixed; /* k M G T P E may stand in front */
    bool binary;   /* Ki Mi Gi Ti too */
    bool small;    /* m u n instead */
} unit_form;

static const unit_form forms[] = {
    {RG_UNIT_FLOP_PER_S, "FLOP/s", true, false, false},
    {RG_UNIT_FLOP_PER_S, "OP/s", true, false, false},
    {RG_UNIT_BYTES_PER_S, "B/s", true, true, false},
    {RG_UNIT_BYTES, "B", true, true, false},
    {RG_UNIT_HZ, "Hz", true, false, false},
    {RG_UNIT_MM2, "mm2", false, false, false},
    {RG_UNIT_USD_PER_H, "USD/h", false, false, false},
    {RG_UNIT_USD, "USD", false, false, false},
    {RG_UNIT_W, "W", true, false, false},
    {RG_UNIT_S, "s", false, false, true},
};
enum { N_FORMS = sizeof forms / sizeof *forms };

static const char *const names[RG_N_UNITS] = {"FLOP/s", "byte", "byte/s", "Hz", "W",
                                              "mm2",    "USD",  "USD/h",  "s",  "count"};
static const char *const samples[RG_N_UNITS] = {
    "operations per second, as in \"989.4 TFLOP/s\"",
    "bytes, as in \"80 GB\" or \"96 GiB\"",
    "bytes per second, as in \"3.35 TB/s\"",
    "a frequency, as in \"1830 MHz\"",
    "a power, as in \"700 W\"",
    "an area, as in \"814 mm2\"",
    "a price, as in \"33600 USD\"",
    "a rent, as in \"10.8 USD/h\"",
    "a time, as in \"2.5 us\"",
    "a bare number, as in \"80e9\"",
};

const char *rg_unit_name(rg_unit unit) {
    return names[unit];
}

/* Factor of a prefix of n characters, 0 when it is none. */
static double prefix_factor(const char *p, size_t n, const unit_form *form) {
    static const char letters[] = "kMGTPE", small_letters[] = "mun";
    static const char binary_letters[] = "KMGTPE";
    if (n == 0) return 1;
    if (form->small && n == 1) {
        const char *at = strchr(small_letters, p[0]);
        return at && *at ? pow(1000, -(double)(at - small_letters + 1)) : 0;
    }
    if (!form->prefixed) return 0;
    if (n == 1) {
        const char *at = strchr(letters, p[0]);
        return at && *at ? pow(1000, (double)(at - letters + 1)) : 0;
    }
    if (n == 2 && form->binary && p[1] == 'i') {
        const char *at = strchr(binary_letters, p[0]);
        return at && *at ? pow(1024, (double)(at - binary_letters + 1)) : 0;
    }
    return 0;
}

/* Which unit a suffix is, and its factor; RG_N_UNITS: none. The longest symbol that ends it wins ("FLOP/s"
   before "OP/s"): with a prefix left over only one of them can fit. */
static rg_unit unit_of(const char *suffix, double *factor) {
    size_t n = strlen(suffix);
    *factor = 1;
    if (n == 0) return RG_UNIT_COUNT;
    for (int i = 0; i < N_FORMS; i++) {
        size_t m = strlen(forms[i].symbol);
        if (n < m || strcmp(suffix + n - m, forms[i].symbol) != 0) continue;
        *factor = prefix_factor(suffix, n - m, &forms[i]);
        if (*factor > 0) return forms[i].unit;
    }
    return RG_N_UNITS;
}

rg_status rg_units_parse(const char *text, rg_unit unit, double *out, rg_error *err) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || !isfinite(v) || v < 0)
        return rg_fail(err, RG_ERR_PARSE, NULL, samples[unit], "\"%.80s\" is no number with a unit", text);
    while (*end == ' ') end++;
    double factor;
    rg_unit found = unit_of(end, &factor);
    if (found == RG_N_UNITS)
        return rg_fail(err, RG_ERR_PARSE, NULL, samples[unit], "unknown unit \"%.40s\" in \"%.80s\"", end,
                       text);
    if (found != unit)
        return rg_fail(err, RG_ERR_PARSE, NULL, samples[unit], "\"%.80s\" is in %s, not in %s", text,
                       names[found], names[unit]);
    if (!isfinite(v * factor))
        return rg_fail(err, RG_ERR_PARSE, NULL, samples[unit], "\"%.80s\" is too large", text);
    *out = v * factor;
    return RG_OK;
}

const char *rg_units_print(double value, rg_unit unit, char *buf, size_t size) {
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    static const char *const symbols[RG_N_UNITS] = {"FLOP/s", "B",   "B/s",   "Hz", "W",
                                                    "mm2",    "USD", "USD/h", "s",  ""};
    int i = 0;
    bool prefixed = unit <= RG_UNIT_HZ;
    /* 999.95 would print as 1000: the next prefix is taken a little early. */
    for (; prefixed && i < 6 && fabs(value) >= 999.95; i++) value /= 1000;
    static const char *const small[] = {"", "m", "u", "n"};
    for (; unit == RG_UNIT_S && i < 3 && value > 0 && value < 0.99995; i++) value *= 1000;
    if (unit == RG_UNIT_S)
        snprintf(buf, size, "%.4g %ss", value, small[i]);
    else if (unit == RG_UNIT_COUNT)
        snprintf(buf, size, "%.6g", value);
    else if (prefixed)
        snprintf(buf, size, "%.4g %s%s", value, prefixes[i], symbols[unit]);
    else
        snprintf(buf, size, "%.6g %s", value, symbols[unit]);
    return buf;
}
