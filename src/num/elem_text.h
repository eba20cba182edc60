/* Elements as text. */
#ifndef RIDGE_NUM_ELEM_TEXT_H
#define RIDGE_NUM_ELEM_TEXT_H

#include "num/args.h"

/* Element of a text that names nothing but an element: e4m3fn, int4, binary8p4se, float(e=4,m=3), posit(8,1),
   nf4. False with *err untouched when the name is unknown; RG_ERR_USAGE in *status when its arguments are
   wrong. */
bool elem_parse(const char *text, rg_elem *out, rg_status *status, rg_error *err);
/* Why a name that looks like one of a numbered family (int17, binary8p9se) is none: fails with the field, its
   value and its range. RG_OK: it does not look like one. */
rg_status elem_explain(const char *name, rg_error *err);
/* A known name without arguments. */
bool elem_find(const char *name, rg_elem *out);

#endif
