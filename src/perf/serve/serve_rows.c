/* Measured servings: which model, chip, layout and formats a recorded row stands for, and its passes. */
#include "perf/serve/serve_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/csv.h"

/* Part of the recorded name; whose shapes; where its checkpoint is narrow, as the maker publishes it. */
static const struct known {
    const char *in_path, *model;
    bool dense;
    const char *experts; /* glob of what narrow formats apply to; "": all blocks */
} knowns[] = {
    {"Llama-3.1-8B", "llama-3.1-8b", true, ""},
    {"Llama-3.1-70B", "llama-3.1-70b", true, ""},
    {"Qwen3-32B", "qwen3-32b", true, ""},
    {"Qwen3-235B", "qwen3-235b-a22b", false, ""},
    {"Qwen3.5-397B", "qwen3.5-397b-a17b", false, ""},
    {"MiniMax-M2.5", "minimax-m2.5", false, ""},
    {"DeepSeek", "deepseek-v3", false, ".*.mlp.*"},
    {"Kimi-K2.5", "kimi-k2", false, ".*.mlp.*"},
    {"GLM-5", "glm-5", false, ".*.mlp.*"},
    {"gpt-oss-120b", "gpt-oss-120b", false, ".*.mlp.experts.*"},
};
enum { N_KNOWNS = sizeof knowns / sizeof *knowns };

static const struct known *known_of(const char *path) {
    for (size_t i = 0; i < N_KNOWNS; i++)
        if (strstr(path, knowns[i].in_path)) return &knowns[i];
    return NULL;
}

/* ---- layouts ----------------------------------------------------------------------------------------- */

typedef struct recorded {
    int tp, dp, moe_tp, moe_ep;
    bool squared;
} recorded;

static int root_of(int x) {
    int s = 1;
    while (s * s < x) s++;
    return s * s == x ? s : 0;
}

/* Some tables multiply groups that are the same chips: 8 x 8 for eight chips of tp = ep = 8, or tp = dp for
   data-parallel attention on tp chips. The names of the same runs elsewhere in the table say so. */
/* 0 for what is no number of ranks. */
static int ranks_of(const perf_csv *t, size_t i, const char *column) {
    const double x = perf_csv_number(t, i, column);
    return x >= 0 && x <= 4096 ? (int)x : 0;
}

static recorded layout_of(const perf_csv *t, size_t i, bool dense) {
    const int dp = ranks_of(t, i, "attention_dp_size");
    const bool given = dp > 0;
    recorded r = {ranks_of(t, i, "tp_size"), given ? dp : 1, ranks_of(t, i, "moe_tp_size"),
                  ranks_of(t, i, "moe_ep_size"), false};
    if (r.tp < 1) r.tp = 1;
    if (r.moe_tp < 1) r.moe_tp = 1;
    if (r.moe_ep < 1) r.moe_ep = 1;
    if (dense) return (recorded){r.tp, r.dp, 1, 1, false};
    const int s = root_of(r.moe_tp * r.moe_ep), all = r.tp * r.dp;
    if (given && s > 1 && ((r.moe_tp == r.moe_ep && (all == s * s || all == s)) || (r.tp == s && r.dp == s)))
        return (recorded){r.dp > 1 ? 1 : s, r.dp > 1 ? s : 1, 1, s, true};
    if (given && r.tp == r.dp && r.dp > 1 && r.moe_tp * r.moe_ep == all)
        return (recorded){1, r.dp, r.moe_ep > 1 ? 1 : r.dp, r.moe_ep > 1 ? r.dp : 1, true};
    if (!given && r.moe_tp * r.moe_ep > r.tp) r.dp = r.moe_tp * r.moe_ep / r.tp;
    return r;
}

static void layout_text(const recorded *r, bool dense, char *buf, size_t size) {
    if (dense)
        snprintf(buf, size, "tp=%d,dp=%d", r->tp, r->dp);
    else if (r->moe_tp >
             r->tp) /* features of experts over replicas: as many bytes a chip as experts over them */
        snprintf(buf, size, "tp=%d,dp=%d,ep=%d,etp=%d", r->tp, r->dp, r->moe_ep * r->moe_tp / r->tp, r->tp);
    else
        snprintf(buf, size, "tp=%d,dp=%d,ep=%d,etp=%d", r->tp, r->dp, r->moe_ep, r->moe_tp);
}

/* ---- formats ----------------------------------------------------------------------------------------- */

static bool is(const char *a, const char *b) {
    return a && strcmp(a, b) == 0;
}

/* Keys and values are FP8 beside narrow weights, but for SGLang, whose default is the model's own type. */
static const char *cache_text(const char *engine) {
    return is(engine, "sglang") ? "" : ",kv=e4m3fn";
}

static void policy_text(const struct known *k, const char *mode, const char *engine, const char *chip,
                        char *buf, size_t size) {
    const char *x = k->experts;
    const bool hopper = chip[0] == 'h';
    if (strcmp(k->model, "gpt-oss-120b") == 0)
        snprintf(buf, size, "w%s=mxfp4%s%s%s", x, hopper ? "" : ",a", hopper ? "" : ".*.mlp.experts.*=mxfp8",
                 is(engine, "trtllm") ? ",kv=e4m3fn" : "");
    else if (is(mode, "nvfp4"))
        snprintf(buf, size, "w%s=nvfp4,a%s=nvfp4%s", x, x, cache_text(engine));
    else if (is(mode, "int4_wo"))
        snprintf(buf, size, "w%s=int4", x);
    else if (is(mode, "fp8") || is(mode, "fp8_block"))
        snprintf(buf, size, "w=e4m3fn(scale=row),a=e4m3fn(scale=row)%s", cache_text(engine));
    else
        buf[0] = 0;
}

/* ---- rows -------------------------------------------------------------------------------------------- */

typedef struct pending { /* a row whose pool is not yet open */
    const struct known *known;
    const char *chip, *policy, *layout;
    perf_serve_row row;
} pending;

typedef struct reader {
    perf_serve_rows rows;
    perf_csv csv;
    const char *data_dir;
    pending *pending; /* sorted, so that those of one pool stand together */
    size_t n_pending;
    rg_graph graph[N_KNOWNS];
    bool has_graph[N_KNOWNS];
    rg_system system; /* open with the pool */
    perf_pool pool;
    bool has_pool;
    perf_serve_pass prompt;
    double prompt_isl;
    rg_error *err;
} reader;

static void close_pool(reader *r) {
    if (!r->has_pool) return;
    perf_pool_close(&r->pool);
    rg_system_close(&r->system);
    r->has_pool = false;
}

static rg_status graph_of(reader *r, const struct known *k, const rg_graph **out) {
    const size_t i = (size_t)(k - knowns);
    if (!r->has_graph[i]) {
        RG_TRY(rg_graph_from_name(&r->graph[i], k->model, r->data_dir, r->err));
        r->has_graph[i] = true;
    }
    *out = &r->graph[i];
    return RG_OK;
}

/* None is open afterwards when the layout does not divide. */
static rg_status open_pool(reader *r, const pending *p) {
    const rg_graph *g;
    rg_layout l;
    rg_error no;
    close_pool(r);
    r->prompt_isl = 0;
    RG_TRY(graph_of(r, p->known, &g));
    RG_TRY(rg_system_open(&r->system, p->chip, r->data_dir, r->err));
    r->has_pool = rg_layout_parse(p->layout, &l, &no) == RG_OK &&
                  perf_pool_open(&r->pool, g, &r->system, &l, p->policy, &no) == RG_OK;
    if (!r->has_pool) rg_system_close(&r->system);
    return RG_OK;
}

static rg_status keep(reader *r, const char *text, const char **out) {
    *out = rg_arena_strndup(&r->rows.arena, text, strlen(text));
    return *out ? RG_OK : rg_fail(r->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* With 90 % of the memory, as engines do; those that would not start get 97 %. */
static double room_of(const perf_pool *p) {
    if (p->max_batch >= 1) return p->max_batch;
    return floor((0.97 * p->memory_bytes - p->weight_bytes) / p->sequence_bytes);
}

static double context_of(const perf_serve_row *row) {
    return floor(row->isl + row->osl / 2);
}

static rg_status add_passes(reader *r, perf_serve_row *row) {
    RG_TRY(perf_pool_step(&r->pool, row->batch, context_of(row), 1, &row->step, r->err));
    if (r->prompt_isl != row->isl) {
        RG_TRY(perf_pool_prompt(&r->pool, row->isl, 0, 1, &r->prompt, r->err));
        r->prompt_isl = row->isl;
    }
    row->prompt = r->prompt;
    return RG_OK;
}

/* Were all in flight resident, would the row be faster than its bound? */
static rg_status audit(reader *r, perf_serve_row *row, double wanted) {
    row->wanted_bytes = r->pool.weight_bytes + wanted * r->pool.sequence_bytes;
    if (row->wanted_bytes <= r->pool.memory_bytes) return RG_OK;
    perf_serve_pass all;
    RG_TRY(perf_pool_step(&r->pool, wanted, context_of(row), 1, &all, r->err));
    row->impossible = all.bound_s > row->tpot_s;
    return RG_OK;
}

static bool same_group(const perf_serve_row *a, const perf_serve_row *b) {
    return a->engine_index == b->engine_index && strcmp(a->path, b->path) == 0 &&
           strcmp(a->chip, b->chip) == 0 && strcmp(a->precision, b->precision) == 0;
}

static rg_status add_row(reader *r, perf_serve_row row) {
    perf_serve_rows *rows = &r->rows;
    perf_pool_room(&r->pool, context_of(&row), 0, 0);
    const double room = room_of(&r->pool), wanted = ceil(row.concurrency / r->pool.replicas);
    if (room < 1) {
        rows->not_fitting++;
        return RG_OK;
    }
    row.batch = fmax(1, fmin(wanted, room));
    row.clamped = wanted > room;
    row.replicas = r->pool.layout.ep > 1 ? r->pool.replicas : 1;
    row.chips = r->pool.chips;
    RG_TRY(keep(r, r->system.chip.id, &row.chip));
    RG_TRY(add_passes(r, &row));
    RG_TRY(audit(r, &row, wanted));
    if (row.step.bound_s > row.tpot_s) {
        rows->faster_than_bound++;
        return RG_OK;
    }
    rows->clamped += row.clamped;
    rows->impossible += row.impossible;
    size_t like = 0;
    while (like < rows->n && !same_group(&rows->row[like], &row)) like++;
    row.group = like < rows->n ? rows->row[like].group : (int)rows->n_groups++;
    rows->row[rows->n++] = row;
    return RG_OK;
}

static int compare_pools(const pending *a, const pending *b) {
    int c = (a->known > b->known) - (a->known < b->known);
    if (!c) c = strcmp(a->chip, b->chip);
    if (!c) c = strcmp(a->policy, b->policy);
    return c ? c : strcmp(a->layout, b->layout);
}

static int compare(const void *x, const void *y) {
    const perf_serve_row *a = &((const pending *)x)->row, *b = &((const pending *)y)->row;
    const int c = compare_pools(x, y);
    if (c) return c;
    if (a->isl != b->isl) return a->isl < b->isl ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static rg_status add_rows(reader *r) {
    qsort(r->pending, r->n_pending, sizeof *r->pending, compare);
    for (size_t i = 0; i < r->n_pending; i++) {
        const pending *p = &r->pending[i];
        if (i == 0 || compare_pools(p - 1, p) != 0) RG_TRY(open_pool(r, p));
        if (r->has_pool)
            RG_TRY(add_row(r, p->row));
        else
            r->rows.not_dividing++;
    }
    return RG_OK;
}

/* ---- table ------------------------------------------------------------------------------------------- */

/* What the row's pool is. */
static rg_status describe(reader *r, size_t i, pending *p) {
    const perf_csv *t = &r->csv;
    char layout[96], policy[256], chip[64];
    const recorded l = layout_of(t, i, p->known->dense);
    snprintf(chip, sizeof chip, "%s", perf_csv_cell(t, i, "system"));
    for (char *c = chip; *c; c++)
        if (*c == '_') *c = '-';
    layout_text(&l, p->known->dense, layout, sizeof layout);
    policy_text(p->known, perf_csv_cell(t, i, "moe_quant_mode"), p->row.engine, chip, policy, sizeof policy);
    r->rows.squared += l.squared;
    RG_TRY(keep(r, chip, &p->chip));
    RG_TRY(keep(r, policy, &p->policy));
    RG_TRY(keep(r, layout, &p->layout));
    RG_TRY(keep(r, perf_csv_cell(t, i, "model_path"), &p->row.path));
    RG_TRY(keep(r, perf_csv_cell(t, i, "precision"), &p->row.precision));
    p->row.layout = p->layout;
    p->row.model = p->known->model;
    p->row.dense = p->known->dense;
    return RG_OK;
}

/* Sizes and times that a serving can have. */
static bool is_sound(const perf_serve_row *r) {
    return r->tpot_s > 0 && r->ttft_s > 0 && r->concurrency >= 1 && r->concurrency <= 1e6 && r->isl >= 1 &&
           r->isl <= 1e7 && r->osl >= 2 && r->osl <= 1e7;
}

static rg_status read_row(reader *r, size_t i) {
    const perf_csv *t = &r->csv;
    perf_serve_rows *rows = &r->rows;
    pending p = {.known = known_of(perf_csv_cell(t, i, "model_path")),
                 .row = {.index = i,
                         .isl = floor(perf_csv_number(t, i, "isl")),
                         .osl = floor(perf_csv_number(t, i, "osl")),
                         .concurrency = perf_csv_number(t, i, "batch_size"),
                         .tpot_s = perf_csv_number(t, i, "silicon_tpot_ms") / 1e3,
                         .ttft_s = perf_csv_number(t, i, "silicon_ttft_ms") / 1e3,
                         .engine_index = perf_serve_engine(perf_csv_cell(t, i, "backend"))}};
    const perf_serve_row *row = &p.row;
    rows->rows++;
    if (!is(perf_csv_cell(t, i, "mode"), "agg")) {
        rows->other_mode++;
    } else if (!is_sound(row)) {
        rows->not_positive++;
    } else if (!p.known || row->engine_index < 0) {
        rows->unknown++;
    } else {
        p.row.engine = perf_serve_engines[row->engine_index];
        RG_TRY(describe(r, i, &p));
        r->pending[r->n_pending++] = p;
    }
    return RG_OK;
}

static rg_status read_all(reader *r, const char *path) {
    static const char *const needed[] = {"model_path",     "system",      "backend",     "precision",
                                         "mode",           "isl",         "osl",         "batch_size",
                                         "tp_size",        "moe_tp_size", "moe_ep_size", "moe_quant_mode",
                                         "silicon_tpot_ms"};
    RG_TRY(perf_csv_read(&r->csv, path, r->err));
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (r->csv.n_rows && !perf_csv_cell(&r->csv, 0, needed[i]))
            return rg_fail(r->err, RG_ERR_PARSE, path, needed[i], "no column \"%s\"", needed[i]);
    r->rows.row = rg_arena_alloc(&r->rows.arena, r->csv.n_rows + 1, sizeof *r->rows.row);
    r->pending = calloc(r->csv.n_rows + 1, sizeof *r->pending);
    if (!r->rows.row || !r->pending) return rg_fail(r->err, RG_ERR_MEMORY, path, NULL, "out of memory");
    for (size_t i = 0; i < r->csv.n_rows; i++) RG_TRY(read_row(r, i));
    RG_TRY(add_rows(r));
    return rg_sha256_file(path, &r->rows.digest, r->err);
}

rg_status perf_serve_rows_read(perf_serve_rows *out, const char *path, const char *data_dir, rg_error *err) {
    reader *r = calloc(1, sizeof *r);
    if (!r) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    r->data_dir = data_dir;
    r->err = err;
    const rg_status status = read_all(r, path);
    close_pool(r);
    for (size_t i = 0; i < N_KNOWNS; i++)
        if (r->has_graph[i]) rg_graph_close(&r->graph[i]);
    perf_csv_close(&r->csv);
    free(r->pending);
    if (status == RG_OK)
        *out = r->rows;
    else
        rg_arena_free(&r->rows.arena);
    free(r);
    return status;
}

void perf_serve_rows_close(perf_serve_rows *rows) {
    rg_arena_free(&rows->arena);
    memset(rows, 0, sizeof *rows);
}
