#include "cli/cli.h"
#include "cli/cmd/commands.h"

#include <string.h>

static const struct gf_argument arguments[] = {
    {.name = "SHELL", .complete = "shell", .help = "bash, zsh or fish"},
};

/*
 * Each script asks `gofer __complete WORD...` with the words up to the cursor; a candidate and,
 * after a tab, what it is stand in each line of the answer. The line ":file" asks for names of
 * files.
 */
static const char bash_script[] =
    "# bash completion of gofer: source <(gofer completion bash)\n"
    "_gofer() {\n"
    "    local line word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        if [ \"$line\" = \":file\" ]; then\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            while IFS= read -r line; do\n"
    "                COMPREPLY+=(\"$line\")\n"
    "            done < <(compgen -f -- \"$word\")\n"
    "        else\n"
    "            COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
    "        fi\n"
    "    done < <(\"${COMP_WORDS[0]}\" __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _gofer gofer\n";

static const char zsh_script[] =
    "#compdef gofer\n"
    "# zsh completion of gofer: gofer completion zsh > \"${fpath[1]}/_gofer\"\n"
    "_gofer() {\n"
    "    local line\n"
    "    local -a candidates\n"
    "    for line in \"${(@f)$(${words[1]} __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; "
    "do\n"
    "        if [[ $line == :file ]]; then\n"
    "            _files\n"
    "        elif [[ -n $line ]]; then\n"
    "            candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "        fi\n"
    "    done\n"
    "    (( ${#candidates} )) && _describe gofer candidates\n"
    "}\n"
    "if [[ $funcstack[1] == _gofer ]]; then\n"
    "    _gofer \"$@\"\n"
    "else\n"
    "    compdef _gofer gofer\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion of gofer: gofer completion fish | source\n"
    "function __gofer_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)\n"
    "        if test \"$line\" = \":file\"\n"
    "            __fish_complete_path (commandline -ct)\n"
    "        else\n"
    "            echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c gofer -f -a '(__gofer_complete)'\n";

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct {
        const char *shell;
        const char *script;
    } scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(scripts); i++) {
        if (strcmp(parsed->arguments[0], scripts[i].shell) == 0) {
            fprintf(cli->out, "%s", scripts[i].script);
            return GF_EXIT_OK;
        }
    }
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_INVALID_ARGUMENT, "SHELL is one of bash, zsh and fish, not '%s'",
                  parsed->arguments[0]);
    return gf_cli_fail_usage(cli, &err);
}

const struct gf_command gf_cmd_completion = {
    .verb = "completion",
    .summary = "print a script that completes gofer's words in a shell",
    .description =
        "Names of pipelines, runs and the like are asked from the server while you type.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .examples = "source <(gofer completion bash)\ngofer completion fish | source",
    .offline = true,
    .run = run,
};
