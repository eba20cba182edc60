/* Scaling that keeps the function: where one operator makes a channel that only linear operators read, the
   channel may be scaled by any factor if its readers' columns are divided by it. The places are found in the
   graph. */
#ifndef RIDGE_MODEL_RESCALE_H
#define RIDGE_MODEL_RESCALE_H

#include "ridge/model.h"

bool rescale_reads(const rg_graph_node *user, size_t node);
/* True when all that reads the node are linear operators (experts too) with weights of their own, at least
   one. */
bool rescale_only_linear_readers(const rg_graph *g, size_t node);
/* A linear operator whose rows may be scaled, since only `user` reads it. */
bool rescale_is_maker(const rg_graph *g, int node, size_t user);
/* A norm over the row, inside the blocks, whose gains may be scaled against its readers. */
bool rescale_is_norm(const rg_graph *g, size_t node);

/* Row r of the weight of a linear operator, and its bias, times f[r]. */
void rescale_scale_rows(rg_model *m, const rg_graph_node *n, const float *f);
/* Output c of a norm times f[c], by its gain and bias. */
void rescale_scale_gains(rg_model *m, const rg_graph_node *n, const float *f);
/* Divides column c of every reader of `node` by f[c]. */
void rescale_divide_readers(rg_model *m, size_t node, const float *f);

#endif
