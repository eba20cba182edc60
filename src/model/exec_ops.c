/* The operators that the executor knows. */
#include "model/exec.h"

static const exec_op *const ops[RG_N_OPS] = {
    [RG_OP_EMBED] = &exec_op_embed,
    [RG_OP_RMSNORM] = &exec_op_rmsnorm,
    [RG_OP_LINEAR] = &exec_op_linear,
    [RG_OP_ROPE] = &exec_op_rope,
    [RG_OP_ATTENTION] = &exec_op_attention,
    [RG_OP_SWIGLU] = &exec_op_swiglu,
    [RG_OP_ADD] = &exec_op_add,
    [RG_OP_MULTIPLY] = &exec_op_multiply,
    [RG_OP_ACTIVATION] = &exec_op_activation,
    [RG_OP_SLICE] = &exec_op_slice,
    [RG_OP_CONCAT] = &exec_op_concat,
    [RG_OP_CONV1D] = &exec_op_conv1d,
    [RG_OP_MAMBA2] = &exec_op_mamba2,
    [RG_OP_GATED_DELTA] = &exec_op_gated_delta,
    [RG_OP_LAYERNORM] = &exec_op_layernorm,
    [RG_OP_POSITION] = &exec_op_position,
    [RG_OP_FIRST_ROW] = &exec_op_first_row,
    [RG_OP_ROUTER] = &exec_op_router,
    [RG_OP_EXPERT_LINEAR] = &exec_op_expert_linear,
    [RG_OP_COMBINE] = &exec_op_combine,
    [RG_OP_SWIGLU_CLAMPED] = &exec_op_swiglu_clamped,
    [RG_OP_MLA] = &exec_op_mla,
};

const exec_op *exec_op_find(rg_op op) {
    return ops[op];
}
