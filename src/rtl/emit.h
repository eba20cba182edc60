/* Pieces of the emitter and of the generated folder. */
#ifndef RIDGE_RTL_EMIT_H
#define RIDGE_RTL_EMIT_H

#include "rtl/shape.h"

/* Module name: dot_e4m3fn_e4m3fn_n8_f25. */
void rtl_top_name(const rg_rtl_unit *unit, char *buf, size_t size);
/* The whole Verilog-2005 module. */
void rtl_emit_module(rg_str *out, const rg_rtl_unit *unit);
/* Its output stage for aligned units: sum and exponent to fp32. */
void rtl_emit_fp32(rg_str *out, const rtl_shape *s);
/* The bits of an exponent counted from the smallest one (aligned units). */
int rtl_exponent_bits(const rtl_shape *s);

/* Ports in order: name, bits; inputs first. Returns how many (3 or 4). */
typedef struct rtl_port {
    const char *name;
    bool output;
    int bits;
} rtl_port;
int rtl_ports(const rg_rtl_unit *unit, rtl_port port[4]);

/* Self-checking testbench: reads `n_vectors` rows {outputs, b, a} from vectors.hex, prints one line
   "RESULT vectors V mismatches M". */
void rtl_emit_testbench(rg_str *out, const rg_rtl_unit *unit, uint64_t n_vectors);

/* How many vectors, and whether they are all there are. */
uint64_t rtl_vector_count(const rg_rtl_unit *unit, bool *exhaustive);
/* Codes of vector i. */
void rtl_vector(const rg_rtl_unit *unit, uint64_t i, uint32_t *a, uint32_t *b);

#endif
