/* The formats of a unit's operands, from its answers. */
#ifndef RIDGE_NUM_DATAPATH_FORMATS_H
#define RIDGE_NUM_DATAPATH_FORMATS_H

#include "num/datapath.h"

/* Sends lines that every format can read; their results are exact in any unit, but different from format to
   format. Adds the number of lines to *n_vectors. RG_ERR_MISMATCH when no pair of formats, or more than one,
   fits. */
rg_status dp_find_formats(rg_dot_oracle *ask, void *context, dp_input out[2], size_t *n_vectors,
                          rg_error *err);

#endif
