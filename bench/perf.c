/* Speed of the performance model, one core, in time of this process: configurations a second in sweeps of
   each phase, one pass explained, one product, one collective. --peer COMMAND prints "train NAME RATE" of
   another tool (bench/peers/run_calculon.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ridge/sweep.h"

#define DATA RIDGE_SOURCE_DATA

static bool json;

static double spent_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(rg_status status, const rg_error *err) {
    if (status == RG_OK) return;
    fprintf(stderr, "bench/perf: %s: %s; expected %s\n", err->where, err->message, err->expected);
    exit(1);
}

/* value, and its ratio to the goal: above 1 is better. */
static void report(const char *work, const char *unit, double value, double ratio, const char *to) {
    static bool any;
    if (json)
        printf("%s\n  {\"work\": \"%s\", \"unit\": \"%s\", \"value\": %.4g, \"ratio\": %.4g, \"to\": \"%s\"}",
               any ? "," : "{\"rows\": [", work, unit, value, ratio, to);
    else
        printf("%-46s %12.4g %-4s %8.3g x %s\n", work, value, unit, ratio, to);
    any = true;
    fflush(stdout);
}

static double sweep_rate(const rg_calibrations *all, const char *text) {
    char path[] = "/tmp/ridge-bench-XXXXXX";
    rg_error err = {0};
    rg_sweep *sweep;
    const int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) exit(1);
    close(fd);
    must(rg_sweep_open(&sweep, path, DATA, all, &err), &err);
    unlink(path);
    const size_t n = (size_t)rg_sweep_size(sweep);
    rg_sweep_result *result = calloc(n, sizeof *result);
    size_t answered = 0;
    const double start = spent_s();
    must(rg_sweep_evaluate(sweep, 0, n, result, &err), &err);
    const double seconds = spent_s() - start;
    for (size_t i = 0; i < n; i++) answered += result[i].status != RG_SWEEP_REFUSED;
    free(result);
    rg_sweep_close(sweep);
    return (double)answered / seconds;
}

static double sweeps(const rg_calibrations *all) {
    static const struct {
        const char *name, *text;
    } phase[] = {
        {"sweep of training steps, Llama-3.1-70B",
         "phase: train\nmodel: llama-3.1-70b\nsystem: dgx-h100\ntp: [1, 2, 4, 8]\npp: [1, 2, 4, 5, 8, 10, "
         "16, 20]\n"
         "vp: [1, 2, 5]\nchips: [64, 128, 256, 512, 1024, 2048]\nzero: [0, 1, 2, 3]\nmbs: [1, 2, 4]\n"
         "recompute: [none, selective, full]\nbatch: [1024, 4096]\nsequence: 4096\n"},
        {"sweep of decode steps, Llama-3.1-70B",
         "phase: decode\nmodel: llama-3.1-70b\nsystem: [dgx-h100, dgx-b200]\ntp: [1, 2, 4, 8]\npp: [1, 2, "
         "4]\n"
         "chips: [8, 16, 32, 64]\nbatch: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]\n"
         "context: [1024, 2048, 4096, 8192]\n"},
        {"sweep of servings, Llama-3.1-70B",
         "phase: serve\nmodel: llama-3.1-70b\nsystem: [dgx-h100, dgx-h200]\ntp: [1, 2, 4, 8]\npp: [1, 2]\n"
         "dp: [1, 2, 4, 8]\nconcurrency: [1, 4, 16, 64, 256, 1024]\nisl: [1024, 8192]\nosl: 1024\n"},
        {"sweep of decode steps, DeepSeek-V3 over ep",
         "phase: decode\nmodel: deepseek-v3\nsystem: dgx-h200\ntp: [1, 2, 4]\nep: [8, 16, 32, 64]\n"
         "chips: [64, 128]\nbatch: [128, 256, 512, 1024, 2048, 4096]\ncontext: [2048, 4096, 8192, 32768]\n"}};
    double train = 0;
    for (size_t i = 0; i < sizeof phase / sizeof *phase; i++) {
        const double rate = sweep_rate(all, phase[i].text);
        if (i == 0) train = rate;
        report(phase[i].name, "1/s", rate, rate / 1e4, "goal 10,000");
    }
    return train;
}

static void passes(const rg_calibrations *all) {
    static const char *const models[] = {"llama-3.1-70b", "deepseek-v3"};
    rg_error err = {0};
    rg_chip chip;
    must(rg_chip_open(&chip, "h100", DATA, &err), &err);
    for (int m = 0; m < 2; m++) {
        rg_graph g;
        char work[80];
        must(rg_graph_from_name(&g, models[m], DATA, &err), &err);
        const int rounds = 20;
        const double start = spent_s();
        for (int i = 0; i < rounds; i++) {
            rg_roof roof;
            must(rg_roof_estimate(&roof, &g, &chip, RG_DECODE, 8, 4096 + i, "", all, &err), &err);
            rg_roof_close(&roof);
        }
        const double ms = 1e3 * (spent_s() - start) / rounds;
        snprintf(work, sizeof work, "decode step, operator by operator, %s", models[m]);
        report(work, "ms", ms, 100 / ms, "goal 100 ms");
        rg_graph_close(&g);
    }
    rg_chip_close(&chip);
}

static void collectives(const rg_calibrations *all) {
    rg_error err = {0};
    rg_system system;
    must(rg_system_open(&system, "dgx-h100", DATA, &err), &err);
    const int rounds = 100000;
    double sum = 0;
    const double start = spent_s();
    for (int i = 0; i < rounds; i++) {
        rg_collective_time t;
        must(rg_perf_collective(&system, all, RG_ALL_REDUCE, "half", i % 2 ? 8 : 64, 1, 1e6 + i, &t, &err),
             &err);
        sum += t.estimate_s;
    }
    const double ns = 1e9 * (spent_s() - start) / rounds;
    report(sum > 0 ? "one collective" : "nothing", "ns", ns, 1000 / ns, "goal 1,000 ns");
}

/* Lines "train NAME RATE". */
static void peer(const char *command, double train) {
    char name[64], work[96];
    double rate;
    FILE *lines = popen(command, "r");
    if (!lines) return;
    while (fscanf(lines, "train %63s %lf\n", name, &rate) == 2) {
        snprintf(work, sizeof work, "training steps of %s", name);
        report(work, "1/s", rate, train / rate, "slower than the sweep of training steps");
    }
    pclose(lines);
}

int main(int argc, char **argv) {
    const char *command = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--peer") == 0 && i + 1 < argc) {
            command = argv[++i];
        } else {
            fprintf(stderr, "Usage: perf [--json] [--peer COMMAND]\n");
            return 2;
        }
    }
    rg_error err = {0};
    rg_calibrations *all;
    must(rg_calibrations_open(&all, DATA, &err), &err);
    const double train = sweeps(all);
    passes(all);
    collectives(all);
    if (command) peer(command, train);
    rg_calibrations_close(all);
    if (json) printf("]}\n");
    return 0;
}
