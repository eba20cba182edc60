/* The self-checking testbench, readable by iverilog and verilator alike. */
#include "rtl/emit.h"

void rtl_emit_testbench(rg_str *o, const rg_rtl_unit *u, uint64_t n_vectors) {
    char top[96];
    rtl_port port[4];
    const int n = rtl_ports(u, port);
    rtl_top_name(u, top, sizeof top);
    int row = 0, outputs = 0;
    for (int i = 0; i < n; i++) row += port[i].bits, outputs += port[i].output ? port[i].bits : 0;
    const unsigned long long last = (unsigned long long)n_vectors - 1;
    rg_str_printf(
        o, "// Compares %s with the vectors of the C datapath.\n// A row of vectors.hex is {%s%s, b, a}.\n",
        top, n > 3 ? "invalid, " : "", port[2].name);
    rg_str_add(o, "module testbench;\n");
    rg_str_printf(o, "    reg [%d:0] rows [0:%llu];\n    reg [%d:0] row;\n", row - 1, last, row - 1);
    rg_str_printf(o, "    wire [%d:0] got;\n    wire [%d:0] want = row[%d:%d];\n", outputs - 1, outputs - 1,
                  row - 1, row - outputs);
    rg_str_printf(o, "    integer i, mismatches;\n    %s unit (.a(row[%d:0]), .b(row[%d:%d]), .%s(got[%d:0])",
                  top, port[0].bits - 1, port[0].bits + port[1].bits - 1, port[0].bits, port[2].name,
                  port[2].bits - 1);
    if (n > 3) rg_str_printf(o, ", .invalid(got[%d])", port[2].bits);
    rg_str_add(o,
               ");\n    initial begin\n        $readmemh(\"vectors.hex\", rows);\n        mismatches = 0;\n");
    rg_str_printf(
        o, "        for (i = 0; i <= %llu; i = i + 1) begin\n            row = rows[i];\n            #1;\n",
        last);
    rg_str_add(o, "            if (got !== want) begin\n                if (mismatches < 5)\n"
                  "                    $display(\"vector %0d: a %h b %h got %h want %h\", i,\n");
    rg_str_printf(o, "                             row[%d:0], row[%d:%d], got, want);\n", port[0].bits - 1,
                  port[0].bits + port[1].bits - 1, port[0].bits);
    rg_str_add(o, "                mismatches = mismatches + 1;\n            end\n        end\n");
    rg_str_printf(o, "        $display(\"RESULT vectors %%0d mismatches %%0d\", i, mismatches);\n        "
                     "$finish;\n    end\nendmodule\n");
}
