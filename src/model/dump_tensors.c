/* Two files of activations, element by element. */
#include "model/dump.h"
#include "model/tensor_distance.h"

#include <math.h>
#include <string.h>

typedef struct pair {
    const rg_tensor_file *a, *b;
    double tolerance;
    rg_dump_report *report;
    size_t room;
} pair;

static rg_status add(pair *p, const char *name, rg_dump_kind kind, const tensor_distance *d, rg_error *err) {
    const double none = (double)NAN;
    rg_dump_difference out = {.name = rg_arena_strndup(&p->report->arena, name, strlen(name)),
                              .op = "",
                              .layer = dump_layer_of(name),
                              .kind = kind,
                              .amax_a = d ? d->amax_a : none,
                              .amax_b = d ? d->amax_b : none,
                              .rms_a = d ? sqrt(d->signal / d->n) : none,
                              .rms_b = d ? sqrt(d->other / d->n) : none,
                              .mean_a = none,
                              .mean_b = none,
                              .relative_error = d ? tensor_distance_relative(d) : none,
                              .sqnr_db = d ? tensor_distance_sqnr_db(d) : none};
    out.amax_difference = dump_apart(out.amax_a, out.amax_b);
    out.rms_difference = dump_apart(out.rms_a, out.rms_b);
    return out.name ? dump_report_add(p->report, &p->room, &out, err)
                    : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status compare_one(pair *p, const rg_tensor_info *info, rg_error *err) {
    const rg_tensor_info *other = tensor_partner(p->a, info, p->b);
    if (!other) return add(p, info->name, RG_DUMP_MISSING, NULL, err);
    if (!tensor_same_shape(info, other)) return add(p, info->name, RG_DUMP_SHAPE, NULL, err);
    tensor_distance d;
    RG_TRY(tensor_distance_of(p->a, info, p->b, other, &d, err));
    if (tensor_distance_relative(&d) <= p->tolerance) {
        p->report->n_equal++;
        return RG_OK;
    }
    return add(p, info->name, RG_DUMP_VALUES, &d, err);
}

static rg_status compare_all(pair *p, rg_error *err) {
    p->report->n_nodes = rg_tensor_file_count(p->a);
    for (size_t i = 0; i < rg_tensor_file_count(p->a); i++)
        RG_TRY(compare_one(p, rg_tensor_file_info(p->a, i), err));
    for (size_t i = 0; i < rg_tensor_file_count(p->b); i++) {
        const rg_tensor_info *info = rg_tensor_file_info(p->b, i);
        if (!tensor_partner(p->b, info, p->a)) RG_TRY(add(p, info->name, RG_DUMP_ADDED, NULL, err));
    }
    return RG_OK;
}

/* A file that is nothing of the kind is told what is, not what a model file would be. */
static rg_status open_tensors(rg_tensor_file **out, const char *path, rg_error *err) {
    rg_error e = {0};
    const rg_status status = rg_tensor_file_open(out, path, &e);
    const bool named = rg_ends_with(path, ".safetensors") || rg_ends_with(path, ".npy");
    if (status == RG_ERR_PARSE && !named)
        return rg_fail(err, status, path, "a dump (JSON), or activations (safetensors or npy)", "%s",
                       e.message);
    if (status != RG_OK && err) *err = e;
    return status;
}

rg_status dump_compare_tensors(const char *path_a, const char *path_b, double tolerance,
                               rg_dump_report *report, rg_error *err) {
    rg_tensor_file *a, *b;
    RG_TRY(open_tensors(&a, path_a, err));
    rg_status status = open_tensors(&b, path_b, err);
    if (status == RG_OK) {
        pair p = {a, b, tolerance, report, 0};
        status = compare_all(&p, err);
        rg_tensor_file_close(b);
    }
    rg_tensor_file_close(a);
    return status;
}
