/* What happens inside: error of every operator's output under each policy, statistics of the values, digests.
 */
#ifndef RIDGE_MODEL_LAYERS_H
#define RIDGE_MODEL_LAYERS_H

#include "model/exec.h"

typedef struct layers {
    const rg_model *model;
    size_t n_variants; /* the reference first */
    bool digests;
    size_t n_tokens; /* seen so far */
    exec_use *plain; /* [n_variants][n_nodes] as the executor's, but quantizers stand where values are read */
    exec *alone;     /* [n_variants] runs one node of a candidate on the reference's inputs; [0] unused */
    struct layer_sums {
        double *sum, *power, *largest; /* [n_variants][width] of x, of x^2, and the largest |x| */
        double *fourth;                /* [width] of the reference: sum of x^4 */
        double *free, *forced;         /* [n_variants][width] sums of squared differences */
        double block_crest;            /* sum over blocks of 32 */
        size_t n_blocks;
        rg_sha256_stream **digest; /* [n_variants] */
    } * node;                      /* [n_nodes] */
    rg_arena arena;
    exec_watch watch;
} layers;

/* `use` of the variants of an exec that is to be watched. */
rg_status layers_open(layers *out, const rg_model *model, const exec_use *use, size_t n_variants, int threads,
                      size_t max_window, bool digests, rg_error *err);
void layers_close(layers *l);

/* The report of all nodes but the output; errors [n_layers][n_variants - 1]. Closes the digests. */
rg_status layers_report(layers *l, bool complete, rg_layer **layer, rg_layer_error **errors, size_t *n,
                        rg_error *err);

#endif
