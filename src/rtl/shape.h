/* What a unit's formats imply: field layouts, ranges, widths. The emitter, the vectors and the report of the
   ports all read it; the C datapath does not, so that an error here cannot hide in both. */
#ifndef RIDGE_RTL_SHAPE_H
#define RIDGE_RTL_SHAPE_H

#include "ridge/rtl.h"

/* One operand as sign, magnitude and exponent: value = +- magnitude 2^(e - fraction), e in [e_min, e_max]. An
   integer has fraction 0 and e = 0. */
typedef struct rtl_operand {
    bool is_int;
    int bits;           /* of a code */
    int magnitude_bits; /* floats: mantissa + hidden bit; integers: bits, since -2^(bits-1) exists */
    int fraction;       /* magnitude bits behind the binary point */
    int exponent_bits;  /* of the field; 0 for integers */
    int e_min, e_max;
    uint32_t magnitude_max; /* at e_max */
    bool has_nan, has_inf;
} rtl_operand;

typedef struct rtl_shape {
    rtl_operand a, b;
    int n;
    int product_bits; /* of the product of magnitudes */
    int fraction;     /* of these, behind the binary point */
    int e_min, e_max; /* of a product */
    /* exact units: the sum is an integer times 2^lsb */
    int lsb;
    /* aligned units */
    int align;        /* F */
    int e_floor;      /* smallest exponent aligned to: max(e_min, -126), where fp32 stops being normal */
    int aligned_bits; /* of a product's magnitude after alignment */
    int sum_bits;     /* both: two's complement */
    bool has_nan, has_inf;
} rtl_shape;

/* Magnitude bits an exact product of the unit needs when laid on its fixed-point grid. */
int rtl_exact_product_bits(const rg_elem *a, const rg_elem *b);
/* Magnitude bits that alignment with F fraction bits keeps. */
int rtl_aligned_product_bits(const rg_elem *a, const rg_elem *b, int align);
rtl_shape rtl_shape_of(const rg_rtl_unit *unit);
int rtl_bit_length(uint64_t x);

#endif
