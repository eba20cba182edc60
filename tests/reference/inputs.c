/* Models, chips and counts that rows are computed from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reference/reference.h"

#define FAMILIES RIDGE_SOURCE_DIR "/data/families"

const char *ref_data_dir(void) {
    return RIDGE_SOURCE_DIR "/data";
}

const char *ref_shared(const char *name) {
    static char path[4096];
    const char *dir = getenv("RIDGE_SHARED");
    snprintf(path, sizeof path, "%s/%s", dir ? dir : RIDGE_SOURCE_DIR "/../shared/data", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

void ref_must(rg_status status, const rg_error *err) {
    if (status == RG_OK) return;
    fprintf(stderr, "%s: %s; expected %s\n", err->where, err->message, err->expected);
    exit(1);
}

void ref_note(ref_answer *answer, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(answer->note, sizeof answer->note, fmt, args);
    va_end(args);
}

rg_graph ref_model(const char *name) {
    char file[256];
    rg_graph graph;
    rg_error err = {0};
    snprintf(file, sizeof file, "models-config/%s.json", name);
    const char *path = ref_shared(file);
    if (!path) {
        fprintf(stderr, "%s is missing\n", file);
        exit(1);
    }
    ref_must(rg_graph_from_file(&graph, path, FAMILIES, &err), &err);
    return graph;
}

rg_graph ref_config(const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rg_doc doc;
    rg_graph graph;
    rg_error err = {0};
    ref_must(rg_doc_parse(&doc, text, strlen(text), "config", false, &err), &err);
    ref_must(rg_graph_from_config(&graph, &doc, FAMILIES, &err), &err);
    rg_doc_close(&doc);
    return graph;
}

rg_graph ref_gpt(double layers, double hidden, double heads, double vocabulary, double positions) {
    return ref_config(
        "{model_type: gpt2, n_layer: %.0f, n_embd: %.0f, n_head: %.0f, vocab_size: %.0f, n_positions: "
        "%.0f}",
        layers, hidden, heads, vocabulary, positions);
}

rg_chip ref_chip(const char *id, const char *set) {
    rg_chip chip;
    rg_error err = {0};
    char text[256];
    ref_must(rg_chip_open(&chip, id, ref_data_dir(), &err), &err);
    snprintf(text, sizeof text, "%s", set ? set : "");
    for (char *rest = text, *one; (one = strtok_r(NULL, " ", &rest));)
        ref_must(rg_chip_set(&chip, one, &err), &err);
    return chip;
}

double ref_rate(const char *id, const char *type) {
    rg_chip chip = ref_chip(id, NULL);
    rg_error err = {0};
    double rate;
    ref_must(rg_chip_rate_of(&chip, type, &rate, &err), &err);
    rg_chip_close(&chip);
    return rate;
}

double ref_number(const char *id, const char *path) {
    rg_chip chip = ref_chip(id, NULL);
    const rg_chip_number *number = rg_chip_find(&chip, path);
    const double value = number && number->v.given ? number->v.value : NAN;
    rg_chip_close(&chip);
    return value;
}

rg_system ref_system(const char *id) {
    rg_system system;
    rg_error err = {0};
    ref_must(rg_system_open(&system, id, ref_data_dir(), &err), &err);
    return system;
}

const rg_system_level *ref_level(const rg_system *system, const char *name) {
    for (size_t i = 0; i < system->n_levels; i++)
        if (strcmp(system->level[i].name, name) == 0) return &system->level[i];
    fprintf(stderr, "%s has no level %s\n", system->id, name);
    exit(1);
}

double ref_parameters(const char *model) {
    rg_graph graph = ref_model(model);
    const double parameters = rg_graph_total(&graph, 1).parameters_total;
    rg_graph_close(&graph);
    return parameters;
}

double ref_kv_bytes(const rg_graph *graph, const char *policy) {
    rg_error err = {0};
    double one, two;
    ref_must(rg_graph_kv_bytes(graph, policy, 1, &one, &err), &err);
    ref_must(rg_graph_kv_bytes(graph, policy, 2, &two, &err), &err);
    return two - one;
}

double ref_weight_bytes(const rg_graph *graph, const char *policy) {
    rg_error err = {0};
    double bytes;
    ref_must(rg_graph_weight_bytes(graph, policy, &bytes, &err), &err);
    return bytes;
}

const rg_graph_node *ref_node(const rg_graph *graph, rg_op op) {
    for (size_t i = graph->n_nodes; i-- > 0;)
        if (graph->node[i].op == op) return &graph->node[i];
    fprintf(stderr, "%s has no such operator\n", graph->model);
    exit(1);
}

/* Without windows the work per token of a causal prompt is a + b (length + 1) / 2, and the head apart. */
static double per_token(const rg_graph *graph, double length) {
    const double head = 2.0 * (double)graph->hidden_size * (double)graph->vocab_size;
    return rg_graph_total(graph, length).prefill_flop_per_token + head * (1 - 1 / length);
}

double ref_attention_flop(const rg_graph *graph, double length, bool causal) {
    const double per_key = 2 * (per_token(graph, 2 * length) - per_token(graph, length)) / length;
    return per_key * (causal ? (length + 1) / 2 : length);
}

double ref_forward_flop(const rg_graph *graph, double length, bool causal) {
    const double all = per_token(graph, length);
    return causal ? all
                  : all + ref_attention_flop(graph, length, false) - ref_attention_flop(graph, length, true);
}
