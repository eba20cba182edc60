/* Datapaths: how a matrix unit adds up a dot product, exactly.

   A datapath is a small graph of multiply, align, sum, round and the like that takes n products and the
   accumulator and gives the next accumulator; a long dot product is a chain of such steps. Text is dot(...)
   for the common shape, the name of a preset (data/datapaths), or a YAML file for any other shape:
   docs/datapaths.md. */
#ifndef RIDGE_DATAPATH_H
#define RIDGE_DATAPATH_H

#include "ridge/base.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_datapath rg_datapath;

/* `data_dir`: where datapaths/ with the presets lies; NULL: dot(...) and files only. RG_ERR_USAGE for text
   that is wrong, RG_ERR_PARSE for a file that is. Caller closes. */
rg_status rg_datapath_open(rg_datapath **out, const char *text, const char *data_dir, rg_error *err);
void rg_datapath_close(rg_datapath *datapath);
/* Canonical text: opening it gives the same datapath. Lives as long as the datapath. */
const char *rg_datapath_text(const rg_datapath *datapath);
/* The preset's or file's description, or "". */
const char *rg_datapath_summary(const rg_datapath *datapath);
/* Canonical text of the format of operand 0 (a) or 1 (b): an element (e4m3fn) or one with block scales that
   the unit itself applies (mx(e4m3fn,32,e8m0)). */
const char *rg_datapath_input(const rg_datapath *datapath, int operand);
/* Products of one step. */
int rg_datapath_group(const rg_datapath *datapath);
/* The graph as statements, one a line, as a file writes them. */
void rg_datapath_print_graph(const rg_datapath *datapath, rg_str *out);

/* Names of the presets of data_dir, sorted, one string each; in `arena`. */
rg_status rg_datapath_names(const char *data_dir, rg_arena *arena, const char ***names, size_t *n,
                            rg_error *err);

/* ---- one dot product --------------------------------------------------------------------------------- */

typedef enum rg_dot_out { RG_DOT_FP32, RG_DOT_FP16, RG_N_DOT_OUTS } rg_dot_out;
bool rg_datapath_has_out(const rg_datapath *datapath, rg_dot_out out);

enum { RG_DOT_MAX_K = 1 << 16 };

/* Codes of two vectors, and the accumulator they start from (fp32; for fp16 output rounded to fp16 first, to
   nearest even). Scales: one per block of the operand's format, NULL: all are 1. K need not be a multiple of
   the group: zeros follow. */
typedef struct rg_dot {
    size_t k;
    const uint32_t *a, *b;             /* [k] */
    const uint32_t *a_scale, *b_scale; /* [ceil(k / block)] */
    float c;
} rg_dot;
/* The definition: exact in wide integers, and what every fast path must equal. fp32 pattern of the result (an
   fp16 result as the fp32 pattern of its value). */
uint32_t rg_dot_walk(const rg_datapath *datapath, rg_dot_out out, const rg_dot *dot);

/* A line of `ridge num dot`: a-codes b-codes c, hexadecimal, codes joined without space, the most significant
   digit first, one digit up to 4 bits, 2 up to 8, 4 up to 16, else 8; c 8 digits (fp32). Block scales follow
   after a colon, joined likewise; without them they are 1. What follows c is ignored. Arrays of *out live in
   `arena`. Errors name the field; `where` is the caller's "FILE:LINE". */
rg_status rg_dot_read(const rg_datapath *datapath, const char *line, const char *where, rg_arena *arena,
                      rg_dot *out, rg_error *err);
/* The same line, without a newline. */
void rg_dot_print(const rg_datapath *datapath, const rg_dot *dot, rg_str *out);

/* ---- telling datapaths apart -------------------------------------------------------------------------- */

typedef struct rg_dot_witness {
    bool found;
    rg_dot dot;         /* arrays in `arena` */
    uint32_t result[2]; /* of either datapath, fp32 patterns */
    uint64_t tried;     /* inputs on which both were run */
} rg_dot_witness;
/* Searches, from a fixed seed, for an input on which the two differ, then makes it small: few products, then
   few bits. Both must take the same formats (RG_ERR_USAGE). Not found is no proof of equality. */
rg_status rg_datapath_distinguish(const rg_datapath *x, const rg_datapath *y, rg_dot_out out, rg_arena *arena,
                                  rg_dot_witness *witness, rg_error *err);

/* Answers n lines (text, newline after each) with n fp32 patterns. */
typedef rg_status rg_dot_oracle(void *context, const char *lines, size_t n, uint32_t *results, rg_error *err);

typedef struct rg_identified {
    size_t n_candidates;    /* those that agree with every answer */
    const char **candidate; /* canonical texts, the simplest first; at most 256 */
    size_t n_vectors;       /* lines sent */
} rg_identified;
/* Finds the datapath behind an oracle: sends dot products chosen so that they split the datapaths still
   possible, among all dot(...) of docs/datapaths.md and the presets of data_dir (NULL: none). `a`, `b`: the
   formats of the operands, NULL: to be found too. */
rg_status rg_datapath_identify(rg_dot_oracle *ask, void *context, const char *a, const char *b,
                               const char *data_dir, rg_arena *arena, const rg_progress *progress,
                               rg_identified *out, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
