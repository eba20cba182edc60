/* The output stage of an aligned unit: two's complement sum and exponent to fp32, truncated toward zero. Only
   what the unit's range can reach is built: bf16 products can overflow fp32 and end subnormal, fp8 products
   cannot. */
#include "rtl/emit.h"

/* Left shift until the leading one is on top, in halving steps: z are the bits of the shift. With `limited`
   no further than lim: a step is also withheld when lim is used up, and no longer once lim is known to exceed
   what is left to shift. */
static void emit_normalise(rg_str *o, int w, bool limited, int base_bits) {
    const int steps = rtl_bit_length((uint64_t)(w - 1));
    rg_str_printf(o, "    wire [%d:0] h%d = magnitude;\n", w - 1, steps);
    if (limited)
        rg_str_printf(o, "    wire [%d:0] lim = base - %d'd1;\n    wire loose%d = |lim[%d:%d];\n",
                      base_bits - 1, base_bits, steps, base_bits - 1, steps);
    for (int k = steps - 1; k >= 0; k--) {
        const int by = 1 << k;
        rg_str_printf(o, "    wire empty%d = ~(|h%d[%d:%d]);\n", k, k + 1, w - 1, w - by);
        if (limited) {
            rg_str_printf(o, "    wire z%d = empty%d & (loose%d | lim[%d]);\n", k, k, k + 1, k);
            if (k) rg_str_printf(o, "    wire loose%d = loose%d | (lim[%d] & ~empty%d);\n", k, k + 1, k, k);
        } else {
            rg_str_printf(o, "    wire z%d = empty%d;\n", k, k);
        }
        rg_str_printf(o, "    wire [%d:0] h%d = z%d ? {h%d[%d:0], %d'd0} : h%d;\n", w - 1, k, k, k + 1,
                      w - 1 - by, by, k + 1);
    }
    rg_str_printf(o, "    wire [%d:0] exponent = base - {", base_bits - 1);
    if (base_bits > steps) rg_str_printf(o, "%d'd0, ", base_bits - steps);
    for (int k = steps - 1; k >= 0; k--) rg_str_printf(o, "z%d%s", k, k ? ", " : "};\n");
}

void rtl_emit_fp32(rg_str *o, const rtl_shape *s) {
    const int w = s->sum_bits - 1, floats = !s->a.is_int + !s->b.is_int, ew = rtl_exponent_bits(s);
    /* field of the sum's top bit = top + offset; top counts from e_min - floats */
    const int offset = s->e_min - floats - s->align + w - 1 + 127;
    const int base_max = s->e_max - s->e_min + floats + offset;
    const bool overflows = base_max > 254, underflows = s->e_floor - s->align < -126;
    int bits = rtl_bit_length((uint64_t)base_max);
    if (bits < ew) bits = ew;
    if (bits < 8) bits = 8;
    rg_str_add(o, "    // sign and magnitude, normalised\n");
    rg_str_printf(o, "    wire negative = total[%d];\n", w);
    rg_str_printf(o, "    wire [%d:0] magnitude = (total[%d:0] ^ {%d{negative}}) + {%d'd0, negative};\n",
                  w - 1, w - 1, w, w - 1);
    rg_str_printf(o, "    wire [%d:0] base = ", bits - 1);
    if (bits > ew)
        rg_str_printf(o, "{%d'd0, top}", bits - ew);
    else
        rg_str_add(o, "top");
    rg_str_printf(o, " %c %d'd%d;\n", offset < 0 ? '-' : '+', bits, offset < 0 ? -offset : offset);
    emit_normalise(o, w, underflows, bits);
    rg_str_printf(o, "    wire [22:0] fraction = ");
    if (w >= 24)
        rg_str_printf(o, "h0[%d:%d];\n", w - 2, w - 24);
    else if (w >= 2)
        rg_str_printf(o, "{h0[%d:0], %d'd0};\n", w - 2, 24 - w);
    if (w > 24) rg_str_printf(o, "    wire unused_tail = |h0[%d:0]; // truncated\n", w - 25);
    rg_str_printf(o, "    wire [7:0] field = exponent[7:0] & {8{h0[%d]}};\n", w - 1);
    if (overflows) {
        rg_str_printf(o, "    wire over = h0[%d] & (", w - 1);
        if (bits > 8) rg_str_printf(o, "(|exponent[%d:8]) | ", bits - 1);
        rg_str_add(o, "(&exponent[7:0]));\n");
        rg_str_add(o, "    wire [31:0] finite = {negative, over ? 31'h7f7fffff : {field, fraction}};\n");
    } else {
        if (bits > 8) rg_str_printf(o, "    wire unused_high = |exponent[%d:8];\n", bits - 1);
        rg_str_add(o, "    wire [31:0] finite = {negative, field, fraction};\n");
    }
    rg_str_add(o, "    assign result = ");
    if (s->has_nan) rg_str_add(o, "nan ? 32'h7fffffff : ");
    if (s->has_inf) rg_str_add(o, "(plus_inf | minus_inf) ? {minus_inf, 8'hff, 23'd0} : ");
    rg_str_add(o, "finite;\n");
}
