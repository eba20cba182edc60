/* Speed and memory of the executor: linear operators in fp32 and in emulated 4 to 8 bits (activations
   quantized in the time taken), one core; a small and a real model under policies in lock step, each in a
   process of its own, for its peak memory; llama.cpp's perplexity on the same file and text beside it. Usage:
   below. Rows whose files are absent are left out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dot_job.h"
#include "kernels/integer.h"
#include "ridge/model.h"

enum { CHUNK = 512, TEXT_TOKENS = 303000, ROUNDS = 2 };

typedef struct options {
    bool json;
    int threads, chunks;
    const char *stories, *stories_text, *model, *text, *peer;
} options;

/* ---- output ------------------------------------------------------------------------------------- */

typedef struct figure {
    const char *key;
    double value; /* NaN: unknown */
} figure;

static void report(const options *o, const char *work, size_t n, const figure *f) {
    static bool any;
    if (o->json) printf("%s\n  {\"work\": \"%s\"", any ? "," : "{\"rows\": [", work);
    if (!o->json) printf("%-34s", work);
    for (size_t i = 0; i < n; i++) {
        if (o->json) printf(isfinite(f[i].value) ? ", \"%s\": %.6g" : ", \"%s\": null", f[i].key, f[i].value);
        if (!o->json && isfinite(f[i].value)) printf("  %s %.6g", f[i].key, f[i].value);
    }
    printf(o->json ? "}" : "\n");
    fflush(stdout);
    any = true;
}

/* ---- linear operators, one core ----------------------------------------------------------------- */

enum { M = 256, N = 1024, K = 1024 };
static const double gflop = 2e-9 * M * N * K;

static void *room(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) abort();
    memset(p, 0, bytes);
    return p;
}

static float *random_matrix(size_t n, uint64_t stream) {
    float *x = room(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (float)rg_random_normal(1, stream, i);
    return x;
}

/* GFLOP/s of fused multiply-adds in registers. Best of several: others on the machine can only take away. */
static double peak_of(const rg_kernels *kernels) {
    static volatile float sink;
    double best = 0;
    for (int i = 0; i < 20; i++) {
        double flop, start = bench_now_s();
        sink = kernels->fma_peak(1000000, &flop);
        best = fmax(best, 1e-9 * flop / (bench_now_s() - start));
    }
    (void)sink;
    return best;
}

static double fp32_speed(const rg_kernels *kernels, const float *x, const float *w, float *y) {
    float *packed = room(rg_gemm_packed_size(kernels, N, K) * sizeof *packed);
    double best = INFINITY;
    rg_gemm_pack(kernels, 1, w, N, K, packed);
    for (double end = bench_now_s() + 1; bench_now_s() < end;) {
        const double start = bench_now_s();
        rg_gemm(kernels, 1, M, N, K, x, packed, y);
        best = fmin(best, bench_now_s() - start);
    }
    free(packed);
    return gflop / best;
}

static double integer_speed(const rg_kernels *kernels, const char *text, const float *x, const float *w,
                            float *y) {
    rg_quant q;
    integer_plan p;
    if (rg_quant_parse(text, &q, NULL) != RG_OK || !integer_plan_make(&p, kernels, &q, &q, K)) abort();
    uint8_t *rows = room(integer_rows_bytes(&p, M)), *panels = room(integer_panels_bytes(&p, N));
    void *work = room(integer_work_bytes(&p, 1, N));
    double best = INFINITY;
    integer_pack(&p, 1, w, N, work, panels);
    for (double end = bench_now_s() + 1; bench_now_s() < end;) {
        const double start = bench_now_s();
        integer_encode(&p, 1, x, M, 0, work, rows);
        integer_gemm(&p, 1, M, N, rows, panels, y);
        best = fmin(best, bench_now_s() - start);
    }
    free(rows);
    free(panels);
    free(work);
    return gflop / best;
}

static void linear(const options *o, const rg_kernels *kernels) {
    static const char *const formats[] = {"mxfp4", "nvfp4", "nvfp4@rne(scale=4over6)",
                                          "int4",  "int8",  "mxfp6"};
    float *x = random_matrix((size_t)M * K, 0), *w = random_matrix((size_t)N * K, 1);
    float *y = random_matrix((size_t)M * N, 2);
    const double peak = peak_of(kernels), fp32 = fp32_speed(kernels, x, w, y);
    report(o, "linear 256x1024x1024 fp32", 3,
           (figure[]){{"gflop_per_s", fp32}, {"peak_gflop_per_s", peak}, {"share_of_peak", fp32 / peak}});
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char name[64];
        const double speed = integer_speed(kernels, formats[i], x, w, y);
        snprintf(name, sizeof name, "linear 256x1024x1024 %s", formats[i]);
        report(o, name, 2, (figure[]){{"gflop_per_s", speed}, {"ratio_to_fp32_peak", speed / peak}});
    }
    free(x);
    free(w);
    free(y);
}

/* ---- work in a process of its own --------------------------------------------------------------- */

typedef struct cost {
    bool done;
    double wall_s, user_s, peak_bytes;
} cost;

static cost no_cost(void) {
    return (cost){.wall_s = INFINITY, .user_s = INFINITY};
}

typedef bool job(const options *o);

static cost run_apart(job *run, const options *o) {
    struct rusage use;
    int status = 1;
    const double start = bench_now_s();
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) _exit(run(o) ? 0 : 1);
    if (child < 0 || wait4(child, &status, 0, &use) != child || status != 0) return no_cost();
    return (cost){true, bench_now_s() - start,
                  (double)use.ru_utime.tv_sec + 1e-6 * (double)use.ru_utime.tv_usec,
                  1024.0 * (double)use.ru_maxrss};
}

/* The less of each figure. */
static void keep_best(cost *best, cost c) {
    if (!c.done) return;
    best->done = true;
    best->wall_s = fmin(best->wall_s, c.wall_s);
    best->user_s = fmin(best->user_s, c.user_s);
    best->peak_bytes = fmax(best->peak_bytes, c.peak_bytes);
}

static bool evaluate(const options *o, const char *model_path, const char *text_path, const char *protocol,
                     size_t tokens, const char *const *policies, size_t n) {
    rg_model model;
    char *text;
    size_t size;
    rg_error err = {0};
    rg_quality *out = calloc(n + 1, sizeof *out);
    if (!out || rg_file_read(text_path, 1 << 26, &text, &size, &err) != RG_OK) return false;
    rg_status status = rg_model_open(&model, model_path, RIDGE_SOURCE_DATA, true, &err);
    const rg_eval_options how = {.protocol = protocol, .max_tokens = tokens, .threads = o->threads};
    if (status == RG_OK) status = rg_eval_run(&model, text, size, policies, n, &how, out, &err);
    if (status != RG_OK) fprintf(stderr, "model: %s: %s\n", err.where, err.message);
    return status == RG_OK;
}

/* ---- models ------------------------------------------------------------------------------------- */

static const char *const stories_policies[] = {"fp32",
                                               "w=int8",
                                               "w=int4",
                                               "w=nf4(group=64,scale=fp32)",
                                               "w=int4(sym,row)",
                                               "w=mxfp4",
                                               "w=mxfp4@rne(scale=even)",
                                               "w=nvfp4",
                                               "w=nvfp4@rne(scale=4over6)",
                                               "w=int3",
                                               "w=int2",
                                               "w=bf16,a=bf16",
                                               "w=int8,a=int8",
                                               "w=e4m3fn(scale=tensor),a=e4m3fn(scale=tensor)",
                                               "w=mxfp8,a=mxfp8",
                                               "w=mxfp6,a=mxfp6",
                                               "w=mx(e3m2,32,e8m0),a=mx(e3m2,32,e8m0)",
                                               "w=mxfp4,a=mxfp4",
                                               "w=mxfp4@rne(scale=even),a=mxfp4@rne(scale=even)",
                                               "w=nvfp4,a=nvfp4",
                                               "w=nvfp4@rne(scale=4over6),a=nvfp4@rne(scale=4over6)",
                                               "w=int4,a=int4",
                                               "w=int4,a=int8",
                                               "w=mxfp4,a=mxfp8",
                                               "kv=e4m3fn",
                                               "kv=e5m2"};
enum { N_STORIES = sizeof stories_policies / sizeof *stories_policies, STORIES_TOKENS = 29356 };

static bool run_stories(const options *o) {
    return evaluate(o, o->stories, o->stories_text, "stories-256", STORIES_TOKENS, stories_policies,
                    N_STORIES);
}

static bool run_model(const options *o) {
    const char *const policy[] = {"w=nvfp4,a=nvfp4"};
    return evaluate(o, o->model, o->text, "llamacpp-512", (size_t)o->chunks * CHUNK, policy, 1);
}

static bool run_candidates(const options *o) {
    static const char *const policies[] = {"w=nvfp4,a=nvfp4", "w=mxfp4,a=mxfp4", "w=int8,a=int8",
                                           "w=int4",          "w=mxfp8,a=mxfp8", "kv=e4m3fn",
                                           "w=mxfp4,a=mxfp8", "w=bf16,a=bf16"};
    return evaluate(o, o->model, o->text, "llamacpp-512", (size_t)o->chunks * CHUNK, policies, 8);
}

static bool only_load(const options *o) {
    rg_model model;
    return rg_model_open(&model, o->model, RIDGE_SOURCE_DATA, true, NULL) == RG_OK;
}

/* Its report goes nowhere; the wall time is the whole program's, as Ridge's is. */
static bool run_peer(const options *o) {
    char chunks[16], threads[16];
    snprintf(chunks, sizeof chunks, "%d", o->chunks);
    snprintf(threads, sizeof threads, "%d", o->threads);
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) return false;
    execlp(o->peer, o->peer, "-m", o->model, "-f", o->text, "-c", "512", "--chunks", chunks, "-t", threads,
           (char *)NULL);
    return false;
}

static void report_model(const options *o, const char *work, cost c, const cost *load) {
    const double share = (double)o->chunks * CHUNK / TEXT_TOKENS;
    const double whole = load ? load->wall_s + (c.wall_s - load->wall_s) / share : NAN;
    report(o, work, 6,
           (figure[]){{"chunks", o->chunks},
                      {"wall_s", c.wall_s},
                      {"user_s", c.user_s},
                      {"wikitext2_s", whole},
                      {"peak_bytes", c.peak_bytes},
                      {"logit_storage_bytes", load ? 0 : NAN}});
}

static void models(const options *o) {
    if (access(o->stories, R_OK) == 0 && access(o->stories_text, R_OK) == 0) {
        const cost c = run_apart(run_stories, o);
        if (c.done)
            report(o, "stories260k, 26 policies", 4,
                   (figure[]){{"tokens", STORIES_TOKENS},
                              {"wall_s", c.wall_s},
                              {"user_s", c.user_s},
                              {"peak_bytes", c.peak_bytes}});
    }
    if (access(o->model, R_OK) != 0 || access(o->text, R_OK) != 0) return;
    cost mine = no_cost(), peer = no_cost();
    const cost load = run_apart(only_load, o);
    for (int i = 0; i < ROUNDS; i++) { /* in turn: the machine's mood is shared */
        keep_best(&mine, run_apart(run_model, o));
        if (o->peer) keep_best(&peer, run_apart(run_peer, o));
    }
    if (mine.done) report_model(o, "SmolLM2 fp32 and nvfp4 W4A4, KLD", mine, &load);
    if (peer.done) report_model(o, "llama.cpp perplexity", peer, NULL);
    if (mine.done && peer.done)
        report(
            o, "ratio to llama.cpp", 2,
            (figure[]){{"wall_ratio", mine.wall_s / peer.wall_s}, {"user_ratio", mine.user_s / peer.user_s}});
    const cost many = run_apart(run_candidates, o);
    if (many.done)
        report(o, "SmolLM2 fp32 and 8 candidates", 4,
               (figure[]){{"chunks", o->chunks},
                          {"wall_s", many.wall_s},
                          {"peak_bytes", many.peak_bytes},
                          {"bytes_above_model", many.peak_bytes - load.peak_bytes}});
}

/* ---- options ------------------------------------------------------------------------------------ */

static const char *found_in_path(const char *name, char *buf, size_t size) {
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at;) {
        const size_t n = strcspn(at, ":");
        snprintf(buf, size, "%.*s/%s", (int)n, at, name);
        if (access(buf, X_OK) == 0) return buf;
        at += n + (at[n] == ':');
    }
    return NULL;
}

static bool parse(int argc, char **argv, options *o) {
    const struct {
        const char *name, **text;
        int *number;
    } table[] = {{"--threads", NULL, &o->threads},
                 {"--stories", &o->stories, NULL},
                 {"--stories-text", &o->stories_text, NULL},
                 {"--model", &o->model, NULL},
                 {"--text", &o->text, NULL},
                 {"--chunks", NULL, &o->chunks},
                 {"--peer", &o->peer, NULL}};
    for (int i = 1; i < argc; i++) {
        bool known = strcmp(argv[i], "--json") == 0;
        if (known) o->json = true;
        for (size_t k = 0; !known && k < sizeof table / sizeof *table && i + 1 < argc; k++) {
            if (strcmp(argv[i], table[k].name) != 0) continue;
            known = true;
            i++;
            if (table[k].text) *table[k].text = argv[i];
            if (table[k].number) *table[k].number = atoi(argv[i]);
        }
        if (!known) return false;
    }
    return o->threads > 0 && o->chunks > 0;
}

int main(int argc, char **argv) {
    static char model[4096], peer[4096];
    const rg_kernels *kernels;
    rg_error err;
    const char *home = getenv("HOME");
    snprintf(model, sizeof model, "%s/.cache/ridge/SmolLM2-135M-Instruct.Q4_1.gguf", home ? home : "");
    options o = {.threads = (int)sysconf(_SC_NPROCESSORS_ONLN),
                 .chunks = 8,
                 .stories = RIDGE_SOURCE_DATA "/../../shared/data/models/stories260k/stories260K.bin",
                 .stories_text =
                     RIDGE_SOURCE_DATA "/../../shared/data/text/tinystories-sample/tinystories.txt",
                 .model = model,
                 .text = RIDGE_SOURCE_DATA "/../../shared/data/text/wikitext2-raw-test/wiki.test.raw",
                 .peer = found_in_path("llama-perplexity", peer, sizeof peer)};
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: model [--json] [--threads N] [--stories FILE] [--stories-text FILE]\n"
                        "             [--model FILE] [--text FILE] [--chunks N] [--peer PATH]\n"
                        "--stories: stories260K.bin, --model: SmolLM2 as GGUF, both with a text;\n"
                        "--peer: llama-perplexity, else the one in PATH\n");
        return 2;
    }
    if (rg_kernels_get(&kernels, &err) != RG_OK) {
        fprintf(stderr, "%s: %s\n", err.where, err.message);
        return 1;
    }
    models(&o); /* before this process has threads of its own */
    linear(&o, kernels);
    if (o.json) printf("\n]}\n");
    return 0;
}
