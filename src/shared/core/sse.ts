export interface SseMessage {
  id: string
  /** `message` unless it says otherwise. */
  event: string
  data: string
}

/** Reads server-sent events: give it text as it arrives, and it calls `onMessage` for each whole message. */
export function createSseReader(onMessage: (message: SseMessage) => void): (text: string) => void {
  let rest = ''
  let id = ''
  let data: string[] = []
  let event = 'message'
  return (text) => {
    rest += text
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) onMessage({ id, event, data: data.join('\n') })
        data = []
        event = 'message'
        continue
      }
      const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? []
      if (field === 'id') id = value
      else if (field === 'event') event = value
      else if (field === 'data') data.push(value)
    }
  }
}
