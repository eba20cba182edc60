/* Speed of number formats, one core: elements per second of each kernel and instruction set, beside the speed
   at which this machine copies as many floats, measured in the same run. usage: num [--json] [--peer
   COMMAND]... A peer is a program that prints lines "kernel name g_elem_per_s" (bench/peers). Of names, _
   stands for a blank. */
#include <math.h>
#include <string.h>

#include "dot_job.h"
#include "kernels/certify.h"
#include "kernels/kernels.h"

/* Floats of an array in memory, and of one that stays in the second-level cache with its result. */
enum { N_MEMORY = 1 << 25, N_CACHE = 1 << 16, BURSTS = 3 };

typedef struct arrays {
    size_t n;
    float *x, *y;
    uint8_t *codes;
    double copy; /* elements per second of a plain copy of x to y */
} arrays;

typedef struct measured {
    const rg_cast_kernels *kernels;
    const rg_pack_kernels *packing;
    const arrays *in;
    rg_quant quant;
    rg_cast_plan elem;
    rg_block_plan block;
    float tensor;
} measured;

typedef void body(const measured *m, size_t at, size_t n);

/* Best burst of several: others on the machine can only take speed away. A burst is short, so that some are
   left alone: 2^22 elements in memory, each burst another part; the whole array in the cache. */
static double best_speed(body *run, const measured *m) {
    const size_t n = m->in->n, burst = n < (1 << 22) ? n : 1 << 22, times = n < (1 << 22) ? 16 : 1;
    double best = 0;
    for (size_t b = 0; b < BURSTS * (n / burst); b++) {
        const size_t at = b % (n / burst) * burst;
        const double start = bench_now_s();
        for (size_t k = 0; k < times; k++) run(m, at, burst);
        best = fmax(best, (double)(burst * times) / (bench_now_s() - start));
    }
    return best;
}

static bool in_memory(const measured *m) {
    return m->in->n > N_CACHE;
}

static void copy(const measured *m, size_t at, size_t n) {
    memcpy(m->in->y + at, m->in->x + at, n * sizeof(float));
}
static void qdq(const measured *m, size_t at, size_t n) {
    m->kernels->qdq(&m->elem, n, m->in->x + at, 1, at, in_memory(m), m->in->y + at);
}
static void qdq_in_place(const measured *m, size_t at, size_t n) {
    m->kernels->qdq(&m->elem, n, m->in->y + at, 1, at, false, m->in->y + at);
}
static void encode(const measured *m, size_t at, size_t n) {
    m->kernels->encode(&m->elem, n, m->in->x + at, at, m->in->codes + at * (size_t)m->elem.width);
}
static void blocks(const measured *m, size_t at, size_t n) {
    m->kernels->blocks(&m->block, n, m->in->x + at, 1, at, in_memory(m), m->in->y + at);
}
/* The scale of the tensor first, then the blocks. */
static void two_passes(const measured *m, size_t at, size_t n) {
    const float amax = m->kernels->amax(n, m->in->x + at);
    m->kernels->blocks(&m->block, n, m->in->x + at, amax / 2688, at, in_memory(m), m->in->y + at);
}

/* Codes of one byte, from the input's bytes. */
static void pack(const measured *m, size_t at, size_t n) {
    m->packing->pack(m->quant.format.elem.bits, n, (const uint8_t *)m->in->x + at, m->in->codes + at);
}
static void unpack(const measured *m, size_t at, size_t n) {
    m->packing->unpack(m->quant.format.elem.bits, n, (const uint8_t *)m->in->x + at, m->in->codes + at);
}

static const struct {
    const char *name, *text;
    body *run;
    bool in_cache;
} rows[] = {
    {"qdq e4m3fn", "e4m3fn", qdq, false},
    {"qdq e4m3fn, L2", "e4m3fn", qdq, true},
    {"qdq e4m3fn, in place", "e4m3fn", qdq_in_place, false},
    {"encode e4m3fn", "e4m3fn", encode, false},
    {"encode e4m3fn, L2", "e4m3fn", encode, true},
    {"encode bf16", "bf16", encode, false},
    {"qdq e4m3fn@rz", "e4m3fn@rz", qdq, false},
    {"qdq e4m3fn@ru(sat=none)", "e4m3fn@ru(sat=none)", qdq, false},
    {"qdq e4m3fn@sra(8)", "e4m3fn@sra(8)", qdq, false},
    {"qdq mxfp8", "mxfp8", blocks, false},
    {"qdq mxfp4", "mxfp4", blocks, false},
    {"qdq nvfp4", "nvfp4", two_passes, false},
    {"qdq nvfp4@rne(scale=4over6)", "nvfp4@rne(scale=4over6)", two_passes, false},
    {"pack e2m1", "e2m1", pack, false},
    {"unpack e2m1", "e2m1", unpack, false},
    {"pack e2m3", "e2m3", pack, false},
};

static arrays make_arrays(size_t n) {
    arrays a = {.n = n};
    a.x = aligned_alloc(64, n * sizeof(float));
    a.y = aligned_alloc(64, n * sizeof(float));
    a.codes = aligned_alloc(64, n * sizeof(float));
    if (!a.x || !a.y || !a.codes) abort();
    for (size_t i = 0; i < n; i++) a.x[i] = (float)rg_random_normal(1, 0, i % 65521);
    memcpy(a.y, a.x, n * sizeof(float));
    memset(a.codes, 1, n * sizeof(float));
    measured m = {.kernels = rg_kernels_named("scalar")->cast, .in = &a};
    a.copy = best_speed(copy, &m);
    return a;
}

static bool json, any;

static void report(const char *kernel, const char *isa, double speed, double copy_speed) {
    if (json) {
        printf("%s\n  {\"kernel\": \"%s\", \"isa\": \"%s\", \"g_elem_per_s\": %.4g, \"ratio_to_copy\": ",
               any ? "," : "{\"rows\": [", kernel, isa, speed * 1e-9);
        printf(copy_speed > 0 ? "%.3f}" : "null}", speed / copy_speed);
    } else {
        if (!any) printf("%-30s %-12s %12s %14s\n", "kernel", "isa", "G elem/s", "ratio to copy");
        printf("%-30s %-12s %12.3f ", kernel, isa, speed * 1e-9);
        printf(copy_speed > 0 ? "%14.2f\n" : "\n", speed / copy_speed);
    }
    any = true;
    fflush(stdout);
}

static void bench_level(const rg_kernels *kernels, const arrays in[2]) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        measured m = {.kernels = kernels->cast, .packing = kernels->pack_codes, .in = &in[rows[i].in_cache]};
        rg_error err;
        if (rg_quant_parse(rows[i].text, &m.quant, &err) != RG_OK) abort();
        rg_cast_plan_make(&m.elem, &m.quant.format.elem, &m.quant.cast);
        rg_block_plan_make(&m.block, &m.quant);
        report(rows[i].name, kernels->name, best_speed(rows[i].run, &m), m.in->copy);
    }
}

/* All cores. */
static void bench_certificate(const rg_kernels *kernels) {
    rg_quant q;
    uint32_t crc;
    double best = INFINITY;
    if (rg_quant_parse("e4m3fn", &q, NULL) != RG_OK) abort();
    for (int k = 0; k < 3; k++) {
        const double start = bench_now_s();
        if (rg_certify_by(kernels->cast, &q, 2, NULL, &crc, NULL) != RG_OK) abort();
        best = fmin(best, bench_now_s() - start);
    }
    report("certificate e4m3fn, 2 threads", kernels->name, 4294967296.0 / best, 0);
}

/* Bit-exact products of a matrix unit; an element is a multiply-add. */
static void bench_dot(const rg_kernels *kernels) {
    static const char *const units[] = {"h100-e4m3-wgmma", "a100-fp16"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char name[64];
        dot_job j;
        rg_datapath *dp = dot_job_datapath(units[i]);
        dot_job_open(&j, kernels, dp, 64, 512, 1024);
        snprintf(name, sizeof name, "dot %s, MAC", units[i]);
        report(name, kernels->name, 1e9 * dot_job_speed(&j, dot_gemm), 0);
        dot_job_close(&j);
        rg_datapath_close(dp);
    }
}

static void bench_peer(const char *command, double copy_speed) {
    FILE *peer = popen(command, "r");
    char kernel[64], name[64];
    double speed;
    while (peer && fscanf(peer, "%63s %63s %lf", kernel, name, &speed) == 3) {
        for (char *c = kernel; *c; c++)
            if (*c == '_') *c = ' ';
        report(kernel, name, speed * 1e9, copy_speed);
    }
    if (!peer || pclose(peer) != 0) fprintf(stderr, "num: peer failed: %s\n", command);
}

int main(int argc, char **argv) {
    const char *peers[8];
    int n_peers = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--peer") == 0 && i + 1 < argc && n_peers < 8) {
            peers[n_peers++] = argv[++i];
        } else {
            fprintf(stderr, "usage: num [--json] [--peer COMMAND]...\n");
            return 2;
        }
    }
    const arrays in[2] = {make_arrays(N_MEMORY), make_arrays(N_CACHE)};
    report("copy", "memcpy", in[0].copy, in[0].copy);
    report("copy, L2", "memcpy", in[1].copy, in[1].copy);
    for (size_t l = 0; rg_kernels_level(l); l++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(l));
        if (!kernels) continue;
        bench_level(kernels, in);
        bench_dot(kernels);
        bench_certificate(kernels);
    }
    for (int i = 0; i < n_peers; i++) bench_peer(peers[i], in[0].copy);
    if (json) printf("\n]}\n");
    return 0;
}
