# Says what the biggest of some folders are, and leaves the figures behind as its result.
# It is given FOLDERS, separated by spaces, and fails when one of them is not there.
set -eu
total=0
rows=''
for folder in ${FOLDERS:-/tmp}; do
  [ -d "$folder" ] || { echo "no such folder: $folder" >&2; exit 2; }
  kilobytes=$(du -skx "$folder" 2>/dev/null | cut -f1)
  echo "$folder: $kilobytes KiB"
  rows="$rows,{\"folder\":\"$folder\",\"kilobytes\":$kilobytes}"
  total=$((total + kilobytes))
done
echo "{\"total\":$total,\"folders\":[${rows#,}]}" > "$TASKMASTER_RESULT"
