import { createClient } from 'taskmaster/client'
import { wordCount } from './handlers/word-count.ts'

const client = createClient({ url: process.env.TASKMASTER_SERVER ?? 'http://localhost:8081' })

// What is given and what comes back are checked by the compiler: the definition is all that the two sides share.
const handle = await client.submit(wordCount, {
  texts: ['to be or not to be', 'that is the question'],
  pauseMs: 50,
})
const { words } = await handle.result()
console.log(`Counted ${words} words.`)
