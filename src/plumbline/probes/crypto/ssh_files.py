"""Lines of SSH's configuration files and of those they take in, as sshd_config(5) and ssh_config(5) say."""

from __future__ import annotations

DEPTH_MAX = 16
"""How deep files may take in others (sshd and ssh themselves refuse more)."""

# What a file takes in inside a Match block holds for some only, however it is written there.
_READ = r"""
    { text = $0; sub(/\r$/, "", text); sub(/^[ \t]+/, "", text); sub(/^"/, "", text); low = tolower(text) }
    low ~ /^match("|=|[ \t]|$)/ { block = "match" }
    low ~ /^(@OPTIONS@)[ \t="]/ { print "line\t" FNR "\t" block "\t" $0 }
    low ~ /^include[ \t="]/ {
        rest = substr(text, 8)
        sub(/^"?[ \t]*=?[ \t]*/, "", rest)
        while (rest != "") {
            end = match(rest, /^"[^"]*"/) ? RLENGTH : match(rest, /^[^ \t]+/) ? RLENGTH : length(rest)
            word = substr(rest, 1, end)
            gsub(/"/, "", word)
            if (word != "" && word !~ /^#/) print "include\t" block "\t" word
            rest = substr(rest, end + 1)
            sub(/^[ \t]+/, "", rest)
        }
    }
"""


def print_settings(options: str) -> str:
    """Return a shell function `settings FILE DIRECTORY BLOCK DEPTH [CONFIG]` that prints rows of tag `line`.

    `options` are the names to print, in lower case, joined by `|`. DIRECTORY is where relative names lie,
    BLOCK is `all` or `match`. Rows hold file, number and line; with CONFIG also that, first, and the block.
    """
    return rf"""
tab=$(printf '\t')
settings() (
    directory=$2 depth=$4 config=${{5-}}
    [ "$depth" -le {DEPTH_MAX} ] || exit 0
    shown=$1
    case $shown in *[[:cntrl:]]*) shown=$(printf %s "$shown" | tr '[:cntrl:]' '?') ;; esac
    awk -v block="$3" '{_READ.replace("@OPTIONS@", options)}' <"$1" | while IFS= read -r row; do
        rest=${{row#*"$tab"}}
        case $row in
        line*)
            number=${{rest%%"$tab"*}} rest=${{rest#*"$tab"}}
            block=${{rest%%"$tab"*}} text=${{rest#*"$tab"}}
            if [ -n "$config" ]; then
                printf 'line\t%s\t%s\t%s\t%s\t%s\n' "$config" "$shown" "$number" "$block" "$text"
            else
                printf 'line\t%s\t%s\t%s\n' "$shown" "$number" "$text"
            fi
            ;;
        include*)
            block=${{rest%%"$tab"*}} pattern=${{rest#*"$tab"}}
            case $pattern in /*) ;; '~/'*) pattern=${{directory%/.ssh}}/${{pattern#'~/'}} ;;
            *) pattern=$directory/$pattern ;; esac
            IFS=''
            for included in $pattern; do
                [ ! -f "$included" ] || settings "$included" "$directory" "$block" $((depth + 1)) $config
            done
            ;;
        esac
    done
)
"""
