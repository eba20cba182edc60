/* What the flow needs to know of a Liberty file before the tools see it. */
#ifndef RIDGE_RTL_LIBERTY_H
#define RIDGE_RTL_LIBERTY_H

#include "ridge/base.h"

typedef struct rtl_liberty {
    char name[64];    /* of the library */
    char nand2[64];   /* the drive-1 NAND2: its area is one gate equivalent */
    char buffer[64];  /* the smallest buffer: drives the inputs */
    double nand2_um2; /* area */
    double nand2_ff;  /* mean input capacitance */
    int n_cells;
} rtl_liberty;

/* Scans the text of a library. `path` is for messages. RG_ERR_PARSE with the line for text that is no
   Liberty, lacks a NAND2 or a buffer, or ends early. */
rg_status rtl_liberty_scan(rtl_liberty *out, const char *text, size_t size, const char *path, rg_error *err);

/* Truth table of a function of up to two pins, bit i for pin 0 = i & 1, pin 1 = i >> 1; -1 when it is not
   one. Operators ! ' & * (also written as nothing) ^ | + and parentheses. */
int rtl_liberty_table(const char *function, const char *pin0, const char *pin1);

#endif
