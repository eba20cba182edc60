/* ridge perf calibrate: constants of training steps from published tables. */
#include "perf_commands.h"

#include <time.h>

#include "ridge/train.h"

rg_status cli_perf_calibrate(cli_context *context, rg_error *err) {
    char date[16];
    const time_t now = time(NULL);
    struct tm parts;
    rg_calibrations *all;
    rg_str out = {0};
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &parts));
    RG_TRY(rg_calibrations_open(&all, context->data_dir, err));
    rg_status status = rg_train_calibrate(&out, context->argument[0], context->data_dir, all, date, err);
    if (status == RG_OK) status = rg_file_write(cli_string(context, "o"), out.data, out.len, err);
    if (status == RG_OK && context->json) {
        rg_str line = {0};
        rg_str_add(&line, "{\"file\": ");
        cli_print_json_string(&line, cli_string(context, "o"));
        rg_str_add(&line, "}");
        cli_json_end(&line);
    }
    rg_calibrations_close(all);
    rg_str_free(&out);
    return status;
}

const cli_option cli_perf_calibrate_options[] = {
    {"o", CLI_STRING, "FILE.yaml", NULL, NULL, 0, 0, false, true, "where the constants go"}, {0}};
