/* --help, the man page and shell completion, all from the command tables. */
#include "opt.h"

#include <string.h>

static void usage_line(FILE *out, const cli_command *c) {
    fprintf(out, "ridge %s %s%s%s", c->noun, c->verb, c->arguments && *c->arguments ? " " : "",
            c->arguments ? c->arguments : "");
    for (const cli_option *o = c->options; o && o->name; o++)
        if (o->needed) fprintf(out, " %s%s %s", cli_dashes(o), o->name, o->value);
    fprintf(out, " [OPTION...]");
}

static void option_left(const cli_option *o, char *text, size_t size) {
    snprintf(text, size, "%s%s%s%s", cli_dashes(o), o->name, o->value ? " " : "", o->value ? o->value : "");
}

static void option_right(FILE *out, const cli_option *o) {
    fprintf(out, "%s", o->help);
    if (o->unit) fprintf(out, " [%s]", o->unit);
    if (o->preset) fprintf(out, " (default %s)", o->preset);
    if (o->repeated) fprintf(out, " (may be repeated)");
}

static void option_list(FILE *out, const cli_option *options) {
    for (const cli_option *o = options; o && o->name; o++) {
        char left[64];
        option_left(o, left, sizeof left);
        fprintf(out, "  %-24s ", left);
        option_right(out, o);
        fputc('\n', out);
    }
}

void cli_help_command(FILE *out, const cli_command *c) {
    fprintf(out, "%s\n\nUsage: ", c->summary);
    usage_line(out, c);
    fprintf(out, "\n\nOptions:\n");
    option_list(out, c->options);
    option_list(out, cli_common_options);
    if (c->details) fprintf(out, "\n%s\n", c->details);
    if (c->example) fprintf(out, "\nExample:\n%s\n", c->example);
    fprintf(out, "\nExit codes: 0 done, 1 failed, 2 wrong usage.\n");
}

void cli_help_noun(FILE *out, const cli_command *commands) {
    for (const cli_command *c = commands; c->noun; c++) {
        char left[96];
        snprintf(left, sizeof left, "ridge %s %s %s", c->noun, c->verb, c->arguments ? c->arguments : "");
        fprintf(out, "  %-34s %s\n", left, c->summary);
    }
}

void cli_help_program(FILE *out, const cli_command *const *nouns) {
    fprintf(out, "ridge: the co-design workbench between ML research and AI silicon.\n"
                 "From number formats to model quality, speed on a chip, silicon area, and a decision with "
                 "its trail.\n\n"
                 "Commands (each takes --help, with a worked example, and --json):\n");
    for (; *nouns; nouns++) cli_help_noun(out, *nouns);
    fprintf(out, "\nFirst steps:\n  ridge num show e4m3fn\n  ridge model show llama-3.1-8b\n"
                 "  ridge roof explain llama-3.1-8b h100 --phase decode --batch 32 --context 8192\n"
                 "  ridge study run examples/first-study.yaml -o out/first-study\n\n"
                 "ridge --version prints the version, ridge --man a man page, ridge --completion a bash "
                 "completion script.\n");
}

static void roff_text(FILE *out, const char *text) {
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\'')) fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        start = *text == '\n';
    }
}

static void man_options(FILE *out, const cli_option *options) {
    for (const cli_option *o = options; o && o->name; o++) {
        char left[64];
        option_left(o, left, sizeof left);
        fprintf(out, ".TP\n.B ");
        roff_text(out, left);
        fputc('\n', out);
        option_right(out, o);
        fputc('\n', out);
    }
}

void cli_man_page(FILE *out, const cli_command *const *nouns) {
    fprintf(out, ".TH RIDGE 1\n.SH NAME\nridge \\- co\\-design workbench between ML research and AI silicon\n"
                 ".SH SYNOPSIS\n.B ridge\n.I NOUN VERB\n[ARGUMENT...] [OPTION...]\n.SH COMMON OPTIONS\n");
    man_options(out, cli_common_options);
    fprintf(out, ".SH COMMANDS\n");
    for (; *nouns; nouns++)
        for (const cli_command *c = *nouns; c->noun; c++) {
            fprintf(out, ".SS \"ridge %s %s %s\"\n", c->noun, c->verb, c->arguments ? c->arguments : "");
            roff_text(out, c->summary);
            fprintf(out, ".\n");
            if (c->details) {
                fprintf(out, ".PP\n");
                roff_text(out, c->details);
                fputc('\n', out);
            }
            man_options(out, c->options);
            if (!c->example) continue;
            fprintf(out, ".PP\n.nf\n");
            roff_text(out, c->example);
            fprintf(out, "\n.fi\n");
        }
    fprintf(out, ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n");
}

static void completion_words(FILE *out, const cli_option *options) {
    for (const cli_option *o = options; o && o->name; o++) fprintf(out, " %s%s", cli_dashes(o), o->name);
}

void cli_completion(FILE *out, const cli_command *const *nouns) {
    fprintf(out, "_ridge() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
                 "  case $COMP_CWORD,${COMP_WORDS[1]},${COMP_WORDS[2]} in\n  1,*) words='");
    for (const cli_command *const *n = nouns; *n; n++)
        if ((*n)->noun) fprintf(out, "%s ", (*n)->noun);
    fprintf(out, "';;\n");
    for (const cli_command *const *n = nouns; *n; n++) {
        if (!(*n)->noun) continue;
        fprintf(out, "  2,%s,*) words='", (*n)->noun);
        for (const cli_command *c = *n; c->noun; c++) fprintf(out, "%s ", c->verb);
        fprintf(out, "';;\n");
        for (const cli_command *c = *n; c->noun; c++) {
            fprintf(out, "  *,%s,%s) words='", c->noun, c->verb);
            completion_words(out, c->options);
            completion_words(out, cli_common_options);
            fprintf(out, "';;\n");
        }
    }
    fprintf(out, "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F "
                 "_ridge ridge\n");
}
