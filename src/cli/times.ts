/** An ISO instant as local date and time to the second; empty for null and ''. */
export function formatTime(iso: string | null): string {
  if (!iso) return ''
  const at = new Date(iso)
  const two = (part: number) => String(part).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
