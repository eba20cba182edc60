/* Speed of matrix products under a datapath, one thread: G MAC/s of each instruction set, and the ratio to
   the walk. usage: dot [--json] [DATAPATH...] */
#include <string.h>

#include "dot_job.h"

static void bench(const char *text, bool json) {
    rg_datapath *dp = dot_job_datapath(text);
    const char *name;
    dot_job j;
    dot_job_open(&j, rg_kernels_named("scalar"), dp, 8, 64, 1024);
    const double walk = dot_job_speed(&j, dot_gemm_walk);
    dot_job_close(&j);
    for (size_t i = 0; (name = rg_kernels_level(i)); i++) {
        if (!rg_kernels_named(name)) continue;
        dot_job_open(&j, rg_kernels_named(name), dp, 64, 512, 1024);
        const bool fast = j.plan.fast;
        const double rate = fast ? dot_job_speed(&j, dot_gemm) : walk;
        printf(json
                   ? "{\"kernel\": \"%s\", \"isa\": \"%s\", \"g_mac_per_s\": %.4f, \"ratio_to_walk\": %.1f}\n"
                   : "%-20s %-7s %8.4f G MAC/s  %7.1f times the walk\n",
               text, fast ? name : "walk", rate, rate / walk);
        dot_job_close(&j);
        if (!fast) break;
    }
    rg_datapath_close(dp);
}

int main(int argc, char **argv) {
    static const char *const usual[] = {"h100-e4m3-wgmma", "h100-fp16",  "a100-fp16", "a100-tf32",
                                        "v100-fp16",       "b200-mxfp8", "mi300-fp16"};
    const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    const int first = json ? 2 : 1;
    for (int i = first; i < argc; i++) bench(argv[i], json);
    for (size_t i = 0; argc == first && i < sizeof usual / sizeof *usual; i++) bench(usual[i], json);
    return 0;
}
