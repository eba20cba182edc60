/* Activations that another implementation wrote: safetensors or npy, tensor by tensor against those of a
   reference. */
#include "model/import.h"
#include "model/tensor_distance.h"
#include "tensor/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool detect(const char *text, size_t size) {
    static const char npy[] = "\x93NUMPY";
    /* safetensors: eight bytes of length, then a JSON object; JSON lines have no zero byte there */
    return (size >= 6 && memcmp(text, npy, 6) == 0) || (size > 8 && text[8] == '{' && text[7] == 0);
}

static rg_status read_tensors(rg_import *import, const char *text, size_t size,
                              const rg_import_options *options, rg_error *err) {
    (void)options;
    uint8_t *copy = rg_arena_alloc(&import->arena, size, 1);
    rg_tensor_file *file;
    if (!copy) return rg_fail(err, RG_ERR_MEMORY, import->name, NULL, "out of memory");
    memcpy(copy, text, size);
    RG_TRY(tensor_file_open_memory(&file, copy, size, import->name, err));
    import->data = file;
    return rg_tensor_file_count(file) ? RG_OK
                                      : rg_fail(err, RG_ERR_PARSE, import->name, "tensors", "no tensors");
}

static rg_status missing(const rg_tensor_file *file, const rg_tensor_info *info, const rg_tensor_file *other,
                         rg_error *err) {
    return rg_fail(err, RG_ERR_MISMATCH, rg_tensor_file_path(other), "the same tensors in both files",
                   "\"%.100s\" is missing, which %.200s has", info->name, rg_tensor_file_path(file));
}

typedef struct totals {
    tensor_distance all;
    size_t n_equal, worst;
    double worst_db, cosine;
} totals;

static rg_status add_up(const rg_tensor_file *a, const rg_tensor_file *b, totals *t, rg_error *err) {
    *t = (totals){.worst_db = INFINITY, .cosine = 1};
    for (size_t i = 0; i < rg_tensor_file_count(b); i++)
        if (!tensor_partner(b, rg_tensor_file_info(b, i), a))
            return missing(b, rg_tensor_file_info(b, i), a, err);
    for (size_t i = 0; i < rg_tensor_file_count(a); i++) {
        const rg_tensor_info *in_a = rg_tensor_file_info(a, i), *in_b = tensor_partner(a, in_a, b);
        tensor_distance d;
        if (!in_b) return missing(a, in_a, b, err);
        RG_TRY(tensor_distance_of(a, in_a, b, in_b, &d, err));
        t->all.n += d.n;
        t->all.signal += d.signal;
        t->all.noise += d.noise;
        t->all.max_error = fmax(t->all.max_error, d.max_error);
        t->n_equal += d.noise == 0;
        t->cosine = fmin(t->cosine, tensor_distance_cosine(&d));
        if (tensor_distance_sqnr_db(&d) >= t->worst_db) continue;
        t->worst_db = tensor_distance_sqnr_db(&d);
        t->worst = i;
    }
    return RG_OK;
}

static rg_status compare(const rg_import *reference, const rg_import *candidate, rg_import_result *out,
                         rg_error *err) {
    const rg_tensor_file *b = candidate->data, *a = reference ? reference->data : b;
    totals t;
    RG_TRY(add_up(a, b, &t, err));
    import_figure(out, "tensors", (double)rg_tensor_file_count(b), "tensor");
    import_figure(out, "elements", t.all.n, "element");
    import_figure(out, "rms", sqrt(t.all.signal / fmax(t.all.n, 1)), "1"); /* the reference's */
    out->compared = reference != NULL;
    if (!reference) return RG_OK;
    import_figure(out, "tensors_equal", (double)t.n_equal, "tensor");
    import_figure(out, "relative_error", tensor_distance_relative(&t.all), "1");
    import_figure(out, "sqnr_db", tensor_distance_sqnr_db(&t.all), "dB");
    import_figure(out, "sqnr_min_db", t.worst_db, "dB");
    import_figure(out, "cosine_min", t.cosine, "1");
    import_figure(out, "max_error", t.all.max_error, "1");
    out->has_verdict = t.n_equal == rg_tensor_file_count(b);
    if (out->has_verdict)
        out->verdict = RG_EQUAL;
    else
        snprintf(out->note, sizeof out->note, "farthest: %.150s, %.2f dB",
                 rg_tensor_file_info(a, t.worst)->name, t.worst_db);
    return RG_OK;
}

static void close_tensors(rg_import *import) {
    rg_tensor_file_close(import->data);
}

const import_reader import_tensors = {.name = "activations",
                                      .help = "activations (safetensors or npy)",
                                      .detect = detect,
                                      .read = read_tensors,
                                      .compare = compare,
                                      .close = close_tensors};
