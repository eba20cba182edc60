/* Every row of reference-numbers.csv, computed through the public interface; prints what is published, what
   Ridge gives and the verdict. Fails when a row that is judged is out of its tolerance, or when no family
   knows a row of kind formula. */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"

static const ref_family *const families[] = {ref_model_rows, ref_roof_rows,   ref_train_rows,
                                             ref_serve_rows, ref_comms_rows,  ref_expert_rows,
                                             ref_step_rows,  ref_format_rows, ref_other_rows};

typedef enum verdict { WITHIN, OUT, CONFLICT, COMPARED, NOT_DONE, UNKNOWN, N_VERDICTS } verdict;
static const char *const verdicts[] = {"within", "OUT", "conflict", "compared", "not done", "UNKNOWN"};

/* The fields of one CSV line, quotes taken off in place; the line is cut up. NULL at the end of the text. */
static char *next_line(char *text, char *field[REF_FIELDS], size_t *n) {
    char *out = text;
    for (*n = 0; *n < REF_FIELDS;) {
        field[(*n)++] = out;
        bool quoted = false;
        for (; *text && (quoted || (*text != ',' && *text != '\n')); text++)
            if (*text == '"')
                quoted = !quoted;
            else
                *out++ = *text;
        const char end = *text;
        if (*text) text++;
        *out++ = 0;
        if (end != ',') return text;
    }
    return text;
}

/* "77/98 114/127", "69G/67M/1024/155T compute": numbers with SI letters; words are passed over. */
static void read_values(ref_row *row, char *text) {
    for (char *rest = text, *one; row->n < REF_VALUES && (one = strtok_r(NULL, "/ ", &rest));) {
        char *end;
        double value = strtod(one, &end);
        if (end == one) continue;
        const char *const letters = "kMGT", *letter = *end ? strchr(letters, *end) : NULL;
        if (letter) value *= pow(1000, (double)(letter - letters + 1));
        row->printed[row->n] = one;
        row->published[row->n++] = value;
    }
}

static const ref_family *family_of(const char *id) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const ref_family *f = families[i]; f->glob; f++)
            if (fnmatch(f->glob, id, 0) == 0) return f;
    return NULL;
}

static verdict judge(const ref_row *row, const ref_answer *a, size_t i) {
    const double ours = a->value[i], published = row->published[i];
    if (isnan(ours)) return NOT_DONE;
    const bool is_judged = row->tolerance > 0 || strcmp(row->kind, "formula") == 0;
    if (!is_judged) return COMPARED;
    if (fabs(ours - published) <= row->tolerance * fabs(published) + a->rounding[i]) return WITHIN;
    return a->conflict[i] ? CONFLICT : OUT;
}

/* One line per number; the verdict of the row is that of its worst number. */
static verdict print_row(const ref_row *row, const ref_family *family) {
    ref_answer a = {.value = {NAN, NAN, NAN, NAN}};
    if (!family || !family->compute) {
        const verdict v = family ? NOT_DONE : UNKNOWN;
        printf("%-22s %-52.52s %12s %12s %8s %6s  %-8s  %s\n", row->id, row->quantity,
               row->n ? row->printed[0] : "", "", "", "", verdicts[v], family ? family->reason : "");
        return v;
    }
    family->compute(row, &a);
    verdict worst = NOT_DONE;
    for (size_t i = 0; i < row->n; i++) {
        const verdict v = judge(row, &a, i);
        if (v == NOT_DONE) continue;
        if (worst == NOT_DONE || v == OUT || (v == CONFLICT && worst != OUT)) worst = v;
        printf("%-22s %-52.52s %12s %12.5g %+8.2f %6.2g  %-8s  %s\n", row->id, row->quantity, row->printed[i],
               a.value[i], 100 * (a.value[i] / row->published[i] - 1), 100 * row->tolerance, verdicts[v],
               a.note);
        a.note[0] = 0;
    }
    if (worst == NOT_DONE)
        printf("%-22s %s: a row of another form, nothing was computed\n", row->id, verdicts[UNKNOWN]);
    return worst == NOT_DONE ? UNKNOWN : worst;
}

/* Rows of one kind of line: formulas first, then the others. */
static void print_rows(const char *csv, bool formulas, size_t count[N_VERDICTS], int *failed) {
    char *copy = strdup(csv), *field[REF_FIELDS];
    size_t n;
    for (char *text = next_line(copy, field, &n); *text;) {
        text = next_line(text, field, &n);
        if (n != REF_FIELDS) {
            fprintf(stderr, "%s: %zu fields\n", field[0], n);
            exit(1);
        }
        ref_row row = {.id = field[0],
                       .quantity = field[2],
                       .inputs = field[3],
                       .kind = field[7],
                       .tolerance = atof(field[6])};
        if ((strcmp(row.kind, "formula") == 0) != formulas) continue;
        read_values(&row, field[4]);
        const verdict v = print_row(&row, family_of(row.id));
        count[v]++;
        *failed += v == OUT || v == UNKNOWN;
    }
    free(copy);
}

static void print_counts(const char *what, const size_t count[N_VERDICTS]) {
    printf("%s:", what);
    for (int v = 0; v < N_VERDICTS; v++)
        if (count[v]) printf(" %zu %s", count[v], verdicts[v]);
    printf("\n\n");
}

int main(void) {
    const char *path = ref_shared("reference/reference-numbers.csv");
    if (!path) {
        printf("skipped: no reference/reference-numbers.csv in the folder of published data\n");
        return 77;
    }
    char *csv;
    size_t size;
    rg_error err = {0};
    ref_must(rg_file_read(path, 1 << 20, &csv, &size, &err), &err);
    int failed = 0;
    size_t formulas[N_VERDICTS] = {0}, others[N_VERDICTS] = {0};
    printf("%-22s %-52s %12s %12s %8s %6s  verdict\n", "id", "quantity", "published", "ours", "error %",
           "tol %");
    print_rows(csv, true, formulas, &failed);
    print_counts("formulas", formulas);
    print_rows(csv, false, others, &failed);
    print_counts("measurements, claims, simulations", others);
    failed += ref_step_errors();
    failed += ref_slips();
    failed += ref_mfu_table();
    failed += ref_link_sweep();
    free(csv);
    if (failed) printf("%d out of tolerance\n", failed);
    return failed ? 1 : 0;
}
