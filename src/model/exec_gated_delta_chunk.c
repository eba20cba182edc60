/* gated_delta in chunks. Inside a chunk let c_i be the sum of the logarithms of decays up to token i, E the
   state before the chunk. Token i then reads k_i^T S_i = exp(c_i) k_i^T E + sum over j < i of exp(c_i - c_j)
   (k_i k_j) r_j, where r_j is what token j adds to the state along k_j: a triangular system for all r of the
   chunk. Output and next state are sums over the r. (arXiv 2412.06464, section 3.3; here solved for the r
   themselves.) */
#include "model/exec_gated_delta.h"

#include <string.h>

enum {
    Q,          /* [l][dk] */
    K,          /* [l][dk] */
    KEYS,       /* K, packed */
    KK,         /* [l][l]: k_i k_j */
    QK,         /* [l][l]: q_i k_j */
    MIXED,      /* [l][l]: exp(c_i - c_j) q_i k_j */
    ROW,        /* [l] */
    BETA,       /* [l] */
    LOG,        /* [l] of double: c */
    STATE,      /* [group][dk][dv] */
    PACKED,     /* a state, packed */
    READ,       /* [l][dv]: k_i^T E, then r */
    WRITTEN,    /* r, packed */
    PAST,       /* [l][dv]: q_i^T E */
    TRANSPOSED, /* [dk][l]: exp(c_end - c_j) k_j */
    ADDED,      /* [dk][dv] */
    N_PARTS
};

typedef struct space {
    size_t dk, dv, chunk;
    float *at[N_PARTS];
} space;

static size_t part_sizes(const rg_kernels *kernels, const rg_graph_node *n, size_t size[N_PARTS]) {
    const size_t dk = (size_t)n->head_dim, dv = (size_t)n->v_head_dim, l = (size_t)n->chunk;
    const size_t group = (size_t)(n->heads / n->key_heads);
    size_t all = 0;
    size[Q] = size[K] = size[TRANSPOSED] = l * dk;
    size[KK] = size[QK] = size[MIXED] = l * l;
    size[ROW] = size[BETA] = l;
    size[LOG] = 2 * l;
    size[STATE] = group * dk * dv;
    size[READ] = size[PAST] = l * dv;
    size[ADDED] = dk * dv;
    size[KEYS] = rg_gemm_packed_size(kernels, l, dk);
    size[PACKED] = rg_gemm_packed_size(kernels, dv, dk);
    size[WRITTEN] = rg_gemm_packed_size(kernels, dv, l);
    for (int i = 0; i < N_PARTS; i++) all += size[i] = (size[i] + 15) / 16 * 16;
    return all;
}

size_t delta_chunk_space(const rg_kernels *kernels, const rg_graph_node *node) {
    size_t size[N_PARTS];
    return part_sizes(kernels, node, size);
}

/* row[k] = exp(c_i - c_k) for k < n. */
static void decays(const delta_job *j, const double *c, double ci, size_t n, float *row) {
    for (size_t k = 0; k < n; k++) row[k] = (float)(ci - c[k]);
    j->kernels->exp(n, row, row);
}

/* Products of the chunk that all heads of a key head share. */
static void begin_chunk(const delta_job *j, const space *s, size_t token, size_t l, size_t key_head) {
    for (size_t i = 0; i < l; i++)
        delta_vectors(j, token + i, key_head, s->at[Q] + i * s->dk, s->at[K] + i * s->dk);
    j->kernels->pack(s->at[K], s->dk, l, s->dk, s->at[KEYS]);
    j->kernels->multiply(l, l, s->dk, s->at[K], s->dk, s->at[KEYS], s->dk, s->at[KK], l);
    j->kernels->multiply(l, l, s->dk, s->at[Q], s->dk, s->at[KEYS], s->dk, s->at[QK], l);
}

/* READ: from k_i^T E to r_i, which earlier tokens of the chunk have a part in; MIXED on the way. */
static void solve(const delta_job *j, const space *s, const double *c, size_t token, size_t l, size_t head) {
    const size_t dv = s->dv;
    float *row = s->at[ROW], *beta = s->at[BETA];
    for (size_t i = 0; i < l; i++) {
        float *r = s->at[READ] + i * dv, *mixed = s->at[MIXED] + i * l;
        const float *v = j->v + ((token + i) * (size_t)j->node->heads + head) * dv;
        const float past = (float)rg_exp(c[i]);
        beta[i] = delta_beta(j, token + i, head);
        decays(j, c, c[i], i + 1, row);
        for (size_t k = 0; k < l; k++) mixed[k] = k <= i ? row[k] * s->at[QK][i * l + k] : 0;
        for (size_t d = 0; d < dv; d++) r[d] = v[d] - past * r[d];
        for (size_t k = 0; k < i; k++) {
            const float weight = row[k] * s->at[KK][i * l + k], *earlier = s->at[READ] + k * dv;
            for (size_t d = 0; d < dv; d++) r[d] -= weight * earlier[d];
        }
        for (size_t d = 0; d < dv; d++) r[d] *= beta[i];
    }
}

/* The state behind the chunk. */
static void end_chunk(const delta_job *j, const space *s, const double *c, size_t l, float *state) {
    const float past = (float)rg_exp(c[l - 1]);
    decays(j, c, c[l - 1], l, s->at[ROW]);
    for (size_t d = 0; d < s->dk; d++)
        for (size_t k = 0; k < l; k++) s->at[TRANSPOSED][d * l + k] = s->at[ROW][k] * s->at[K][k * s->dk + d];
    j->kernels->multiply(s->dk, s->dv, l, s->at[TRANSPOSED], l, s->at[WRITTEN], l, s->at[ADDED], s->dv);
    for (size_t i = 0; i < s->dk * s->dv; i++) state[i] = past * state[i] + s->at[ADDED][i];
}

/* One chunk of l tokens of one head. */
static void chunk_of_head(const delta_job *j, const space *s, size_t token, size_t l, size_t head,
                          float *state) {
    const size_t dk = s->dk, dv = s->dv, ldy = (size_t)j->node->heads * dv;
    double *c = (double *)(void *)s->at[LOG], sum = 0;
    for (size_t i = 0; i < l; i++) c[i] = sum += delta_log_decay(j, token + i, head);
    j->kernels->pack_transposed(state, dv, dk, dv, s->at[PACKED]);
    j->kernels->multiply(l, dv, dk, s->at[K], dk, s->at[PACKED], dk, s->at[READ], dv);
    j->kernels->multiply(l, dv, dk, s->at[Q], dk, s->at[PACKED], dk, s->at[PAST], dv);
    solve(j, s, c, token, l, head);
    j->kernels->pack_transposed(s->at[READ], dv, l, dv, s->at[WRITTEN]);
    float *y = j->y + token * ldy + head * dv;
    j->kernels->multiply(l, dv, l, s->at[MIXED], l, s->at[WRITTEN], l, y, ldy);
    for (size_t i = 0; i < l; i++) {
        const float past = (float)rg_exp(c[i]);
        for (size_t d = 0; d < dv; d++) y[i * ldy + d] += past * s->at[PAST][i * dv + d];
    }
    end_chunk(j, s, c, l, state);
}

void delta_chunked(const delta_job *j, float *memory, size_t start, size_t length, size_t key_head) {
    const rg_graph_node *n = j->node;
    const size_t group = (size_t)(n->heads / n->key_heads), chunk = (size_t)n->chunk;
    space s = {(size_t)n->head_dim, (size_t)n->v_head_dim, chunk, {NULL}};
    size_t size[N_PARTS];
    part_sizes(j->kernels, n, size);
    for (int i = 0; i < N_PARTS; memory += size[i++]) s.at[i] = memory;
    memset(s.at[STATE], 0, size[STATE] * sizeof(float));
    for (size_t t = 0; t < length; t += chunk) {
        const size_t l = length - t < chunk ? length - t : chunk;
        begin_chunk(j, &s, start + t, l, key_head);
        for (size_t i = 0; i < group; i++)
            chunk_of_head(j, &s, start + t, l, key_head * group + i, s.at[STATE] + i * s.dk * s.dv);
    }
}
