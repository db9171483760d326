import { AppError } from '../shared/core/error.ts'

/**
 * The text of a file.
 *
 * @param path `-` is standard input
 * @throws `invalid` when it cannot be read
 */
export async function readText(path: string): Promise<string> {
  try {
    return await (path === '-' ? Bun.stdin : Bun.file(path)).text()
  } catch (error) {
    throw new AppError('invalid', `${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
