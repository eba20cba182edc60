/* Options: parsed by a command's table, looked up by name. */
#include "cli.h"
#include "opt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_common_options[] = {
    {"json", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false, "print one JSON object on stdout"},
    {"progress", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "show progress even when stderr is no terminal"},
    {"data", CLI_STRING, "DIR", NULL, NULL, 0, 0, false, false, "folder with families, models and chips"},
    {"help", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false, "this text"},
    {0}};

const char *cli_dashes(const cli_option *option) {
    return option->name[1] ? "--" : "-";
}

static const cli_option *find(const cli_option *options, const char *name, size_t n) {
    for (; options && options->name; options++)
        if (strlen(options->name) == n && strncmp(options->name, name, n) == 0) return options;
    return NULL;
}

static bool of_tokens(const cli_option *option) {
    return option->type == CLI_INT && option->unit && strcmp(option->unit, "token") == 0;
}

/* A number; of tokens also "128k" (k = 1024), "1M" (1024 k). NAN: something else. */
static double value_of(const cli_option *option, const char *text) {
    char *end;
    double v = strtod(text, &end);
    if (end == text) return NAN;
    const double unit = !of_tokens(option)           ? 1
                        : *end == 'k' || *end == 'K' ? 1024
                        : *end == 'M'                ? 1048576
                                                     : 1;
    if (unit > 1) end++;
    return *end ? NAN : v * unit;
}

static rg_status check_value(const cli_option *option, const char *text, rg_error *err) {
    if (option->type != CLI_INT && option->type != CLI_NUMBER) return RG_OK;
    char where[128], expected[128];
    snprintf(where, sizeof where, "%s%s", cli_dashes(option), option->name);
    const char *what = of_tokens(option)         ? "whole tokens (128k: 128 x 1024)"
                       : option->type == CLI_INT ? "a whole number"
                                                 : "a number";
    if (option->max > option->min)
        snprintf(expected, sizeof expected, "%s from %.15g to %.15g", what, option->min, option->max);
    else
        snprintf(expected, sizeof expected, "%s", what);
    const double v = value_of(option, text);
    bool good = isfinite(v) && (option->type == CLI_NUMBER || v == floor(v));
    if (good && option->max > option->min) good = v >= option->min && v <= option->max;
    return good ? RG_OK : rg_fail(err, RG_ERR_USAGE, where, expected, "\"%s\"", text);
}

static rg_status give(cli_context *context, const cli_option *option, const char *text, rg_error *err) {
    if (text) RG_TRY(check_value(option, text, err));
    for (int i = 0; i < context->n_given && !option->repeated; i++)
        if (context->given[i].option == option)
            return rg_fail(err, RG_ERR_USAGE, NULL, "the option once", "option %s%s is given twice",
                           cli_dashes(option), option->name);
    context->given[context->n_given++] = (struct cli_given){option, text};
    return RG_OK;
}

/* One word that starts with '-'; `next` is the word after it, *taken set when it is the value. */
static rg_status take_option(cli_context *context, const char *word, const char *next, bool *taken,
                             rg_error *err) {
    const char *name = word + (word[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const cli_option *option = find(context->command->options, name, n);
    if (!option) option = find(cli_common_options, name, n);
    if (!option)
        return rg_fail(err, RG_ERR_USAGE, NULL, "one of the options that --help lists", "unknown option %s",
                       word);
    if (option->type == CLI_FLAG) {
        if (equals)
            return rg_fail(err, RG_ERR_USAGE, NULL, "no value", "%s%s is a flag", cli_dashes(option),
                           option->name);
        return give(context, option, NULL, err);
    }
    if (equals) return give(context, option, equals + 1, err);
    if (!next)
        return rg_fail(err, RG_ERR_USAGE, NULL, option->value, "%s%s needs a value", cli_dashes(option),
                       option->name);
    *taken = true;
    return give(context, option, next, err);
}

rg_status cli_parse(cli_context *context, int n, const char **words, rg_error *err) {
    bool plain = false;
    for (int i = 0; i < n; i++) {
        bool taken = false;
        if (!plain && strcmp(words[i], "--") == 0)
            plain = true;
        else if (plain || words[i][0] != '-' || !words[i][1])
            context->argument[context->n_arguments++] = words[i];
        else
            RG_TRY(take_option(context, words[i], i + 1 < n ? words[i + 1] : NULL, &taken, err));
        if (taken) i++;
    }
    return RG_OK;
}

rg_status cli_check(const cli_context *context, rg_error *err) {
    const cli_command *c = context->command;
    if (context->n_arguments < c->min_arguments || context->n_arguments > c->max_arguments)
        return rg_fail(err, RG_ERR_USAGE, NULL, c->arguments && *c->arguments ? c->arguments : "no arguments",
                       "ridge %s %s got %d argument%s", c->noun, c->verb, context->n_arguments,
                       context->n_arguments == 1 ? "" : "s");
    for (const cli_option *o = c->options; o && o->name; o++)
        if (o->needed && !cli_string(context, o->name))
            return rg_fail(err, RG_ERR_USAGE, NULL, o->help, "option %s%s is needed", cli_dashes(o), o->name);
    return RG_OK;
}

const char *cli_nth(const cli_context *context, const char *name, int i) {
    for (int k = 0; k < context->n_given; k++)
        if (strcmp(context->given[k].option->name, name) == 0 && i-- == 0) return context->given[k].text;
    return NULL;
}

bool cli_flag(const cli_context *context, const char *name) {
    for (int k = 0; k < context->n_given; k++)
        if (strcmp(context->given[k].option->name, name) == 0) return true;
    return false;
}

const char *cli_string(const cli_context *context, const char *name) {
    for (int k = context->n_given; k-- > 0;)
        if (strcmp(context->given[k].option->name, name) == 0) return context->given[k].text;
    for (const cli_option *o = context->command->options; o && o->name; o++)
        if (strcmp(o->name, name) == 0) return o->preset;
    return NULL;
}

double cli_number(const cli_context *context, const char *name, double otherwise) {
    const cli_option *o = find(context->command->options, name, strlen(name));
    const char *text = cli_string(context, name);
    return o && text ? value_of(o, text) : otherwise;
}

int64_t cli_int(const cli_context *context, const char *name, int64_t otherwise) {
    return cli_nth_int(context, name, -1, otherwise);
}

int64_t cli_nth_int(const cli_context *context, const char *name, int i, int64_t otherwise) {
    const char *text = i < 0 ? cli_string(context, name) : cli_nth(context, name, i);
    const cli_option *o = find(context->command->options, name, strlen(name));
    return o && text ? (int64_t)value_of(o, text) : otherwise;
}
