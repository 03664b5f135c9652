# Asks one probe: runs the COMMAND $1, prints `oSTDOUT STATUS eSTDERR`, both encoded, all on one line.
#
# The arguments after it: $2 a word the command cannot know, $3 head, $4 tail, $5 base64, $6 how many bytes of
# output to keep, $7 a prefix that bounds each program where the time limit on this shell would not end them.
#
# Streams: 3 is the command's output on its way to base64, 5 carries what becomes $told, 6 is this shell's own
# output. The command itself holds none of them, so it can neither forge an answer nor keep one from ending.
# shellcheck shell=sh disable=SC2086  # $7 is a command prefix
exec 6>&1
printf o
told=$({
    {
        {
            $7 /bin/sh -c "$1" 2>&1 >&3 3>&- 5>&- 6>&-
            echo "$2 $?" >&5
        } | $7 "$4" -c 4096 3>&- 6>&-
    } 3>&1 >&5 | { $7 "$3" -c $(($6 + 1)) || kill $$; } 5>&- 6>&- | "$5" -w0 >&6 5>&-
} 5>&1) || exit 1
# tail prints at the very end, so the status comes first; without it nothing was answered. Output that head was
# kept from reading to its end is no answer either: it ends this shell.
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
