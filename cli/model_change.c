/* ridge model stress and smooth: models whose weights are changed without changing what they compute. */
#include "model_change.h"
#include "ridge/model.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CHANNELS = 1 << 16, TEXT_LIMIT_BYTES = 1 << 30 };

static rg_status bad_channels(const char *text, rg_error *err) {
    return rg_fail(err, RG_ERR_USAGE, "--channels",
                   "channels separated by commas (5,40), or one number: how many, from the first on",
                   "\"%.100s\"", text);
}

/* "5,40": these; "2": the first two, 0 and 1. A comma makes the difference ("5," is channel 5). */
static rg_status take_channels(const char *text, int64_t **out, size_t *n, rg_error *err) {
    const bool list = strchr(text, ',') != NULL;
    int64_t *channel = malloc(MAX_CHANNELS * sizeof *channel);
    if (!channel) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    size_t k = 0;
    bool good = *text != 0;
    for (const char *p = text; good && *p && k < MAX_CHANNELS;) {
        char *end;
        good = *p >= '0' && *p <= '9';
        const long long value = strtoll(p, &end, 10);
        good = good && (*end == ',' || !*end) && value <= 1 << 30;
        channel[k++] = value;
        p = *end ? end + 1 : end;
    }
    if (good && !list) {
        const int64_t count = channel[0];
        good = count >= 1 && count <= MAX_CHANNELS;
        for (k = 0; good && (int64_t)k < count; k++) channel[k] = (int64_t)k;
    }
    if (!good || (list && k == MAX_CHANNELS)) {
        free(channel);
        return bad_channels(text, err);
    }
    *out = channel;
    *n = k;
    return RG_OK;
}

/* Where it was written, and the digest that claims will name. */
static rg_status print_written(const cli_context *context, const rg_model *source, const char *what,
                               rg_error *err) {
    rg_model written;
    rg_str out = {0};
    const char *path = cli_string(context, "o");
    RG_TRY(rg_model_open(&written, path, context->data_dir, true, err));
    if (context->json) {
        rg_str_add(&out, "{\"model\": ");
        cli_print_json_string(&out, path);
        rg_str_printf(&out, ", \"source_sha256\": \"%s\", \"sha256\": \"%s\"%s}", source->sha256.hex,
                      written.sha256.hex, what);
        puts(out.data ? out.data : "null");
    } else {
        printf("%s, SHA-256 %s\n", path, written.sha256.hex);
    }
    rg_str_free(&out);
    rg_model_close(&written);
    return RG_OK;
}

static rg_status write_stressed(cli_context *context, rg_model *model, const int64_t *channel, size_t n,
                                rg_error *err) {
    const double scale = cli_number(context, "scale", 1);
    rg_str what = {0};
    RG_TRY(rg_model_stress(model, channel, n, scale, err));
    RG_TRY(rg_model_save(model, cli_string(context, "o"), err));
    rg_str_add(&what, ", \"channels\": [");
    for (size_t i = 0; i < n; i++) rg_str_printf(&what, "%s%lld", i ? ", " : "", (long long)channel[i]);
    rg_str_add(&what, "], \"scale\": ");
    cli_print_json_number(&what, scale);
    const rg_status status = print_written(context, model, what.data ? what.data : "", err);
    rg_str_free(&what);
    return status;
}

rg_status cli_model_stress(cli_context *context, rg_error *err) {
    rg_model model;
    int64_t *channel = NULL;
    size_t n = 0;
    RG_TRY(take_channels(cli_string(context, "channels"), &channel, &n, err));
    rg_status status = rg_model_open(&model, cli_string(context, "model"), context->data_dir, true, err);
    if (status == RG_OK) {
        status = write_stressed(context, &model, channel, n, err);
        rg_model_close(&model);
    }
    free(channel);
    return status;
}

static rg_status write_smoothed(cli_context *context, rg_model *model, rg_error *err) {
    const rg_smooth_options options = {.alpha = cli_number(context, "alpha", 0.5),
                                       .max_tokens = (size_t)cli_int(context, "tokens", 0),
                                       .progress = context->progress};
    char *text;
    size_t size;
    if (rg_file_same(cli_string(context, "o"), cli_string(context, "text")))
        return rg_fail(err, RG_ERR_USAGE, "-o", "another name than the source's",
                       "the text would be overwritten");
    RG_TRY(rg_file_read(cli_string(context, "text"), TEXT_LIMIT_BYTES, &text, &size, err));
    rg_status status = rg_model_smooth(model, text, size, &options, err);
    free(text);
    if (status == RG_OK) status = rg_model_save(model, cli_string(context, "o"), err);
    if (status != RG_OK) return status;
    rg_str what = {0};
    rg_str_add(&what, ", \"alpha\": ");
    cli_print_json_number(&what, options.alpha);
    status = print_written(context, model, what.data ? what.data : "", err);
    rg_str_free(&what);
    return status;
}

rg_status cli_model_smooth(cli_context *context, rg_error *err) {
    rg_model model;
    RG_TRY(rg_model_open(&model, cli_string(context, "model"), context->data_dir, true, err));
    const rg_status status = write_smoothed(context, &model, err);
    rg_model_close(&model);
    return status;
}

const cli_option cli_model_smooth_options[] = {
    {"model", CLI_STRING, "MODEL", NULL, NULL, 0, 0, false, true,
     "GGUF file, llama2.c file or Hugging Face folder"},
    {"text", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true,
     "UTF-8 text to calibrate on, plain or .gz; not the one that will be scored"},
    {"alpha", CLI_NUMBER, "A", NULL, "0.5", 0, 1, false, false,
     "how much of the difficulty moves from activations into weights"},
    {"tokens", CLI_INT, "N", "token", "8192", 1, 1e9, false, false, "take the first N tokens of the text"},
    {"o", CLI_STRING, "OUT", NULL, NULL, 0, 0, false, true, "file or folder to write, of the source's kind"},
    {0}};

const cli_option cli_model_stress_options[] = {
    {"model", CLI_STRING, "MODEL", NULL, NULL, 0, 0, false, true,
     "GGUF file, llama2.c file or Hugging Face folder"},
    {"channels", CLI_STRING, "C[,C...]", NULL, NULL, 0, 0, false, true,
     "channels of the normed activations, counted from 0; a single number is how many, from the first on; 5, "
     "with its comma is channel 5 alone"},
    {"scale", CLI_NUMBER, "S", NULL, NULL, 1e-6, 1e6, false, true, "factor of their gains"},
    {"o", CLI_STRING, "OUT", NULL, NULL, 0, 0, false, true, "file or folder to write, of the source's kind"},
    {0}};
