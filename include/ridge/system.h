/* Systems as data: chips joined level by level, each level with its links. The files are
   data/systems/<id>.yaml and data/links/<id>.yaml; docs/systems.md says how to write them. */
#ifndef RIDGE_SYSTEM_H
#define RIDGE_SYSTEM_H

#include "ridge/hw.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- links ------------------------------------------------------------------------------------------- */

typedef struct rg_link {
    rg_arena arena;
    const char *id, *name, *vendor, *kind, *notes,
        *file; /* kind: "scale-up", "scale-out"; notes may be NULL */
    int year;
    rg_value bytes_per_s; /* of one link, one direction */
    rg_value latency_s;   /* of one step of a collective: one message between two chips */
    rg_value start_s;     /* of a collective or a message, once: launch and protocol */
    rg_value efficiency;  /* share of bytes_per_s that large messages reach */
} rg_link;

/* <data_dir>/links/<id>.yaml, as strict as a chip file; an unknown id is RG_ERR_USAGE. */
rg_status rg_link_open(rg_link *out, const char *id, const char *data_dir, rg_error *err);
rg_status rg_link_parse(rg_link *out, const char *text, size_t size, const char *name, rg_error *err);
void rg_link_close(rg_link *link);
/* Ids in the folder, sorted, in the arena; the same for systems below. */
rg_status rg_link_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err);

/* ---- systems ----------------------------------------------------------------------------------------- */

typedef enum rg_topology {
    RG_TOPOLOGY_SWITCH,
    RG_TOPOLOGY_MESH, /* every pair has a link */
    RG_TOPOLOGY_RING,
    RG_TOPOLOGY_TORUS
} rg_topology;
const char *rg_topology_name(rg_topology topology);

enum { RG_MAX_LEVELS = 4, RG_MAX_AXES = 3 };

typedef struct rg_system_level {
    const char *name; /* "nvlink", "infiniband", "ici" */
    const char *link; /* id of data/links, or NULL */
    rg_topology topology;
    double n_chips;           /* chips joined up to this level: 8; 16384 */
    int n_axes;               /* TORUS: */
    double axis[RG_MAX_AXES]; /* units along each axis, chips or domains of the level below */
    bool wraps;               /* RING, TORUS: ends are joined */
    rg_value bytes_per_s;     /* one chip, one direction, all its links of this level */
    rg_value latency_s;       /* of one step of a collective: one message between two chips */
    rg_value start_s;         /* of a collective or a message, once: launch and protocol */
    rg_value efficiency;      /* share of bytes_per_s that large messages reach */
    bool reduces;             /* its switches sum: in-switch all-reduce */
} rg_system_level;

typedef struct rg_system {
    rg_arena arena;
    const char *id, *name, *file, *notes; /* notes may be NULL */
    size_t n_alias;
    const char **alias;
    rg_chip chip;
    size_t n_levels;
    rg_system_level level[RG_MAX_LEVELS]; /* smallest domain first */
    rg_value usd_per_chip_h;              /* assumption, may not be given */
    rg_value watt_per_chip; /* whole system per chip, host and network included; may not be given */
} rg_system;

/* By id or alias from <data_dir>/systems; or a chip by id or alias: that chip with its own scale-up domain
   (no level where its file gives none). An unknown name is RG_ERR_USAGE. Close with rg_system_close. */
rg_status rg_system_open(rg_system *out, const char *id, const char *data_dir, rg_error *err);
/* The same from text; chip and links are those of data_dir. */
rg_status rg_system_parse(rg_system *out, const char *text, size_t size, const char *name,
                          const char *data_dir, rg_error *err);
void rg_system_close(rg_system *s);
rg_status rg_system_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err);

/* "nvlink.bandwidth=x2", "infiniband.latency=3 us", ".chips=72", ".axes=4x4x4", ".reduces=true",
   "cost.rent=2 USD/h", "power.chip=1.2 kW"; any other name is a number of the chip (rg_chip_set). The chip's
   scaleup.bandwidth and the first level's are one number, whichever is set. */
rg_status rg_system_set(rg_system *s, const char *assignment, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
