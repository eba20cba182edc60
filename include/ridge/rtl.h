/* Numeric units as Verilog-2005, proved against the C datapath, and pushed through synthesis. */
#ifndef RIDGE_RTL_H
#define RIDGE_RTL_H

#include "ridge/base.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

/* dot(a=FORMAT,b=FORMAT,n=N[,align=F]): sum of n products of elements. Integers and floats whose exact sum is
   narrow (4-bit floats; products span few binades) are summed exactly; other floats are aligned to the
   largest product with F fraction bits kept (25 by default), truncated toward zero on magnitude. Element
   formats only: block scales ride outside. */
typedef struct rg_rtl_unit {
    char text[RG_QUANT_TEXT]; /* canonical */
    rg_elem a, b;
    int n;
    bool exact;
    int align;       /* fraction bits kept, when not exact */
    int output_bits; /* width of the result port(s); see docs/rtl.md */
} rg_rtl_unit;
rg_status rg_rtl_unit_parse(const char *text, rg_rtl_unit *out, rg_error *err);

/* The C datapath: result bits of the unit for n codes each; out[] little endian 64-bit words, (output_bits +
 * 63) / 64 of them. */
void rg_rtl_unit_eval(const rg_rtl_unit *unit, const uint32_t *a, const uint32_t *b, uint64_t *out);

/* Writes rtl/, vectors, testbench and unit.json below `dir`. */
rg_status rg_rtl_generate(const rg_rtl_unit *unit, const char *dir, rg_error *err);

/* Simulates the folder's Verilog over its vectors. Mismatches are a result, not a failure; testbench or
   vectors that are not the generated ones are RG_ERR_MISMATCH. */
typedef struct rg_rtl_verify_result {
    uint64_t vectors, mismatches;
    bool exhaustive;
    char simulator[64]; /* "iverilog 11.0" */
    char first[512];    /* the first mismatch: vector, operands, got, want; empty when there is none */
} rg_rtl_verify_result;
rg_status rg_rtl_verify(const char *dir, rg_rtl_verify_result *out, rg_error *err);

typedef struct rg_rtl_ppa_options {
    const char *liberty; /* NULL: OSU 0.18 um of Debian's qflow-tech-osu018 */
    double delay_ns;     /* target; 0: the fastest the recipes reach */
    double limit_s;      /* per tool run; 0: 120 */
} rg_rtl_ppa_options;
#define RG_RTL_MAX_RECIPES 8
typedef struct rg_rtl_point { /* what one synthesis recipe reached */
    char recipe[32];
    double area_um2, delay_ns;
    int64_t cells;
} rg_rtl_point;
typedef struct rg_rtl_ppa_result {
    double area_um2, area_ge, delay_ns;
    int64_t cells;
    bool met; /* delay <= target; true without a target */
    char recipe[32];
    rg_digest library_sha256;
    char tools[256]; /* "Yosys 0.23, OpenSTA 2.0.17" */
    size_t n_points; /* every recipe, by area */
    rg_rtl_point point[RG_RTL_MAX_RECIPES];
    char netlist[4096]; /* file: the chosen recipe's gates */
} rg_rtl_ppa_result;
/* The cell library that is taken when none is named: where Debian's package qflow-tech-osu018 puts it. */
const char *rg_rtl_default_liberty(void);
/* Synthesises the folder's Verilog by every recipe, times each netlist, and takes the smallest that meets the
   target, else the fastest. What the recipes reached is kept below DIR/syn, under a digest of Verilog,
   library, recipes and tool versions, and taken from there when all of these are the same. */
rg_status rg_rtl_ppa(const char *dir, const rg_rtl_ppa_options *options, rg_rtl_ppa_result *out,
                     rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
