/**
 * What runs as `sh -c GUARD <command>`: it becomes the command, and leaves one behind in its process group that waits
 * for the end of a pipe which only the worker holds. However that end comes, by the worker or with it, the whole group
 * is killed.
 */
export const GUARD = `(trap '' TERM INT HUP QUIT; read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 &
exec 3<&-; exec sh -c "$0"`
