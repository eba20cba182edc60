/* From a config and its family to a graph. */
#ifndef GRAPH_BUILD_H
#define GRAPH_BUILD_H

#include "graph/family.h"
#include "ridge/graph.h"

/* Runs the statements of a family over a config: required values, graph, unknown fields. On failure the
   caller still closes the graph. */
rg_status graph_build(rg_graph *g, rg_doc *config, const family *f, rg_error *err);

#endif
