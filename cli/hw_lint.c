/* ridge hw lint. */
#include <string.h>

#include "hw_commands.h"

static size_t unexplained(const rg_chip_lint *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->n_findings; i++) n += !l->finding[i].explained;
    return n;
}

static void lint_json(const rg_chip_lint *l) {
    rg_str out = {0};
    rg_str_printf(&out,
                  "{\"chips\": %zu, \"systems\": %zu, \"links\": %zu, \"technologies\": %zu, "
                  "\"unexplained\": %zu, \"findings\": [",
                  l->n_chips, l->n_systems, l->n_links, l->n_technologies, unexplained(l));
    for (size_t i = 0; i < l->n_findings; i++) {
        const rg_chip_finding *f = &l->finding[i];
        rg_str_add(&out, i ? ",\n  {\"chip\": " : "\n  {\"chip\": ");
        cli_print_json_string(&out, f->chip);
        cli_json_string(&out, "path", f->path);
        cli_json_string(&out, "check", f->check);
        cli_json_string(&out, "message", f->message);
        cli_json_string(&out, "explained", f->explained);
        rg_str_add(&out, "}");
    }
    rg_str_add(&out, "],\n \"topics\": [");
    for (size_t i = 0; i < l->n_topics; i++) {
        if (i) rg_str_add(&out, ", ");
        cli_print_json_string(&out, l->topic[i]);
    }
    rg_str_add(&out, "],\n \"conflicts\": [");
    bool first = true;
    for (size_t i = 0; i < l->n_chips; i++)
        for (size_t k = 0; k < l->chip[i].n_conflicts; k++) {
            rg_str_add(&out, first ? "\n  " : ",\n  ");
            first = false;
            cli_hw_json_conflict(&out, &l->chip[i], &l->chip[i].conflict[k]);
        }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

static void lint_text(const rg_chip_lint *l) {
    for (size_t i = 0; i < l->n_findings; i++) {
        const rg_chip_finding *f = &l->finding[i];
        printf("%-9s %-8s %-27s %-18s %s", f->explained ? "explained" : "FINDING", f->check, f->chip, f->path,
               f->message);
        printf("%s%s\n", f->explained ? ": " : "", f->explained ? f->explained : "");
    }
    printf("\nPublished values that disagree, by topic:\n");
    for (size_t t = 0; t < l->n_topics; t++)
        for (size_t i = 0; i < l->n_chips; i++)
            for (size_t k = 0; k < l->chip[i].n_conflicts; k++)
                if (strcmp(l->chip[i].conflict[k].topic, l->topic[t]) == 0)
                    cli_hw_print_conflict(&l->chip[i], &l->chip[i].conflict[k]);
    printf("\n%zu chips, %zu systems, %zu links, %zu technologies, %zu findings, %zu of them unexplained; "
           "%zu topics on which "
           "sources disagree\n",
           l->n_chips, l->n_systems, l->n_links, l->n_technologies, l->n_findings, unexplained(l),
           l->n_topics);
}

rg_status cli_hw_lint(cli_context *context, rg_error *err) {
    rg_chip_lint l;
    RG_TRY(rg_chip_lint_all(&l, context->data_dir, err));
    (context->json ? lint_json : lint_text)(&l);
    context->failed_after_output = unexplained(&l) > 0;
    rg_chip_lint_close(&l);
    return RG_OK;
}
