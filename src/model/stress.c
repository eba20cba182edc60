/* The outlier dial: a few channels of every block's normed activations grow, the function stays. */
#include "model/rescale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static rg_status check_channels(const rg_graph *g, size_t node, const int64_t *channels, size_t n,
                                rg_error *err) {
    char expected[64];
    const int64_t width = g->node[node].width;
    snprintf(expected, sizeof expected, "0 to %lld, each once", (long long)width - 1);
    for (size_t i = 0; i < n; i++) {
        if (channels[i] < 0 || channels[i] >= width)
            return rg_fail(err, RG_ERR_USAGE, "channels", expected, "channel %lld of %s",
                           (long long)channels[i], g->node[node].name);
        for (size_t k = 0; k < i; k++)
            if (channels[k] == channels[i])
                return rg_fail(err, RG_ERR_USAGE, "channels", expected, "channel %lld is given twice",
                               (long long)channels[i]);
    }
    return RG_OK;
}

rg_status rg_model_stress(rg_model *model, const int64_t *channels, size_t n, double scale, rg_error *err) {
    const rg_graph *g = &model->graph;
    size_t places = 0, widest = 1;
    if (!model->weight)
        return rg_fail(err, RG_ERR_USAGE, model->path, "a model with weights", "there is nothing to scale");
    if (!(scale >= 1e-6 && scale <= 1e6))
        return rg_fail(err, RG_ERR_USAGE, "scale", "a number from 1e-6 to 1e6", "a scale of %g", scale);
    if (n == 0) return rg_fail(err, RG_ERR_USAGE, "channels", "at least one channel", "none are given");
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!rescale_is_norm(g, i)) continue;
        RG_TRY(check_channels(g, i, channels, n, err));
        if ((size_t)g->node[i].width > widest) widest = (size_t)g->node[i].width;
        places++;
    }
    if (!places)
        return rg_fail(err, RG_ERR_UNSUPPORTED, model->path, "a norm that only linear operators read",
                       "no norm of family %s can be scaled without changing the function", g->family);
    float *f = malloc(widest * sizeof *f);
    if (!f) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t c = 0; c < widest; c++) f[c] = 1;
    for (size_t i = 0; i < n; i++) f[channels[i]] = (float)scale;
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!rescale_is_norm(g, i)) continue;
        rescale_scale_gains(model, &g->node[i], f);
        rescale_divide_readers(model, i, f);
    }
    free(f);
    return RG_OK;
}
