import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another holder, in this process or another, has the data directory open. */
export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse'
  readonly directory: string

  constructor(directory: string) {
    super(`The data directory ${directory} is in use by another running instance.`)
    this.directory = directory
  }
}

/** The data directory cannot be created, opened or written; `cause` holds the reason of the system. */
export class DataDirectoryUnusable extends Error {
  override readonly name = 'DataDirectoryUnusable'
  readonly directory: string

  constructor(directory: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`The data directory ${directory} cannot be used: ${reason}.`, { cause })
    this.directory = directory
  }
}

/** The exclusive right to a data directory; `release` may be called twice. */
export interface DirectoryLock {
  release(): void
}

// https://www.sqlite.org/rescode.html#busy
const sqliteBusy = 5

/**
 * Takes the only lock on a directory, which it creates with mode 0700 when missing.
 * @throws {DataDirectoryInUse} @throws {DataDirectoryUnusable}
 */
export function lockDirectory(directory: string): DirectoryLock {
  // SQLite's lock is the kernel's: it ends with its holder however that dies, so none is ever stale, and unlike flock it
  // exists on every platform. Nothing else in this process may open the file: closing it would drop the lock (POSIX).
  let database: DatabaseSync | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    database = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 })
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    throw isBusy(cause) ? new DataDirectoryInUse(directory) : new DataDirectoryUnusable(directory, cause)
  }
  const held = database
  return {
    // The file stays: deleting it would let two processes lock two files of one name.
    release: () => {
      if (held.isOpen) held.close()
    },
  }
}

function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy
}
