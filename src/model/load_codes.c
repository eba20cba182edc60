/* Weights that a checkpoint stores as MXFP4 codes and scales in tensors of their own: NAME_blocks and
   NAME_scales, as gpt-oss has them. Source: the OCP Microscaling specification 1.0 for the values,
   integrations/mxfp4.py of Hugging Face transformers for the layout. */
#include "model/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 32, BYTES = BLOCK / 2 };

static rg_status fail(const rg_tensor_file *file, const rg_tensor_info *t, const char *expected,
                      rg_error *err) {
    return rg_fail(err, RG_ERR_UNSUPPORTED, rg_tensor_file_path(file), expected,
                   "tensor \"%.150s\" is of type %s with %d dimensions", t->name, t->format, t->n_dims);
}

/* u8 [...][blocks of a row] and, of the codes, [16]. */
static bool fits(const rg_graph_weight *w, const rg_tensor_info *t, bool codes) {
    const int n = w->n_dims;
    bool same = strcmp(t->format, "u8") == 0 && n + codes <= RG_MAX_DIMS && t->n_dims == n + codes &&
                w->shape[n - 1] % BLOCK == 0 && t->shape[n - 1] == w->shape[n - 1] / BLOCK &&
                (!codes || t->shape[n] == BYTES);
    for (int d = 0; same && d + 1 < n; d++) same = t->shape[d] == w->shape[d];
    return same;
}

/* Element 2 i of a block in the low half of byte i, element 2 i + 1 in its high half. */
static void decode(const float *codes, const float *scales, size_t n_blocks, float *out) {
    static const float values[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
#pragma omp parallel for schedule(static) if (n_blocks > 1 << 12)
    for (size_t b = 0; b < n_blocks; b++) {
        const float scale = scales[b] == 255 ? NAN : ldexpf(1, (int)scales[b] - 127);
        for (size_t i = 0; i < BYTES; i++) {
            const unsigned byte = (unsigned)codes[b * BYTES + i];
            out[b * BLOCK + 2 * i] = values[byte & 15] * scale;
            out[b * BLOCK + 2 * i + 1] = values[byte >> 4] * scale;
        }
    }
}

bool load_codes_find(const load_names *names, const char *weight, const rg_tensor_info *found[2]) {
    static const char *const endings[] = {"_blocks", "_scales"};
    char name[512];
    for (int i = 0; i < 2; i++) {
        if ((size_t)snprintf(name, sizeof name, "%s%s", weight, endings[i]) >= sizeof name) return false;
        found[i] = load_names_find(names, name);
    }
    return found[0] || found[1];
}

rg_status load_codes_read(const rg_tensor_file *file, const rg_graph_weight *w,
                          const rg_tensor_info *found[2], float *out, rg_error *err) {
    for (int i = 0; i < 2; i++) {
        if (!found[i])
            return rg_fail(err, RG_ERR_UNSUPPORTED, rg_tensor_file_path(file),
                           "both _blocks and _scales of MXFP4", "weight %.150s has %.150s alone", w->name,
                           found[1 - i]->name);
        if (!fits(w, found[i], i == 0))
            return fail(file, found[i],
                        i == 0 ? "u8 codes of MXFP4: [...][columns / 32][16]"
                               : "u8 scales of MXFP4: [...][columns / 32]",
                        err);
    }
    size_t n_blocks = 1;
    for (int d = 0; d < found[1]->n_dims; d++) n_blocks *= (size_t)found[1]->shape[d];
    float *codes = malloc(n_blocks * BYTES * sizeof *codes), *scales = malloc(n_blocks * sizeof *scales);
    rg_status status = codes && scales ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (status == RG_OK) status = rg_tensor_read_f32(file, found[0], codes, err);
    if (status == RG_OK) status = rg_tensor_read_f32(file, found[1], scales, err);
    if (status == RG_OK) decode(codes, scales, n_blocks, out);
    free(codes);
    free(scales);
    return status;
}
