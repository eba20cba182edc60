/* SmolLM2-135M on WikiText-2 under llamacpp-512: fp32 perplexity of 4 chunks is llama.cpp's on an fp32 copy
   of the file. LABELS: long */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model/stories_check.h"

static void model_path(char *buf, size_t size) {
    const char *given = getenv("RIDGE_DEFAULT_MODEL"), *cache = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    const char *name = "ridge/SmolLM2-135M-Instruct.Q4_1.gguf";
    if (given && *given)
        snprintf(buf, size, "%s", given);
    else if (cache && *cache)
        snprintf(buf, size, "%s/%s", cache, name);
    else
        snprintf(buf, size, "%s/.cache/%s", home ? home : "", name);
}

static void four_chunks(void **state) {
    (void)state;
    char path[1024], text_path[1024], *text;
    struct stat s;
    model_path(path, sizeof path);
    stories_path(text_path, sizeof text_path, "text/wikitext2-raw-test/wiki.test.raw");
    if (stat(path, &s) != 0 || stat(text_path, &s) != 0) {
        print_message("skipped: %s absent\n", stat(path, &s) != 0 ? "default model" : "shared data");
        skip();
    }
    rg_error err = {0};
    rg_model model;
    rg_quality got[1];
    size_t size;
    const rg_eval_options options = {.protocol = "llamacpp-512", .max_tokens = 2048};
    assert_int_equal(rg_file_read(text_path, 1 << 26, &text, &size, &err), RG_OK);
    if (rg_model_open(&model, path, RIDGE_SOURCE_DIR "/data", true, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    if (rg_eval_run(&model, text, size, NULL, 0, &options, got, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    printf("perplexity %.4f +- %.4f, llama.cpp 22.7437\n", got->ppl, got->ppl_se);
    assert_int_equal(got->tokens, 4 * 255);
    assert_true(fabs(got->ppl - 22.7437) <= 1e-3 * 22.7437);
    rg_model_close(&model);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(four_chunks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
