#!/bin/sh
# A task to try things with: it works for 1 to 5 s, and fails about one time in five.
#   ./examples/task_example.sh
#   bun run taskmaster submit --executor shell --cmd "$PWD/examples/task_example.sh" --wait
# As a shell task it also leaves a result: the seconds that it took.
set -eu

# From 0 to just below $1. /dev/urandom, because two that start in the same second must not do the same.
random() {
  number=$(od -An -N2 -tu2 /dev/urandom)
  echo $((number % $1))
}

seconds=$(($(random 5) + 1))
echo "Task ${TASKMASTER_TASK_ID:-of nobody}, attempt ${TASKMASTER_ATTEMPT:-1}: working for $seconds s"
sleep "$seconds"

if [ "$(random 5)" -eq 0 ]; then
  echo "Failed, as one in five does" >&2
  exit 1
fi

if [ -n "${TASKMASTER_RESULT:-}" ]; then
  echo "{\"seconds\": $seconds}" >"$TASKMASTER_RESULT"
fi
echo "Done"
