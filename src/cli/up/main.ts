import { runUp } from './run.ts'

await runUp(process.argv.slice(2), process.env)
