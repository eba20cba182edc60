/* What describes models and chips. The first byte says what the rest is: 'j' a graph as JSON, 'c' a config
   for the families of data/families, 'f' a family file for a fixed config, 'h' a chip file, 's' a what-if
   assignment, 'y' a system file, 'l' a link file, 'x' a what-if assignment of a system, 't' a technology.
   What is accepted must be usable: counted, written out and read back. */
#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "ridge/system.h"
#include "ridge/technology.h"

static const char config[] = "model_type: llama\nvocab_size: 20\nhidden_size: 8\nintermediate_size: 12\n"
                             "num_hidden_layers: 2\nnum_attention_heads: 2\nrms_norm_eps: 1e-6\n";

static const char chip_text[] =
    "id: t\nname: T\nvendor: N\nclass: gpu\narchitecture: n\nstatus: s\nyear: 2024\nconfidence: low\npeaks: "
    "dense\n"
    "sources: {a: sheet}\nrates: {bf16: {value: 1 TFLOP/s, source: a}}\n"
    "memory: {bandwidth: {value: 1 GB/s, source: a}}\n"
    "bets: {n: {value: 8, range: [6, 12], date: '2026', source: a}}\ncompose: {silicon.cores: n x n + n}\n"
    "paths:\n  - {weight: '*', activation: '*', runs_as: bf16, kind: native, source: a}\n";

static void use_graph(rg_graph *g) {
    rg_str a = {0}, b = {0};
    rg_graph back;
    rg_error err;
    rg_graph_total(g, 100);
    for (size_t i = 0; i < g->n_nodes; i++) rg_graph_count_node(g, i, RG_PREFILL, 2, 10);
    if (rg_graph_to_json(g, &a, &err) == RG_OK) {
        if (rg_graph_from_json(&back, a.data, a.len, &err) != RG_OK) abort();
        if (rg_graph_to_json(&back, &b, &err) != RG_OK || strcmp(a.data, b.data) != 0) abort();
        rg_graph_close(&back);
    }
    rg_str_free(&a);
    rg_str_free(&b);
    rg_graph_close(g);
}

static void try_config(const char *text, size_t size) {
    rg_doc doc;
    rg_graph g;
    rg_error err;
    if (rg_doc_parse(&doc, text, size, "fuzz", false, &err) != RG_OK) return;
    if (rg_graph_from_config(&g, &doc, RIDGE_SOURCE_DIR "/data/families", &err) == RG_OK) use_graph(&g);
    rg_doc_close(&doc);
}

static void try_family(const char *text, size_t size) {
    rg_doc doc;
    family f;
    rg_graph g = {0};
    rg_error err;
    if (family_parse(&f, text, size, "fuzz", &err) != RG_OK) return;
    if (rg_doc_parse(&doc, config, strlen(config), "config", false, &err) != RG_OK) abort();
    rg_status status = graph_build(&g, &doc, &f, &err);
    if (status == RG_OK) {
        g.model = "fuzz";
        use_graph(&g);
    } else {
        rg_graph_close(&g);
    }
    rg_doc_close(&doc);
    family_close(&f);
}

static void use_chip(rg_chip *chip) {
    static const char *const formats[] = {"bf16", "mxfp4", "int4", "nvfp4"};
    rg_quant q;
    rg_chip_execution e;
    rg_error err;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (rg_quant_parse(formats[i], &q, &err) != RG_OK) abort();
        if (rg_chip_execute(chip, &q, NULL, &e, &err) == RG_OK && !(e.flop_per_s > 0)) abort();
    }
    rg_chip_close(chip);
}

static void try_set(const char *text, size_t size) {
    rg_chip chip;
    rg_error err;
    char *assignment = calloc(size + 1, 1);
    if (!assignment) return;
    memcpy(assignment, text, size);
    if (rg_chip_parse(&chip, chip_text, strlen(chip_text), "chip", &err) != RG_OK) abort();
    rg_chip_set(&chip, assignment, &err);
    use_chip(&chip);
    free(assignment);
}

static const char system_text[] =
    "id: t\nname: T\nchip: h100\nsources: {a: sheet}\nlevels:\n"
    "  - {name: up, link: nvlink4, links: 18, topology: switch, chips: 8, source: a}\n"
    "  - {name: pod, link: ici-v4, links: 6, topology: torus, axes: 4x4x4, source: a}\n";

/* Levels nest and have what a time needs. */
static void use_system(rg_system *s) {
    double below = 1;
    for (size_t i = 0; i < s->n_levels; i++) {
        const rg_system_level *l = &s->level[i];
        if (!(l->n_chips > below) || !(l->bytes_per_s.value > 0) || !(l->latency_s.value > 0) ||
            !(l->efficiency.value > 0 && l->efficiency.value <= 1))
            abort();
        below = l->n_chips;
    }
    rg_system_close(s);
}

static void try_system_set(const char *text, size_t size) {
    rg_system s;
    rg_error err;
    char *assignment = calloc(size + 1, 1);
    if (!assignment) return;
    memcpy(assignment, text, size);
    if (rg_system_parse(&s, system_text, strlen(system_text), "system", RIDGE_SOURCE_DIR "/data", &err) !=
        RG_OK)
        abort();
    rg_system_set(&s, assignment, &err);
    use_system(&s);
    free(assignment);
}

static void try_hardware(char kind, const char *text, size_t size) {
    rg_chip chip;
    rg_system s;
    rg_link link;
    rg_technology technology;
    rg_error err;
    if (kind == 't' && rg_technology_parse(&technology, text, size, "fuzz", &err) == RG_OK)
        rg_technology_close(&technology);
    if (kind == 'h' && rg_chip_parse(&chip, text, size, "fuzz", &err) == RG_OK) use_chip(&chip);
    if (kind == 's') try_set(text, size);
    if (kind == 'l' && rg_link_parse(&link, text, size, "fuzz", &err) == RG_OK) rg_link_close(&link);
    if (kind == 'x') try_system_set(text, size);
    if (kind == 'y' && rg_system_parse(&s, text, size, "fuzz", RIDGE_SOURCE_DIR "/data", &err) == RG_OK)
        use_system(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* has no header */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rg_graph g;
    rg_error err;
    if (!size) return 0;
    const char *text = (const char *)data + 1;
    size--;
    if (data[0] == 'j' && rg_graph_from_json(&g, text, size, &err) == RG_OK) use_graph(&g);
    if (data[0] == 'c') try_config(text, size);
    if (data[0] == 'f') try_family(text, size);
    try_hardware((char)data[0], text, size);
    return 0;
}
