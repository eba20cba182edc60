/* A dot-product unit for the element formats of every option: generated, verified, synthesised; equal units
 * once. */
#include "ridge/rtl.h"
#include "study/study.h"

#include <ctype.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    rg_rtl_unit unit;
    rg_rtl_verify_result verified;
    rg_rtl_ppa_result at_target, fastest;
    rg_status status;
    rg_error err;
    bool finished; /* from an earlier run */
} job;

static json_t *ppa_json(const rg_rtl_ppa_result *p) {
    return json_pack("{sf sf sf sI sb ss ss ss}", "area_um2", p->area_um2, "area_ge", p->area_ge, "delay_ns",
                     p->delay_ns, "cells", (json_int_t)p->cells, "met", p->met, "recipe", p->recipe,
                     "library", p->library_sha256.hex, "tools", p->tools);
}

static bool ppa_from_json(json_t *json, rg_rtl_ppa_result *p) {
    const char *recipe, *library, *tools;
    json_int_t cells;
    int met;
    if (!json || json_unpack(json, "{sF sF sF sI sb ss ss ss}", "area_um2", &p->area_um2, "area_ge",
                             &p->area_ge, "delay_ns", &p->delay_ns, "cells", &cells, "met", &met, "recipe",
                             &recipe, "library", &library, "tools", &tools) != 0)
        return false;
    p->cells = cells;
    p->met = met;
    snprintf(p->recipe, sizeof p->recipe, "%s", recipe);
    snprintf(p->library_sha256.hex, sizeof p->library_sha256.hex, "%s", library);
    snprintf(p->tools, sizeof p->tools, "%s", tools);
    return true;
}

static json_t *job_key(const study *s, const rg_rtl_unit *unit) {
    return json_pack("{ss sf ss ss}", "unit", unit->text, "delay_ns", s->delay_ns, "liberty",
                     s->liberty ? s->liberty : "default", "program", s->program_sha256.hex);
}

static void job_dir(const study *s, const rg_rtl_unit *unit, char *dir, size_t size) {
    int n = snprintf(dir, size, "%s/silicon/", s->out_dir);
    for (const char *p = unit->text; *p && (size_t)n + 2 < size; p++)
        if (isalnum((unsigned char)*p))
            dir[n++] = *p;
        else if (n && dir[n - 1] != '-' && dir[n - 1] != '/')
            dir[n++] = '-';
    while (n && dir[n - 1] == '-') n--;
    dir[n] = 0;
}

static rg_status job_run(const study *s, job *j, rg_error *err) {
    char dir[4096];
    job_dir(s, &j->unit, dir, sizeof dir);
    RG_TRY(rg_rtl_generate(&j->unit, dir, err));
    RG_TRY(rg_rtl_verify(dir, &j->verified, err));
    if (j->verified.mismatches)
        return rg_fail(err, RG_ERR_MISMATCH, dir, "no mismatch",
                       "%llu of %llu vectors differ between Verilog and C",
                       (unsigned long long)j->verified.mismatches, (unsigned long long)j->verified.vectors);
    rg_rtl_ppa_options options = {.liberty = s->liberty, .delay_ns = s->delay_ns};
    RG_TRY(rg_rtl_ppa(dir, &options, &j->at_target, err));
    options.delay_ns = 0;
    return rg_rtl_ppa(dir, &options, &j->fastest, err);
}

static void job_load(const study *s, job *j) {
    json_t *key = job_key(s, &j->unit), *item = study_item_get(s, "silicon", key);
    j->finished = item && ppa_from_json(json_object_get(item, "at_target"), &j->at_target) &&
                  ppa_from_json(json_object_get(item, "fastest"), &j->fastest);
    json_decref(item);
    json_decref(key);
}

static rg_status job_store(const study *s, const job *j, rg_error *err) {
    json_t *key = job_key(s, &j->unit);
    json_t *result =
        json_pack("{so so sI sI ss}", "at_target", ppa_json(&j->at_target), "fastest", ppa_json(&j->fastest),
                  "vectors", (json_int_t)j->verified.vectors, "mismatches",
                  (json_int_t)j->verified.mismatches, "simulator", j->verified.simulator);
    rg_status status = key && result ? study_item_put(s, "silicon", key, result, err)
                                     : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    json_decref(result);
    json_decref(key);
    return status;
}

/* delay_ns: the target of the command that gives the value; 0: the fastest. */
static rg_status claim_value(study *s, const job *j, double delay_ns, const char *what, double value,
                             const char *unit, char id[17], rg_error *err) {
    char subject[256], command[8448], dir[4096], library[4200] = "";
    job_dir(s, &j->unit, dir, sizeof dir);
    snprintf(subject, sizeof subject, "silicon/%s/%s", j->unit.text, what);
    if (s->liberty) snprintf(library, sizeof library, " --liberty '%.4000s'", s->liberty);
    snprintf(command, sizeof command, "ridge rtl ppa '%s' --delay %g%s --json", dir + strlen(s->out_dir) + 1,
             delay_ns, library);
    const rg_claim_input input = {"liberty", s->liberty ? s->liberty : rg_rtl_default_liberty(),
                                  j->at_target.library_sha256.hex};
    const rg_claim claim = {.kind = RG_SIMULATED,
                            .subject = subject,
                            .value = value,
                            .unit = unit,
                            .lo = NAN,
                            .hi = NAN,
                            .n_inputs = 1,
                            .input = &input,
                            .source = j->at_target.tools,
                            .command = command};
    return study_claim(s, &claim, id, err);
}

static rg_status give(study *s, const job *j, study_silicon *v, rg_error *err) {
    *v = (study_silicon){.known = true,
                         .area_um2 = j->at_target.area_um2,
                         .area_ge = j->at_target.area_ge,
                         .delay_ns = j->at_target.delay_ns,
                         .fastest_ns = j->fastest.delay_ns,
                         .met = j->at_target.met};
    snprintf(v->unit, sizeof v->unit, "%s", j->unit.text);
    snprintf(v->recipe, sizeof v->recipe, "%s", j->at_target.recipe);
    snprintf(v->tools, sizeof v->tools, "%s", j->at_target.tools);
    char at[64];
    snprintf(at, sizeof at, "area_um2@%gns", s->delay_ns);
    RG_TRY(claim_value(s, j, s->delay_ns, at, v->area_um2, "um2", v->claim_area, err));
    snprintf(at, sizeof at, "area_ge@%gns", s->delay_ns);
    RG_TRY(claim_value(s, j, s->delay_ns, at, v->area_ge, "gate equivalent", v->claim_ge, err));
    snprintf(at, sizeof at, "delay_ns@%gns", s->delay_ns);
    RG_TRY(claim_value(s, j, s->delay_ns, at, v->delay_ns, "ns", v->claim_delay, err));
    return claim_value(s, j, 0, "fastest_ns", v->fastest_ns, "ns", v->claim_fastest, err);
}

/* As many units at a time as there are cores: the tools are single-threaded. Progress is told by one thread
 * at a time. */
static rg_status run_jobs(study *s, job *jobs, size_t n, rg_error *err) {
    bool go_on = true;
    size_t done = 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < n; i++) {
        job *j = &jobs[i];
        bool run;
#pragma omp critical(study_silicon)
        run = go_on;
        if (run && !j->finished) {
            j->status = job_run(s, j, &j->err);
            if (j->status == RG_OK) j->status = job_store(s, j, &j->err);
        }
#pragma omp critical(study_silicon)
        {
            done++;
            go_on = go_on && j->status == RG_OK &&
                    rg_progress_step(s->progress, "silicon: generate, verify, synthesise", (double)done,
                                     (double)n);
        }
    }
    for (size_t i = 0; i < n; i++)
        if (jobs[i].status != RG_OK) {
            if (err) *err = jobs[i].err;
            return jobs[i].status;
        }
    return go_on ? RG_OK : rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "stopped; what was finished is kept");
}

rg_status study_silicon_all(study *s, rg_error *err) {
    if (s->lanes == 0) {
        snprintf(s->tools_note, sizeof s->tools_note,
                 "The study has no silicon section: no unit was synthesised.");
        return RG_OK;
    }
    job *jobs = calloc(s->n_options, sizeof *jobs);
    size_t n = 0, of_option[STUDY_MAX_OPTIONS];
    rg_status status = jobs ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; status == RG_OK && i < s->n_options; i++) {
        char text[1200];
        rg_rtl_unit unit;
        snprintf(text, sizeof text, "dot(a=%s,b=%s,n=%lld)", s->option[i].activation, s->option[i].weight,
                 (long long)s->lanes);
        status = rg_rtl_unit_parse(text, &unit, err);
        if (status != RG_OK) break;
        size_t k = 0;
        while (k < n && strcmp(jobs[k].unit.text, unit.text) != 0) k++;
        of_option[i] = k;
        if (k < n) continue;
        jobs[n].unit = unit;
        job_load(s, &jobs[n++]);
    }
    if (status == RG_OK) status = run_jobs(s, jobs, n, err);
    for (size_t i = 0; status == RG_OK && i < s->n_options; i++)
        status = give(s, &jobs[of_option[i]], &s->option[i].silicon, err);
    free(jobs);
    return status;
}
