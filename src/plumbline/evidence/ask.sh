# Asks one probe: runs the COMMAND $1, prints `oSTDOUT STATUS eSTDERR`, both encoded, all on one line.
#
# The arguments after it: $2 a word the command cannot know, $3 head, $4 tail, $5 base64, $6 how many bytes of
# output to keep, $7 a prefix that bounds each program where the time limit on this shell would not end them.
#
# Streams: 3 is the command's output on its way to base64, 5 carries what becomes $told, 6 is this shell's own
# output. The command itself holds none of them, so it can neither forge an answer nor keep one from ending.
#
# Programs cost a host more than anything else here. So the command runs in a copy of this shell, and the end of
# its complaints is kept by the shell, unless each must be bounded.
# shellcheck shell=sh disable=SC2086  # $7 is a command prefix
exec 6>&1
printf o
told=$({
    {
        {
            if [ -n "$7" ]; then
                $7 /bin/sh -c "$1" 2>&1 >&3 3>&- 5>&- 6>&-
            else
                (
                    asked=$1
                    set --
                    eval "$asked"
                ) 2>&1 >&3 3>&- 5>&- 6>&-
            fi
            echo "$2 $?" >&5
        } | if [ -n "$7" ]; then
            $7 "$4" -c 4096 3>&- 6>&-
        else
            older='' newer=''
            while IFS= read -r line; do
                newer="$newer$line
"
                [ ${#newer} -lt 2048 ] || { older=$newer newer=; }
            done
            printf '%s%s%s' "$older" "$newer" "$line"
        fi 3>&- 6>&-
    } 3>&1 >&5 | { $7 "$3" -c $(($6 + 1)) || kill $$; } 5>&- 6>&- | "$5" -w0 >&6 5>&-
} 5>&1) || exit 1
# The complaints are printed at the very end, so the status comes first; without it nothing was answered. Output
# that head was kept from reading to its end is no answer either: it ends this shell.
line_end='
'
status=${told%%"$line_end"*}
error=${told#"$status"}
error=${error#"$line_end"}
case $status in
"$2 137") [ -z "$7" ] || exit 124 ;;
"$2 "*) ;;
*) exit 1 ;;
esac
[ -z "$error" ] || error=$(printf %s "$error" | "$5" -w0)
printf ' %s e%s' "${status#* }" "$error"
