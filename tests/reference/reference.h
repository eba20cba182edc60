/* Published numbers, a row each, and what Ridge gives for them. */
#ifndef RIDGE_TEST_REFERENCE_H
#define RIDGE_TEST_REFERENCE_H

#include "ridge/graph.h"
#include "ridge/hw.h"
#include "ridge/perf.h"
#include "ridge/system.h"

enum { REF_VALUES = 4, REF_FIELDS = 10 };

typedef struct ref_row {
    const char *id, *quantity, *inputs, *kind;
    double tolerance; /* relative; 0: exact for formulas, else compared and not judged */
    size_t n;
    double published[REF_VALUES];
    const char *printed[REF_VALUES]; /* the same as written: "69G" */
} ref_row;

typedef struct ref_answer {
    double value[REF_VALUES];    /* in the row's units; NAN: an input, or nothing of ours */
    double rounding[REF_VALUES]; /* what the source's rounding of the published number may hide */
    bool conflict[REF_VALUES];   /* follows from what the source writes beside the number, and differs */
    char note[400];
} ref_answer;

/* Rows whose id matches `glob` (fnmatch): computed by `compute`, or not done, with the reason. */
typedef struct ref_family {
    const char *glob;
    void (*compute)(const ref_row *row, ref_answer *answer);
    const char *reason;
} ref_family;
extern const ref_family ref_model_rows[], ref_roof_rows[], ref_train_rows[], ref_serve_rows[],
    ref_comms_rows[], ref_expert_rows[], ref_step_rows[], ref_format_rows[],
    ref_other_rows[]; /* each ends with glob NULL */

/* Tables beside the rows; number of checks that failed. */
int ref_slips(void);       /* statements of the scaling book that contradict themselves */
int ref_mfu_table(void);   /* utilisation of every row of llm-foundry's tables */
int ref_step_errors(void); /* mean error of the training steps among the rows */
int ref_link_sweep(void);  /* token rate of a decoder against the speed of its link */

void ref_note(ref_answer *answer, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- what rows are computed from; all end the program with a message on failure ------------------------ */

const char *ref_data_dir(void);           /* of Ridge */
const char *ref_shared(const char *name); /* below the folder of published data; NULL: absent */
void ref_must(rg_status status, const rg_error *err);
rg_graph ref_model(const char *name);                                            /* of models-config */
rg_graph ref_config(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* a config as YAML */
rg_graph ref_gpt(double layers, double hidden, double heads, double vocabulary, double positions);
rg_chip ref_chip(const char *id, const char *set); /* set: assignments separated by blanks, or NULL */
double ref_rate(const char *chip, const char *type);
double ref_number(const char *chip, const char *path);
rg_system ref_system(const char *id);
const rg_system_level *ref_level(const rg_system *system, const char *name);
double ref_parameters(const char *model);
/* Bytes that a policy's keys and values of one token take, all layers. */
double ref_kv_bytes(const rg_graph *graph, const char *policy);
double ref_weight_bytes(const rg_graph *graph, const char *policy);
const rg_graph_node *ref_node(const rg_graph *graph, rg_op op); /* the last one */

/* Matrix FLOP of one token's forward pass in training on sequences of `length`, the head for every token;
   causal or, as papers before FlashAttention count, all keys for every query. Models without windows. */
double ref_forward_flop(const rg_graph *graph, double length, bool causal);
/* 6 N + the attention's training FLOP without a mask per token, N every parameter; a share of `peak`. */
double ref_mfu(const rg_graph *graph, double length, double tokens_per_s, double peak);
/* The attention's part of that. */
double ref_attention_flop(const rg_graph *graph, double length, bool causal);

#endif
