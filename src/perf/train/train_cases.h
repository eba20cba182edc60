/* Published training steps as requests: what score card and fits of training read. */
#ifndef PERF_TRAIN_CASES_H
#define PERF_TRAIN_CASES_H

#include "perf/calibrate/csv.h"
#include "perf/score/score.h"
#include "perf/train/train.h"

typedef struct perf_train_case {
    char name[128];   /* for people */
    char family[128]; /* rows that differ by repetition alone are of one family: never split */
    const rg_graph *graph;
    const rg_system *system;
    rg_layout layout;
    rg_train_request request;
    char model[48], mode[16], stack[40]; /* mode: what Megatron 2022 computes again */
    double measured_s;
    bool experts;
    perf_train_work work;
    perf_train_exchanges exchanges;
} perf_train_case;

typedef struct perf_train_set {
    rg_arena arena;
    size_t n, room, n_rows; /* n_rows: of the table, n of them can be asked */
    perf_train_case *item;
    struct perf_train_pool *pool; /* graphs and systems that items share */
} perf_train_set;

/* Each from its table below the folder; an absent table gives an empty set. */
rg_status perf_train_megatron_2021(perf_scoring *s, perf_train_set *out); /* arXiv 2104.04473, Table 1 */
rg_status perf_train_megatron_2022(perf_scoring *s, perf_train_set *out); /* arXiv 2205.05198, Table 5 */
/* The same four models by what is computed again ("none", "seqsel"); no times. */
rg_status perf_train_megatron_modes(perf_scoring *s, perf_train_set *out);
rg_status perf_train_mpt(perf_scoring *s, perf_train_set *out);    /* llm-foundry */
rg_status perf_train_bridge(perf_scoring *s, perf_train_set *out); /* Megatron-Bridge */
void perf_train_set_close(perf_train_set *set);

/* Layout, work and exchanges of a case whose graph, system and request are set. */
rg_status perf_train_add_case(perf_scoring *s, perf_train_set *set, const perf_train_case *c,
                              const char *layout);
rg_status perf_train_keep(perf_scoring *s, perf_train_set *set, const perf_train_case *c);
/* A model of a config document, shared by its name and text. */
rg_status perf_train_graph(perf_scoring *s, perf_train_set *set, const char *name, const char *config,
                           const rg_graph **out);
rg_status perf_train_gpt(perf_scoring *s, perf_train_set *set, const char *name, double layers, double hidden,
                         double heads, double positions, double vocabulary, const rg_graph **out);
rg_status perf_train_system(perf_scoring *s, perf_train_set *set, const char *id, const rg_system **out);
/* Constants of the files for a case; its step with any. */
void perf_train_case_constants(const perf_scoring *s, const perf_train_case *c, perf_train_constants *k);
void perf_train_case_step(const perf_train_case *c, const perf_train_constants *k, rg_train_step *out);

#endif
