/* The two forms of gated_delta. */
#ifndef MODEL_EXEC_GATED_DELTA_H
#define MODEL_EXEC_GATED_DELTA_H

#include "model/exec.h"

typedef struct delta_job { /* one node of one variant */
    const rg_kernels *kernels;
    const rg_graph_node *node;
    size_t decays; /* width of a: one for each head, or for each row of its state */
    const float *A_log, *dt_bias;
    const float *gain; /* [2][head_dim]: what makes unit vectors of q and k */
    const float *q, *k, *v, *a, *b;
    float *y;
} delta_job;

/* q and k of a token and key head, normalized and scaled. */
void delta_vectors(const delta_job *j, size_t token, size_t key_head, float *q, float *k);
/* Logarithm of decay i of a token. */
double delta_log_decay(const delta_job *j, size_t token, size_t i);
/* Share of a token's value that is written. */
float delta_beta(const delta_job *j, size_t token, size_t head);

/* One window of `length` tokens beginning at row `start`, all heads of a key head. */
void delta_chunked(const delta_job *j, float *space, size_t start, size_t length, size_t key_head);
size_t delta_chunk_space(const rg_kernels *kernels, const rg_graph_node *node);

#endif
