# Steps that say what they do: a script sources this, names its log, and runs its commands with `step`.
#
#   open_log build/demo.log
#   step "Compiling the engine" cmake --build build
#
# On a terminal a step is one line with a running clock, in a log two plain lines. What its command prints goes to
# the log; when it fails, the end of that is shown, and the script ends with the command's exit code.
# shellcheck shell=bash

# Where the output of steps goes; a script that another one runs writes to the same file.
open_log() {
  if [[ -z "${OBJECTPIPES_LOG:-}" ]]; then
    mkdir -p "$(dirname "$1")"
    export OBJECTPIPES_LOG="$PWD/$1"
    : >"$OBJECTPIPES_LOG"
    echo "Details are in $1."
  fi
}

# The time since the second $1, as "7 s" or "2 min 05 s".
_elapsed() {
  local seconds=$((SECONDS - $1))
  if ((seconds < 60)); then printf '%d s' "$seconds"; else printf '%d min %02d s' $((seconds / 60)) $((seconds % 60)); fi
}

# Shows the title until the process $2 has ended: on a terminal with a clock, else once a minute.
_watch() {
  local title=$1 pid=$2 began=$3 told=$3
  if [[ ! -t 1 ]]; then printf '%s ...\n' "$title"; fi
  while kill -0 "$pid" 2>/dev/null; do
    if [[ -t 1 ]]; then
      printf '\r\033[K%s ... %s' "$title" "$(_elapsed "$began")"
    elif ((SECONDS - told >= 60)); then
      told=$SECONDS
      printf '  still running after %s\n' "$(_elapsed "$began")"
    fi
    sleep 0.5
  done
}

_explain_failure() {
  local title=$1 code=$2 from=$3
  echo "The step \"$title\" failed with exit code $code. The end of its output:" >&2
  tail -n "+$((from + 1))" "$OBJECTPIPES_LOG" | tail -n 25 | sed 's/^/  | /' >&2
  echo "The complete output is in $OBJECTPIPES_LOG. Fix the cause that it names, then run the same command again:" >&2
  echo "finished steps are not repeated." >&2
}

# step TITLE COMMAND [ARGUMENT...]
step() {
  local title=$1 began=$SECONDS from code=0
  shift
  from=$(wc -l <"$OBJECTPIPES_LOG")
  printf '\n==> %s: %s\n' "$title" "$*" >>"$OBJECTPIPES_LOG"
  "$@" >>"$OBJECTPIPES_LOG" 2>&1 </dev/null &
  local pid=$!
  _watch "$title" "$pid" "$began"
  wait "$pid" || code=$?
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
  if ((code != 0)); then
    _explain_failure "$title" "$code" "$from"
    exit "$code"
  fi
  printf '%s: %s\n' "$title" "$(_elapsed "$began")"
}

# The same for a command whose output people want to see: it is shown as it comes.
shown_step() {
  local title=$1 began=$SECONDS
  shift
  printf '%s ...\n' "$title"
  "$@"
  printf '%s: %s\n' "$title" "$(_elapsed "$began")"
}
