/* ridge tensor: what is in a file of tensors, and the same in another file. */
#include "cli.h"
#include "ridge/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- convert ----------------------------------------------------------------------------------------- */

typedef struct conversion {
    rg_tensor_file *file;
    rg_tensor_info *info; /* as they are written */
} conversion;

static rg_status read_tensor(void *context, size_t i, float *out, rg_error *err) {
    const conversion *c = context;
    return rg_tensor_read_f32(c->file, rg_tensor_file_info(c->file, i), out, err);
}

static rg_status write_converted(cli_context *context, conversion *c, rg_error *err) {
    const char *path = cli_string(context, "o"), *format = cli_string(context, "format");
    const size_t n = rg_tensor_file_count(c->file);
    RG_TRY(rg_tensor_file_spare(c->file, path, err));
    for (size_t i = 0; i < n; i++) {
        c->info[i] = *rg_tensor_file_info(c->file, i);
        c->info[i].format = c->info[i].n_dims > 1 ? format : "f32";
    }
    const rg_tensor_list list = {n, c->info, read_tensor, c};
    if (rg_ends_with(path, ".safetensors")) return rg_tensor_write_safetensors(path, &list, err);
    if (!rg_ends_with(path, ".gguf"))
        return rg_fail(err, RG_ERR_USAGE, "-o", "a name that ends in .safetensors or .gguf", "\"%.200s\"",
                       path);
    const bool same = strcmp(rg_tensor_file_kind(c->file), "gguf") == 0;
    return rg_tensor_write_gguf(path, &list, same ? c->file : NULL, err);
}

static rg_status convert(cli_context *context, rg_error *err) {
    conversion c;
    RG_TRY(rg_tensor_file_open(&c.file, context->argument[0], err));
    c.info = calloc(rg_tensor_file_count(c.file) + 1, sizeof *c.info);
    rg_status status =
        c.info ? write_converted(context, &c, err) : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    free(c.info);
    rg_tensor_file_close(c.file);
    if (status != RG_OK) return status;
    RG_TRY(rg_tensor_file_open(&c.file, cli_string(context, "o"), err));
    (context->json ? print_json : print_table)(c.file);
    rg_tensor_file_close(c.file);
    return RG_OK;
}

static const cli_option convert_options[] = {
    {"o", CLI_STRING, "OUT", NULL, NULL, 0, 0, false, true, "file to write: .safetensors or .gguf"},
    {"format", CLI_STRING, "F", NULL, "f32", 0, 0, false, false,
     "of tensors of two and more dimensions: f32 f16 bf16; GGUF also q8_0 q4_0 q4_1 mxfp4"},
    {0}};

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
    {.noun = "tensor",
     .verb = "convert",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "write the tensors of a file as safetensors or GGUF",
     .details =
         "Names and shapes stay; tensors of one dimension become f32, the others F. q8_0, q4_0 and mxfp4\n"
         "hold what int8 and int4(sym,group=32,scale=fp16) and mxfp4 make of them, so that quality measured\n"
         "under a policy is that of the file. Metadata goes along from GGUF to GGUF. Prints what was\n"
         "written, as ridge tensor list does.",
     .example = "ridge tensor convert model.safetensors -o model.gguf --format mxfp4\n"
                "  ...\n"
                "  291 tensors, 71613696 bytes (gguf)",
     .options = convert_options,
     .run = convert},
    {0},
};
