/** fast-check with the seed of the run: every property test imports it from here. */
import fc from 'fast-check'
import { seed } from './seed.ts'

fc.configureGlobal({ seed })

export default fc
