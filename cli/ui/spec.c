#include "cli/ui/spec.h"

#include "cli/ui/message.h"

/* "after check (success), build (any)"; "at once" without parents. */
static const char *dependencies(struct gf_cli *cli, const Gofer__V1__TaskSpec *task) {
    if (task->n_depends_on == 0) {
        return "at once";
    }
    const char *text = "after";
    for (size_t i = 0; i < task->n_depends_on; i++) {
        text = gf_show_text(cli, "%s %s (%s)%s", text, task->depends_on[i]->key,
                            task->depends_on[i]->value, i + 1 < task->n_depends_on ? "," : "");
    }
    return text;
}

void gf_print_tasks(struct gf_cli *cli, const Gofer__V1__PipelineSpec *spec) {
    fprintf(cli->out, "Tasks:\n");
    for (size_t i = 0; i < spec->n_tasks; i++) {
        const Gofer__V1__TaskSpec *task = spec->tasks[i];
        fprintf(cli->out, "  %s  %s  %s\n", task->id, task->image, dependencies(cli, task));
    }
}
