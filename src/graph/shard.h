/* Shared by the files that make the graph of one rank. */
#ifndef GRAPH_SHARD_H
#define GRAPH_SHARD_H

#include "graph/ops.h"
#include "ridge/parallel.h"

/* A node of the whole graph as one rank has it. */
typedef struct shard_part {
    int64_t own;                 /* features of its output on the rank; 0: all */
    int64_t want[RG_MAX_INPUTS]; /* the same of its inputs */
    int64_t from;                /* of a run cut out of features that are split: where it starts */
    bool stream;                 /* of the residual stream: never split by features */
    bool slots;                  /* works on the tokens that experts were sent */
} shard_part;

/* Which nodes are split over tp (those of experts over etp) by features; part[n_nodes] is zeroed. */
rg_status shard_features(const rg_graph *g, const rg_layout *l, shard_part *part, rg_error *err);
/* Ranks that share the features of a node. */
static inline int64_t shard_ranks(const rg_layout *l, const shard_part *part) {
    return part->slots ? l->etp : l->tp;
}
/* "tp=6 does not divide ...", with the nearest value that does. */
rg_status shard_does_not_divide(const rg_graph_node *n, const char *key, int64_t ranks, int64_t count,
                                const char *what, rg_error *err);

#endif
