/* ridge tensor: what is in a file of tensors. */
#include "cli.h"
#include "ridge/tensor.h"

#include <stdio.h>

static void shape_text(const rg_tensor_info *t, const char *separator, char *buf, size_t size) {
    size_t n = 0;
    buf[0] = 0;
    for (int d = 0; d < t->n_dims && n < size; d++)
        n += (size_t)snprintf(buf + n, size - n, "%s%lld", d ? separator : "", (long long)t->shape[d]);
}

static void print_json(const rg_tensor_file *file) {
    rg_str out = {0};
    char shape[192];
    rg_str_add(&out, "{\"tensors\": [");
    for (size_t i = 0; i < rg_tensor_file_count(file); i++) {
        const rg_tensor_info *t = rg_tensor_file_info(file, i);
        shape_text(t, ", ", shape, sizeof shape);
        rg_str_add(&out, i ? ",\n  {\"name\": " : "\n  {\"name\": ");
        cli_print_json_string(&out, t->name);
        rg_str_printf(&out, ", \"shape\": [%s], \"format\": \"%s\", \"bytes\": %llu}", shape, t->format,
                      (unsigned long long)t->bytes);
    }
    rg_str_add(&out, "\n]}\n");
    if (out.data) fwrite(out.data, 1, out.len, stdout);
    rg_str_free(&out);
}

static void print_table(const rg_tensor_file *file) {
    unsigned long long bytes = 0;
    char shape[192];
    for (size_t i = 0; i < rg_tensor_file_count(file); i++) {
        const rg_tensor_info *t = rg_tensor_file_info(file, i);
        shape_text(t, " x ", shape, sizeof shape);
        printf("%-48s %-16s %-7s %12llu\n", t->name, shape, t->format, (unsigned long long)t->bytes);
        bytes += t->bytes;
    }
    printf("%zu tensors, %llu bytes (%s)\n", rg_tensor_file_count(file), bytes, rg_tensor_file_kind(file));
}

static rg_status list(cli_context *context, rg_error *err) {
    rg_tensor_file *file;
    RG_TRY(rg_tensor_file_open(&file, context->argument[0], err));
    if (context->json)
        print_json(file);
    else
        print_table(file);
    rg_tensor_file_close(file);
    return RG_OK;
}

static const cli_option no_options[] = {{0}};

const cli_command cli_tensor_commands[] = {
    {.noun = "tensor",
     .verb = "list",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "list the tensors of a GGUF, safetensors, NumPy or llama2.c file",
     .details =
         "Name, shape (rows first, the inner dimension last), element format and bytes in the file, in\n"
         "the order of the file. The whole header is checked: sizes, offsets, overlaps, types.\n"
         "Tensors of llama2.c files have no names of their own: they get those of a Hugging Face\n"
         "checkpoint. FILE may be the index of a checkpoint in several files\n"
         "(model.safetensors.index.json), or a folder with that or model.safetensors in it.",
     .example = "ridge tensor list stories260K.bin\n"
                "  model.embed_tokens.weight                        512 x 64         f32           131072\n"
                "  model.layers.0.input_layernorm.weight            64               f32              256\n"
                "  ...\n"
                "  47 tensors, 1040128 bytes (llama2c)",
     .options = no_options,
     .run = list},
    {0},
};
