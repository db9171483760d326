import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../shared/core/error.ts'
import { type Lock, lock } from './lock.ts'

const ANOTHER = 'bun run up --folder <path>'

/**
 * Makes the launcher's folder and takes it for this process.
 *
 * @throws `invalid` when it cannot be written, `conflict` when another launcher has it; both say what to do
 */
export async function takeFolder(folder: string): Promise<Lock> {
  try {
    await mkdir(join(folder, 'logs'), { recursive: true })
    await access(folder, constants.W_OK | constants.X_OK)
    await access(join(folder, 'logs'), constants.W_OK | constants.X_OK)
    return lock(join(folder, 'up.lock'))
  } catch (error) {
    if (error instanceof AppError) {
      const what = `TaskMaster already runs on ${folder} (${error.message})`
      throw new AppError('conflict', `${what}. Stop that, or choose another folder: ${ANOTHER}`)
    }
    const what = `cannot write to the folder ${folder} (${(error as NodeJS.ErrnoException).code})`
    throw new AppError('invalid', `${what}. Make it writable, or choose another: ${ANOTHER}`, {
      cause: error,
    })
  }
}
