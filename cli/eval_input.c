/* What the commands of ridge eval read, and the frame of their JSON. */
#include "eval_commands.h"

#include <stdlib.h>

enum { MAX_POLICIES = 256, FILE_LIMIT_BYTES = 1 << 30 };

static rg_status take_policies(cli_eval_input *input, const cli_context *context, rg_error *err) {
    input->policy = calloc(MAX_POLICIES, sizeof *input->policy);
    if (!input->policy) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (const char *p; (p = cli_nth(context, "policy", (int)input->n)); input->policy[input->n++] = p) {
        if (input->n == MAX_POLICIES)
            return rg_fail(err, RG_ERR_USAGE, "--policy", "at most 256", "too many policies");
        if (!*p) /* a shell variable without a value must not silently measure the reference */
            return rg_fail(err, RG_ERR_USAGE, "--policy", "role[.glob]=FORMAT,..., or fp32",
                           "an empty policy");
    }
    return RG_OK;
}

rg_status cli_eval_open(cli_eval_input *input, const cli_context *context, const char *option,
                        rg_error *err) {
    *input = (cli_eval_input){.path = cli_string(context, option)};
    RG_TRY(take_policies(input, context, err));
    RG_TRY(rg_sha256_file(input->path, &input->sha256, err));
    RG_TRY(rg_file_read(input->path, FILE_LIMIT_BYTES, &input->text, &input->size, err));
    RG_TRY(rg_model_open(&input->model, cli_string(context, "model"), context->data_dir, true, err));
    input->opened = true;
    return RG_OK;
}

void cli_eval_close(cli_eval_input *input) {
    if (input->opened) rg_model_close(&input->model);
    free(input->policy);
    free(input->text);
    *input = (cli_eval_input){0};
}

void cli_eval_json_policies(rg_str *out, void (*one)(rg_str *out, const void *context, size_t i),
                            const void *context, size_t n) {
    rg_str_add(out, ", \"reference\": ");
    one(out, context, 0);
    rg_str_add(out, ", \"policies\": [");
    for (size_t i = 1; i <= n; i++) {
        if (i > 1) rg_str_add(out, ", ");
        one(out, context, i);
    }
    rg_str_add(out, "]");
}
