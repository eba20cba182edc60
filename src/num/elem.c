/* The element formats, and what is derived from their fields. */
#include "num/elem.h"

/* name, exponent, mantissa, bias, code bits, NaN. Sources: IEEE 754-2019 (fp32, fp16), OCP OFP8 v1.0 table 1,
   OCP MX v1.0 5.3 (the rest, e8m0 among them); bf16 and tf32: fp32 with 7 and 10 bits of mantissa. */
static const struct {
    const char *name;
    int exponent, mantissa, bias, bits;
    rg_nan_kind nan;
} floats[] = {
    {"fp32", 8, 23, 127, 32, RG_NAN_IEEE}, {"tf32", 8, 10, 127, 32, RG_NAN_IEEE},
    {"bf16", 8, 7, 127, 16, RG_NAN_IEEE},  {"fp16", 5, 10, 15, 16, RG_NAN_IEEE},
    {"e5m2", 5, 2, 15, 8, RG_NAN_IEEE},    {"e4m3fn", 4, 3, 7, 8, RG_NAN_TOP},
    {"e3m2", 3, 2, 3, 6, RG_NAN_NONE},     {"e2m3", 2, 3, 1, 6, RG_NAN_NONE},
    {"e2m1", 2, 1, 1, 4, RG_NAN_NONE},     {"e8m0", 8, 0, 127, 8, RG_NAN_ONLY_FF},
};

bool elem_find(const char *name, rg_elem *out) {
    rg_elem e = {0};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        if (strcmp(name, floats[i].name) != 0) continue;
        const bool power = floats[i].nan == RG_NAN_ONLY_FF;
        e = (rg_elem){RG_ELEM_FLOAT,
                      "",
                      floats[i].bits,
                      floats[i].exponent,
                      floats[i].mantissa,
                      floats[i].bias,
                      !power,
                      floats[i].nan,
                      !power};
    }
    if (strncmp(name, "int", 3) == 0 && name[3] >= '2' && name[3] <= '8' && name[4] == 0)
        e = (rg_elem){.kind = RG_ELEM_INT, .bits = name[3] - '0', .is_signed = true};
    if (e.bits == 0) return false;
    memcpy(e.name, name, strlen(name) + 1);
    *out = e;
    return true;
}

uint32_t rg_elem_cast(const rg_elem *elem, const rg_cast *cast, float x) {
    bool overflow;
    return elem_cast(elem, cast, x, &overflow);
}

uint32_t rg_elem_encode(const rg_elem *elem, float x) {
    return rg_elem_cast(elem, &(rg_cast){0}, x);
}

float rg_elem_decode(const rg_elem *elem, uint32_t code) {
    return elem_value(elem, code);
}

double rg_elem_max(const rg_elem *elem) {
    return elem_value(elem, elem_max_code(elem) << (elem->kind == RG_ELEM_INT ? 0 : elem_padding(elem)));
}

double rg_elem_min_normal(const rg_elem *elem) {
    if (elem->kind == RG_ELEM_INT) return 1;
    return ldexp(1, (elem->has_subnormals ? 1 : 0) - elem->bias);
}

double rg_elem_min_subnormal(const rg_elem *elem) {
    if (elem->kind == RG_ELEM_INT) return 1;
    return elem->has_subnormals ? ldexp(1, 1 - elem->bias - elem->mantissa_bits) : 0;
}
