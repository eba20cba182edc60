/* ridge num certify: one number that stands for all 2^32 casts. */
#include "num_commands.h"

#include <unistd.h>

const cli_option cli_num_certify_options[] = {{.name = "threads",
                                               .type = CLI_INT,
                                               .value = "N",
                                               .min = 1,
                                               .max = 4096,
                                               .help = "threads (default: all cores); never changes a bit"},
                                              {0}};

rg_status cli_num_certify(cli_context *context, rg_error *err) {
    rg_quant q;
    char text[RG_QUANT_TEXT];
    uint32_t crc;
    RG_TRY(rg_quant_parse(context->argument[0], &q, err));
    rg_quant_print(&q, text, sizeof text);
    const int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int threads = (int)cli_int(context, "threads", cores > 0 ? cores : 1);
    RG_TRY(rg_certify(&q, threads, context->progress, &crc, err));
    if (!context->json) {
        printf("%08x  %s\n", (unsigned)crc, text);
        return RG_OK;
    }
    rg_str out = {0};
    rg_str_add(&out, "{\"format\": ");
    cli_print_json_string(&out, text);
    rg_str_printf(&out, ", \"crc32\": \"%08x\", \"patterns\": 4294967296, \"code_bytes\": %zu}",
                  (unsigned)crc, rg_format_stored_size(&q.format, 1, 1, false).code_bytes);
    cli_json_end(&out);
    return RG_OK;
}
