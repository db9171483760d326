import { runInstalled } from './install.ts'

await runInstalled(`${import.meta.dir}/up/main.ts`)
