/* ridge model: what a model computes and stores, and its operator graph. */
#include "cli.h"
#include "model_change.h"
#include "model_compare.h"
#include "model_graph.h"
#include "ridge/model.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

typedef struct facts {
    const rg_graph *graph;
    double context;
    rg_graph_totals totals;
    const char *policy; /* NULL: bf16 */
    double weight_bytes, sequence_bytes, checkpoint_bytes;
    bool imported; /* unknown fields are listed */
} facts;

/* ---- show -------------------------------------------------------------------------------------------- */

static void show_json(const facts *f) {
    const rg_graph *g = f->graph;
    const rg_graph_totals *t = &f->totals;
    rg_str out = {0};
    rg_str_add(&out, "{\"model\": ");
    cli_print_json_string(&out, g->model);
    rg_str_add(&out, ", \"family\": ");
    cli_print_json_string(&out, g->family);
    cli_json_number(&out, "parameters_total", t->parameters_total);
    cli_json_number(&out, "parameters_mtp", t->parameters_mtp);
    cli_json_number(&out, "parameters_vision", t->parameters_vision);
    cli_json_number(&out, "parameters_active", t->parameters_active);
    cli_json_number(&out, "parameters_active_no_embedding", t->parameters_active_no_embedding);
    cli_json_number(&out, "weight_bytes", f->weight_bytes);
    cli_json_string(&out, "checkpoint_policy", g->stored);
    cli_json_number(&out, "checkpoint_bytes", f->checkpoint_bytes);
    cli_json_number(&out, "kv_bytes_per_token", t->kv_bytes_per_token);
    cli_json_number(&out, "indexer_bytes_per_token", t->indexer_bytes_per_token);
    cli_json_number(&out, "kv_bytes_per_sequence", f->sequence_bytes);
    cli_json_number(&out, "state_bytes_per_sequence", t->state_bytes_per_sequence);
    cli_json_number(&out, "prefill_flop_per_token", t->prefill_flop_per_token);
    cli_json_number(&out, "decode_flop_per_token", t->decode_flop_per_token);
    cli_json_number(&out, "context", f->context);
    cli_json_number(&out, "n_layers", (double)g->n_layers);
    cli_json_number(&out, "hidden_size", (double)g->hidden_size);
    cli_json_number(&out, "vocab_size", (double)g->vocab_size);
    cli_json_number(&out, "max_positions", (double)g->max_positions);
    if (f->imported) rg_str_add(&out, ", \"unknown_fields\": [");
    for (size_t i = 0; f->imported && i < g->n_unknown_fields; i++) {
        if (i) rg_str_add(&out, ", ");
        cli_print_json_string(&out, g->unknown_field[i]);
    }
    rg_str_add(&out, f->imported ? "]}" : "}");
    cli_json_end(&out);
}

/* "8,030,261,248" */
static const char *grouped(double value, char buf[40]) {
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", value), k = 0;
    for (int i = 0; i < n && k < 38; i++) {
        if (i && (n - i) % 3 == 0) buf[k++] = ',';
        buf[k++] = digits[i];
    }
    buf[k] = 0;
    return buf;
}

/* "8.03 G", "131.07 kB" */
static const char *scaled(double value, const char *unit, char buf[24]) {
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    int i = 0;
    for (; i < 5 && value >= 999.995; i++) value /= 1000;
    snprintf(buf, 24, "%.*f %s%s", i ? 2 : 0, value, prefixes[i], unit);
    return buf;
}

static void show_table(const facts *f) {
    const rg_graph *g = f->graph;
    const rg_graph_totals *t = &f->totals;
    const struct {
        const char *label;
        double value;
        const char *unit;
    } rows[] = {
        {"parameters, tied ones once", t->parameters_total, ""},
        {"beside them: drafting modules (MTP)", t->parameters_mtp, ""},
        {"beside them: vision tower", t->parameters_vision, ""},
        {"  active, with the input embedding", t->parameters_active, ""},
        {"  active, without it", t->parameters_active_no_embedding, ""},
        {f->policy ? "weights, as the policy stores them" : "weights, stored as bf16", f->weight_bytes, "B"},
        {"  in the checkpoint", g->stored ? f->checkpoint_bytes : 0, "B"},
        {"KV cache per token, bf16", t->kv_bytes_per_token, "B"},
        {"  its indexer's keys", t->indexer_bytes_per_token, "B"},
        {"state per sequence", t->state_bytes_per_sequence, "B"},
        {f->policy ? "cache of a sequence, by the policy" : "cache of a sequence, bf16", f->sequence_bytes,
         "B"},
        {"prefill, per token", t->prefill_flop_per_token, "FLOP"},
        {"decode, per token", t->decode_flop_per_token, "FLOP"}};
    printf("%s (family %s): %lld layers, width %lld, vocabulary %lld, up to %lld positions\n\n", g->model,
           g->family, (long long)g->n_layers, (long long)g->hidden_size, (long long)g->vocab_size,
           (long long)g->max_positions);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char exact[40], about[24];
        const bool rare = i == 1 || i == 2 || i == 6 || i == 8; /* parts that few models have */
        if (rare && rows[i].value == 0) continue;
        printf("%-36s %20s %-4s  %s\n", rows[i].label, grouped(rows[i].value, exact), rows[i].unit,
               scaled(rows[i].value, rows[i].unit, about));
    }
    printf("\nPrefill: mean over a causal prompt of %.0f tokens, output head once per prompt.\n"
           "Decode: with %.0f keys in the cache. One multiply-add is 2 FLOP; matrix work alone.\n",
           f->context, f->context);
    if (f->context > (double)g->max_positions)
        printf("Note: a context of %.0f is beyond the model's %lld positions.\n", f->context,
               (long long)g->max_positions);
}

static rg_status show_graph(cli_context *context, const rg_graph *g, bool imported, rg_error *err) {
    facts f = {.graph = g,
               .context = cli_number(context, "context", 4096),
               .policy = cli_string(context, "policy"),
               .imported = imported};
    f.totals = rg_graph_total(g, f.context);
    RG_TRY(rg_graph_weight_bytes(g, f.policy, &f.weight_bytes, err));
    RG_TRY(rg_graph_kv_bytes(g, f.policy, f.context, &f.sequence_bytes, err));
    RG_TRY(rg_graph_weight_bytes(g, g->stored, &f.checkpoint_bytes, err));
    (context->json ? show_json : show_table)(&f);
    return RG_OK;
}

static rg_status show(cli_context *context, rg_error *err) {
    rg_model model;
    RG_TRY(rg_model_open(&model, context->argument[0], context->data_dir, false, err));
    rg_status status = show_graph(context, &model.graph, false, err);
    rg_model_close(&model);
    return status;
}

/* ---- import ------------------------------------------------------------------------------------------ */

static rg_status import_config(cli_context *context, rg_error *err) {
    char families[4096];
    rg_doc config;
    rg_graph g;
    if (snprintf(families, sizeof families, "%s/families", context->data_dir) >= (int)sizeof families)
        return rg_fail(err, RG_ERR_USAGE, "--data", "a shorter path", "the path is too long");
    RG_TRY(rg_doc_open(&config, context->argument[0], err));
    rg_status status = rg_graph_import(&g, &config, families, err);
    rg_doc_close(&config);
    if (status != RG_OK) return status;
    status = show_graph(context, &g, true, err);
    if (status == RG_OK && g.n_unknown_fields) {
        context->failed_after_output = true;
        fprintf(stderr, "ridge: %s: family %s does not know", context->argument[0], g.family);
        for (size_t i = 0; i < g.n_unknown_fields; i++)
            fprintf(stderr, "%s \"%s\"", i ? "," : "", g.unknown_field[i]);
        fputs("; expected fields that the family file uses or calls harmless\n", stderr);
    }
    rg_graph_close(&g);
    return status;
}

/* ---- list -------------------------------------------------------------------------------------------- */

static int is_model_file(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && end && strcmp(end, ".yaml") == 0;
}

static rg_status list_model(cli_context *context, const char *name, bool first, rg_str *out, rg_error *err) {
    rg_graph g;
    char parameters[40];
    RG_TRY(rg_graph_from_name(&g, name, context->data_dir, err));
    const double total = rg_graph_total(&g, 1).parameters_total;
    if (context->json) {
        rg_str_add(out, first ? "{\"name\": " : ",\n  {\"name\": ");
        cli_print_json_string(out, name);
        rg_str_add(out, ", \"family\": ");
        cli_print_json_string(out, g.family);
        cli_json_number(out, "parameters_total", total);
        rg_str_add(out, "}");
    } else {
        rg_str_printf(out, "%-24s %-10s %18s\n", name, g.family, grouped(total, parameters));
    }
    rg_graph_close(&g);
    return RG_OK;
}

static rg_status list(cli_context *context, rg_error *err) {
    char dir[4096];
    struct dirent **entry;
    snprintf(dir, sizeof dir, "%s/models", context->data_dir);
    int n = scandir(dir, &entry, is_model_file, alphasort);
    if (n < 0) return rg_fail(err, RG_ERR_IO, dir, "the folder of model files", "cannot be read");
    rg_str out = {0};
    rg_status status = RG_OK;
    if (context->json)
        rg_str_add(&out, "{\"models\": [");
    else
        rg_str_printf(&out, "%-24s %-10s %18s\n", "name", "family", "parameters");
    for (int i = 0; i < n; i++) {
        entry[i]->d_name[strlen(entry[i]->d_name) - 5] = 0;
        if (status == RG_OK) status = list_model(context, entry[i]->d_name, i == 0, &out, err);
        free(entry[i]);
    }
    free(entry);
    if (context->json) rg_str_add(&out, "]}\n");
    if (status == RG_OK && out.data) fputs(out.data, stdout);
    rg_str_free(&out);
    return status;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const cli_option no_options[] = {{0}};
static const cli_option show_options[] = {{"context", CLI_INT, "C", "token", "4096", 1, 1e9, false, false,
                                           "length of the prompt, and keys in the cache when decoding"},
                                          {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, false, false,
                                           "numerics policy that stores weights and cache (default: bf16)"},
                                          {0}};

const cli_command cli_model_commands[] = {
    {.noun = "model",
     .verb = "show",
     .arguments = "MODEL",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "count a model: parameters, bytes of weights and KV cache, FLOP per token",
     .details =
         "MODEL is a name that ridge model list prints, a config.json, a folder with one, a GGUF file, a\n"
         "llama2.c file or what ridge model graph --json printed. A field that the model's family does not "
         "know is an error: no number is\n"
         "better than a wrong one (docs/families.md says how to add a family).",
     .example =
         "ridge model show llama-3.1-8b --context 8192\n"
         "  llama-3.1-8b (family llama): 32 layers, width 4096, vocabulary 128256, up to 131072 positions\n"
         "\n"
         "  parameters, tied ones once                  8,030,261,248       8.03 G\n"
         "  ...\n"
         "  KV cache per token, bf16                          131,072 B     131.07 kB\n"
         "  prefill, per token                         16,106,517,760 FLOP  16.11 GFLOP\n"
         "  decode, per token                          19,304,284,160 FLOP  19.30 GFLOP",
     .options = show_options,
     .run = show},
    {.noun = "model",
     .verb = "import",
     .arguments = "CONFIG.json",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "count what a config.json describes, and name the fields that its family does not know",
     .details =
         "As ridge model show, of a config alone. Fields that the family neither uses nor declares harmless "
         "are\n"
         "named, the counts printed all the same, and the exit code is 1: what such a field changes is not\n"
         "in the counts. Keys that begin with _ or end in _note are comments.",
     .example = "ridge model import config.json --json\n"
                "  {\"model\": \"config\", \"family\": \"llama\", ..., \"unknown_fields\": []}",
     .options = show_options,
     .run = import_config},
    {.noun = "model",
     .verb = "graph",
     .arguments = "MODEL",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "print a model's operator graph",
     .details =
         "With --json: the versioned form that docs/families.md describes, which holds all that counting,\n"
         "bounds and execution use. The names are those that policies and their globs speak of. With\n"
         "--layout: the graph of one rank, its parts of weights and heads, and what ranks exchange.",
     .example =
         "ridge model graph llama-3.1-8b\n"
         "   node  name                                 operator   inputs                width  weight\n"
         "      0  embed                                embed      tokens                 4096  128256 x "
         "4096\n"
         "      1  layers.0.input_layernorm             rmsnorm    0                      4096  4096\n"
         "  ...",
     .options = cli_model_graph_options,
     .run = cli_model_graph},
    {.noun = "model",
     .verb = "kv",
     .arguments = "MODEL",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "bytes that one sequence keeps: cache, indexer keys and state",
     .details =
         "What a sequence of so many tokens keeps in memory, stored as the policy says (docs/families.md).",
     .example = "ridge model kv llama-3.1-8b --at 8k --at 128k\n"
                "  llama-3.1-8b: 131072 B per token, 0 B of state per sequence, stored as bf16\n"
                "\n"
                "          tokens   bytes per sequence          GiB\n"
                "            8192           1073741824        1.000\n"
                "          131072          17179869184       16.000",
     .options = cli_model_kv_options,
     .run = cli_model_kv},
    {.noun = "model",
     .verb = "diff",
     .arguments = "A B",
     .min_arguments = 2,
     .max_arguments = 2,
     .summary = "what differs between two models: fields of their configs, and counts",
     .details = "A field that one of them lacks is shown as -. Comments (keys with _, _note) do not count. "
                "Of files that are\n"
                "no configs, counts alone.",
     .example =
         "ridge model diff llama-3.1-8b llama-3.1-70b\n"
         "                                                       llama-3.1-8b            llama-3.1-70b\n"
         "  hidden_size                                                  4096                     8192\n"
         "  ...",
     .options = cli_model_diff_options,
     .run = cli_model_diff},
    {.noun = "model",
     .verb = "watch",
     .arguments = "FOLDER",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "which configs of a folder are modelled, and why the others are not",
     .details = "Every FOLDER/*.json and FOLDER/*/config.json is imported: modelled, with unknown fields, or "
                "refused.\n"
                "Exit code 1 when one is not modelled.",
     .example = "ridge model watch configs\n"
                "  llama-3.1-8b.json                        modelled         llama\n"
                "  1 of 1 configs are modelled",
     .options = no_options,
     .run = cli_model_watch},
    {.noun = "model",
     .verb = "list",
     .arguments = "",
     .summary = "list the models that are known by name",
     .details = "Each is a file of data/models: the facts of a config, with their source.",
     .example = "ridge model list\n"
                "  name                     family             parameters\n"
                "  llama-2-7b               llama           6,738,415,616\n"
                "  ...",
     .options = no_options,
     .run = list},
    {.noun = "model",
     .verb = "stress",
     .arguments = "",
     .summary = "turn the outlier dial: write a model with outliers in its activations and the same function",
     .details =
         "In every block, the gains of the named channels are multiplied by S wherever only linear "
         "operators\n"
         "read the norm, and the matching columns of those operators are divided by S: in fp32 the model\n"
         "computes the same, but its activations have outliers that a number format must cope with\n"
         "(docs/quality.md). OUT is of the source's kind; a llama2.c model gets its tokenizer beside it.",
     .example = "ridge model stress --model stories260K.bin --channels 5,40 --scale 50 -o stressed.bin\n"
                "  stressed.bin, SHA-256 ...\n"
                "  ridge eval run --model stressed.bin --text tinystories.txt --protocol stories-256 \\\n"
                "      --policy w=int8,a=int8 --policy 'w=e4m3fn(scale=tensor),a=e4m3fn(scale=tensor)'",
     .options = cli_model_stress_options,
     .run = cli_model_stress},
    {.noun = "model",
     .verb = "smooth",
     .arguments = "",
     .summary = "write a model whose activations have fewer outliers and the same function (SmoothQuant)",
     .details =
         "Runs the text in fp32 and divides each channel of the blocks' norms by a^A / w^(1 - A), a its\n"
         "largest activation, w the largest weight that multiplies it; the weights are multiplied by it. In\n"
         "fp32 the model computes the same (docs/quality.md shows what it does for number formats).",
     .example = "ridge model smooth --model stressed.bin --text tinystories.txt -o smoothed.bin\n"
                "  smoothed.bin, SHA-256 ...",
     .options = cli_model_smooth_options,
     .run = cli_model_smooth},
    {0},
};
