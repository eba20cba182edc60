/* Synthesis of one unit by one recipe, and timing of the netlist. */
#ifndef RIDGE_RTL_SYNTH_H
#define RIDGE_RTL_SYNTH_H

#include "ridge/rtl.h"
#include "rtl/liberty.h"

/* A recipe is an ABC script; the front end before it is the same for all. */
typedef struct rtl_recipe {
    const char *name, *script;
} rtl_recipe;
/* NULL past the end. */
const rtl_recipe *rtl_recipe_at(size_t i);

typedef struct rtl_synth {
    const char *dir; /* works here: cells.lib, unit.v; leaves RECIPE.v */
    const char *top;
    const rtl_liberty *lib;
    double limit_s;
} rtl_synth;

/* Elaborates unit.v to gates without a library: unit.il. */
rg_status rtl_synth_elaborate(const rtl_synth *s, rg_error *err);
/* Maps unit.il to cells by the recipe (RECIPE.v), times it. */
rg_status rtl_synth_map(const rtl_synth *s, const rtl_recipe *recipe, rg_rtl_point *out, rg_error *err);

#endif
