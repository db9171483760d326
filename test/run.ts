import { runInstalled } from '../src/cli/install.ts'

await runInstalled(`${import.meta.dir}/support/runner.ts`)
